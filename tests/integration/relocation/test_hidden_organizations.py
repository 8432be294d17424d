"""An organization that waits for approval: it is there, and nobody sees it or reports to it."""

from urllib.parse import urlsplit

import pytest
from django.test import Client

from tests.integration.api.client import Api
from tests.support.factories import a_member, a_project, an_organization
from vedette.accounts.tokens import create_user_token
from vedette.accounts.users import create_user
from vedette.orgs.models import OrganizationSlugReservation, OrganizationStatus
from vedette.orgs.services import create_organization
from vedette.orgs.slugs import SlugTaken
from vedette.orgs.tokens import create_org_token
from vedette.projects.keys import load_key
from vedette.projects.services import create_key, dsn_of
from vedette.releases.models import Release
from vedette.shipping.hooks import address_of, token_of

pytestmark = pytest.mark.django_db

ALL_SCOPES = frozenset({"org:admin", "project:admin", "event:admin", "member:admin", "team:admin"})
PATHS = (
    "/organizations/hidden/",
    "/organizations/hidden/projects/",
    "/organizations/hidden/members/",
    "/organizations/hidden/teams/",
    "/organizations/hidden/issues/",
    "/organizations/hidden/releases/",
    "/projects/hidden/secret/",
    "/projects/hidden/secret/keys/",
)
PAGES = (
    "/organizations/hidden/",
    "/organizations/hidden/issues/",
    "/organizations/hidden/settings/",
    "/organizations/hidden/settings/members/",
    "/organizations/hidden/projects/secret/",
)


@pytest.fixture
def hidden():
    return an_organization("hidden", status=OrganizationStatus.RELOCATION_PENDING_APPROVAL)


@pytest.fixture
def secret(hidden):
    return a_project(hidden, "secret")


@pytest.fixture(params=["owner", "superuser"])
def somebody(request, hidden):
    """Whoever could see it if it were active."""
    if request.param == "owner":
        return a_member(hidden, "ann@example.com", "owner")
    return create_user("root@example.com", None, superuser=True)


def test_no_page_of_it_opens(somebody, secret):
    browser = Client()
    browser.force_login(somebody)

    assert {browser.get(page).status_code for page in PAGES} == {404}
    assert b"/organizations/hidden" not in browser.get("/settings/account/details/").content


def test_the_api_knows_nothing_of_it(somebody, secret):
    _, token = create_user_token(somebody, ALL_SCOPES)
    api = Api(token)

    assert {api.get(path).status for path in PATHS} == {404}
    assert api.get("/organizations/").body == []
    assert api.get("/projects/").body == []
    assert api.put("/organizations/hidden/", {"cancelDeletion": True}).status == 404


def test_its_own_token_opens_nothing(hidden, secret):
    _, token = create_org_token(hidden, "http://testserver", name="ci", by=None)

    answer = Api(token).post("/organizations/hidden/releases/", {"version": "1.0", "projects": ["secret"]})

    assert answer.status in (401, 403, 404)
    assert not Release.objects.exists()


def test_nothing_is_taken_in_for_it(secret):
    key = create_key(secret)

    facts = load_key(key.public_key)

    assert facts is not None
    assert not facts.project_active
    report = {"event_id": "a" * 32, "name": "Eve", "email": "eve@example.com", "comments": "hello"}
    answer = Api(dsn_of(key, "http://testserver"), "DSN").post("/projects/hidden/secret/user-feedback/", report)
    assert answer.status in (400, 401, 404)


def test_its_build_hook_makes_no_release(secret):
    path = urlsplit(address_of(secret, token_of(secret))).path

    answer = Api().post(path, {"version": "1.0"})

    assert answer.status in (403, 404)
    assert not Release.objects.exists()


def test_its_slug_is_taken(hidden):
    OrganizationSlugReservation.objects.create(slug="hidden", organization_id=hidden.pk)

    with pytest.raises(SlugTaken):
        create_organization("Hidden", "hidden")


def test_once_approved_it_is_like_any_other(hidden, secret):
    owner = a_member(hidden, "ann@example.com", "owner")
    hidden.status = OrganizationStatus.ACTIVE
    hidden.save(update_fields=["status"])
    _, token = create_user_token(owner, ALL_SCOPES)

    assert [one["slug"] for one in Api(token).get("/organizations/").body] == ["hidden"]
