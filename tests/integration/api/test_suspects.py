"""Who may have caused an event: the commits of releases that changed the files of its frames."""

from datetime import timedelta

import pytest

from tests.integration.api import factories
from tests.support.factories import NOON, a_member, a_project, an_organization
from vedette.core import clock
from vedette.issues.models import Group, GroupStatus
from vedette.releases.models import Release, ReleaseProject
from vedette.shipping import suspects
from vedette.shipping.commits import CommitInput, FileChange, set_commits

HOURS = [NOON + timedelta(hours=number) for number in range(10)]


@pytest.fixture
def ann(acme):
    return a_member(acme, "ann@example.com", verified=True, name="Ann")


@pytest.fixture
def first(web, issue):
    """The release in which the issue began."""
    release = Release.objects.get(version="web@1.0")
    Release.objects.filter(pk=release.pk).update(date_added=HOURS[9])
    return Release.objects.get(pk=release.pk)


@pytest.fixture
def bring():
    """Set the commits of a release: `bring(release, ("a", "app/views.py", "ann@example.com"))`."""

    def _bring(release, *told):
        commits = [
            CommitInput(
                key * 40,
                repository="acme/web",
                message=f"Change {key}\n\nBecause",
                author_name=(email or "").partition("@")[0].title() or None,
                author_email=email,
                timestamp=HOURS[0] + timedelta(minutes=ord(key)),
                patch_set=[FileChange(path, "M") for path in paths.split()],
            )
            for key, paths, email in told
        ]
        set_commits(release, commits, now=NOON)

    return _bring


def an_earlier_release(project, number):
    """Of these, one with a smaller number is older."""
    release = Release.objects.create(
        organization=project.organization, version=f"web@0.{number}", date_added=HOURS[number]
    )
    ReleaseProject.objects.create(release=release, project=project)
    return release


@pytest.fixture
def ask(api, issue, web, events):
    """The answer for the newest event of the issue."""
    event_id = api.get(f"/organizations/acme/issues/{issue.pk}/events/latest/").body["eventID"]

    def _ask(query="", caller=api):
        return caller.get(f"/projects/acme/web/events/{event_id}/committers/{query}")

    return _ask


def keys(answer):
    return [commit["id"][0] for one in answer.body["committers"] for commit in one["commits"]]


def test_the_likeliest_author_comes_first_with_commits_and_scores(ask, bring, first, ann):
    bring(
        first,
        ("a", "srv/app/views.py", "ann@example.com"),
        ("b", "srv/app/views.py other.py", "bob@example.com"),
        ("c", "README.md", "ann@example.com"),
        ("d", "lib/views.py", "ann@example.com"),
    )

    body = ask().body

    bob, hers = body["committers"]
    assert bob["author"] == {"name": "Bob", "email": "bob@example.com"}
    assert hers["author"]["id"] == str(ann.pk)
    (commit,) = bob["commits"]
    assert (commit["id"], commit["score"], commit["suspectCommitType"]) == ("b" * 40, 3, "via commit in release")
    assert (commit["message"], commit["repository"]["name"]) == ("Change b\n\nBecause", "acme/web")
    assert [one["id"] for one in hers["commits"]] == ["a" * 40]


def test_commits_without_an_author_stand_alone(ask, bring, first):
    bring(first, ("a", "app/views.py", None), ("b", "app/views.py", None))

    assert [(one["author"], len(one["commits"])) for one in ask().body["committers"]] == [({}, 1), ({}, 1)]


def test_frames_of_libraries_do_not_count_where_there_are_others(ask, bring, first):
    bring(first, ("a", "site/lib.py", "ann@example.com"))

    assert ask().body == {"committers": []}


def test_up_to_four_earlier_releases_of_the_project_are_looked_at(ask, bring, web, shop):
    earlier = [an_earlier_release(web, number) for number in range(1, 7)]
    elsewhere = an_earlier_release(shop, 7)
    Group.objects.update(first_release=an_earlier_release(web, 8))
    for key, release in zip("abcdefg", [*earlier, elsewhere], strict=True):
        bring(release, (key, "app/views.py", "ann@example.com"))

    assert keys(ask()) == ["f", "e", "d", "c"]


def test_a_release_that_came_later_is_innocent(ask, bring, first, web):
    bring(an_earlier_release(web, 1), ("a", "app/views.py", "ann@example.com"))  # made after it, and dated before it

    assert ask().detail == "No Commits found for Release"


def test_only_so_many_commits_are_looked_at(ask, bring, first, monkeypatch):
    monkeypatch.setattr(suspects, "MOST_COMMITS", 2)
    bring(first, *((key, "app/views.py", "ann@example.com") for key in "abcd"))

    assert keys(ask()) == ["d", "c"]


def test_only_so_many_changed_files_are_compared_those_of_the_newest_commits(ask, bring, first, monkeypatch):
    monkeypatch.setattr(suspects, "MOST_LOOKED_AT", 3)
    bring(first, ("b", "app/views.py app/z.py", "ann@example.com"), ("a", "app/views.py", "ann@example.com"))

    assert keys(ask()) == ["b", "a"]
    monkeypatch.setattr(suspects, "MOST_LOOKED_AT", 2)
    assert keys(ask()) == ["b"]


def test_as_many_frames_are_looked_at_as_somebody_says(ask, bring, first):
    bring(first, ("a", "app/views.py", "ann@example.com"))

    assert keys(ask("?frameLimit=1")) == ["a"]
    for odd in ("0", "101", "x", "-1"):
        assert ask(f"?frameLimit={odd}").detail == "frameLimit must be between 1 and 100"


def test_what_is_missing_is_told(api, ask, first):
    assert ask().detail == "No Commits found for Release"

    assert api.get(f"/projects/acme/web/events/{'0' * 32}/committers/").detail == "Event not found"
    assert api.get("/projects/acme/web/events/nothing/committers/").detail == "Event not found"

    Group.objects.update(status=GroupStatus.PENDING_DELETION)
    assert (ask().status, ask().detail) == (404, "Issue not found")


def test_an_issue_without_a_release_has_no_suspects(api, web, digest):
    event = factories.a_real_event(web, timestamp=clock.now() - timedelta(hours=1), release="")
    digest(event)

    answer = api.get(f"/projects/acme/web/events/{event.event_id}/committers/")

    assert (answer.status, answer.detail) == (404, "Release not found")


def test_the_members_to_ask_are_two_of_the_likeliest(acme, ask, bring, first, ann):
    bob, eve = (a_member(acme, f"{name}@example.com", verified=True) for name in ("bob", "eve"))
    bring(
        first,
        ("a", "app/views.py", "ann@example.com"),
        ("b", "srv/app/views.py", "bob@example.com"),
        ("c", "srv/app/views.py", "stranger@example.com"),
        ("d", "srv/app/views.py", "eve@example.com"),
        ("e", "srv/app/views.py", "bob@example.com"),
    )
    payload = {"exception": {"values": [{"stacktrace": {"frames": factories.FRAMES}}]}}

    found = suspects.suspects_of(Group.objects.select_related("project").get(), payload)

    assert [one.commit.key[0] for one in found] == ["e", "d", "c", "b"]
    assert suspects.suggested(found) == [bob.pk, eve.pk]
    assert (found[0].subject, found[0].release.version) == ("Change e", "web@1.0")


def test_who_does_not_reach_the_project_learns_nothing(acme, ask, bring, first, token_of):
    bring(first, ("a", "app/views.py", "ann@example.com"))
    acme.flags = 0
    acme.save()
    other = an_organization("other")
    a_project(other, "web")

    inside, outside = a_member(acme, "outsider@example.com"), a_member(other, "theirs@example.com", "owner")

    for caller in (token_of(inside), token_of(outside)):
        assert ask(caller=caller).detail == "The requested resource does not exist"
