"""One row for a version, one link for a project, whoever asks first."""

from datetime import UTC, datetime

import pytest

from tests.support.factories import a_project, an_organization
from vedette.issues.models import Activity
from vedette.projects.models import Project, ProjectFlags
from vedette.releases.creation import attach, get_or_create
from vedette.releases.models import Release, ReleaseProject, ReleaseStatus
from vedette.releases.versions import InvalidVersion

MORNING = datetime(2026, 3, 1, 8, tzinfo=UTC)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def acme(db):
    return an_organization("acme")


def test_a_release_is_made_with_its_columns(acme):
    release, is_new = get_or_create(acme, "web@1.2.3-rc.1+45", now=NOON, defaults={"url": "https://example.com"})

    assert is_new
    assert release == Release.objects.get()
    assert (release.date_added, release.sort_date) == (NOON, NOON)
    assert (release.package, release.major, release.minor, release.patch) == ("web", 1, 2, 3)
    assert (release.prerelease, release.build_code, release.build_number) == ("rc.1", "45", 45)
    assert (release.url, release.data, release.authors, release.status) == (
        "https://example.com",
        {},
        [],
        ReleaseStatus.OPEN,
    )


def test_a_release_that_is_there_keeps_what_it_says(acme):
    get_or_create(acme, "1.0", now=NOON, defaults={"url": "https://example.com/1"})

    release, is_new = get_or_create(acme, "1.0", now=NOON, defaults={"url": "https://example.com/2"})

    assert not is_new
    assert release.url == "https://example.com/1"


@pytest.mark.parametrize(("second", "date"), [(MORNING, MORNING), (NOON, MORNING)], ids=["earlier", "later"])
def test_who_comes_second_witnesses_the_release(acme, second, date):
    get_or_create(acme, "1.0", now=NOON if second == MORNING else MORNING, defaults={})

    release, _ = get_or_create(acme, "1.0", now=second, defaults={})

    assert release.date_added == date
    assert Release.objects.get().date_added == date


def test_a_version_belongs_to_its_organization(acme):
    get_or_create(acme, "1.0", now=NOON, defaults={})

    _, is_new = get_or_create(an_organization("other"), "1.0", now=NOON, defaults={})

    assert is_new


@pytest.mark.parametrize("version", ["", " ", ".", "..", "latest", " LATEST", "a/b", "a\\b", "a\nb", "x" * 251])
def test_what_names_no_release_makes_none(acme, version):
    with pytest.raises(InvalidVersion):
        get_or_create(acme, version, now=NOON, defaults={})

    assert not Release.objects.exists()


def test_a_version_is_not_trimmed(acme):
    get_or_create(acme, "1.0", now=NOON, defaults={})

    release, is_new = get_or_create(acme, " 1.0 ", now=NOON, defaults={})

    assert is_new
    assert release.version == " 1.0 "


def test_links_are_made_once_and_told_in_the_order_asked_for(acme):
    web, shop, api = (a_project(acme, slug) for slug in ("web", "shop", "api"))
    release, _ = get_or_create(acme, "1.0", now=NOON, defaults={})

    first = attach(release, [shop, web])
    second = attach(release, [api, shop, web, api])

    assert [project.slug for project in first] == ["shop", "web"]
    assert [project.slug for project in second] == ["api"]
    assert ReleaseProject.objects.filter(release=release, new_groups=0).count() == 3


def test_a_project_learns_that_it_has_releases(acme):
    web, shop = a_project(acme, "web"), a_project(acme, "shop")
    release, _ = get_or_create(acme, "1.0", now=NOON, defaults={})

    attach(release, [web])

    flags = dict(Project.objects.values_list("pk", "flags"))
    assert flags[web.pk] & ProjectFlags.HAS_RELEASES
    assert flags[web.pk] & ProjectFlags.HAS_ALERT_FILTERS
    assert not flags[shop.pk] & ProjectFlags.HAS_RELEASES
    assert not Activity.objects.exists()
