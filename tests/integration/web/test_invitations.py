"""Following an invitation: with an account, without one, too late, too often, and with links that lead nowhere."""

from datetime import timedelta

import pytest

from tests.support.factories import a_member, an_organization
from vedette.accounts.models import User, UserEmail
from vedette.accounts.users import create_user
from vedette.core import clock
from vedette.orgs.audit import AuditEvent
from vedette.orgs.invitelinks import mail_url_of
from vedette.orgs.models import AuditLogEntry, OrganizationMember

pytestmark = pytest.mark.django_db
PASSWORD = "quite a long password"
WELCOME = {"name": "Kim", "password": PASSWORD}


@pytest.fixture
def invited(organization, ann):
    return OrganizationMember.objects.create(
        organization=organization,
        email="kim@example.com",
        role="manager",
        token="a" * 64,
        token_expires_at=clock.now() + timedelta(days=1),
        inviter_id=ann.pk,
    )


@pytest.fixture
def path(invited):
    return f"/accept/{invited.token}/"


def test_who_has_no_account_chooses_name_and_password_and_is_in(visit, organization, invited, path):
    browser = visit()
    page = browser.get(path)
    assert "Ann invites" in page.text
    assert "kim@example.com" in page.text

    answer = browser.post(path, WELCOME)

    kim = User.objects.get(email="kim@example.com")
    invited.refresh_from_db()
    assert (answer.status_code, answer["Location"]) == (302, "/organizations/acme/issues/")
    assert browser.get(answer["Location"]).status_code == 200
    assert (kim.name, kim.check_password(PASSWORD), kim.is_superuser) == ("Kim", True, False)
    assert (invited.user_id, invited.role, invited.email, invited.token) == (kim.pk, "manager", None, None)
    entry = AuditLogEntry.objects.get(event=AuditEvent.MEMBER_ACCEPT_INVITE)
    assert (entry.actor_id, entry.data) == (kim.pk, {"email": "kim@example.com", "role": "manager"})


def test_only_the_link_of_the_mail_proves_the_address(visit, organization, invited, path):
    OrganizationMember.objects.create(organization=organization, email="lee@example.com", token="b" * 64)
    link = mail_url_of(invited)
    visit().post(link[link.index("/accept/") :], WELCOME)
    visit().post(f"/accept/{'b' * 64}/?proof={'0' * 40}", WELCOME)

    proven = dict(
        UserEmail.objects.filter(email__in=["kim@example.com", "lee@example.com"]).values_list("email", "is_verified")
    )

    assert proven == {"kim@example.com": True, "lee@example.com": False}


@pytest.mark.parametrize("password", ["short", "kim@example.com", "password1234", ""])
def test_the_password_has_the_rules_that_it_has_everywhere(visit, path, invited, password):
    answer = visit().post(path, {"name": "Kim", "password": password})

    assert answer.status_code == 400
    assert not User.objects.filter(email="kim@example.com").exists()
    invited.refresh_from_db()
    assert invited.user_id is None


def test_who_has_an_account_signs_in_comes_back_and_joins(visit, organization, invited, path):
    kim = create_user("kim@example.com", PASSWORD)
    browser = visit()
    page = browser.get(path)
    assert "has an account here" in page.text
    assert 'name="password"' not in page.text
    assert browser.post(path, WELCOME).status_code == 200  # makes no second account

    signed_in = browser.post("/auth/login/", {"username": kim.email, "password": PASSWORD, "next": path})
    assert signed_in["Location"] == path
    assert "Join as" in browser.get(path).text
    joined = browser.post(path, follow=True)

    assert "Welcome to Acme." in joined.text
    assert organization.members.get(user_id=kim.pk).role == "manager"
    assert User.objects.filter(email="kim@example.com").count() == 1


def test_looking_joins_nobody(visit, organization, invited, path):
    kim = create_user("kim@example.com", PASSWORD)

    visit(kim).get(path)

    assert not organization.members.filter(user_id=kim.pk).exists()


def test_somebody_of_another_address_is_told_and_may_join(visit, organization, stranger, path):
    browser = visit(stranger)

    assert "You are signed in as eve@example.com" in browser.get(path).text
    browser.post(path)
    assert organization.members.get(user_id=stranger.pk).user_email == "eve@example.com"


def test_a_member_uses_nothing_up(visit, organization, ann, invited, path):
    browser = visit(ann)

    assert "You belong to Acme already" in browser.get(path).text
    answer = browser.post(path, follow=True)

    assert "You belong to Acme already." in answer.text
    invited.refresh_from_db()
    assert (invited.user_id, invited.token) == (None, "a" * 64)


def over(answer, sentence="This invitation is wrong, was used already, or was withdrawn."):
    assert answer.status_code == 410
    assert sentence in answer.text
    assert "password" not in answer.text
    return True


def test_wrong_used_expired_and_refused_links_say_so(visit, organization, invited, path):
    assert over(visit().get(f"/accept/{'b' * 64}/"))
    assert over(visit().post(f"/accept/{'b' * 64}/", WELCOME))
    assert over(visit().get(f"/accept/{'x' * 300}/"))

    OrganizationMember.objects.update(token_expires_at=clock.now())
    assert over(visit().get(path), "This invitation has expired.")
    assert over(visit().post(path, WELCOME), "This invitation has expired.")

    OrganizationMember.objects.filter(pk=invited.pk).update(token_expires_at=None, invite_status=1)
    assert over(visit().get(path))  # somebody asked for it, and nobody has approved

    OrganizationMember.objects.filter(pk=invited.pk).update(invite_status=0)
    visit().post(path, WELCOME)
    assert over(visit().get(path))
    assert over(visit().post(path, WELCOME))


def test_an_organization_that_is_being_deleted_takes_nobody_in(visit, organization, path):
    organization.status = 1
    organization.save()

    assert over(visit().get(path))


def test_links_are_not_tried_out_for_long(visit, path):
    browser = visit()
    statuses = [browser.get(f"/accept/{number:064x}/").status_code for number in range(41)]

    assert statuses == [410] * 40 + [429]
    refused = browser.post(path, WELCOME)
    assert refused.status_code == 429
    assert "Too many attempts" in refused.text
    assert not User.objects.filter(email="kim@example.com").exists()


def test_an_invitation_into_one_organization_opens_no_other(visit, organization, invited, path):
    an_organization("elsewhere")
    browser = visit()
    browser.post(path, WELCOME)

    assert browser.get("/organizations/elsewhere/issues/").status_code == 404


def test_an_account_with_an_unproven_address_is_not_proven_by_the_shown_link(visit, organization, invited, path):
    kim = create_user("kim@example.com", PASSWORD)
    visit(kim).post(path)

    assert organization.members.filter(user_id=kim.pk).exists()
    assert not UserEmail.objects.get(user=kim).is_verified


def test_new_accounts_make_no_organizations(visit, invited, path):
    browser = visit()
    browser.post(path, WELCOME)

    assert browser.get("/organizations/new/").status_code == 403
    assert "New organization" not in browser.get("/organizations/acme/issues/").text


def test_a_superuser_makes_an_organization_and_owns_it(visit, organization, ann):
    User.objects.filter(pk=ann.pk).update(is_superuser=True)
    ann.refresh_from_db()
    browser = visit(ann)
    assert "New organization" in browser.get("/organizations/acme/issues/").text

    made = browser.post("/organizations/new/", {"name": "Sister Ltd", "slug": ""})
    taken = browser.post("/organizations/new/", {"name": "Sister Ltd", "slug": "acme"})

    assert made["Location"] == "/organizations/sister-ltd/create-project/"
    assert OrganizationMember.objects.get(organization__slug="sister-ltd").role == "owner"
    assert (taken.status_code, "An organization with this slug already exists." in taken.text) == (400, True)


def test_a_member_of_two_finds_both(visit, organization, invited, path):
    lee = a_member(an_organization("elsewhere"), "lee@example.com")
    browser = visit(lee)
    browser.post(path)

    assert "Elsewhere" in browser.get("/").text
    assert "Acme" in browser.get("/").text
