"""Nobody of one organization reads, changes or learns anything of another: every endpoint, role and credential.

`acme` is theirs and has rows of every kind; the callers belong to `rivals`. What comes into the table of routes is
walked here, too: make a row for it in `Theirs`.
"""

import shutil
from datetime import timedelta

import pytest
from django.apps import apps
from django.test import Client

from tests.integration.api import factories
from tests.integration.api.client import Api
from tests.integration.api.test_routes import EVENT, TABLE, view_of
from tests.support.factories import a_member, a_project, a_release, an_organization
from vedette.accounts.tokens import create_user_token
from vedette.api.operations import Caller
from vedette.core import clock
from vedette.hooks.models import Webhook
from vedette.issues.models import (
    EventAttachment,
    GroupHistory,
    GroupInbox,
    GroupLink,
    GroupResolution,
    GroupTombstone,
    HistoryStatus,
    LinkedType,
)
from vedette.orgs.models import OrganizationMember, OrganizationMemberTeam, Team
from vedette.orgs.roles import ALL_SCOPES, ROLES
from vedette.orgs.tokens import create_org_token
from vedette.projects.models import Environment, ProjectKey, ProjectTeam
from vedette.projects.services import dsn_of
from vedette.releases.models import (
    ArtifactBundle,
    ArtifactBundleProject,
    ArtifactBundleRelease,
    Commit,
    CommitAuthor,
    CommitFileChange,
    Deploy,
    DeployProject,
    ReleaseCommit,
    ReleaseFile,
    ReleaseHeadCommit,
    Repository,
)
from vedette.relocation import hosted
from vedette.relocation.hosting import EXPORT
from vedette.relocation.models import Move

NOT_THERE = "The requested resource does not exist"
NOBODY = "Authentication credentials were not provided."
BOUND = "Unauthorized organization access."
URL = "https://vedette.example.com"
# What nobody of another organization may read anywhere, unless they said it themselves.
# What is asked for is asked wrongly; or is not taken from anybody.
REFUSED = {f"organizations/acme/{rest}/" for rest in ("stats_v2", "sessions", "releases/web@1.0/gate")}
SECRETS = (
    "acme",
    "Hidden Corp",
    "secret-web",
    "SECRET-WEB",
    "Leak: title",
    "plan@7.7",
    "acme/vault",
    "ghost@example.com",
)


class Theirs:
    """An organization with rows of every kind."""

    def __init__(self, digest):
        now = clock.now()
        self.organization = an_organization("acme", name="Hidden Corp")
        self.owner = a_member(self.organization, "ghost@example.com", "owner")
        self.team = Team.objects.create(organization=self.organization, slug="core", name="Core")
        member = OrganizationMember.objects.get(user_id=self.owner.pk)
        OrganizationMemberTeam.objects.create(team=self.team, organizationmember=member)
        self.project = a_project(self.organization, "secret-web")
        ProjectTeam.objects.create(project=self.project, team=self.team)
        self.key = ProjectKey.objects.create(project=self.project, public_key="a" * 32, secret_key="b" * 32)
        self.release = a_release("plan@7.7", self.project, last_commit_id=1, commit_count=1)
        digest(
            factories.a_real_event(
                self.project, "Leak: title", event_id=EVENT, timestamp=now - timedelta(hours=1), release="plan@7.7"
            )
        )
        self.issue = self.project.groups.get()
        self._work(now)

    def _work(self, now):
        organization, release = self.organization, self.release
        repository = Repository.objects.create(
            organization=organization, name="acme/vault", url="https://git/acme/vault"
        )
        author = CommitAuthor.objects.create(organization=organization, email="ghost@example.com", name="Ghost")
        commit = Commit.objects.create(
            organization=organization, repository=repository, key="c" * 40, author=author, message="Leak: title"
        )
        here = {"organization_id": organization.pk, "release": release, "commit": commit}
        ReleaseCommit.objects.create(**here, order=0)
        ReleaseHeadCommit.objects.create(**here, repository=repository)
        CommitFileChange.objects.create(organization_id=organization.pk, commit=commit, filename="vault.py", type="M")
        environment = Environment.objects.get(organization_id=organization.pk, name="production")
        deploy = Deploy.objects.create(organization=organization, release=release, environment=environment)
        DeployProject.objects.create(deploy=deploy, project_id=self.project.pk)
        issue = {"project": self.project, "group": self.issue}
        GroupLink.objects.create(**issue, linked_type=LinkedType.COMMIT, linked_id=commit.pk)
        GroupResolution.objects.create(group=self.issue, release=release)
        GroupInbox.objects.get_or_create(group=self.issue, defaults={**issue, "organization_id": organization.pk})
        GroupHistory.objects.create(**issue, organization_id=organization.pk, status=HistoryStatus.UNRESOLVED)
        self.tombstone = GroupTombstone.objects.create(
            previous_group_id=10**6, project=self.project, message="Leak: title"
        )
        self.attachment = EventAttachment.objects.create(
            **issue, event_id=EVENT, name="plan.txt", content_type="text/plain", size=1, sha1="d" * 40
        )
        self.file = ReleaseFile.objects.create(
            release=release, name="vault.js.map", ident="e" * 40, sha1="d" * 40, size=1
        )
        bundle = ArtifactBundle.objects.create(
            organization=organization, bundle_id="0" * 32, sha1="d" * 40, size=1, file_count=1
        )
        ArtifactBundleProject.objects.create(bundle=bundle, project=self.project)
        ArtifactBundleRelease.objects.create(bundle=bundle, version="plan@7.7")
        self.repository, self.commit, self.deploy = repository, commit, deploy
        self.member = OrganizationMember.objects.get(user_id=self.owner.pk)
        self.move = Move.objects.create(
            uuid="f" * 32,
            organization=organization,
            user_id=self.owner.pk,
            kind="export",
            state="ready",
            expires_at=now,
        )
        self.webhook = Webhook.objects.create(organization=organization, guid="1", url="https://hooks/acme", secret="")

    def path(self, path, *, by_number=False):
        """A path of the table, as it is called in this organization."""
        for words, mine in (
            ("web@1.0", "plan@7.7"),
            ("/repos/1/", f"/repos/{self.repository.pk}/"),
            ("/files/1/", f"/files/{self.file.pk}/"),
            ("/tombstones/1/", f"/tombstones/{self.tombstone.pk}/"),
            ("/attachments/1/", f"/attachments/{self.attachment.pk}/"),
            ("/members/me/", f"/members/{self.member.pk}/"),
            ("/webhooks/1/", f"/webhooks/{self.webhook.pk}/"),
            ("0" * 32, self.move.uuid),
            ("projects/acme/web/", "projects/acme/secret-web/"),
            ("WEB-1", "SECRET-WEB-1"),
            ("<filter_id>", "localhost"),
        ):
            path = path.replace(words, mine)
        if by_number:
            path = path.replace("acme/secret-web", f"acme/{self.project.pk}").replace(
                "/acme/", f"/{self.organization.pk}/"
            )
        return "/" + path.format(issue=self.issue.pk)


@pytest.fixture
def theirs(db, digest):
    theirs = Theirs(digest)
    where = hosted.directory_of(theirs.move)
    where.mkdir(parents=True)
    for name in (EXPORT, hosted.FINDINGS):
        (where / name).write_bytes(b"[]")
    yield theirs
    shutil.rmtree(where)


@pytest.fixture
def rivals(db):
    return an_organization("rivals")


@pytest.fixture
def ours(rivals):
    """An owner of the other organization, with a project, a release and an issue."""
    user = a_member(rivals, "rival@example.com", "owner")
    project = a_project(rivals, "web")
    release = a_release("ours@1.0", project)
    project.groups.create(short_id=1, title="Ours")
    Repository.objects.create(organization=rivals, name="rivals/web")
    return user, project, release


def inside(path):
    endpoint = view_of(path)[1]
    return endpoint.is_inside_an_organization and path != "organizations/"


WALK = [
    (method, path, view_of(path)[1].operations[method])
    for path, methods in TABLE.items()
    for method in methods
    if inside(path) and view_of(path)[1].operations[method].caller is not Caller.ANYBODY
]
# Issues are reached in four spellings; one by the organization and one by the number alone say as much as all.
SHORT_WALK = [step for step in WALK if not step[1].startswith(("organizations/acme/groups", "groups/"))]
BY_NUMBER_ALONE = [step for step in WALK if "acme" not in step[1]]
BY_ORGANIZATION = [step for step in WALK if "acme" in step[1]]


def rows():
    """Every row that hangs on an organization; what merely says when a credential was used is left out."""
    return {
        model._meta.label: list(model.objects.order_by("pk").values())
        for name in ("orgs", "projects", "releases", "issues", "hooks")
        for model in apps.get_app_config(name).get_models()
        if model._meta.model_name != "orgauthtoken"
    }


def walk(api, theirs, expected, steps=SHORT_WALK, *, by_number=False):
    """Ask for everything; gives what did not answer as `expected`: (status, sentence) each."""
    wrong = []
    for method, path, _ in steps:
        answer = api.ask(method, theirs.path(path, by_number=by_number), {}, {})
        told = (answer.status, answer.body.get("detail") if list(answer.body or ()) == ["detail"] else answer.body)
        headers = str(dict(answer.headers))
        if told not in expected or any(secret in headers for secret in SECRETS):
            wrong.append((method, path, told, headers))
    return wrong


def tokens(user, *scopes, **fields):
    return Api(create_user_token(user, frozenset(scopes or ALL_SCOPES), **fields)[1])


def signed_in(user):
    client = Client()
    client.force_login(user)
    return Api(client=client)


def test_every_row_that_is_walked_to_is_there_for_its_owner(theirs):
    api = tokens(theirs.owner)
    steps = [step for step in SHORT_WALK if step[0] == "GET"]

    found = {path: api.client.get(f"/api/0{theirs.path(path)}", headers=api.headers) for _, path, _ in steps}
    for answer in found.values():
        answer.getvalue()  # files that are sent are closed at their end

    assert {path for path, answer in found.items() if answer.status_code != 200} == REFUSED
    assert {answer.status_code for answer in found.values()} == {200, 400}


def test_no_role_of_another_organization_finds_anything(theirs, rivals):
    wrong = []

    for number, role in enumerate((*(role.id for role in ROLES), "billing")):
        user = a_member(rivals, f"{role}@example.com", role)
        before = rows()
        wrong += walk(tokens(user), theirs, {(404, NOT_THERE)}, by_number=number % 2 == 1)
        assert rows() == before, role

    assert wrong == []


def test_what_is_not_there_is_told_in_the_same_words(ours):
    api = tokens(ours[0])

    for method, path, _ in SHORT_WALK:
        answer = api.ask(method, "/" + path.replace("acme", "nowhere").format(issue=10**9), {}, {})

        assert (answer.status, answer.detail) == (404, NOT_THERE), path


def test_whoever_is_signed_in_elsewhere_finds_nothing(theirs, ours):
    before = rows()

    assert walk(signed_in(ours[0]), theirs, {(404, NOT_THERE)}) == []
    assert rows() == before


def test_no_scope_of_a_token_opens_another_organization(theirs, ours):
    callers = {scope: tokens(ours[0], scope) for scope in sorted(ALL_SCOPES)}
    before = rows()
    wrong = []

    for step in SHORT_WALK:
        for scope in step[2].scopes:
            wrong += walk(callers[scope], theirs, {(404, NOT_THERE)}, [step])

    assert wrong == []
    assert rows() == before


def test_credentials_that_are_bound_to_another_organization_are_of_no_use(theirs, rivals, ours):
    bound = create_user_token(ours[0], ALL_SCOPES)
    bound[0].scoping_organization_id = rivals.pk
    bound[0].save()
    key = ProjectKey.objects.create(project=ours[1], public_key="e" * 32, secret_key="f" * 32)
    org_token = create_org_token(rivals, URL, name="CI", by=None)[1]
    before = rows()

    for text in (org_token, bound[1]):
        assert walk(Api(text), theirs, {(401, BOUND)}, BY_ORGANIZATION) == []
        assert walk(Api(text), theirs, {(404, NOT_THERE)}, BY_NUMBER_ALONE) == []
    assert walk(Api(dsn_of(key, URL), scheme="DSN"), theirs, {(401, BOUND), (401, NOBODY)}) == []
    assert rows() == before


def test_credentials_that_are_good_no_more_open_nothing_even_at_home(theirs):
    expired = tokens(theirs.owner, expires_at=clock.now() - timedelta(seconds=1))
    inactive, inactive_text = create_org_token(theirs.organization, URL, name="old", by=None)
    inactive.date_deactivated = clock.now()
    inactive.save()
    gone = a_member(theirs.organization, "gone@example.com", "owner")
    OrganizationMember.objects.filter(user_id=gone.pk).delete()
    invited = a_member(theirs.organization, "invited@example.com", "owner")
    OrganizationMember.objects.filter(user_id=invited.pk).update(invite_status=1)
    disabled = a_member(theirs.organization, "disabled@example.com", "owner")
    disabled.is_active = False
    disabled.save()
    before = rows()

    assert walk(expired, theirs, {(401, "Token expired")}) == []
    assert walk(Api(inactive_text), theirs, {(401, "Invalid org token")}) == []
    # Each a third of the way: where a credential is looked at is the same everywhere.
    assert walk(tokens(gone), theirs, {(404, NOT_THERE)}, SHORT_WALK[::3]) == []
    assert walk(tokens(invited), theirs, {(404, NOT_THERE)}, SHORT_WALK[1::3]) == []
    assert walk(tokens(disabled), theirs, {(401, "User inactive or deleted")}, SHORT_WALK[2::3]) == []
    assert rows() == before


def test_lists_of_one_s_own_name_nothing_of_others(theirs, ours):
    api = tokens(ours[0])
    own = [
        (method, path, operation)
        for method, path, operation in WALK
        if method == "GET" and "{issue}" not in path and "acme" in path
    ]

    for method, path, _ in own:
        answer = api.ask(method, "/" + path.replace("acme", "rivals").replace("web@1.0", "ours@1.0"), None, {})
        assert not [secret for secret in SECRETS if secret.encode() in answer.raw], path
    for path in ("organizations/", "projects/", "users/me/"):
        answer = api.get(f"/{path}")
        assert not [secret for secret in SECRETS if secret.encode() in answer.raw], path


def named(theirs, mine):
    """Requests inside of `rivals` that name something of theirs: method, path, body."""
    org, web, issue = "/organizations/rivals", "/projects/rivals/web", f"/issues/{mine.pk}/"
    project, person = theirs.project.pk, theirs.owner.pk
    at = "2026-01-01T00:00:00Z"
    yield from (("GET", f"{org}/{rest}", None) for rest in (
        "releases/plan@7.7/",
        "releases/plan@7.7/commits/",
        "releases/plan@7.7/commitfiles/",
        "releases/plan@7.7/deploys/",
        "releases/plan@7.7/gate/?maxNewIssues=0",
        "releases/plan@7.7/meta/",
        "releases/plan@7.7/previous-with-commits/",
        "releases/plan@7.7/resolved/",
        "releases/plan@7.7/files/",
        f"releases/ours@1.0/files/{theirs.file.pk}/?download=1",
        f"releases/?project={project}",
        "releases/?project=secret-web",
        "releases/?environment=production",
        f"releases/stats/?project={project}",
        f"releases/ours@1.0/gate/?maxNewIssues=0&project={project}",
        f"repos/{theirs.repository.pk}/commits/",
        f"members/{theirs.member.pk}/unreleased-commits/",
        f"issues/?project={project}",
        f"issues/{theirs.issue.pk}/",
        "issues/SECRET-WEB-1/",
        "shortids/SECRET-WEB-1/",
        f"eventids/{EVENT}/",
        f"sessions/?project={project}&field=sum(session)&statsPeriod=1d&interval=1h",
    ))  # fmt: skip
    yield from (("GET", f"{web}/{rest}", None) for rest in (
        "releases/plan@7.7/", "releases/plan@7.7/commits/", "releases/plan@7.7/repositories/",
        "releases/plan@7.7/resolved/", f"events/{EVENT}/", f"events/{EVENT}/attachments/{theirs.attachment.pk}/",
    ))  # fmt: skip
    yield "POST", f"{org}/releases/", {"version": "new@1", "projects": [project]}
    yield "POST", f"{org}/releases/", {"version": "new@1", "projects": ["secret-web"]}
    yield "POST", f"{org}/releases/", {"version": "new@1", "projects": ["web"], "owner": str(person)}
    yield "PUT", f"{org}/releases/ours@1.0/", {"refs": [{"repository": "acme/vault", "commit": "c" * 40}]}
    yield "PUT", f"{org}/releases/plan@7.7/", {"ref": "x"}
    yield "DELETE", f"{org}/releases/plan@7.7/", None
    yield "PUT", f"{org}/releases/ours@1.0/files/{theirs.file.pk}/", {"name": "x"}
    yield "DELETE", f"{web}/releases/ours@1.0/files/{theirs.file.pk}/", None
    yield "DELETE", f"{web}/files/artifact-bundles/?bundleId={'0' * 32}", None
    yield "DELETE", f"{web}/files/source-maps/?name=plan@7.7", None
    yield "POST", f"{org}/releases/plan@7.7/assemble/", {"checksum": "d" * 40, "chunks": []}
    yield "POST", f"{org}/artifactbundle/assemble/", {"checksum": "d" * 40, "chunks": [], "projects": [project]}
    yield "POST", f"{org}/releases/plan@7.7/deploys/", {"environment": "x"}
    yield "POST", f"{org}/releases/ours@1.0/deploys/", {"environment": "x", "projects": ["secret-web"]}
    yield "POST", f"{org}/releases/ours@1.0/deploys/", {"environment": "x", "projects": [project], "dateFinished": at}
    yield "PUT", issue, {"status": "resolved", "statusDetails": {"inRelease": "plan@7.7"}}
    yield (
        "PUT",
        issue,
        {
            "status": "resolved",
            "statusDetails": {"inCommit": {"commit": "c" * 40, "repository": "acme/vault"}},
        },
    )
    yield "PUT", issue, {"assignedTo": f"user:{person}"}
    yield "PUT", issue, {"assignedTo": f"team:{theirs.team.pk}"}
    for spelling in (f"{org}/issues/", f"{web}/issues/"):
        yield "PUT", f"{spelling}?id={theirs.issue.pk}", {"status": "resolved"}
        yield "DELETE", f"{spelling}?id={theirs.issue.pk}", None
    yield "DELETE", f"{web}/tombstones/{theirs.tombstone.pk}/", None
    yield "GET", f"{org}/relocations/{theirs.move.uuid}/", None
    yield "GET", f"{org}/relocations/{theirs.move.uuid}/download/", None
    yield "PUT", f"{org}/relocations/{theirs.move.uuid}/", {"action": "cancel"}
    yield "POST", f"{org}/members/", {"email": "x@example.com", "teams": ["core"]}
    yield "PUT", f"{org}/members/{theirs.member.pk}/", {"orgRole": "member"}
    yield "DELETE", f"{org}/members/{theirs.member.pk}/", None
    yield "POST", f"{org}/members/me/teams/{theirs.team.pk}/", None
    yield "DELETE", f"{org}/members/{theirs.member.pk}/teams/{theirs.team.pk}/", None
    yield "POST", f"{web}/teams/{theirs.team.pk}/", None
    yield "DELETE", f"{web}/teams/core/", None
    yield "DELETE", f"/teams/rivals/{theirs.team.pk}/", None


def test_whoever_names_things_of_others_at_home_is_denied_and_learns_nothing(theirs, ours):
    api, (_, project, _) = tokens(ours[0]), ours
    before = rows()
    wrong = []

    for method, path, body in named(theirs, project.groups.get()):
        answer = api.ask(method, path, body, {})
        asked = f"{path} {body}"
        leaked = [one for one in SECRETS if one not in asked and one in answer.raw.decode() + str(dict(answer.headers))]
        if not (answer.status in (204, 400, 403, 404) or answer.body == []) or leaked:
            wrong.append((method, path, body, answer.status, answer.raw, leaked))

    assert wrong == []
    assert rows() == before


def test_a_version_of_others_is_a_version_that_is_not_there(theirs, ours):
    api, (_, project, _) = tokens(ours[0]), ours

    theirs_ = api.get(f"/issues/{project.groups.get().pk}/regression-check/?release=plan@7.7")
    nobodys = api.get(f"/issues/{project.groups.get().pk}/regression-check/?release=lost@7.7")

    assert {**theirs_.body, "release": ""} == {**nobodys.body, "release": ""}
    assert theirs_.body["releaseExists"] is False
