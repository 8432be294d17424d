"""What becomes of an issue when a pipeline sends the commit that fixes it (release specification, appendix B)."""

import pytest

from tests.integration.api.client import Api
from tests.support.factories import NOON, a_member
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupHistory,
    GroupInbox,
    GroupResolution,
    GroupStatus,
    HistoryStatus,
)
from vedette.orgs.tokens import create_org_token
from vedette.releases.models import Commit, CommitAuthor, Release, ReleaseProject, Repository
from vedette.shipping.pullrequests import PullRequestInput, save_pull_requests

RELEASE = "/organizations/acme/releases/web@2.4.0"
IN_PROJECT = "/projects/acme/web/releases/web@2.4.0"
COMMIT = {
    "id": "8f1d" * 10,
    "repository": "acme/web",
    "author_name": "Ana",
    "author_email": "ana@example.org",
    "timestamp": "2026-01-02T02:00:00+00:00",
    "message": "Guard null cart\n\nFixes WEB-1A",
    "patch_set": [{"path": "src/cart.ts", "type": "M"}],
}


@pytest.fixture
def ci(acme):
    return Api(create_org_token(acme, "https://vedette.example.com", name="CI", by=None)[1])


@pytest.fixture
def release(acme, web):
    release = Release.objects.create(organization=acme, version="web@2.4.0", date_added=NOON)
    ReleaseProject.objects.create(release=release, project=web)
    return release


@pytest.fixture
def group(acme, web):
    """WEB-1A, which waits to be looked at."""
    group = Group.objects.create(project=web, short_id=42, title="E: x", first_seen=NOON, last_seen=NOON)
    GroupInbox.objects.create(organization_id=acme.pk, project=web, group=group)
    return group


@pytest.mark.parametrize("path", [RELEASE, IN_PROJECT], ids=["organization", "project"])
def test_an_issue_is_resolved_by_the_commit_that_a_release_brings(ci, api, acme, release, group, events, path):
    ana = a_member(acme, "Ana@example.org", verified=True)

    answer = ci.put(f"{path}/", {"commits": [COMMIT]})

    told = Activity.objects.filter(group=group).order_by("pk")
    commit, row = Commit.objects.get(), GroupResolution.objects.get()
    group.refresh_from_db()
    assert (answer.status, answer.body["commitCount"]) == (200, 1)
    assert (Repository.objects.get().name, Repository.objects.get().provider) == ("acme/web", None)
    assert CommitAuthor.objects.get().email == "ana@example.org"
    assert [(one.type, one.data, one.user_id) for one in told] == [
        (ActivityType.REFERENCED_IN_COMMIT, {"commit": commit.pk}, ana.pk),
        (ActivityType.SET_RESOLVED_IN_RELEASE, {"version": "web@2.4.0", "commit": commit.pk}, ana.pk),
    ]
    assert GroupHistory.objects.get().status == HistoryStatus.RESOLVED
    assert (row.release_id, row.actor_id) == (release.pk, ana.pk)
    assert (group.status, group.substatus) == (GroupStatus.RESOLVED, None)
    assert not GroupInbox.objects.exists()
    assert [one["shortId"] for one in api.get(f"{RELEASE}/resolved/").body] == ["WEB-1A"]


def test_a_new_release_that_brings_its_commits_along_resolves_as_well(ci, web, group):
    body = {"version": "web@2.4.0", "projects": ["web"], "commits": [COMMIT]}

    assert ci.post("/organizations/acme/releases/", body).status == 201

    group.refresh_from_db()
    assert group.status == GroupStatus.RESOLVED


def test_a_pipeline_that_repeats_itself_tells_nothing_twice(ci, release, group):
    for _ in range(2):
        assert ci.put(f"{RELEASE}/", {"commits": [COMMIT]}).status == 200

    assert Activity.objects.filter(group=group).count() == 2
    assert GroupHistory.objects.count() == 1


def test_a_commit_that_no_release_of_the_project_holds_resolves_nothing(ci, acme, shop, group):
    elsewhere = Release.objects.create(organization=acme, version="shop@1.0", date_added=NOON)
    ReleaseProject.objects.create(release=elsewhere, project=shop)

    assert ci.put("/organizations/acme/releases/shop@1.0/", {"commits": [COMMIT]}).status == 200

    group.refresh_from_db()
    assert group.status == GroupStatus.UNRESOLVED
    assert Activity.objects.get().type == ActivityType.REFERENCED_IN_COMMIT


def test_the_history_tells_of_pull_requests_as_objects(api, acme, group, events):
    repository = Repository.objects.create(
        organization=acme, name="acme/web", provider="integrations:github", url="https://github.example.com/acme/web"
    )
    said = PullRequestInput("7", title="Fixes WEB-1A", author_name="Bob", author_email="bob@example.com")
    save_pull_requests(repository, [said], NOON)

    (entry, _) = api.get(f"/organizations/acme/issues/{group.pk}/activities/").body["activity"]

    request = entry["data"].pop("pullRequest")
    assert (entry["type"], entry["data"]) == ("set_resolved_in_pull_request", {})
    assert (request["id"], request["title"], request["author"]["email"]) == ("7", "Fixes WEB-1A", "bob@example.com")
    assert request["externalUrl"] == "https://github.example.com/acme/web/pull/7"
