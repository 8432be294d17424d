"""What the API tells of commits: of a release, a project, a repository, a member."""

from datetime import timedelta

import pytest

from tests.integration.api.client import Api
from tests.support.factories import NOON, a_member, an_organization
from vedette.orgs.models import OrganizationMember
from vedette.orgs.tokens import create_org_token
from vedette.releases.models import Commit, PullRequest, Release, ReleaseProject, Repository, RepositoryStatus
from vedette.shipping.commits import CommitInput, FileChange, set_commits

ORGANIZATION = "/organizations/acme"
RELEASE = f"{ORGANIZATION}/releases/web@1.0"
IN_PROJECT = "/projects/acme/web/releases/web@1.0"
LATER = NOON + timedelta(hours=1)


def a_release(*projects, version="web@1.0", commits=()):
    release = Release.objects.create(organization=projects[0].organization, version=version)
    ReleaseProject.objects.bulk_create(ReleaseProject(release=release, project=project) for project in projects)
    set_commits(release, commits, now=NOON)
    return release


@pytest.fixture
def release(web):
    """Three commits in two repositories."""
    return a_release(
        web,
        commits=[
            CommitInput(
                "c" * 40,
                repository="acme/web",
                message="Guard null cart",
                author_name="Olive",
                author_email="Owner@example.com",
                timestamp=LATER,
                patch_set=[FileChange("src/cart.ts", "M"), FileChange("src/a.ts", "A")],
            ),
            CommitInput(
                "b" * 40,
                repository="acme/api",
                author_name="Bob",
                author_email="bob@example.com",
                timestamp=NOON + timedelta(minutes=30),
                patch_set=[FileChange("api.py", "D")],
            ),
            CommitInput("a" * 40, repository="acme/web", timestamp=NOON, patch_set=[FileChange("src/cart.ts", "A")]),
        ],
    )


@pytest.fixture
def proven(owner):
    owner.emails.update(is_verified=True)
    return owner


@pytest.fixture
def outsider(acme, token_of):
    """A member of no team of an organization whose members see the projects of their teams only."""
    acme.flags = 0
    acme.save()
    return token_of(a_member(acme, "outsider@example.com"))


class TestOfARelease:
    def test_commits_come_newest_first(self, api, release, proven):
        body = api.get(f"{RELEASE}/commits/").body

        web, bob = Repository.objects.get(name="acme/web"), body[1]
        assert [commit["id"] for commit in body] == ["c" * 40, "b" * 40, "a" * 40]
        assert body[0]["author"]["id"] == str(proven.pk)
        assert body[0] | {"author": None} == {
            "id": "c" * 40,
            "message": "Guard null cart",
            "dateCreated": LATER.isoformat().replace("+00:00", "Z"),
            "pullRequest": None,
            "suspectCommitType": "",
            "repository": {
                "id": str(web.pk),
                "name": "acme/web",
                "url": None,
                "provider": {"id": "unknown", "name": "Unknown Provider"},
                "status": "active",
                "dateCreated": web.date_added.isoformat().replace("+00:00", "Z"),
                "integrationId": None,
                "externalSlug": None,
                "externalId": None,
            },
            "author": None,
        }
        assert (bob["message"], bob["author"]) == (None, {"name": "Bob", "email": "bob@example.com"})
        assert body[2]["author"] == {}

    def test_a_project_tells_the_same(self, api, release):
        assert api.get(f"{IN_PROJECT}/commits/").body == api.get(f"{RELEASE}/commits/").body

    def test_the_pull_request_that_a_commit_merged_comes_with_it(self, api, acme, release):
        web = Repository.objects.get(name="acme/web")
        PullRequest.objects.create(
            organization=acme, repository=web, key="7", title="Carts", merge_commit_sha="c" * 40, date_added=NOON
        )
        elsewhere = Repository.objects.create(organization=acme, name="other")
        PullRequest.objects.create(organization=acme, repository=elsewhere, key="8", merge_commit_sha="a" * 40)

        body = api.get(f"{RELEASE}/commits/").body

        assert (body[0]["pullRequest"]["id"], body[0]["pullRequest"]["title"]) == ("7", "Carts")
        assert body[0]["pullRequest"]["repository"] == body[0]["repository"]
        assert body[0]["pullRequest"]["author"] == {}
        assert body[2]["pullRequest"] is None

    @pytest.mark.parametrize("path", [RELEASE, IN_PROJECT], ids=["organization", "project"])
    def test_pages_lead_to_every_commit_once(self, api, release, path):
        first = api.get(f"{path}/commits/?per_page=2")
        assert 'rel="previous"; results="false"; cursor="0:0:1"' in first.headers["Link"]
        assert 'rel="next"; results="true"; cursor="2:0:0"' in first.headers["Link"]

        second = api.get(f"{path}/commits/?per_page=2&cursor=2:0:0")
        assert 'rel="next"; results="false"' in second.headers["Link"]
        assert 'rel="previous"; results="true"; cursor="2:0:1"' in second.headers["Link"]

        back = api.get(f"{path}/commits/?per_page=2&cursor=2:0:1")
        assert [commit["id"][0] for commit in first.body + second.body] == ["c", "b", "a"]
        assert back.body == first.body

    @pytest.mark.parametrize("path", [f"{RELEASE}/commits/", f"{IN_PROJECT}/commits/"], ids=["organization", "project"])
    def test_a_repository_can_be_named(self, api, acme, release, path):
        Repository.objects.filter(name="acme/api").update(provider="github", external_id="77")

        assert [commit["id"][0] for commit in api.get(f"{path}?repo_name=acme/web").body] == ["c", "a"]
        assert [commit["id"][0] for commit in api.get(f"{path}?repo_id=77&repo_name=acme/web").body] == ["b"]

    @pytest.mark.parametrize("query", ["repo_name=nothing", "repo_id=1"])
    @pytest.mark.parametrize("part", [f"{RELEASE}/commits/", f"{IN_PROJECT}/commits/", f"{RELEASE}/commitfiles/"])
    def test_a_repository_that_is_not_there_is_not_found(self, api, release, part, query):
        assert api.get(f"{part}?{query}").status == 404

    def test_a_repository_of_another_organization_is_not_found(self, api, release):
        Repository.objects.create(organization=an_organization("other"), name="theirs", provider="x", external_id="9")

        assert api.get(f"{RELEASE}/commits/?repo_name=theirs").status == 404
        assert api.get(f"{RELEASE}/commits/?repo_id=9").status == 404

    def test_changed_files_are_listed_by_name(self, api, acme, release):
        body = api.get(f"{RELEASE}/commitfiles/").body

        assert [(one["filename"], one["repoName"]) for one in body] == [
            ("api.py", "acme/api"),
            ("src/a.ts", "acme/web"),
            ("src/cart.ts", "acme/web"),
            ("src/cart.ts", "acme/web"),
        ]
        assert [one["type"] for one in body[:2]] == ["D", "A"]
        assert {one["type"] for one in body[2:]} == {"A", "M"}
        assert body[0]["author"] == {"name": "Bob", "email": "bob@example.com"}
        assert (body[1]["commitMessage"], body[1]["orgId"]) == ("Guard null cart", acme.pk)

    def test_files_of_one_repository_can_be_asked_for_page_by_page(self, api, release):
        answer = api.get(f"{RELEASE}/commitfiles/?repo_name=acme/web&per_page=2")
        assert [one["filename"] for one in answer.body] == ["src/a.ts", "src/cart.ts"]
        assert 'rel="next"; results="true"; cursor="2:1:0"' in answer.headers["Link"]

        rest = api.get(f"{RELEASE}/commitfiles/?repo_name=acme/web&per_page=2&cursor=2:1:0").body
        assert [one["filename"] for one in rest] == ["src/cart.ts"]

    def test_repositories_of_a_release_are_listed(self, api, acme, release):
        Repository.objects.create(organization=acme, name="unused")

        assert [one["name"] for one in api.get(f"{IN_PROJECT}/repositories/").body] == ["acme/api", "acme/web"]

    @pytest.mark.parametrize(
        "path",
        [f"{RELEASE}/commits/", f"{RELEASE}/commitfiles/", f"{IN_PROJECT}/commits/", f"{IN_PROJECT}/repositories/"],
    )
    def test_who_does_not_reach_the_project_finds_nothing(self, outsider, release, path):
        assert outsider.get(path).status == 404

    def test_a_release_of_another_project_is_not_the_projects(self, api, shop, release):
        assert api.get("/projects/acme/shop/releases/web@1.0/commits/").status == 404
        assert api.get("/projects/acme/shop/releases/web@1.0/repositories/").status == 404

    def test_a_token_of_the_pipeline_reads_it(self, acme, release):
        token = create_org_token(acme, "https://vedette.example.com", name="CI", by=None)[1]

        assert len(Api(token).get(f"{RELEASE}/commits/").body) == 3

    def test_the_release_tells_its_last_commit_and_its_authors(self, api, release, proven):
        body = api.get(f"{RELEASE}/").body

        assert body["commitCount"] == 3
        assert body["lastCommit"] == api.get(f"{RELEASE}/commits/").body[0]
        assert [author.get("id") or author["email"] for author in body["authors"]] == [
            str(proven.pk),
            "bob@example.com",
        ]


class TestOfAProject:
    def test_commits_of_its_releases_are_listed_newest_first(self, api, web, shop, release):
        a_release(web, version="web@2.0", commits=[CommitInput("d" * 40, timestamp=LATER + timedelta(hours=1))])
        a_release(shop, version="shop@1.0", commits=[CommitInput("e" * 40)])

        body = api.get("/projects/acme/web/commits/").body

        assert [commit["id"][0] for commit in body] == ["d", "c", "b", "a"]

    def test_a_commit_of_several_releases_comes_once(self, api, web):
        for version in ("web@1.0", "web@2.0"):
            a_release(web, version=version, commits=[CommitInput("a" * 40)])

        assert len(api.get("/projects/acme/web/commits/").body) == 1

    def test_the_beginning_of_a_key_finds_it(self, api, release):
        assert [commit["id"][0] for commit in api.get("/projects/acme/web/commits/?query=bbb").body] == ["b"]
        assert api.get("/projects/acme/web/commits/?query=zzz").body == []
        assert api.get(f"/projects/acme/web/commits/?query={'b' * 5000}").status == 400

    def test_who_does_not_reach_the_project_finds_nothing(self, outsider, release):
        assert outsider.get("/projects/acme/web/commits/").status == 404


class TestRepositories:
    def test_they_are_listed_by_name(self, api, acme, release):
        Repository.objects.create(organization=acme, name="zoo", provider="integrations:github", external_id="5")
        Repository.objects.create(organization=acme, name="gone", status=RepositoryStatus.PENDING_DELETION)
        Repository.objects.create(organization=an_organization("other"), name="theirs")

        body = api.get(f"{ORGANIZATION}/repos/").body

        assert [one["name"] for one in body] == ["acme/api", "acme/web", "zoo"]
        assert body[2]["provider"] == {"id": "integrations:github", "name": "GitHub"}
        assert body[2]["externalId"] == "5"

    def test_they_are_searched(self, api, acme, release):
        Repository.objects.create(organization=acme, name="web-old", status=RepositoryStatus.DISABLED)

        def names(query):
            return [one["name"] for one in api.get(f"{ORGANIZATION}/repos/?{query}").body]

        assert names("query=WEB") == ["acme/web", "web-old"]
        assert names("query=web&status=active") == ["acme/web"]
        assert names("status=disabled") == ["web-old"]
        assert api.get(f"{ORGANIZATION}/repos/?status=lost").detail == "invalid value for status"

    def test_pages_lead_through_them(self, api, release):
        answer = api.get(f"{ORGANIZATION}/repos/?per_page=1")

        assert [one["name"] for one in answer.body] == ["acme/api"]
        assert 'rel="next"; results="true"; cursor="1:1:0"' in answer.headers["Link"]

    def test_their_commits_are_listed_newest_first(self, api, release):
        web = Repository.objects.get(name="acme/web")

        assert [one["id"][0] for one in api.get(f"{ORGANIZATION}/repos/{web.pk}/commits/").body] == ["c", "a"]
        assert [one["id"][0] for one in api.get(f"{ORGANIZATION}/repos/{web.pk}/commits/?query=a").body] == ["a"]

    def test_those_of_another_organization_are_not_found(self, api, acme):
        theirs = Repository.objects.create(organization=an_organization("other"), name="theirs")
        gone = Repository.objects.create(organization=acme, name="gone", status=RepositoryStatus.PENDING_DELETION)

        for name in (theirs.pk, gone.pk, 10**12, "acme"):
            assert api.get(f"{ORGANIZATION}/repos/{name}/commits/").status == 404


class TestUnreleased:
    PATH = f"{ORGANIZATION}/members/me/unreleased-commits/"

    def commit(self, acme, key, at, email="owner@example.com", repository="acme/web"):
        """A commit that no release holds."""
        release = Release.objects.create(organization=acme, version=f"tmp-{key}")
        set_commits(release, [CommitInput(key, repository=repository, author_email=email, timestamp=at)], now=NOON)
        release.delete()
        return Commit.objects.get(key=key)

    def test_what_is_newer_than_the_last_released_commit_is_told(self, api, acme, release, proven):
        self.commit(acme, "old", LATER - timedelta(minutes=1))
        self.commit(acme, "new", LATER + timedelta(minutes=1))
        self.commit(acme, "newer", LATER + timedelta(minutes=2))
        self.commit(acme, "bobs", LATER + timedelta(minutes=2), email="bob@example.com")
        self.commit(acme, "fresh", NOON, repository="never-released")

        body = api.get(self.PATH).body

        assert [commit["id"] for commit in body["commits"]] == ["newer", "new", "fresh"]
        assert {one["name"] for one in body["repositories"].values()} == {"acme/web", "never-released"}
        assert all(key == one["id"] for key, one in body["repositories"].items())
        assert body["errors"] == {"missing_emails": False}

    def test_an_address_that_is_not_proven_is_nobodys(self, api, acme, owner):
        self.commit(acme, "new", NOON)

        assert api.get(self.PATH).body == {"commits": [], "repositories": {}, "errors": {"missing_emails": True}}

    def test_another_member_is_named_by_the_membership(self, api, acme, owner):
        bob = a_member(acme, "bob@example.com", verified=True)
        self.commit(acme, "bobs", NOON, email="bob@example.com")
        member = OrganizationMember.objects.get(user_id=bob.pk)

        body = api.get(f"{ORGANIZATION}/members/{member.pk}/unreleased-commits/").body

        assert [commit["id"] for commit in body["commits"]] == ["bobs"]

    def test_members_of_other_organizations_and_invitations_are_not_found(self, api, acme):
        other = an_organization("other")
        theirs = OrganizationMember.objects.create(organization=other, email="x@example.com")
        invited = OrganizationMember.objects.create(organization=acme, email="y@example.com")

        for name in (theirs.pk, invited.pk, "nobody", 10**12):
            assert api.get(f"{ORGANIZATION}/members/{name}/unreleased-commits/").status == 404
