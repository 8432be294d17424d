"""Who may open which page: every route, for nobody, for a stranger and for a member who may do little."""

import pytest
from django.urls import reverse

from tests.support.factories import a_member
from vedette.web import urls
from vedette.web.doors import DOOR

pytestmark = pytest.mark.django_db

ISSUE, EVENT = "WEB-1", "0" * 32
# Each route by name: the arguments of a path that exists for acme's owner, and which door guards it.
ROUTES = {
    "landing": ((), "signed-in"),
    "setup": ((), "set-up"),
    "login": ((), "public"),
    "logout": ((), "public"),
    "theme": ((), "public"),
    "org_redirect": (("settings/auth-tokens/",), "signed-in"),
    "settings": ((), "signed-in"),
    "account_home": ((), "signed-in"),
    "account": ((), "signed-in"),
    "tokens": ((), "signed-in"),
    "revoke_token": ((1,), "signed-in"),
    "organization": (("acme",), "organization"),
    "members": (("acme",), "organization"),
    "organization_tokens": (("acme",), "organization"),
    "revoke_organization_token": (("acme", 1), "organization"),
    "projects": (("acme",), "organization"),
    "new_project": (("acme",), "organization"),
    "project": (("acme", "web"), "organization"),
    "waiting": (("acme", "web"), "organization"),
    "add_key": (("acme", "web"), "organization"),
    "change_key": (("acme", "web", 1), "organization"),
    "stream": (("acme",), "organization"),
    "update": (("acme",), "organization"),
    "assign": (("acme",), "organization"),
    "issue": (("acme", ISSUE), "organization"),
    "events": (("acme", ISSUE), "organization"),
    "event": (("acme", ISSUE, EVENT), "organization"),
    "event_json": (("acme", ISSUE, EVENT), "organization"),
    "tag": (("acme", ISSUE, "user"), "organization"),
    "attachment": (("acme", ISSUE, 1), "organization"),
    "release": (("acme", "shop@1.0"), "organization"),
    "discover": (("acme", f"web:{EVENT}"), "organization"),
}
POSTS = {"logout", "theme", "revoke_token", "revoke_organization_token", "add_key", "change_key", "update"}
FOR_MANAGERS = {"organization_tokens", "revoke_organization_token", "new_project", "add_key", "change_key"}


def request_to(client, name):
    address = reverse(f"web:{name}", args=ROUTES[name][0])
    return client.post(address) if name in POSTS else client.get(address)


def behind(door):
    return [name for name, (_, kind) in ROUTES.items() if kind == door]


def test_every_route_is_in_the_table_with_its_door():
    doors = {pattern.name: getattr(pattern.callback, DOOR, None) for pattern in urls.urlpatterns}

    assert doors == {name: door for name, (_, door) in ROUTES.items()}


@pytest.mark.parametrize("name", behind("signed-in") + behind("organization"))
def test_nobody_is_asked_to_sign_in(name, visit, ann, project):
    answer = request_to(visit(), name)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/auth/login/")


@pytest.mark.parametrize("name", behind("organization"))
def test_a_member_of_another_organization_gets_a_404(name, visit, ann, project, stranger):
    assert request_to(visit(stranger), name).status_code == 404


@pytest.mark.parametrize("name", behind("organization"))
def test_a_former_member_gets_a_404(name, visit, ann, project, organization):
    ann.is_active = True
    organization.members.filter(user_id=ann.pk).delete()

    assert request_to(visit(ann), name).status_code == 404


@pytest.mark.parametrize("name", sorted(FOR_MANAGERS))
def test_a_plain_member_may_not_manage(name, visit, organization, project):
    bob = a_member(organization, "bob@example.com", "member")

    assert request_to(visit(bob), name).status_code == 403


@pytest.mark.parametrize("name", sorted(set(ROUTES) - {"setup"}))
def test_before_the_set_up_every_page_leads_to_it(name, visit):
    answer = request_to(visit(), name)

    assert (answer.status_code, answer["Location"]) == (302, "/setup/")


def test_an_htmx_request_of_nobody_reloads_the_page_to_sign_in(visit, ann, project):
    answer = visit().get("/organizations/acme/projects/web/waiting/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Refresh"]) == (204, "true")


def test_an_organization_that_is_being_deleted_is_closed(visit, ann, organization):
    organization.status = 1
    organization.save()

    assert visit(ann).get("/organizations/acme/issues/").status_code == 404


def test_a_member_without_open_membership_sees_only_the_projects_of_their_teams(visit, organization, project):
    organization.flags = 0
    organization.save()
    bob = a_member(organization, "bob@example.com", "member")

    assert visit(bob).get("/organizations/acme/projects/web/").status_code == 404
