"""Projects and their keys."""

import pytest

from tests.integration.api.test_organizations import next_of
from tests.support.factories import a_project, an_organization
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AuditLogEntry, OrganizationMember
from vedette.projects.models import Project, ProjectKey
from vedette.projects.services import create_key


def test_projects_are_listed_by_slug(api, acme, web):
    a_project(acme, "app")
    a_project(an_organization("other"), "foreign")

    answer = api.get("/organizations/acme/projects/?cursor=")

    assert [(one["slug"], one["isMember"]) for one in answer.body] == [("app", False), ("web", True)]
    assert answer.body[1]["team"]["slug"] == "core"
    assert answer.body[0]["team"] is None
    assert next_of(answer) is None


@pytest.mark.parametrize(
    ("query", "slugs"), [("query=we", ["web"]), ("query=slug:app", ["app"]), ("all_projects=1", ["app", "web"])]
)
def test_projects_can_be_searched(query, slugs, api, acme, web):
    a_project(acme, "app")

    assert [one["slug"] for one in api.get(f"/organizations/acme/projects/?{query}").body] == slugs
    assert [one["slug"] for one in api.get(f"/organizations/acme/projects/?query=id:{web.pk}").body] == ["web"]


def test_all_projects_of_the_caller_come_with_their_organization(api, acme, web, owner):
    other = an_organization("other")
    OrganizationMember.objects.create(organization=other, user_id=owner.pk, role="member")
    a_project(other, "app")
    a_project(an_organization("third"), "foreign")

    answer = api.get("/projects/")

    assert [(one["organization"]["slug"], one["slug"]) for one in answer.body] == [("acme", "web"), ("other", "app")]


def test_a_project_is_the_same_by_id_and_slug(api, acme, web):
    answer = api.get("/projects/acme/web/")

    assert api.get(f"/projects/{acme.pk}/{web.pk}/").body == answer.body
    assert answer.body["organization"]["slug"] == "acme"
    assert answer.body["allowedDomains"] == ["*"]
    assert answer.body["options"]["filters:releases"] == ""


def test_a_project_with_the_organizations_name_only(api, acme, web):
    answer = api.get("/projects/acme/web/?collapse=organization")

    assert answer.body["organization"] == {"id": str(acme.pk), "slug": "acme"}


def test_every_setting_that_terraform_sends_comes_back(api, web):
    wish = {
        "name": "Web shop",
        "slug": "shop",
        "platform": "python-django",
        "digestsMinDelay": 600,
        "digestsMaxDelay": 1200,
        "resolveAge": 720,
        "fingerprintingRules": "type:A -> a",
        "groupingEnhancements": "stack.module:x -app",
        "allowedDomains": ["a.example", "*.b.example"],
        "scrapeJavaScript": False,
        "securityToken": "secret",
        "securityTokenHeader": "X-Token",
        "verifySSL": True,
        "highlightTags": ["browser"],
    }
    options = {
        "filters:blacklisted_ips": "10.0.0.1\n10.0.0.2",
        "filters:releases": "1.*",
        "filters:error_messages": "Timeout",
        "sentry:unknown": True,
    }

    answer = api.put("/projects/acme/web/", {**wish, "options": options})

    assert {name: answer.body[name] for name in wish} == wish
    assert {name: answer.body["options"].get(name) for name in options} == {**options, "sentry:unknown": None}
    assert api.get("/projects/acme/shop/").body == answer.body
    assert AuditLogEntry.objects.get(event=AuditEvent.PROJECT_EDIT).data["slug"] == "shop"


@pytest.mark.parametrize(
    ("wish", "status", "field"),
    [
        ({"slug": "taken"}, 409, "detail"),
        ({"slug": "12"}, 400, "slug"),
        ({"name": ""}, 400, "name"),
        ({"digestsMinDelay": 1}, 400, "digestsMinDelay"),
        ({"digestsMinDelay": "x"}, 400, "digestsMinDelay"),
        ({"allowedDomains": {"a": 1}}, 400, "allowedDomains"),
        ({"name": "Renamed", "resolveAge": -1}, 400, "resolveAge"),
    ],
    ids=lambda value: str(value),
)
def test_a_setting_that_makes_no_sense_changes_nothing(wish, status, field, api, acme, web):
    a_project(acme, "taken")

    answer = api.put("/projects/acme/web/", wish)

    web.refresh_from_db()
    assert (answer.status, list(answer.body)) == (status, [field])
    assert (web.name, web.slug) == ("Web", "web")


def test_a_project_that_is_given_up_is_gone_and_frees_its_slug(api, acme, web):
    answer = api.delete("/projects/acme/web/")

    web.refresh_from_db()
    assert (answer.status, answer.raw) == (204, b"")
    assert api.get("/projects/acme/web/").status == 404
    assert api.get(f"/projects/acme/{web.pk}/").status == 404
    assert api.get("/organizations/acme/projects/").body == []
    assert web.status == 2
    assert AuditLogEntry.objects.get(event=AuditEvent.PROJECT_REMOVE).data["slug"] == "web"
    assert api.post("/teams/acme/core/projects/", {"name": "Web", "slug": "web"}).status == 201


def test_a_project_is_made_in_a_team(api, acme, team):
    answer = api.post("/teams/acme/core/projects/", {"name": "New App", "platform": "node", "default_rules": 1})

    project = Project.objects.get(slug="new-app")
    assert (answer.status, answer.body["slug"], answer.body["platform"]) == (201, "new-app", "node")
    assert answer.body["teams"] == [{"id": str(team.pk), "slug": "core", "name": "Core"}]
    assert project.keys.count() == 1
    assert [one["slug"] for one in api.get("/teams/acme/core/projects/").body] == ["new-app"]


def test_a_slug_is_taken_once(api, web):
    answer = api.post("/teams/acme/core/projects/", {"name": "Web", "slug": "web"})

    assert (answer.status, answer.detail) == (409, "A project with this slug already exists.")


def test_the_teams_of_a_project(api, web):
    assert [team["slug"] for team in api.get("/projects/acme/web/teams/").body] == ["core"]


def test_a_key_is_made_read_changed_and_deleted(api, web):
    made = api.post("/projects/acme/web/keys/", {"name": "CI", "rateLimit": {"count": 5, "window": 60}})
    path = f"/projects/acme/web/keys/{made.body['id']}/"
    changed = api.put(path, {"name": "Build", "isActive": 0, "rateLimit": None})
    limited = api.put(path, {"rateLimit": {"count": 7, "window": 3600}})
    gone = api.delete(path)

    assert (made.status, made.body["name"], made.body["rateLimit"]) == (201, "CI", {"window": 60, "count": 5})
    assert made.body["dsn"]["public"].endswith(f"/{web.pk}")
    assert (changed.body["name"], changed.body["isActive"], changed.body["rateLimit"]) == ("Build", False, None)
    assert limited.body["rateLimit"] == {"window": 3600, "count": 7}
    assert gone.status == 204
    assert api.get(path).status == 404
    told = [AuditEvent.PROJECTKEY_CREATE, AuditEvent.PROJECTKEY_EDIT, AuditEvent.PROJECTKEY_DISABLE]
    assert all(AuditLogEntry.objects.filter(event=event).exists() for event in told)


@pytest.mark.parametrize(
    "wish",
    [{"rateLimit": {"count": -1, "window": 1}}, {"rateLimit": {"count": 1, "window": 10**6}}, {"name": "x" * 65}],
)
def test_a_key_has_limits(wish, api, web):
    assert api.post("/projects/acme/web/keys/", wish).status == 400


def test_keys_are_listed_by_status(api, acme, web):
    active, off = create_key(web, "on"), create_key(web, "off")
    ProjectKey.objects.filter(pk=off.pk).update(status=1)
    create_key(a_project(acme, "app"), "elsewhere")

    def names(path):
        return [key["name"] for key in api.get(path).body]

    assert names("/projects/acme/web/keys/") == ["on", "off"]
    assert names("/projects/acme/web/keys/?status=inactive") == ["off"]
    assert names("/organizations/acme/project-keys/?status=active") == ["on", "elsewhere"]
    assert names("/organizations/acme/project-keys/?team=core") == ["on", "off"]
    assert api.get("/projects/acme/web/keys/?status=x").status == 400
    assert api.get(f"/projects/acme/app/keys/{active.public_key}/").status == 404
