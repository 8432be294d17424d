"""Credentials: which are good, which are not, and in which words they are refused."""

import base64
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from tests.integration.api.client import Api
from tests.support.factors import an_app
from vedette.accounts.tokens import create_user_token, hash_token
from vedette.api import senders
from vedette.core import clock
from vedette.orgs.roles import ALL_SCOPES
from vedette.orgs.tokens import create_org_token
from vedette.projects.models import ObjectStatus, ProjectAlias
from vedette.projects.options import ALLOWED_DOMAINS, LIMITS, set_option
from vedette.projects.services import create_key, dsn_of

URL = "https://vedette.example.com"
REPORT = {"event_id": "a" * 32, "name": "Kim", "email": "kim@example.com", "comments": "it broke"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_spelt_in_any_case(scheme, owner):
    token = create_user_token(owner, ALL_SCOPES)[1]

    assert Api(token, scheme).get("/").body["user"]["email"] == "owner@example.com"


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("Bearer", "Invalid token header. No credentials provided."),
        ("Bearer  ", "Invalid token header. No credentials provided."),
        ("Bearer a b", "Invalid token header. Token string should not contain spaces."),
        ("Bearer nonsense", "Invalid token"),
        ("Bearer sntrys_nonsense_x", "Invalid org token"),
    ],
)
def test_a_bad_header_is_refused_even_where_nobody_has_to_show_one(header, sentence, db):
    answer = Api().get("/", Authorization=header)

    assert (answer.status, answer.detail) == (401, sentence)


def test_an_expired_token_is_refused(owner):
    token = create_user_token(owner, ALL_SCOPES, expires_at=clock.now() - timedelta(seconds=1))[1]

    assert Api(token).get("/").detail == "Token expired"


def test_an_old_token_without_a_prefix_is_accepted(owner):
    row, _ = create_user_token(owner, ALL_SCOPES)
    row.hashed_token = hash_token("0123456789abcdef" * 4)
    row.save()

    assert Api("0123456789abcdef" * 4).get("/auth/").status == 200


def test_a_stored_scope_brings_the_weaker_ones(owner, acme, token_of):
    api = token_of(owner, "org:admin")

    assert api.get("/").body["auth"]["scopes"] == ["org:admin", "org:integrations", "org:read", "org:write"]
    assert api.get("/organizations/acme/").status == 200


def test_a_token_gives_no_more_than_the_role(acme, web, token_of):
    from tests.support.factories import a_member

    member = a_member(acme, "member@example.com")

    assert token_of(member).put("/organizations/acme/", {"name": "Mine"}).status == 403
    assert token_of(member).get("/organizations/acme/").status == 200


def test_nobody_learns_the_version_only(db):
    assert Api().get("/").body == {"version": "0", "auth": None, "user": None}
    assert (Api().get("/auth/").status, Api().get("/auth/").raw) == (400, b"")


def test_an_organization_token_has_no_user(acme):
    row, token = create_org_token(acme, URL, name="CI", by=None)

    body = Api(token).get("/").body

    row.refresh_from_db()
    assert (body["user"], body["auth"]) == (None, {"scopes": ["org:ci"]})
    assert row.date_last_used is not None
    assert Api(token).get("/internal/health/").status == 200
    assert Api(token).get("/organizations/acme/repos/").body == []
    assert Api(token).get("/auth/").status == 400
    assert Api(token).get("/users/me/").status == 401


def test_a_deactivated_organization_token_is_refused(acme):
    row, token = create_org_token(acme, URL, name="CI", by=None)
    row.date_deactivated = clock.now()
    row.save()

    assert Api(token).get("/").detail == "Invalid org token"


def test_a_user_token_of_one_organization_stays_inside(acme, owner):
    from tests.support.factories import an_organization
    from vedette.orgs.models import OrganizationMember

    other = an_organization("other")
    OrganizationMember.objects.create(organization=other, user_id=owner.pk, role="owner")
    row, token = create_user_token(owner, ALL_SCOPES)
    row.scoping_organization_id = acme.pk
    row.save()

    assert Api(token).get("/organizations/acme/").status == 200
    assert Api(token).get("/organizations/other/").detail == "Unauthorized organization access."
    assert [one["slug"] for one in Api(token).get("/organizations/").body] == ["acme"]
    assert Api(token).get("/projects/").status == 401


def test_a_browser_that_is_signed_in_reads(owner, acme):
    browser = Client()
    browser.force_login(owner)

    assert Api(client=browser).get("/organizations/acme/").status == 200
    assert len(Api(client=browser).get("/").body["auth"]["scopes"]) == len(ALL_SCOPES)


def test_a_browser_writes_only_with_the_csrf_token(owner, acme):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)

    refused = Api(client=browser).put("/organizations/acme/", {"name": "Forged"})
    browser.cookies["sc"] = "a" * 32
    accepted = Api(client=browser).put("/organizations/acme/", {"name": "Meant"}, X_CSRFToken="a" * 32)

    assert refused.status == 403
    assert refused.detail.startswith("CSRF Failed")
    assert accepted.body["name"] == "Meant"


def test_a_token_needs_no_csrf_token(owner, acme):
    token = create_user_token(owner, ALL_SCOPES)[1]

    answer = Api(token, client=Client(enforce_csrf_checks=True)).put("/organizations/acme/", {"name": "Meant"})

    assert answer.status == 200


def test_a_page_of_another_site_gets_nothing_by_the_cookie(owner, acme):
    browser = Client()
    browser.force_login(owner)

    foreign = Api(client=browser).get("/organizations/acme/", Origin="https://evil.example.com")
    own = Api(client=browser).get("/organizations/acme/", Origin="http://testserver")

    assert (foreign.status, foreign.detail) == (400, "Invalid origin: https://evil.example.com")
    assert own.status == 200
    assert own.headers["Access-Control-Allow-Credentials"] == "true"


@pytest.fixture
def sign_in():
    cache.clear()
    browser = Client()

    def _sign_in(name, password):
        encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
        return Api(encoded, "Basic", browser).post("/auth/")

    _sign_in.api = Api(client=browser)
    yield _sign_in
    cache.clear()


def test_signing_in_by_password_and_out_again(owner, sign_in):
    owner.set_password("correct horse battery")
    owner.save()

    entered = sign_in("OWNER@example.com", "correct horse battery")
    inside = sign_in.api.get("/users/me/")
    left = sign_in.api.delete("/auth/")

    assert (entered.status, entered.body["email"]) == (200, "owner@example.com")
    assert inside.body["id"] == str(owner.pk)
    assert left.status == 204
    assert sign_in.api.get("/users/me/").status == 401


def test_somebody_with_an_authenticator_app_does_not_get_in_by_the_password(owner, sign_in):
    owner.set_password("correct horse battery")
    owner.save()
    an_app(owner)

    refused = sign_in("owner@example.com", "correct horse battery")

    assert refused.status == 401
    assert "second factor" in refused.detail
    assert sign_in.api.get("/users/me/").status == 401


def test_guessing_passwords_ends(owner, sign_in):
    answers = [sign_in("owner@example.com", f"guess {number}").status for number in range(11)]

    assert answers == [401] * 10 + [429]
    assert sign_in("owner@example.com", "another").headers["Retry-After"] == "900"


@pytest.fixture
def dsn(web, events):
    return dsn_of(create_key(web), "http://testserver")


def test_row_13_a_dsn_is_enough_to_leave_feedback(dsn):
    answer = Api(dsn, "DSN").post("/projects/acme/web/user-feedback/", REPORT)

    assert (answer.status, answer.body["comments"]) == (200, "it broke")


def test_row_13_a_dsn_opens_nothing_else(dsn):
    assert Api(dsn, "DSN").get("/projects/acme/web/user-feedback/").status == 401
    assert Api(dsn, "DSN").get("/projects/acme/web/").status == 401
    assert Api(dsn, "DSN").get("/").body["auth"] is None


def test_row_13_a_dsn_opens_its_own_project_only(dsn, acme):
    from tests.support.factories import a_project

    a_project(acme, "other")

    for project in ("other", "of-nobody"):
        answer = Api(dsn, "DSN").post(f"/projects/acme/{project}/user-feedback/", REPORT)
        assert (answer.status, answer.detail) == (400, "The DSN is not of this project.")


@pytest.mark.parametrize(
    "spoil", [lambda dsn: dsn.replace("://", "://x"), lambda dsn: f"{dsn}9", lambda dsn: "nonsense"]
)
def test_a_bad_dsn_is_refused(spoil, dsn):
    answer = Api(spoil(dsn), "DSN").post("/projects/acme/web/user-feedback/", REPORT)

    assert (answer.status, answer.detail) == (401, "Invalid dsn")


def test_a_dsn_of_before_a_move_is_as_good_as_the_new_one(dsn, web):
    ProjectAlias.objects.create(old_id=12, project=web)

    old = f"{dsn.rpartition('/')[0]}/12"

    assert Api(old, "DSN").post("/projects/acme/web/user-feedback/", REPORT).status == 200


def test_a_disabled_key_is_refused(dsn, web):
    web.keys.update(status=ObjectStatus.DISABLED)

    answer = Api(dsn, "DSN").post("/projects/acme/web/user-feedback/", REPORT)

    assert answer.detail == "Invalid dsn"


def test_a_dsn_leaves_so_much_feedback_and_no_more(dsn, web, monkeypatch):
    set_option(web, LIMITS["feedback"], 1)
    monkeypatch.setattr(senders.time, "time", lambda: 1_000_000.0)
    sender = Api(dsn, "DSN")

    answers = [
        sender.post("/projects/acme/web/user-feedback/", {**REPORT, "event_id": f"{number:032x}"})
        for number in range(1, 12)
    ]

    assert [answer.status for answer in answers] == [200] * 10 + [429]
    assert answers[-1].headers["Retry-After"] == "10"


def test_a_dsn_leaves_feedback_from_pages_of_the_project_only(dsn, web):
    set_option(web, ALLOWED_DOMAINS, "shop.example.com")

    here, elsewhere = (
        Api(dsn, "DSN").post("/projects/acme/web/user-feedback/", REPORT, Origin=f"https://{host}")
        for host in ("shop.example.com", "evil.example.com")
    )

    assert (here.status, elsewhere.status) == (200, 403)
