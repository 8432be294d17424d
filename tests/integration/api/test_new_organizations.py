"""Making organizations: who may on this server, and what comes of it."""

from dataclasses import replace

import pytest

from tests.integration.api.client import Api
from tests.support.factories import a_member
from vedette.accounts.models import User
from vedette.accounts.tokens import create_user_token
from vedette.orgs.models import Organization, OrganizationMember
from vedette.orgs.roles import ALL_SCOPES
from vedette.orgs.tokens import create_org_token


@pytest.fixture
def root(acme, owner):
    """A superuser, as the first owner is."""
    User.objects.filter(pk=owner.pk).update(is_superuser=True)
    return owner


def test_a_superuser_makes_one_and_owns_it(api, root):
    answer = api.post("/organizations/", {"name": "Sister Ltd", "agreeTerms": True})

    made = Organization.objects.get(slug="sister-ltd")
    assert (answer.status, answer.body["slug"], answer.body["role"]) == (201, "sister-ltd", "owner")
    assert [team["slug"] for team in answer.body["teams"]] == ["sister-ltd"]
    assert OrganizationMember.objects.get(organization=made).user_id == root.pk
    assert "sister-ltd" in [one["slug"] for one in api.get("/organizations/").body]


def test_everybody_else_only_where_the_server_is_set_up_so(acme, token_of, settings):
    kim = token_of(a_member(acme, "kim@example.com"), "org:write")
    refused = kim.post("/organizations/", {"name": "Kim's"})
    settings.VEDETTE = replace(settings.VEDETTE, open_organizations=True)

    assert (refused.status, refused.detail) == (403, "Only superusers make organizations on this server.")
    assert kim.post("/organizations/", {"name": "Kim's"}).status == 201


@pytest.mark.parametrize(
    ("wish", "status"),
    [({}, 400), ({"name": "x" * 65}, 400), ({"name": "A", "slug": "new"}, 400), ({"name": "A", "slug": "acme"}, 409)],
)
def test_one_that_cannot_be_is_not_made(api, root, wish, status):
    assert api.post("/organizations/", wish).status == status
    assert Organization.objects.count() == 1


def test_credentials_of_one_organization_make_none(acme, root):
    bound, text = create_user_token(root, ALL_SCOPES)
    bound.scoping_organization_id = acme.pk
    bound.save()
    row, org_token = create_org_token(acme, "https://vedette.example.com", name="CI", by=None)
    row.scope_list = ["org:admin"]
    row.save()

    for api in (Api(text), Api(org_token)):
        answer = api.post("/organizations/", {"name": "Sister Ltd"})
        assert (answer.status, answer.detail) == (401, "Unauthorized organization access.")
    assert Organization.objects.count() == 1
