"""Creating releases over the API (release specification, 7; appendices B and C.1 to C.3)."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection

from tests.integration.api.client import Api
from tests.support.factories import a_member, a_project, an_organization
from vedette.issues.models import Activity, ActivityType
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AnalyticsFact, AuditLogEntry, OrganizationMember, OrganizationMemberTeam, OrgAuthToken
from vedette.orgs.tokens import create_org_token
from vedette.projects.models import ObjectStatus, ProjectTeam
from vedette.releases.models import Release, ReleaseProject, ReleaseStatus
from vedette.shipping import create

URL = "/organizations/acme/releases/"
OF_WEB = "/projects/acme/web/releases/"
STRANGERS = {"projects": ["You do not have permission to one of the projects"]}


@pytest.fixture
def ci(acme):
    """The organization's own token, as pipelines have it."""
    return Api(create_org_token(acme, "https://vedette.example.com", name="CI", by=None)[1])


@pytest.fixture
def member(acme, team, token_of):
    """A plain member of the team where membership is closed."""
    acme.flags = 0
    acme.save()
    user = a_member(acme, "ann@example.com")
    membership = OrganizationMember.objects.get(organization=acme, user_id=user.pk)
    OrganizationMemberTeam.objects.create(team=team, organizationmember=membership)
    return token_of(user)


def versions_of(project):
    return set(ReleaseProject.objects.filter(project=project).values_list("release__version", flat=True))


def test_a_new_release_is_told_whole(ci, web, shop):
    body = {"version": "web@2.4.0", "projects": ["web", shop.pk], "dateStarted": "2026-01-02T03:04:05Z"}

    answer = ci.post(URL, body, User_Agent="sentry-cli/3.6.0")

    release = Release.objects.get()
    assert answer.status == 201
    projects = answer.body.pop("projects")
    assert answer.body == {
        "id": release.pk,
        "version": "web@2.4.0",
        "shortVersion": "web@2.4.0",
        "status": "open",
        "versionInfo": {
            "package": "web",
            "version": {
                "raw": "2.4.0",
                "major": 2,
                "minor": 4,
                "patch": 0,
                "pre": None,
                "buildCode": None,
                "components": 3,
            },
            "description": "2.4.0",
            "buildHash": None,
        },
        "ref": None,
        "url": None,
        "dateReleased": None,
        "dateCreated": answer.body["dateCreated"],
        "dateStarted": None,
        "data": {},
        "newGroups": 0,
        "owner": None,
        "commitCount": 0,
        "lastCommit": None,
        "deployCount": 0,
        "lastDeploy": None,
        "authors": [],
        "firstEvent": None,
        "lastEvent": None,
        "currentProjectMeta": {},
        "userAgent": "sentry-cli/3.6.0",
    }
    assert projects == [
        {
            "id": project.pk,
            "slug": project.slug,
            "name": project.name,
            "newGroups": 0,
            "platform": project.platform,
            "platforms": [project.platform] if project.platform else [],
            "hasHealthData": False,
        }
        for project in (shop, web)
    ]


def test_the_status_says_whether_something_was_made(ci, web, shop):
    one = {"version": "1.0", "projects": ["web"]}

    statuses = [
        ci.post(URL, body).status
        for body in (
            one,
            one,
            {"version": "1.0", "projects": ["shop"]},
            {"version": "1.0", "projects": ["shop", "web"]},
            {"version": "1.0", "projects": []},
            {"version": "1.0", "projects": [], "status": "archived"},
            {"version": "1.0", "projects": [], "status": "open"},
            {"version": "2.0", "projects": []},
            {"version": "2.0", "projects": []},
        )
    ]

    assert statuses == [201, 208, 201, 208, 208, 208, 208, 201, 208]


def test_the_project_form_answers_208_exactly_when_the_link_was_there(ci, web, shop):
    ci.post(URL, {"version": "1.0", "projects": ["shop"]})

    statuses = [ci.post(OF_WEB, {"version": version}).status for version in ("1.0", "1.0", "2.0", "2.0")]

    assert statuses == [201, 208, 201, 208]
    assert versions_of(web) == {"1.0", "2.0"}
    assert versions_of(shop) == {"1.0"}


@pytest.mark.parametrize("spelling", ["slug", "number", "digits", "twice"])
def test_a_project_is_named_by_slug_or_id(ci, web, spelling):
    names = {"slug": ["web"], "number": [web.pk], "digits": [str(web.pk)], "twice": ["web", web.pk]}[spelling]

    answer = ci.post(URL, {"version": "1.0", "projects": names})

    assert answer.status == 201
    assert [project["slug"] for project in answer.body["projects"]] == ["web"]


@pytest.mark.parametrize("name", ["nothing", 999999999, 2**64 - 1, -1, 0, "999999999", ""])
def test_an_unknown_project_is_refused_and_nothing_is_written(ci, web, name):
    answer = ci.post(URL, {"version": "1.0", "projects": ["web", name]})

    assert (answer.status, answer.body) == (400, {"projects": ["Invalid project ids or slugs"]})
    assert not Release.objects.exists()


def test_projects_of_another_organization_are_unknown(ci, web):
    theirs = a_project(an_organization("other"), "theirs")

    for name in ("theirs", theirs.pk):
        answer = ci.post(URL, {"version": "1.0", "projects": [name]})

        assert (answer.status, answer.body) == (400, {"projects": ["Invalid project ids or slugs"]})
    assert not Release.objects.exists()


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"version": "latest", "projects": []}, {"version": ["Release with name latest is not allowed"]}),
        ({"version": "1.0", "projects": "web"}, {"projects": ['Expected a list of items but got type "str".']}),
        ({"version": "1.0", "projects": [], "commits": [{}]}, {"commits": {"id": ["This field is required."]}}),
        (
            {"version": "1.0", "projects": [], "owner": "nobody@example.com"},
            {"owner": ["Unable to find user"]},
        ),
    ],
    ids=["version", "projects", "commits", "owner"],
)
def test_a_wrong_body_is_refused_by_field_and_nothing_is_written(ci, web, body, errors):
    answer = ci.post(URL, body)

    assert (answer.status, answer.body) == (400, errors)
    assert not Release.objects.exists()


def test_refs_of_an_unknown_repository_are_refused_and_the_release_stays(ci, web):
    refs = [{"repository": "acme/web", "commit": "abc"}]

    answer = ci.post(URL, {"version": "1.0", "projects": ["web"], "refs": refs})

    assert (answer.status, answer.body) == (400, {"refs": ["Invalid repository names: acme/web"]})
    assert versions_of(web) == {"1.0"}


def test_what_is_said_of_a_release_that_is_there_changes_nothing_but_its_status(ci, web):
    ci.post(URL, {"version": "1.0", "projects": ["web"], "url": "https://example.com/1"})

    answer = ci.post(
        URL,
        {
            "version": "1.0",
            "projects": ["web"],
            "url": "https://example.com/2",
            "ref": "main",
            "dateReleased": "2026-01-01T00:00:00Z",
            "status": "archived",
        },
    )

    assert answer.status == 208
    assert [answer.body[name] for name in ("url", "ref", "dateReleased")] == ["https://example.com/1", None, None]
    assert answer.body["status"] == "archived"


def test_archive_and_restore_as_the_command_line_client_does(ci, web):
    ci.post(URL, {"version": "1.0", "projects": ["web"]})

    archived = ci.post(URL, {"version": "1.0", "projects": [], "status": "archived"})
    hidden = ci.get(URL).body
    restored = ci.post(URL, {"version": "1.0", "projects": [], "status": "open"})

    assert (archived.status, archived.body["status"]) == (208, "archived")
    assert hidden == []
    assert (restored.status, restored.body["status"]) == (208, "open")
    assert [release["version"] for release in ci.get(URL).body] == ["1.0"]
    events = AuditLogEntry.objects.order_by("pk").values_list("event", flat=True)
    assert list(events)[-2:] == [AuditEvent.RELEASE_ARCHIVE, AuditEvent.RELEASE_EDIT]


def test_a_release_that_is_not_there_cannot_be_archived(ci, web):
    answer = ci.post(URL, {"version": "1.0", "projects": [], "status": "archived"})

    assert (answer.status, answer.detail) == (404, "The requested resource does not exist")
    assert not Release.objects.exists()


def test_a_release_without_projects_is_there_for_the_whole_organization_only(ci, api, member, web):
    assert ci.post(URL, {"version": "1.0", "projects": []}).status == 201

    assert ci.put(f"{URL}1.0/", {"ref": "main"}).status == 200
    assert api.put(f"{URL}1.0/", {"ref": "main"}).status == 200
    assert member.put(f"{URL}1.0/", {"ref": "main"}).status == 404


@pytest.mark.parametrize("rest", ["", "commits/", "repositories/", "resolved/", "stats/", "files/"])
def test_by_way_of_a_project_a_release_without_projects_is_not_there(api, events, web, rest):
    api.post(URL, {"version": "1.0", "projects": []})

    assert api.get(f"/projects/acme/web/releases/1.0/{rest}").status == 404


def test_releasing_is_told_in_the_history_of_each_project_that_was_linked(ci, web, shop):
    released = "2026-01-02T03:04:05Z"

    ci.post(URL, {"version": "v" * 100, "projects": ["web"], "dateReleased": released})
    ci.post(URL, {"version": "v" * 100, "projects": ["web", "shop"]})
    ci.post(URL, {"version": "2.0", "projects": ["web"]})

    rows = Activity.objects.order_by("pk")
    assert [(row.project_id, row.type, row.ident, row.data, row.datetime) for row in rows] == [
        (project.pk, ActivityType.RELEASE, "v" * 64, {"version": "v" * 100}, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        for project in (web, shop)
    ]


def test_the_project_form_tells_it_only_when_it_makes_the_release(ci, web, shop):
    body = {"version": "1.0", "dateReleased": "2026-01-02T03:04:05Z"}

    ci.post("/projects/acme/shop/releases/", body)
    ci.post(OF_WEB, body)

    assert list(Activity.objects.values_list("project_id", flat=True)) == [shop.pk]


def test_commits_come_with_the_release_and_what_was_cut_is_said(ci, web):
    commit = {
        "id": "8f1d",
        "repository": "acme/web",
        "author_name": "Ana",
        "author_email": "a" * 300,
        "timestamp": "2026-01-02T02:00:00+00:00",
        "message": "Guard null cart",
        "patch_set": [{"path": "src/cart.ts", "type": "R"}],
    }

    answer = ci.post(URL, {"version": "1.0", "projects": ["web"], "commits": [commit]})

    assert (answer.status, answer.body["commitCount"]) == (201, 1)
    assert answer.body["lastCommit"]["id"] == "8f1d"
    assert [author["name"] for author in answer.body["authors"]] == ["Ana"]
    assert answer.headers["X-Vedette-Warnings"] == (
        '["author_email was cut to 200 characters","patch_set type was taken for M"]'
    )
    assert list(AnalyticsFact.objects.order_by("pk").values_list("name", flat=True)) == [
        "release.set_commits_local",
        "release.created",
    ]


def test_a_member_cannot_extend_a_release_of_projects_that_they_do_not_reach(ci, member, acme, web):
    a_project(acme, "secret-plans")
    ci.post(URL, {"version": "1.0", "projects": ["secret-plans"]})

    of_organization = member.post(URL, {"version": "1.0", "projects": ["web"]})
    of_project = member.post(OF_WEB, {"version": "1.0"})

    assert (of_organization.status, of_organization.body) == (400, STRANGERS)
    assert (of_project.status, of_project.body) == (400, STRANGERS)
    assert versions_of(web) == set()


def test_a_project_that_was_given_up_is_in_nobodys_way(ci, acme, web):
    gone = a_project(acme, "gone")
    ci.post(URL, {"version": "1.0", "projects": ["gone"]})
    gone.status = ObjectStatus.PENDING_DELETION
    gone.save()

    assert ci.post(URL, {"version": "1.0", "projects": ["web"]}).status == 201


def test_a_member_makes_releases_where_they_are_a_member_or_say_so(acme, member, web):
    other = a_project(acme, "other")
    ProjectTeam.objects.filter(project=other).delete()
    acme.flags = 1  # anybody may look
    acme.save()

    mine = member.post(URL, {"version": "1.0", "projects": ["web"]})
    others = member.post(URL, {"version": "2.0", "projects": ["other"]})
    said = member.post(f"{URL}?project=other", {"version": "3.0", "projects": ["other"]})

    assert (mine.status, others.status, said.status) == (201, 400, 201)


def test_an_owner_is_a_member_of_the_organization(ci, api, owner, acme):
    named = api.post(URL, {"version": "1.0", "projects": [], "owner": owner.username})
    numbered = api.post(URL, {"version": "2.0", "projects": [], "owner": str(owner.pk)})
    stranger = a_member(an_organization("other"), "stranger@example.com")
    invited = a_member(acme, "invited@example.com")
    OrganizationMember.objects.filter(user_id=invited.pk).update(invite_status=1)

    assert named.body["owner"]["id"] == numbered.body["owner"]["id"] == str(owner.pk)
    for name, sentence in (
        (stranger.username, "Unable to find user"),
        (str(stranger.pk), "Unable to find user"),
        (invited.username, "User does not have access to this organization"),
    ):
        answer = api.post(URL, {"version": "3.0", "projects": [], "owner": name})
        assert (answer.status, answer.body) == (400, {"owner": [sentence]})


def test_who_made_it_is_in_the_audit_log(ci, api, owner, web):
    ci.post(URL, {"version": "1.0", "projects": ["web"]})
    api.post(URL, {"version": "2.0", "projects": []})
    ci.post(URL, {"version": "2.0", "projects": ["web"]})

    rows = AuditLogEntry.objects.order_by("pk").values_list("event", "actor_id", "actor_label", "data")
    assert list(rows) == [
        (AuditEvent.RELEASE_CREATE, None, "CI", {"version": "1.0", "projects": ["web"]}),
        (AuditEvent.RELEASE_CREATE, owner.pk, owner.username, {"version": "2.0", "projects": []}),
        (AuditEvent.RELEASE_EDIT, None, "CI", {"version": "2.0", "projects": ["web"]}),
    ]


def test_facts_say_which_client_and_credential(ci, api, owner, acme, web):
    ci.post(URL, {"version": "1.0", "projects": ["web"]}, User_Agent="a" * 300)
    api.post(OF_WEB, {"version": "1.0"}, User_Agent="a" * 300)

    first, second = AnalyticsFact.objects.order_by("pk")
    assert (first.name, first.organization_id, first.user_id) == ("release.created", acme.pk, None)
    assert first.data == {
        "project_ids": [web.pk],
        "user_agent": "a" * 300,
        "created_status": 201,
        "credential": "org_auth_token",
    }
    assert second.user_id == owner.pk
    assert (second.data["created_status"], second.data["credential"]) == (208, "user_auth_token")
    assert len(second.data["user_agent"]) == 256
    assert Release.objects.get().user_agent == "a" * 256


def test_a_token_of_the_organization_remembers_where_it_was_used(ci, web, shop):
    ci.post(URL, {"version": "1.0", "projects": ["shop", "web"]})

    token = OrgAuthToken.objects.get()
    assert token.project_last_used_id == shop.pk
    assert token.date_last_used is not None


@pytest.mark.parametrize("scope", ["project:write", "project:admin", "project:releases", "org:ci"])
def test_any_of_the_scopes_is_enough(owner, token_of, web, scope):
    if scope == "org:ci":
        token = create_org_token(web.organization, "https://vedette.example.com", name="CI", by=None)[1]
        caller = Api(token)
    else:
        caller = token_of(owner, scope)

    assert caller.post(URL, {"version": "1.0", "projects": ["web"]}).status == 201


def test_reading_is_not_enough(owner, token_of, web):
    answer = token_of(owner, "project:read").post(URL, {"version": "1.0", "projects": ["web"]})

    assert answer.status == 403
    assert not Release.objects.exists()


def test_a_version_of_another_organization_is_another_release(ci, web):
    other = an_organization("other")
    theirs = Release.objects.create(organization=other, version="1.0", url="https://example.com/secret")

    answer = ci.post(URL, {"version": "1.0", "projects": ["web"]})

    assert (answer.status, answer.body["url"]) == (201, None)
    assert not ReleaseProject.objects.filter(release=theirs).exists()


def test_old_rows_without_a_status_are_open(ci, acme, web):
    release = Release.objects.create(organization=acme, version="1.0", status=None)
    ReleaseProject.objects.create(release=release, project=web)

    answer = ci.post(URL, {"version": "1.0", "projects": ["web"], "status": "open"})

    assert (answer.status, answer.body["status"]) == (208, "open")
    assert not AuditLogEntry.objects.exists()
    assert ci.post(URL, {"version": "1.0", "projects": [], "status": "archived"}).body["status"] == "archived"
    assert Release.objects.get().status == ReleaseStatus.ARCHIVED


@pytest.mark.django_db(transaction=True)
def test_of_many_identical_requests_one_makes_the_release(acme, web):
    token = create_org_token(acme, "https://vedette.example.com", name="CI", by=None)[1]
    start, statuses = threading.Barrier(16), []

    def create():
        try:
            start.wait(timeout=60)
            statuses.append(Api(token).post(URL, {"version": "1.0", "projects": ["web"]}).status)
        finally:
            connection.close()

    threads = [threading.Thread(target=create) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    assert sorted(statuses) == [201] + [208] * 15
    assert Release.objects.count() == ReleaseProject.objects.count() == 1


FORM = "application/x-www-form-urlencoded"


def of_form(ci, text, content_type=FORM):
    return ci.client.post(f"/api/0{URL}", text, content_type=content_type, headers=ci.headers)


def test_a_form_says_the_same_as_json(ci, web, shop):
    made = of_form(ci, "version=web%401.0&projects=web&projects=shop&url=https%3A%2F%2Fexample.com&dateReleased=")
    again = of_form(ci, "version=web%401.0&projects=web")

    assert (made.status_code, again.status_code) == (201, 208)
    assert (made.json()["version"], made.json()["url"]) == ("web@1.0", "https://example.com")
    assert versions_of(web) == versions_of(shop) == {"web@1.0"}


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("projects=web", {"version": ["This field is required."]}),
        ("version=&projects=web", {"version": ["This field may not be blank."]}),
        ("version=latest&projects=web", {"version": ["Release with name latest is not allowed"]}),
        ("version=1.0", {"projects": ["This field is required."]}),
        ("version=1.0&projects=nothing", {"projects": ["Invalid project ids or slugs"]}),
        ("version=1.0&projects=web&url=x", {"url": ["Enter a valid URL."]}),
        ("version=1.0&projects=web&commits=x", {"commits": ['Expected a list of items but got type "str".']}),
        ("version=1.0%00&projects=web", {"detail": "Null characters are not allowed."}),
    ],
    ids=["no version", "empty", "latest", "no projects", "unknown project", "url", "commits", "NUL"],
)
def test_a_form_is_refused_as_json_is(ci, web, text, errors):
    answer = of_form(ci, text)

    assert (answer.status_code, answer.json()) == (400, errors)
    assert answer.headers["Content-Type"] == "application/json"
    assert not Release.objects.exists()


PARTS = "multipart/form-data; boundary=x"


def in_parts(*fields, file=""):
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields]
    if file:
        parts.append(f'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n{file}\r\n')
    return "".join([*parts, "--x--\r\n"])


def test_a_form_in_parts_says_the_same(ci, web, shop):
    text = in_parts(("version", "web@1.0"), ("projects", "web"), ("projects", "shop"), file="nobody reads this")

    made, again = of_form(ci, text, PARTS), of_form(ci, text, PARTS)

    assert (made.status_code, again.status_code) == (201, 208)
    assert versions_of(web) == versions_of(shop) == {"web@1.0"}


@pytest.mark.parametrize(
    ("text", "content_type", "errors"),
    [
        (in_parts(("version", "latest"), ("projects", "web")), PARTS, {"version"}),
        (in_parts(("version", "1\0"), ("projects", "web")), PARTS, {"detail"}),
        ("no parts", "multipart/form-data", {"detail"}),
        ("", PARTS, {"version", "projects"}),
    ],
    ids=["field", "NUL", "no boundary", "empty"],
)
def test_a_form_in_parts_is_refused_as_well(ci, web, text, content_type, errors):
    answer = of_form(ci, text, content_type)

    assert (answer.status_code, set(answer.json())) == (400, errors)
    assert not Release.objects.exists()


@pytest.mark.parametrize("url", [f"{URL}1.0/", f"{OF_WEB}1.0/"], ids=["organization", "project"])
def test_a_form_changes_a_release_and_is_refused_as_json_is(ci, web, url):
    ci.post(URL, {"version": "1.0", "projects": ["web"], "ref": "main"})

    def put(text):
        return ci.client.put(f"/api/0{url}", text, content_type=FORM, headers=ci.headers)

    changed, refused = put("url=https%3A%2F%2Fexample.com&status=archived&ref="), put("status=gone&ref=other")

    assert changed.status_code == 200
    assert [changed.json()[name] for name in ("url", "status", "ref")] == ["https://example.com", "archived", "main"]
    assert (refused.status_code, refused.json()) == (400, {"status": ["Invalid status gone"]})


def test_what_is_deleted_while_a_release_is_made_is_a_conflict_and_nothing_is_written(ci, web, monkeypatch):
    def gone(*_):
        raise IntegrityError("violates foreign key constraint")

    monkeypatch.setattr(create, "attach", gone)

    answer = ci.post(URL, {"version": "1.0", "projects": ["web"]})

    assert answer.status == 409
    assert answer.detail == "Could not create the release it conflicts with existing data"
    assert not Release.objects.exists()


@pytest.mark.parametrize("content_type", [FORM, "text/plain", "application/json; charset=utf-8"])
def test_json_is_json_whatever_it_is_called(ci, web, content_type):
    answer = of_form(ci, '{"version": "1.0", "projects": ["web"]}', content_type)

    assert answer.status_code == 201
