"""Long lists in pages: each row once, whoever follows the links, jumps, or comes after what remembered them is gone."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from tests.support.factories import NOON, a_project, a_release, an_organization
from vedette.projects.models import Environment
from vedette.releases import adoptedlegs, conditions, listing, rankedlegs, walking
from vedette.releases.conditions import Scope
from vedette.releases.health import HealthQuestion
from vedette.releases.listing import Wanted
from vedette.releases.models import Release, ReleaseProjectEnvironment

pytestmark = pytest.mark.django_db

VERSIONS = (
    "web@1.0+5",
    "web@1.0+4",
    "web@2.0-rc.1+5",
    "web@2.0+7",
    "api@1.0",
    "junk",
    "3a5b",
    "web@1.10+6",
    "api@1.0.1",
)


@pytest.fixture(autouse=True)
def _nothing_is_remembered():
    cache.clear()


@pytest.fixture
def scope():
    """Nine releases of two projects, five of both, some of which were taken up: several at one moment."""
    acme = an_organization()
    web, api = a_project(acme, "web"), a_project(acme, "api")
    prod, dev = (Environment.objects.create(organization_id=acme.pk, name=name) for name in ("prod", "dev"))
    for number, version in enumerate(VERSIONS):
        projects = (web, api) if number % 2 else ((web,) if number % 4 else (web, api))
        at = NOON + timedelta(minutes=number // 3)
        release = a_release(version, *projects, date_added=at)
        for project in projects:
            for environment, minutes in ((prod, number // 4), (dev, 3 - number % 4)):
                if (number + environment.pk + project.pk) % 3:
                    ReleaseProjectEnvironment.objects.create(
                        release=release,
                        project=project,
                        environment=environment,
                        first_seen=at,
                        last_seen=at,
                        adopted=NOON + timedelta(minutes=minutes),
                    )
    return Scope(acme.pk, (web.pk, api.pk))


def rows_of(scope):
    return listing.listed(scope, "")


def a_page(scope, sort, size, number, paired):
    tell = listing.paired_page if paired else listing.page
    found = tell(rows_of(scope), sort, scope, Wanted(size, number, ()))
    return [row if paired else row.pk for row in found.rows], found.has_next


def followed(scope, sort, size, paired, between=lambda: None):
    """Every row, by the pages from the first to the last."""
    told, number, has_next = [], 0, True
    while has_next:
        some, has_next = a_page(scope, sort, size, number, paired)
        told += some
        number += 1
        between()
    return told


@pytest.fixture(params=["few in view", "held against the search", "named", "looked for"])
def _ways(request, monkeypatch):
    """The ways to find what was taken up; the search of these tests is soon said to find too little."""
    if request.param != "few in view":
        monkeypatch.setattr(conditions, "FEW_LINKS", 0)
    if request.param in ("named", "looked for"):
        for bound in ("TOLD", "MOST_READ", "MOST_OF_EACH"):
            monkeypatch.setattr(adoptedlegs, bound, 0)
    if request.param == "looked for":
        monkeypatch.setattr(adoptedlegs, "FEW", 0)


@pytest.fixture(params=[40, 1], ids=["each project", "all projects"])
def _streams(request, monkeypatch):
    monkeypatch.setattr(adoptedlegs, "MOST_STREAMS", request.param)


def _both_ways(scope, sort, paired, *sizes):
    whole, has_next = a_page(scope, sort, 100, 0, paired)
    assert not has_next
    assert len(whole) == len(set(whole))
    for size in sizes:
        assert followed(scope, sort, size, paired) == whole
        assert followed(scope, sort, size, paired, cache.clear) == whole  # who jumps, or comes late
    return whole


@pytest.mark.parametrize("paired", [False, True], ids=["releases", "paired"])
@pytest.mark.parametrize("sort", ["date", "semver", "build"])
def test_the_pages_make_the_whole_list(scope, sort, paired):
    whole = _both_ways(scope, sort, paired, 1, 4)

    pairs = sum(1 for release in Release.objects.all() for _ in release.project_links.all())
    built = Release.objects.filter(build_number__isnull=False)
    assert (
        len(whole)
        == {
            (False, False): len(VERSIONS),
            (True, False): pairs,
            (False, True): built.count(),
            (True, True): sum(release.project_links.count() for release in built),
        }[paired, sort == "build"]
    )


@pytest.mark.usefixtures("_ways", "_streams")
@pytest.mark.parametrize("environments", [(), ("prod",)], ids=["anywhere", "in one"])
@pytest.mark.parametrize("paired", [False, True], ids=["releases", "paired"])
def test_by_adoption_the_last_environment_that_took_it_up_counts(scope, paired, environments):
    scope = Scope(scope.organization_id, scope.projects, environments)

    whole = _both_ways(scope, "adoption", paired, 3)

    moments = []
    for row in whole:
        release, *project = row if paired else (row,)
        seen = ReleaseProjectEnvironment.objects.filter(release=release, adopted__isnull=False)
        seen = seen.filter(project=project[0]) if paired else seen
        seen = seen.filter(environment__name__in=environments) if environments else seen
        moments.append(max((at for at in seen.values_list("adopted", flat=True)), default=None))
    taken_up = [at for at in moments if at]
    assert taken_up == sorted(taken_up, reverse=True)
    assert moments == taken_up + [None] * (len(moments) - len(taken_up))


@pytest.mark.parametrize("paired", [False, True], ids=["releases", "paired"])
def test_what_is_made_meanwhile_tells_no_row_twice(scope, paired):
    whole, _ = a_page(scope, "date", 100, 0, paired)
    number = iter(range(100))
    web = Release.objects.first().project_links.first().project

    told = followed(
        scope, "date", 2, paired, lambda: a_release(f"new{next(number)}", web, date_added=NOON + timedelta(days=1))
    )

    assert told == whole


def test_what_is_deleted_meanwhile_hides_no_other_row(scope):
    whole, _ = a_page(scope, "semver", 100, 0, False)
    first, _ = a_page(scope, "semver", 3, 0, False)
    Release.objects.filter(pk=first[-1]).delete()

    assert a_page(scope, "semver", 3, 1, False)[0] == whole[3:6]


def test_lists_that_differ_in_anything_remember_for_themselves(scope):
    a_page(scope, "date", 2, 0, False)
    only = Scope(scope.organization_id, scope.projects[:1])

    assert a_page(only, "date", 2, 1, False)[0] == a_page(only, "date", 100, 0, False)[0][2:4]


def test_dates_are_told_by_the_first_sight(scope):
    Release.objects.filter(version="junk").update(date_released=NOON + timedelta(days=1))

    found = listing.dates_page(rows_of(scope), "date", scope, Wanted(4, 1, ()))

    ordered = Release.objects.order_by("-date_added", "-pk").values_list("version", "date_added")
    assert (found.rows, found.has_next) == (list(ordered[4:8]), True)


@pytest.mark.parametrize("sort", ["semver", "build", "adoption"])
def test_dates_are_told_in_the_order_of_the_list_too(scope, sort):
    told = listing.dates_page(rows_of(scope), sort, scope, Wanted(4, 1, ()))

    listed = listing.page(rows_of(scope), sort, scope, Wanted(4, 1, ()))
    assert listed.rows or sort == "build"
    assert told.rows == [(one.version, one.date_added) for one in listed.rows]
    assert told.has_next == listed.has_next


@pytest.mark.parametrize("piece", [1000, 2], ids=["at once", "in pieces"])
@pytest.mark.parametrize("sort", ["sessions", "-sessions"])
def test_by_health_what_has_data_comes_first_and_then_the_newest(scope, monkeypatch, sort, piece):
    web, api = scope.projects
    used = {(web, "junk"): 5.0, (api, "web@2.0+7"): 7.0, (web, "web@2.0+7"): 5.0, (web, "gone"): 9.0}
    monkeypatch.setattr(listing, "scores", lambda *_: used)
    monkeypatch.setattr(walking, "PIECE", piece)
    monkeypatch.setattr(rankedlegs, "_PIECE", piece)

    def told(size, between=lambda: None):
        found, number, has_next = [], 0, True
        while has_next:
            asked = HealthQuestion(scope.projects, (), NOON)
            part = listing.health_page(None, rows_of(scope), sort, scope, asked, Wanted(size, number, ()))
            found, number, has_next = found + part.rows, number + 1, part.has_next
            between()
        return found

    whole = told(100)

    assert told(2) == told(2, cache.clear) == whole
    assert len(whole) == len(set(whole)) == sum(release.project_links.count() for release in Release.objects.all())
    versions = dict(Release.objects.values_list("pk", "version"))
    first = [(project, versions[release]) for release, project in whole[:3]]
    assert [used[key] for key in first] == ([7, 5, 5] if sort == "sessions" else [5, 5, 7])
    newest, _ = a_page(scope, "date", 100, 0, True)
    assert whole[3:] == [pair for pair in newest if pair not in whole[:3]]
