"""Who may open which page: every route, for nobody, for a stranger and for a member who may do little."""

import pytest
from django.conf import settings
from django.urls import reverse

from tests.support.factories import a_member
from tests.support.factors import an_app
from vedette.orgs.models import OrganizationFlags
from vedette.web import urls
from vedette.web.doors import DOOR

pytestmark = pytest.mark.django_db

ISSUE, EVENT = "WEB-1", "0" * 32
# Each route by name: the arguments of a path that exists for acme's owner, and which door guards it.
ROUTES = {
    "landing": ((), "signed-in"),
    "setup": ((), "set-up"),
    "login": ((), "public"),
    "login_code": ((), "public"),
    "login_recovery": ((), "public"),
    "ask_password": ((), "public"),
    "choose_password": ((1, "0" * 32), "public"),
    "logout": ((), "public"),
    "theme": ((), "public"),
    "ask_claim": ((), "public"),
    "claim": ((1, "0" * 32), "public"),
    "org_redirect": (("settings/auth-tokens/",), "signed-in"),
    "settings": ((), "signed-in"),
    "account_home": ((), "signed-in"),
    "account": ((), "signed-in"),
    "security": ((), "signed-in"),
    "set_up_app": ((), "signed-in"),
    "tokens": ((), "signed-in"),
    "revoke_token": ((1,), "signed-in"),
    "notifications": ((), "signed-in"),
    "unsubscribe": (("1.deploys.signature",), "public"),
    "organization": (("acme",), "organization"),
    "organization_settings": (("acme",), "organization"),
    "audit_log": (("acme",), "organization"),
    "choose_organization_avatar": (("acme",), "organization"),
    "choose_user_avatar": ((), "signed-in"),
    "user_avatar": (("0" * 32,), "public"),
    "organization_avatar": (("0" * 32,), "public"),
    "members": (("acme",), "organization"),
    "send_claim": (("acme", 1), "organization"),
    "accept": (("0" * 64,), "public"),
    "new_organization": ((), "signed-in"),
    "member": (("acme", 1), "organization"),
    "remove_member": (("acme", 1), "organization"),
    "invitation": (("acme", 1), "organization"),
    "teams": (("acme",), "organization"),
    "team": (("acme", "crew"), "organization"),
    "change_team_members": (("acme", "crew"), "organization"),
    "change_team_projects": (("acme", "crew"), "organization"),
    "delete_team": (("acme", "crew"), "organization"),
    "organization_tokens": (("acme",), "organization"),
    "revoke_organization_token": (("acme", 1), "organization"),
    "moves": (("acme",), "organization"),
    "ask_export": (("acme",), "organization"),
    "ask_import": (("acme",), "organization"),
    "move": (("acme", "0" * 32), "organization"),
    "change_move": (("acme", "0" * 32), "organization"),
    "download_move": (("acme", "0" * 32), "organization"),
    "move_findings": (("acme", "0" * 32), "organization"),
    "repositories": (("acme",), "organization"),
    "repository": (("acme", 1), "organization"),
    "webhooks": (("acme",), "organization"),
    "webhook": (("acme", 1), "organization"),
    "projects": (("acme",), "organization"),
    "new_project": (("acme",), "organization"),
    "project": (("acme", "web"), "organization"),
    "project_filters": (("acme", "web"), "organization"),
    "project_key_limit": (("acme", "web", 1), "organization"),
    "project_releases": (("acme", "web"), "organization"),
    "change_build_hook": (("acme", "web"), "organization"),
    "project_scrubbing": (("acme", "web"), "organization"),
    "project_grouping": (("acme", "web"), "organization"),
    "organization_limits": (("acme",), "organization"),
    "organization_keeping": (("acme",), "organization"),
    "delete_organization": (("acme",), "organization"),
    "project_issues": (("acme", "web"), "organization"),
    "project_keeping": (("acme", "web"), "organization"),
    "delete_project": (("acme", "web"), "organization"),
    "remove_tombstone": (("acme", "web", 1), "organization"),
    "delete_issue": (("acme", ISSUE), "organization"),
    "unmerge": (("acme", ISSUE), "organization"),
    "share": (("acme", ISSUE), "organization"),
    "shared_issue": (("0" * 32,), "public"),
    "organization_scrubbing": (("acme",), "organization"),
    "stats": (("acme",), "organization"),
    "waiting": (("acme", "web"), "organization"),
    "add_key": (("acme", "web"), "organization"),
    "change_key": (("acme", "web", 1), "organization"),
    "stream": (("acme",), "organization"),
    "update": (("acme",), "organization"),
    "assign": (("acme",), "organization"),
    "resolve": (("acme",), "organization"),
    "archive": (("acme",), "organization"),
    "issue": (("acme", ISSUE), "organization"),
    "events": (("acme", ISSUE), "organization"),
    "event": (("acme", ISSUE, EVENT), "organization"),
    "event_json": (("acme", ISSUE, EVENT), "organization"),
    "event_grouping": (("acme", ISSUE, EVENT), "organization"),
    "tag": (("acme", ISSUE, "user"), "organization"),
    "attachment": (("acme", ISSUE, 1), "organization"),
    "picture": (("acme", ISSUE, 1), "organization"),
    "feedback": (("acme",), "organization"),
    "performance": (("acme",), "organization"),
    "transaction": (("acme",), "organization"),
    "trace": (("acme", EVENT), "organization"),
    "span": (("acme", EVENT, EVENT, "b" * 16), "organization"),
    "releases": (("acme",), "organization"),
    "release_health": (("acme", "shop@1.0"), "organization"),
    "release_commits": (("acme", "shop@1.0"), "organization"),
    "change_release": (("acme", "shop@1.0"), "organization"),
    "release": (("acme", "shop@1.0"), "organization"),
    "compare_releases": (("acme",), "organization"),
    "discover": (("acme", f"web:{EVENT}"), "organization"),
}
POSTS = {
    "remove_member",
    "invitation",
    "change_team_members",
    "change_team_projects",
    "delete_team",
    "ask_export",
    "ask_import",
    "change_move",
    "send_claim",
    "logout",
    "theme",
    "revoke_token",
    "choose_user_avatar",
    "choose_organization_avatar",
    "change_build_hook",
    "revoke_organization_token",
    "add_key",
    "change_key",
    "project_key_limit",
    "update",
    "delete_organization",
    "delete_project",
    "remove_tombstone",
    "delete_issue",
    "unmerge",
    "share",
    "change_release",
    "repository",
    "webhook",
}
FOR_MANAGERS = {
    "delete_team",
    "moves",
    "ask_export",
    "ask_import",
    "move",
    "change_move",
    "download_move",
    "move_findings",
    "send_claim",
    "repositories",
    "repository",
    "webhooks",
    "webhook",
    "organization_settings",
    "choose_organization_avatar",
    "change_build_hook",
    "audit_log",
    "organization_tokens",
    "revoke_organization_token",
    "organization_limits",
    "organization_keeping",
    "delete_organization",
    "delete_project",
    "organization_scrubbing",
    "new_project",
    "add_key",
    "change_key",
    "project_key_limit",
}


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


def test_where_a_second_factor_is_required_whoever_has_none_is_sent_to_set_one_up(visit, ann, project, organization):
    organization.flags |= OrganizationFlags.REQUIRE_2FA
    organization.save()
    browser = visit(ann)

    answers = {name: request_to(browser, name).headers.get("Location") for name in behind("organization")}

    assert set(answers.values()) == {"/settings/account/security/app/"}


def test_a_part_of_a_page_is_replaced_by_the_set_up_too_and_who_has_an_app_goes_on(visit, ann, project, organization):
    organization.flags |= OrganizationFlags.REQUIRE_2FA
    organization.save()
    browser = visit(ann)

    part = browser.get("/organizations/acme/projects/web/waiting/", headers={"HX-Request": "true"})

    assert (part.status_code, part["HX-Redirect"]) == (204, "/settings/account/security/app/")
    assert "wants its members to sign in with an authenticator app" in browser.get(part["HX-Redirect"]).text
    an_app(ann)
    assert browser.get("/organizations/acme/projects/web/").status_code == 200


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


@pytest.mark.parametrize("route", ROUTES)
def test_no_page_is_asked_with_a_nul_character(route, organization, ann, visit):
    path = reverse(f"web:{route}", args=ROUTES[route][0])
    browser = visit(ann)

    assert browser.get(f"{path}?query=a%00b").status_code == 400
    assert browser.post(path, {"name": "a\0b"}).status_code == 400
    assert browser.post(path, {"\0": "a"}).status_code == 400


@pytest.mark.parametrize(("path", "status"), [("/", 302), ("/api/0/organizations/", 401)])
def test_a_cookie_with_a_nul_character_is_as_good_as_absent(path, status, visit, ann):
    spelt = f'{settings.SESSION_COOKIE_NAME}="abcdefgh\\000ijklmnop"'

    answer = visit().get(path, headers={"Cookie": spelt})

    assert answer.status_code == status
    assert settings.SESSION_COOKIE_NAME not in answer.wsgi_request.COOKIES


@pytest.mark.parametrize("name", [name for name, (arguments, _) in ROUTES.items() if 1 in arguments])
def test_a_number_that_no_row_can_have_leads_nowhere(name, visit, ann, project):
    address = reverse(f"web:{name}", args=[123456789 if one == 1 else one for one in ROUTES[name][0]])
    address = address.replace("123456789", "9" * 30)

    answer = visit(ann).post(address) if name in POSTS else visit(ann).get(address)

    assert answer.status_code == (410 if name in ("claim", "choose_password") else 404)
