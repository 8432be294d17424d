"""What the API tells of one release beside itself: counters, the release before it, the issues that it fixes."""

from datetime import timedelta

import pytest

from tests.support.factories import NOON, a_member, a_project, an_organization
from vedette.issues.models import (
    Group,
    GroupLink,
    GroupResolution,
    GroupStatus,
    LinkedType,
    LinkRelationship,
)
from vedette.orgs.models import AnalyticsFact
from vedette.releases.models import Commit, PullRequest, Release, ReleaseProject, Repository
from vedette.shipping.commits import CommitInput, FileChange, set_commits

RELEASES = "/organizations/acme/releases"
IN_PROJECT = "/projects/acme/web/releases"


def a_release(*projects, version="web@1.0", commits=(), **fields):
    release = Release.objects.create(organization=projects[0].organization, version=version, **fields)
    ReleaseProject.objects.bulk_create(ReleaseProject(release=release, project=project) for project in projects)
    if commits:
        set_commits(release, [CommitInput(key) for key in commits], now=NOON)
    return release


@pytest.fixture
def release(web):
    return a_release(web, date_added=NOON)


@pytest.fixture
def outsider(acme, token_of):
    """A member of no team of an organization whose members see the projects of their teams only."""
    acme.flags = 0
    acme.save()
    return token_of(a_member(acme, "outsider@example.com"))


class TestMeta:
    def test_a_release_in_numbers(self, api, web, shop):
        release = a_release(web, shop, date_added=NOON, total_deploys=3)
        ReleaseProject.objects.filter(project=web).update(new_groups=2)
        ReleaseProject.objects.filter(project=shop).update(new_groups=5)
        both = [FileChange("a", "A"), FileChange("b", "M")]
        set_commits(release, [CommitInput("1", patch_set=both), CommitInput("2", patch_set=both[:1])], now=NOON)

        body = api.get(f"{RELEASES}/web@1.0/meta/").body

        assert body.pop("versionInfo")["package"] == "web"
        assert body == {
            "version": "web@1.0",
            "projects": [
                {"id": shop.pk, "slug": "shop", "name": "Shop", "newGroups": 5, "platform": None, "platforms": []},
                {
                    "id": web.pk,
                    "slug": "web",
                    "name": "Web",
                    "newGroups": 2,
                    "platform": "python",
                    "platforms": ["python"],
                },
            ],
            "newGroups": 7,
            "deployCount": 3,
            "commitCount": 2,
            "released": NOON.isoformat().replace("+00:00", "Z"),
            "commitFilesChanged": 2,
            "releaseFileCount": 0,
            "isArtifactBundle": False,
        }

    def test_it_was_released_when_somebody_says(self, api, web):
        a_release(web, date_added=NOON, date_released=NOON + timedelta(days=1))

        assert api.get(f"{RELEASES}/web@1.0/meta/").body["released"].startswith(f"{NOON + timedelta(days=1):%Y-%m-%d}")

    def test_of_one_project_only(self, api, web, shop):
        a_release(web, shop)

        body = api.get(f"{RELEASES}/web@1.0/meta/?project={shop.pk}").body

        assert [project["slug"] for project in body["projects"]] == ["shop"]


class TestPrevious:
    def previous(self, api, version, query=""):
        return api.get(f"{RELEASES}/{version}/previous-with-commits/{query}").body

    def test_it_is_the_newest_that_has_commits_and_is_not_newer(self, api, web):
        days = [NOON + timedelta(days=day) for day in range(5)]
        a_release(web, version="1", date_added=days[0], commits="a")
        a_release(web, version="2", date_added=days[1], commits="b")
        a_release(web, version="3", date_added=days[2])
        a_release(web, version="4", date_added=days[3], commits="d")
        a_release(web, version="5", date_added=days[4], commits="e")

        assert self.previous(api, "4")["version"] == "2"  # not itself, and not one without commits
        assert self.previous(api, "4")["lastCommit"]["id"] == "b"
        assert self.previous(api, "2")["version"] == "1"
        assert self.previous(api, "1") == {}

    def test_the_day_of_the_release_counts_before_the_day_it_was_made(self, api, web):
        a_release(web, version="1", date_added=NOON, date_released=NOON + timedelta(days=9), commits="a")
        a_release(web, version="2", date_added=NOON + timedelta(days=1), commits="b")

        assert self.previous(api, "2") == {}
        assert self.previous(api, "1")["version"] == "2"

    def test_it_shares_a_project(self, api, web, shop):
        a_release(shop, version="1", date_added=NOON, commits="a")
        a_release(web, version="2", date_added=NOON + timedelta(days=1))
        a_release(web, shop, version="3", date_added=NOON + timedelta(days=2))

        assert self.previous(api, "2") == {}
        assert self.previous(api, "3")["version"] == "1"
        assert self.previous(api, "3", f"?project={web.pk}") == {}

    def test_releases_of_other_organizations_are_not_told(self, api, web):
        theirs = a_project(an_organization("other"), "theirs")
        a_release(theirs, version="1", date_added=NOON, commits="a")
        a_release(web, version="2", date_added=NOON + timedelta(days=1))

        assert self.previous(api, "2") == {}

    def test_who_asks_is_counted(self, api, web, release):
        self.previous(api, "web@1.0")

        fact = AnalyticsFact.objects.get()
        assert (fact.name, fact.data["project_ids"]) == ("release.get_previous_commits", [web.pk])


class TestResolved:
    @pytest.fixture
    def issue(self, web, events):
        """Makes issues."""

        def _issue(number, project=web, **fields):
            return Group.objects.create(project=project, short_id=number, title=f"Error {number}", **fields)

        return _issue

    def ids(self, api, path=f"{RELEASES}/web@1.0/resolved/"):
        return [int(issue["id"]) for issue in api.get(path).body]

    def test_resolved_and_linked_issues_are_listed_newest_first(self, api, acme, web, release, issue):
        set_commits(release, [CommitInput("a", repository="web")], now=NOON)
        commit = Commit.objects.get()
        resolved, linked, merged, other = (issue(number) for number in range(1, 5))
        GroupResolution.objects.create(group=resolved, release=release)
        GroupResolution.objects.create(group=other, release=a_release(web, version="2"))
        merge = PullRequest.objects.create(
            organization=acme, repository=commit.repository, key="1", merge_commit_sha="a"
        )
        for group, kind, pk in ((linked, LinkedType.COMMIT, commit.pk), (merged, LinkedType.PULL_REQUEST, merge.pk)):
            GroupLink.objects.create(
                project=web, group=group, linked_type=kind, linked_id=pk, relationship=LinkRelationship.RESOLVES
            )

        assert self.ids(api) == [merged.pk, linked.pk, resolved.pk]
        assert self.ids(api, f"{IN_PROJECT}/web@1.0/resolved/") == [merged.pk, linked.pk, resolved.pk]

    def test_issues_come_with_their_numbers(self, api, release, issue):
        group = issue(1, status=GroupStatus.RESOLVED, substatus=None, times_seen=42)
        GroupResolution.objects.create(group=group, release=release)

        (body,) = api.get(f"{RELEASES}/web@1.0/resolved/").body

        assert (body["shortId"], body["status"], body["count"]) == ("WEB-1", "resolved", "42")

    def test_an_issue_that_is_being_deleted_is_not_told(self, api, release, issue):
        GroupResolution.objects.create(group=issue(1, status=GroupStatus.PENDING_DELETION), release=release)

        assert self.ids(api) == []

    def test_issues_of_projects_that_are_not_asked_for_are_left_out(self, api, web, shop, issue, events):
        release = a_release(web, shop)
        here, there = issue(1), issue(1, project=shop)
        for group in (here, there):
            GroupResolution.objects.create(group=group, release=release)

        assert self.ids(api) == [there.pk, here.pk]
        assert self.ids(api, f"{RELEASES}/web@1.0/resolved/?project={shop.pk}") == [there.pk]
        assert self.ids(api, f"{IN_PROJECT}/web@1.0/resolved/") == [here.pk]

    def test_commits_of_the_same_key_elsewhere_say_nothing(self, api, acme, web, release, issue):
        set_commits(release, [CommitInput("a", repository="web")], now=NOON)
        other = an_organization("other")
        theirs = Repository.objects.create(organization=other, name="web")
        merge = PullRequest.objects.create(organization=other, repository=theirs, key="1", merge_commit_sha="a")
        GroupLink.objects.create(project=web, group=issue(1), linked_type=LinkedType.PULL_REQUEST, linked_id=merge.pk)

        assert self.ids(api) == []


@pytest.mark.parametrize(
    "path",
    [
        f"{RELEASES}/web@1.0/meta/",
        f"{RELEASES}/web@1.0/previous-with-commits/",
        f"{RELEASES}/web@1.0/resolved/",
        f"{IN_PROJECT}/web@1.0/resolved/",
    ],
)
def test_who_does_not_reach_the_release_finds_nothing(api, outsider, release, path):
    assert outsider.get(path).status == 404
    assert api.get(path.replace("web@1.0", "web@9")).status == 404
