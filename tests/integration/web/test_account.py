"""A person's own pages, and an organization's tokens."""

import re

import pytest

from tests.support.factories import a_member
from vedette.accounts import claims
from vedette.accounts.models import ApiToken, LostPasswordHash, UserEmail
from vedette.accounts.options import SELF_ASSIGN_ISSUE, who_has_on
from vedette.accounts.signin_limits import FAILURES_PER_NAME
from vedette.accounts.tokens import create_user_token, find_user_token
from vedette.cli.jobs import MAILS
from vedette.core import clock
from vedette.mail.sending import send_due
from vedette.orgs.models import AuditLogEntry, Organization
from vedette.orgs.tokens import create_org_token, find_org_token

pytestmark = pytest.mark.django_db

PASSWORD = "a long enough password"
SECURITY = "/settings/account/security/"
ACCOUNT, TOKENS = "/settings/account/details/", "/settings/account/api/auth-tokens/"
ORG_TOKENS = "/organizations/acme/settings/auth-tokens/"


def test_the_name_changes(visit, ann):
    visit(ann).post(ACCOUNT, {"part": "name", "name": "Ann <b>Other"})

    ann.refresh_from_db()
    assert ann.name == "Ann <b>Other"
    assert "Ann &lt;b&gt;Other" in visit(ann).get(ACCOUNT).text


def test_whoever_wants_it_is_assigned_what_they_resolve_until_they_change_their_mind(visit, ann):
    browser = visit(ann)
    chosen = re.compile(r'<option value="1" selected')

    assert not chosen.search(browser.get(ACCOUNT).text)
    browser.post(ACCOUNT, {"part": "issues", "self_assign_issue": "1"})
    assert who_has_on(SELF_ASSIGN_ISSUE, {ann.pk}) == {ann.pk}
    assert chosen.search(browser.get(ACCOUNT).text)
    assert browser.post(ACCOUNT, {"part": "issues", "self_assign_issue": "maybe"}).status_code == 400
    browser.post(ACCOUNT, {"part": "issues", "self_assign_issue": "0"})
    assert who_has_on(SELF_ASSIGN_ISSUE, {ann.pk}) == set()


def test_a_new_password_needs_the_old_one_and_ends_other_sign_ins(visit, ann):
    here, elsewhere = visit(ann), visit(ann)

    refused = here.post(ACCOUNT, {"part": "password", "old": "wrong", "new": "another long password"})
    changed = here.post(ACCOUNT, {"part": "password", "old": "a long enough password", "new": "another long password"})

    assert "not your present password" in refused.text
    assert changed.status_code == 302
    assert here.get(ACCOUNT).status_code == 200
    assert elsewhere.get(ACCOUNT).status_code == 302


def test_a_new_password_has_to_be_a_good_one(visit, ann):
    answer = visit(ann).post(ACCOUNT, {"part": "password", "old": PASSWORD, "new": "short"})

    assert answer.status_code == 400
    ann.refresh_from_db()
    assert ann.check_password(PASSWORD)


def test_a_new_password_is_told_by_mail_and_ends_the_links_that_were_sent(visit, ann, mailbox):
    UserEmail.objects.update_or_create(user=ann, email=ann.email, defaults={"is_verified": True})
    claims.renew(ann, clock.now())

    visit(ann).post(ACCOUNT, {"part": "password", "old": PASSWORD, "new": "another long password"})
    send_due(MAILS, clock.now())

    (arrived,) = mailbox.delivered
    assert arrived.message["Subject"] == "Your password was changed"
    assert "from 127.0.0.1" in arrived.part("plain")
    assert "another long password" not in str(arrived.message)
    assert not LostPasswordHash.objects.exists()


class TestGuessingThePassword:
    """Of whoever left a browser open."""

    GUESS = {"part": "password", "old": "wrong", "new": "another long password"}

    def test_too_many_guesses_are_refused_even_with_the_right_one_wherever_it_is_asked_for(self, visit, ann):
        browser = visit(ann)
        for _ in range(FAILURES_PER_NAME):
            assert browser.post(ACCOUNT, self.GUESS).status_code == 400

        refused = browser.post(ACCOUNT, {**self.GUESS, "old": PASSWORD})
        assert refused.status_code == 429
        assert "Too many attempts" in refused.text
        assert browser.post(SECURITY, {"part": "app", "password": PASSWORD}).status_code == 429
        ann.refresh_from_db()
        assert ann.check_password(PASSWORD)

    def test_the_right_one_forgives_those_before(self, visit, ann):
        browser = visit(ann)
        for _ in range(FAILURES_PER_NAME - 1):
            browser.post(ACCOUNT, self.GUESS)
        browser.post(ACCOUNT, {**self.GUESS, "old": PASSWORD})

        assert [browser.post(ACCOUNT, self.GUESS).status_code for _ in range(2)] == [400, 400]

    def test_signing_in_elsewhere_forgives_nothing_here(self, visit, ann):
        browser = visit(ann)
        for _ in range(FAILURES_PER_NAME):
            browser.post(ACCOUNT, self.GUESS)
        visit().post("/auth/login/", {"username": ann.username, "password": PASSWORD})

        assert browser.post(ACCOUNT, self.GUESS).status_code == 429


def test_a_user_token_is_shown_once_and_works(visit, ann):
    browser = visit(ann)

    shown = browser.post(TOKENS, {"name": "ci", "scopes": ["org:admin"], "expires": "30"}).text
    text = re.search(r"sntryu_[0-9a-f]{64}", shown)[0]

    token = find_user_token(text)
    assert token.user == ann
    assert "org:read" in token.scope_list  # implied ones are stored
    assert token.expires_at is not None
    assert text not in browser.get(TOKENS).text


def test_a_token_without_a_scope_is_refused(visit, ann):
    answer = visit(ann).post(TOKENS, {"name": "x", "expires": "0"})

    assert answer.status_code == 400
    assert not ApiToken.objects.exists()


def test_only_ones_own_tokens_can_be_revoked(visit, ann, organization):
    token, _ = create_user_token(a_member(organization, "bob@example.com"), frozenset({"org:read"}))

    assert visit(ann).post(f"{TOKENS}{token.pk}/revoke/").status_code == 404
    assert ApiToken.objects.filter(pk=token.pk).exists()


def test_an_organization_token_is_shown_once_works_and_can_be_revoked(visit, ann, organization):
    browser = visit(ann)

    shown = browser.post(ORG_TOKENS, {"name": "pipeline"}).text
    text = re.search(r"sntrys_[A-Za-z0-9+/=]+_[A-Za-z0-9+/]{43}", shown)[0]
    token = find_org_token(text)
    browser.post(f"{ORG_TOKENS}{token.pk}/revoke/")

    assert token.organization_id == organization.pk
    assert find_org_token(text) is None
    assert [entry.event for entry in AuditLogEntry.objects.order_by("id")] == [176, 177]


def test_another_organizations_token_cannot_be_revoked(visit, ann, stranger):
    other = Organization.objects.get(slug="other")
    token, text = create_org_token(other, "http://127.0.0.1", name="theirs", by=None)

    assert visit(ann).post(f"{ORG_TOKENS}{token.pk}/revoke/").status_code == 404
    assert find_org_token(text) is not None


def test_the_members_are_listed_with_their_roles(visit, ann, organization):
    a_member(organization, "bob@example.com", "member", name="Bob")

    page = visit(ann).get("/organizations/acme/settings/members/").text

    assert "Bob" in page
    assert "Owner" in page
