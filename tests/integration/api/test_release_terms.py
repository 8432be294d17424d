"""What searches of issues and events say of releases: the latest, versions, packages, builds, stages."""

from urllib.parse import urlencode

import pytest

from tests.support.factories import NOON, a_project, an_event, an_organization
from vedette.issues.models import Group
from vedette.releases import conditions
from vedette.releases.models import ReleaseProjectEnvironment

ISSUES = "/organizations/acme/issues/"
EVENTS = "/projects/acme/web/events/"


@pytest.fixture
def seen(web, digest):
    """An issue in each of several releases, and one without a release."""
    versions = ("web@1.2.3+123", "web@1.2.4+124", "other@1.2.5+125", "junk", "")
    said = {"environment": "prod", "timestamp": NOON}
    digest(*(an_event(web, f"Error: {version or 'none'}", release=version, **said) for version in versions))


@pytest.fixture
def found(api, seen):
    def _found(query, path=ISSUES, **more):
        answer = api.get(f"{path}?{urlencode({'query': query, **more}, doseq=True)}")
        assert answer.status == 200, answer.body
        return {one["title"].removeprefix("Error: ") for one in answer.body}

    return _found


FIRST, SECOND, OTHER, JUNK, NONE = "web@1.2.3+123", "web@1.2.4+124", "other@1.2.5+125", "junk", "none"


@pytest.mark.parametrize("path", [ISSUES, EVENTS])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("release:latest", {OTHER}),
        ("!release:latest", {FIRST, SECOND, JUNK, NONE}),
        (f"release:[latest, {JUNK}]", {OTHER, JUNK}),
        ("release.version:>1.2.3", {SECOND, OTHER}),
        ("release.version:web@1.2.*", {FIRST, SECOND}),
        ("!release.version:>1.2.3", {FIRST, JUNK, NONE}),
        ("release.version:9.*", set()),
        ("!release.version:9.*", {FIRST, SECOND, OTHER, JUNK, NONE}),
        ("release.package:web", {FIRST, SECOND}),
        ("!release.package:web", {OTHER, JUNK, NONE}),
        ("release.build:<125", {FIRST, SECOND}),
        ("release.package:web release.build:124", {SECOND}),
    ],
)
def test_releases_are_meant_by_what_is_known_of_them(found, path, query, expected):
    assert found(query, path) == expected


@pytest.mark.parametrize("path", [ISSUES, EVENTS])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("release.version:>1.0", {FIRST, SECOND, OTHER}),
        ("!release.version:>1.0", {JUNK, NONE}),
    ],
)
def test_more_versions_than_a_search_sends_are_told_by_those_that_are_left_out(
    found, monkeypatch, path, query, expected
):
    monkeypatch.setattr(conditions, "NEAREST", 2)

    assert found(query, path) == expected


def test_the_first_release_may_be_the_latest(found):
    assert Group.objects.filter(first_release__isnull=False).count() == 4

    assert found("first_release:latest") == {OTHER}
    assert found(f"firstRelease:[latest, {JUNK}]") == {OTHER, JUNK}


def test_stages_are_those_of_one_environment(api, found):
    rows = ReleaseProjectEnvironment.objects.filter(release__version=SECOND)
    assert rows.update(adopted=NOON) == 1

    assert found("release.stage:adopted", environment="prod") == {SECOND}
    assert found("!release.stage:adopted", environment="prod") == {FIRST, OTHER, JUNK, NONE}
    answer = api.get(f"{ISSUES}?query=release.stage:adopted")
    assert answer.status == 400
    assert answer.detail == ("Error parsing search query: Choose a single environment to filter by release stage.")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("release.version:one", "Invalid format of semantic version."),
        ("release.version:[1,2]", "Invalid operation 'IN' for semantic version filter."),
        ("release.stage:popular", "Unsupported release.stage value."),
        ("release.build:>abc", "Only builds that are numbers compare so"),
    ],
)
def test_what_makes_no_sense_is_refused(api, web, events, query, sentence):
    answer = api.get(f"{ISSUES}?query={query}")

    assert answer.status == 400
    assert answer.detail.startswith(f"Error parsing search query: {sentence}")


def test_without_a_release_the_latest_matches_nothing(api, web, events, digest):
    digest(an_event(web, "Error: none", timestamp=NOON))

    assert api.get(f"{ISSUES}?query=release:latest").body == []
    assert api.get(f"{EVENTS}?query=release:latest").body == []
    assert len(api.get(f"{ISSUES}?query=!release:latest").body) == 1


def test_other_organizations_releases_are_not_looked_at(api, web, found, digest):
    theirs = a_project(an_organization("other"), "theirs")
    digest(an_event(theirs, "Error: secret", release="secret@9.0", timestamp=NOON))

    assert found("release.version:>1.2.4") == {OTHER}
    assert found("release:latest") == {OTHER}
