"""Which release of a project is the latest, and whether its versions or its dates say so."""

from datetime import timedelta

import pytest

from tests.support.factories import NOON, a_project, a_release, an_organization
from vedette.projects.models import Environment, ProjectOption
from vedette.projects.options import RELEASE_ORDERING
from vedette.releases import ordering
from vedette.releases.latest import latest_versions, newest_release
from vedette.releases.models import Release, ReleaseProjectEnvironment, ReleaseStatus
from vedette.releases.ordering import Ordering, orderings

pytestmark = pytest.mark.django_db


@pytest.fixture
def web():
    return a_project()


def in_turn(project, *versions, **fields):
    return [
        a_release(version, project, **{"date_added": NOON + timedelta(minutes=place), **fields})
        for place, version in enumerate(versions)
    ]


def latest(project, *environments, **how):
    return latest_versions(project.organization_id, [project.pk], environments, **how)


def seen(release, project, environment, **fields):
    row, _ = Environment.objects.get_or_create(organization_id=project.organization_id, name=environment)
    ReleaseProjectEnvironment.objects.create(
        release=release, project=project, environment=row, first_seen=NOON, last_seen=NOON, **fields
    )


def order_by(project, how):
    ProjectOption.objects.create(project=project, key=RELEASE_ORDERING.key, value=how)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        pytest.param(["a@2.0", "a@1.0"], "a@2.0", id="the greatest version"),
        pytest.param(["a@1.0", "a@1.0-rc.1"], "a@1.0", id="a final one before its pre-releases"),
        pytest.param(["a@1.0-rc.10", "a@1.0-rc.9"], "a@1.0-rc.10", id="pre-releases by number"),
        pytest.param(["a@1.0+2", "a@1.0+1"], "a@1.0+1", id="equal ones by which was made later"),
        pytest.param(["a@1.0", "junk", "a@0.9"], "a@1.0", id="those that parse"),
        pytest.param(["b", "c", "a"], "a", id="by date where nothing parses"),
        pytest.param(["a@9.0", "x"], "x", id="by date where the project does not follow"),
        pytest.param([], None, id="none"),
    ],
)
def test_the_latest_release_of_a_project(web, versions, expected):
    in_turn(web, *versions)

    assert latest(web) == ([expected] if expected else [])


def test_the_release_date_counts_before_the_first_sight(web):
    in_turn(web, "a", "b")
    a_release("released", web, date_added=NOON - timedelta(days=9), date_released=NOON + timedelta(days=1))

    assert latest(web) == ["released"]


def test_an_archived_release_is_the_latest_only_where_there_is_no_other(web):
    first, second = in_turn(web, "a@1.0", "a@2.0")
    Release.objects.filter(pk=second.pk).update(status=ReleaseStatus.ARCHIVED)
    assert latest(web) == ["a@1.0"]

    Release.objects.filter(pk=first.pk).update(status=ReleaseStatus.ARCHIVED)
    assert latest(web) == ["a@2.0"]


def test_what_a_new_issue_is_fixed_in_is_the_newest_whatever_its_version_and_status(web):
    in_turn(web, "a@2.0", "a@1.0")
    a_release("a@0.1", web, date_added=NOON + timedelta(hours=1), status=ReleaseStatus.ARCHIVED)

    assert newest_release(web.organization_id, web.pk).version == "a@0.1"
    assert newest_release(web.organization_id, a_project(an_organization("other")).pk) is None


def test_environments_and_adoption_narrow_what_is_looked_at(web):
    first, second, _ = in_turn(web, "a@1.0", "a@2.0", "a@3.0")
    seen(first, web, "prod", adopted=NOON)
    seen(second, web, "prod", adopted=NOON, unadopted=NOON)
    seen(second, web, "dev", adopted=NOON)

    assert latest(web, "prod") == ["a@2.0"]
    assert latest(web, "prod", adopted_only=True) == ["a@1.0"]
    assert latest(web, adopted_only=True) == ["a@2.0"]
    assert latest(web, "nowhere") == []


def test_several_projects_have_a_sorted_set(web):
    shop = a_project(web.organization, "shop")
    a_release("z@1.0", web, shop, date_added=NOON)
    a_release("a@2.0", a_project(web.organization, "api"), date_added=NOON)
    projects = web.organization.projects.values_list("pk", flat=True)

    assert latest_versions(web.organization_id, projects) == ["a@2.0", "z@1.0"]


def test_another_organizations_release_is_never_the_latest(web):
    theirs = a_project(an_organization("other"), "theirs")
    in_turn(theirs, "secret@1.0")

    assert latest_versions(web.organization_id, [theirs.pk]) == []


def test_a_project_can_order_versions_that_have_no_package(web):
    in_turn(web, "1.10", "1.9", "junk", "a@1.5")
    order_by(web, "semver")

    assert latest(web) == ["1.10"]


def test_versions_with_a_package_are_among_them(web):
    in_turn(web, "a@2.0", "1.10", "1.9")
    order_by(web, "semver")

    assert latest(web) == ["a@2.0"]


@pytest.mark.parametrize("few", [0, 1000], ids=["many releases", "few releases"])
def test_a_project_with_many_releases_is_answered_like_one_with_few(web, monkeypatch, few):
    monkeypatch.setattr(ordering, "_FEW", few)
    in_turn(a_project(web.organization, "shop"), "a@9.0", "a@8.0")
    in_turn(web, "a@1.0", "a@3.0", "a@2.0")

    assert latest(web) == ["a@3.0"]
    assert newest_release(web.organization_id, web.pk).version == "a@2.0"
    assert newest_release(an_organization("other").pk, web.pk) is None


class TestOrdering:
    def test_a_project_without_releases_follows_no_versions(self, web):
        assert orderings([web.pk]) == {web.pk: Ordering()}

    @pytest.mark.parametrize("status", [ReleaseStatus.OPEN, None])
    def test_what_is_made_or_archived_counts_at_once(self, web, status):
        in_turn(web, "junk")
        assert not orderings([web.pk])[web.pk].by_version

        release = a_release("a@1.0", web, date_added=NOON + timedelta(hours=1), status=status)
        assert orderings([web.pk])[web.pk].by_version

        Release.objects.filter(pk=release.pk).update(status=ReleaseStatus.ARCHIVED)
        assert not orderings([web.pk])[web.pk].by_version

        Release.objects.filter(pk=release.pk).update(status=status)
        assert orderings([web.pk])[web.pk].by_version

    def test_only_the_ten_newest_count(self, web):
        in_turn(web, *(f"a@{number}.0" for number in range(5)))
        assert orderings([web.pk])[web.pk].by_version

        in_turn(web, *(f"junk{number}" for number in range(10)), date_added=NOON + timedelta(hours=1))
        assert not orderings([web.pk])[web.pk].by_version

    def test_each_project_has_its_own_ordering(self, web):
        shop = a_project(web.organization, "shop")
        in_turn(web, "a@1.0")
        in_turn(shop, "junk")

        found = orderings([web.pk, shop.pk])

        assert (found[web.pk].by_version, found[shop.pk].by_version) == (True, False)
