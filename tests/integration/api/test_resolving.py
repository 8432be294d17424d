"""Resolving in releases and by commits through the API: what is taken, refused and answered."""

from datetime import timedelta

import pytest

from tests.integration.api.factories import a_real_event
from tests.support.factories import a_project, an_organization
from vedette.core import clock
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupInbox,
    GroupLink,
    GroupResolution,
    GroupStatus,
    LinkedType,
    LinkRelationship,
)
from vedette.releases import versions
from vedette.releases.models import Commit, Release, ReleaseProject, Repository

ISSUES = "/organizations/acme/issues/"
UNKNOWN_RELEASE = "Unable to find a release with the given version."
NO_RELEASE = "No release data present in the system to form a basis for 'Next Release'"


def a_release(project, version, hours=0):
    release = Release.objects.create(
        organization=project.organization,
        version=version,
        date_added=clock.now() - timedelta(hours=hours),
        **versions.semver_columns(version),
    )
    ReleaseProject.objects.create(project=project, release=release)
    return release


@pytest.fixture
def commit(acme):
    repository = Repository.objects.create(organization=acme, name="acme/web")
    return Commit.objects.create(organization=acme, repository=repository, key="8f1d", message="Guard null cart")


def resolved(issue):
    issue.refresh_from_db()
    return issue.status == GroupStatus.RESOLVED


@pytest.mark.parametrize(
    "wish",
    [
        {"status": "resolved", "statusDetails": {"inRelease": "web@1.0"}},
        {"status": "resolved", "inRelease": "web@1.0"},
        {"status": "resolved", "statusDetails": {"inRelease": "latest"}},
    ],
    ids=["by version", "at the top", "latest"],
)
def test_resolved_in_a_release(wish, api, issue, owner):
    answer = api.put(f"{ISSUES}?id={issue.pk}", wish)

    assert answer.status == 200
    assert (answer.body["status"], answer.body["substatus"], answer.body["inbox"]) == ("resolved", None, None)
    assert answer.body["statusDetails"]["inRelease"] == "web@1.0"
    assert answer.body["statusDetails"]["actor"]["id"] == str(owner.pk)
    assert [entry["type"] for entry in answer.body["activity"]] == ["set_resolved_in_release", "first_seen"]
    details = api.get(f"{ISSUES}{issue.pk}/").body["statusDetails"]
    assert (details["inRelease"], details["actor"]["email"]) == ("web@1.0", "owner@example.com")
    (listed,) = api.get(f"{ISSUES}?query=").body
    assert listed["statusDetails"] == details


@pytest.mark.parametrize(
    "wish",
    [
        {"status": "resolved", "statusDetails": {"inNextRelease": True}},
        {"status": "resolvedInNextRelease"},
        {"status": "resolvedInNextRelease", "snoozeDuration": None},
    ],
    ids=["details", "status", "as sentry-cli says it"],
)
def test_resolved_in_the_next_release(wish, api, issue):
    answer = api.put(f"/projects/acme/web/issues/?id={issue.pk}", wish)

    assert (answer.body["status"], answer.body["statusDetails"]["inNextRelease"]) == ("resolved", True)
    assert answer.body["activity"][0]["data"] == {"version": "", "current_release_version": "web@1.0"}
    assert resolved(issue)


def test_next_waits_where_dates_order_and_settles_with_the_next_release(api, issue, web, digest):
    Release.objects.update(version="web-47", package=None)
    api.put(f"{ISSUES}?id={issue.pk}", {"status": "resolved", "statusDetails": {"inNextRelease": True}})
    assert api.get(f"{ISSUES}{issue.pk}/").body["statusDetails"]["inNextRelease"] is True

    digest(a_real_event(web, "Other: x", release="web-48", timestamp=clock.now()))

    assert api.get(f"{ISSUES}{issue.pk}/").body["statusDetails"]["inRelease"] == "web-48"
    assert api.get(f"{ISSUES}{issue.pk}/activities/").body["activity"][0]["data"] == {"version": "web-48"}


def test_resolved_by_a_commit(api, issue, commit):
    wish = {"status": "resolved", "statusDetails": {"inCommit": {"commit": "8f1d", "repository": "acme/web"}}}

    answer = api.put(f"{ISSUES}?id={issue.pk}", wish)

    assert answer.body["statusDetails"]["inCommit"]["id"] == "8f1d"
    assert "activity" not in answer.body
    one = api.get(f"{ISSUES}{issue.pk}/").body
    assert one["statusDetails"]["inCommit"]["repository"]["name"] == "acme/web"
    assert one["activity"][0]["type"] == "set_resolved_in_commit"
    assert one["activity"][0]["data"]["commit"]["message"] == "Guard null cart"


def test_the_first_of_several_ways_counts(api, issue, web):
    a_release(web, "web@0.9", 99)
    wish = {"inNextRelease": True, "inRelease": "web@0.9"}

    answer = api.put(f"{ISSUES}?id={issue.pk}", {"status": "resolved", "statusDetails": wish})

    assert answer.body["statusDetails"]["inNextRelease"] is True


def test_resolved_in_several_releases(api, issue, web, owner):
    for hour, version in enumerate(("web@2.3.1", "web@3.0.1")):
        a_release(web, version, hour)
    wish = {"inRelease": "web@1.0", "inReleases": ["web@2.3.1", "web@3.0.1", "web@2.3.1"]}

    answer = api.put(f"{ISSUES}?id={issue.pk}", {"status": "resolved", "statusDetails": wish})

    details = {"inRelease": "web@3.0.1", "inReleases": ["web@3.0.1", "web@2.3.1"]}
    assert answer.body["statusDetails"].pop("actor")["id"] == str(owner.pk)
    assert answer.body["statusDetails"] == details
    assert answer.body["activity"][0]["data"] == {"version": "web@3.0.1", "versions": details["inReleases"]}
    assert api.get(f"{ISSUES}{issue.pk}/").body["statusDetails"].items() >= details.items()
    for version in details["inReleases"]:
        assert len(api.get(f"/organizations/acme/releases/{version}/resolved/").body) == 1
    said = check(api, issue, "web%402.3.0").body
    assert (said["regresses"], said["row"], said["comparedWith"]) == (False, 7, "web@2.3.1")
    assert said["reason"].startswith("It is fixed in several releases, of which web@2.3.1 is that of the event's line")
    assert said["resolution"]["releases"] == details["inReleases"]
    assert check(api, issue, "web%403.0.1").body["regresses"] is True


def test_several_releases_that_are_one_are_that_one(api, issue):
    answer = api.put(f"{ISSUES}?id={issue.pk}", {"status": "resolved", "inReleases": ["web@1.0", "web@1.0"]})

    assert (answer.body["statusDetails"]["inRelease"], "inReleases" in answer.body["statusDetails"]) == (
        "web@1.0",
        False,
    )


@pytest.mark.parametrize("name", ["inNextRelease", "inUpcomingRelease"])
def test_false_is_absent(name, api, issue):
    answer = api.put(f"{ISSUES}?id={issue.pk}", {"status": "resolved", "statusDetails": {name: False}})

    assert answer.body["statusDetails"] == {}
    assert not GroupResolution.objects.exists()


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"inRelease": "nowhere"}, {"inRelease": [UNKNOWN_RELEASE]}),
        ({"inRelease": "of-others"}, {"inRelease": [UNKNOWN_RELEASE]}),
        ({"inRelease": "of-strangers"}, {"inRelease": [UNKNOWN_RELEASE]}),
        ({"inReleases": ["web@1.0", "of-others"]}, {"inReleases": [UNKNOWN_RELEASE]}),
        ({"inReleases": ["web@1.0", "of-strangers"]}, {"inReleases": [UNKNOWN_RELEASE]}),
        ({"inReleases": ["latest"]}, {"inReleases": [UNKNOWN_RELEASE]}),
        ({"inReleases": ["web@1.0"] * 11}, {"inReleases": ["Ensure this field has no more than 10 elements."]}),
        ({"inReleases": "web@1.0"}, {"inReleases": ['Expected a list of items but got type "str".']}),
        (
            {"inCommit": {"commit": "8f1d", "repository": "acme/api"}},
            {"inCommit": {"repository": ["Unable to find the given repository."]}},
        ),
        (
            {"inCommit": {"commit": "8f1d", "repository": "strange/web"}},
            {"inCommit": {"repository": ["Unable to find the given repository."]}},
        ),
        (
            {"inCommit": {"commit": "ffff", "repository": "acme/web"}},
            {"inCommit": {"commit": ["Unable to find the given commit."]}},
        ),
        ({"inCommit": {"commit": "8f1d"}}, {"inCommit": {"repository": ["This field is required."]}}),
    ],
    ids=[
        "unknown",
        "of another project",
        "of another organization",
        "one of several of another project",
        "one of several of another organization",
        "the latest of several",
        "too many",
        "no list",
        "repository",
        "foreign",
        "commit",
        "half",
    ],
)
def test_what_is_not_there_is_refused_by_name(details, expected, api, issue, acme, commit):
    stranger = an_organization("other")
    a_release(a_project(acme, "api"), "of-others")
    a_release(a_project(stranger, "web"), "of-strangers")
    strange = Repository.objects.create(organization=stranger, name="strange/web")
    Commit.objects.create(organization=stranger, repository=strange, key="8f1d")

    answer = api.put(f"{ISSUES}?id={issue.pk}", {"status": "resolved", "statusDetails": details})

    assert (answer.status, answer.body) == (400, {"statusDetails": expected})
    assert not resolved(issue)
    assert not GroupResolution.objects.exists()


@pytest.mark.parametrize(
    ("details", "field"), [({"inNextRelease": True}, "inNextRelease"), ({"inRelease": "latest"}, "inRelease")]
)
def test_without_any_release_there_is_no_next_one(details, field, api, issue):
    ReleaseProject.objects.all().delete()

    answer = api.put(f"{ISSUES}?id={issue.pk}", {"status": "resolved", "statusDetails": details})

    assert (answer.status, answer.body) == (400, {"statusDetails": {field: [NO_RELEASE]}})
    assert not resolved(issue)


def test_without_any_release_the_old_status_resolves_plainly(api, issue):
    ReleaseProject.objects.all().delete()

    answer = api.put(f"{ISSUES}?id={issue.pk}", {"status": "resolvedInNextRelease"})

    assert (answer.status, answer.body["statusDetails"]) == (200, {})
    assert resolved(issue)


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"inNextRelease": True}, "in next release"),
        ({"inUpcomingRelease": True}, "in upcoming release"),
        ({"inRelease": "web@1.0"}, "in release"),
        ({"inReleases": ["web@1.0"]}, "in release"),
        ({"inCommit": {"commit": "8f1d", "repository": "acme/web"}}, "in commit"),
    ],
)
def test_issues_of_several_projects_have_no_release_in_common(details, words, api, issue, shop, commit):
    other = shop.groups.create(short_id=1)

    answer = api.put(f"{ISSUES}?id={issue.pk}&id={other.pk}", {"status": "resolved", "statusDetails": details})

    assert (answer.status, answer.detail) == (400, f"Cannot set resolved {words} for multiple projects.")
    assert not resolved(issue)


def test_many_are_resolved_in_a_release_without_their_histories(api, issue, web, digest):
    digest(a_real_event(web, "Other: x", timestamp=clock.now()))

    answer = api.put(f"{ISSUES}?query=is:unresolved", {"status": "resolved", "inRelease": "latest"})

    assert "activity" not in answer.body
    assert GroupResolution.objects.count() == 2


def test_lists_say_why_issues_wait_when_they_are_asked(api, issue):
    (plain,) = api.get(ISSUES).body
    (expanded,) = api.get(f"{ISSUES}?expand=inbox").body
    (review,) = api.get(f"{ISSUES}?query=is:for_review").body

    row = GroupInbox.objects.get()
    assert "inbox" not in plain
    assert (expanded["inbox"]["reason"], expanded["inbox"]["reason_details"]) == (0, None)
    assert expanded["inbox"]["date_added"].startswith(row.date_added.strftime("%Y-%m-%dT%H:%M:%S"))
    assert review["id"] == str(issue.pk)


def test_a_reviewed_issue_waits_no_longer(api, issue):
    answer = api.put(f"{ISSUES}?id={issue.pk}", {"inbox": False})

    assert (answer.status, answer.body) == (200, {"inbox": False})
    assert api.get(f"{ISSUES}?query=is:for_review").body == []
    (body,) = api.get("/projects/acme/web/issues/?expand=inbox&query=!is:for_review").body
    assert (body["inbox"], body["substatus"]) == (None, "ongoing")
    assert api.put(f"{ISSUES}?id={issue.pk}", {"inbox": True}).body == {"inbox": True}
    assert api.get(f"{ISSUES}?expand=inbox").body[0]["inbox"]["reason"] == 3


def test_a_commit_of_a_message_is_shown_in_the_history(api, issue, commit):
    Activity.objects.create(
        project=issue.project,
        group=issue,
        type=ActivityType.REFERENCED_IN_COMMIT,
        ident=str(commit.pk),
        data={"commit": commit.pk},
    )

    entry = api.get(f"{ISSUES}{issue.pk}/activities/").body["activity"][0]

    assert (entry["type"], entry["data"]["commit"]["id"]) == ("referenced_in_commit", "8f1d")


def check(api, issue, release=""):
    return api.get(f"{ISSUES}{issue.pk}/regression-check/?release={release}")


def test_a_check_names_the_rule_that_decides(api, issue):
    assert (check(api, issue).body["row"], check(api, issue).body["reason"]) == (None, "It is not resolved.")

    api.put(f"{ISSUES}?id={issue.pk}", {"status": "resolved", "inNextRelease": True})
    current, following, none = (check(api, issue, version).body for version in ("web%401.0", "web%402.0", ""))

    assert (current["regresses"], current["row"], current["releaseExists"]) == (False, 3, True)
    assert (following["regresses"], following["row"], following["releaseExists"]) == (True, 3, False)
    assert (none["regresses"], none["row"], none["release"]) == (False, 2, None)
    assert current["resolution"] == {
        "release": "web@1.0",
        "type": "in_release",
        "status": "resolved",
        "currentReleaseVersion": "web@1.0",
        "releases": ["web@1.0"],
    }


def test_a_check_names_the_commit_that_nobody_runs_yet(api, issue, commit):
    api.put(f"{ISSUES}?id={issue.pk}", {"status": "resolved"})
    assert (check(api, issue).body["regresses"], check(api, issue).body["row"]) == (True, 1)

    GroupLink.objects.create(
        project=issue.project,
        group=issue,
        linked_type=LinkedType.COMMIT,
        linked_id=commit.pk,
        relationship=LinkRelationship.RESOLVES,
    )

    body = check(api, issue).body
    assert (body["regresses"], body["row"], body["commit"]["id"]) == (False, None, "8f1d")


def test_a_check_of_what_is_no_version_is_refused(api, issue):
    answer = check(api, issue, "a%2Fb")

    assert (answer.status, list(answer.body)) == (400, ["release"])


def test_a_check_changes_nothing_and_is_for_those_who_see_the_issue(api, issue):
    stranger = a_project(an_organization("other"), "web").groups.create(short_id=1)

    assert check(api, issue, "new-one").status == 200
    assert not Release.objects.filter(version="new-one").exists()
    assert check(api, stranger).status == 404
    assert Group.objects.get(pk=issue.pk).status == GroupStatus.UNRESOLVED
