"""The pages of members: who sees what, inviting with a link that is shown once, roles, and the way out."""

import re
from datetime import timedelta

import pytest

from tests.support.factories import a_member, an_organization
from vedette.cli.jobs import MAILS
from vedette.core import clock
from vedette.mail.models import Mail
from vedette.mail.sending import send_due
from vedette.orgs import invitations
from vedette.orgs.models import OrganizationMember, OrganizationMemberTeam

pytestmark = pytest.mark.django_db
LIST = "/organizations/acme/settings/members/"
LINK = re.compile(r"/accept/([0-9a-f]{64})/")


@pytest.fixture
def bob(organization, ann):
    """A plain member."""
    return a_member(organization, "bob@example.com", "member", name="Bob")


def row_of(organization, user):
    return organization.members.get(user_id=user.pk)


def invitation(organization, email="kim@example.com", **fields):
    return OrganizationMember.objects.create(
        organization=organization,
        **{"email": email, "token": "a" * 64, "token_expires_at": clock.now() + timedelta(days=1), **fields},
    )


class TestInviting:
    def test_the_link_is_shown_once_and_the_invitation_stays_in_the_list(self, visit, organization, ann, team):
        browser = visit(ann)

        shown = browser.post(LIST, {"email": "kim@example.com", "role": "manager", "teams": [str(team.pk)]})

        row = OrganizationMember.objects.get(email="kim@example.com")
        assert (row.role, row.team_memberships.get().team) == ("manager", team)
        assert LINK.findall(shown.text) == [row.token]
        assert "no mail" in shown.text
        later = browser.get(LIST).text
        assert "kim@example.com" in later
        assert row.token not in later
        assert row.token not in browser.get(f"{LIST}{row.pk}/").text

    def test_the_mail_has_a_link_that_proves_the_address(self, visit, organization, ann, mailbox):
        shown = visit(ann).post(LIST, {"email": "kim@example.com", "role": "member"})

        assert str(send_due(MAILS, clock.now())) == "1 sent"
        (arrived,) = mailbox.delivered
        assert arrived.recipients == ["kim@example.com"]
        for kind in ("plain", "html"):
            assert "Ann" in arrived.part(kind)
            assert f"/accept/{LINK.search(shown.text)[1]}/?proof=" in arrived.part(kind)
        assert "proof=" not in shown.text
        assert "because of your account" not in arrived.part("plain") + arrived.part("html")

    def test_two_invitations_of_one_person_are_two_mails(self, visit, organization, ann, mailbox):
        browser = visit(ann)
        for name in ("kim", "lee"):
            browser.post(LIST, {"email": f"{name}@example.com", "role": "member"})

        send_due(MAILS, clock.now())

        assert sorted(one.recipients[0] for one in mailbox.delivered) == ["kim@example.com", "lee@example.com"]

    def test_what_is_withdrawn_or_accepted_meanwhile_is_not_sent(self, visit, organization, ann, mailbox):
        visit(ann).post(LIST, {"email": "kim@example.com", "role": "member"})
        OrganizationMember.objects.filter(email="kim@example.com").delete()

        assert str(send_due(MAILS, clock.now())) == "1 dropped"
        assert mailbox.delivered == []

    @pytest.mark.parametrize(
        ("wish", "sentence"),
        [
            ({"email": "no address", "role": "member"}, "Enter a valid email address"),
            ({"email": "ann@example.com", "role": "member"}, "is already a member"),
            ({"email": "lee@example.com", "role": "member"}, "has already been invited"),
            ({"email": "kim@example.com", "role": "king"}, "Select a valid choice"),
            ({"email": "kim@example.com", "role": "member", "teams": ["1"]}, "Select a valid choice"),
        ],
    )
    def test_a_wish_that_cannot_be_met_says_why(self, visit, organization, ann, team, wish, sentence):
        invitation(organization, "lee@example.com")

        answer = visit(ann).post(LIST, wish)

        assert answer.status_code == 400
        assert sentence in answer.text
        assert not OrganizationMember.objects.filter(email="kim@example.com").exists()

    def test_a_plain_member_invites_plain_members(self, visit, organization, bob):
        browser = visit(bob)
        assert 'value="owner"' not in browser.get(LIST).text

        above = browser.post(LIST, {"email": "kim@example.com", "role": "manager"})
        equal = browser.post(LIST, {"email": "kim@example.com", "role": "member"})

        assert (above.status_code, equal.status_code) == (400, 200)
        assert OrganizationMember.objects.get(email="kim@example.com").inviter_id == bob.pk

    def test_where_members_may_not_invite_there_is_no_form(self, visit, organization, bob):
        organization.options.create(key="sentry:allow_member_invite", value=False)
        browser = visit(bob)

        answer = browser.post(LIST, {"email": "kim@example.com", "role": "member"}, follow=True)

        assert "You may not invite anybody." in answer.text
        assert "Invite somebody" not in answer.text

    def test_enough_invitations_are_enough_for_an_hour(self, visit, organization, ann, monkeypatch):
        monkeypatch.setattr(invitations, "MOST_AN_HOUR", 0)

        answer = visit(ann).post(LIST, {"email": "kim@example.com", "role": "member"})

        assert answer.status_code == 429
        assert "Wait a while" in answer.text

    def test_a_hostile_name_is_text(self, visit, organization, ann):
        ann.name = "<script>x</script>"
        ann.save()
        row = invitation(organization, inviter_id=ann.pk)

        assert "<script>x" not in visit(ann).get(LIST).text
        assert "<script>x" not in visit().get(f"/accept/{row.token}/").text


class TestAnInvitation:
    def test_gets_a_new_link_which_is_shown_once(self, visit, organization, ann):
        row = invitation(organization)

        shown = visit(ann).post(f"{LIST}{row.pk}/invitation/", {"do": "renew"})

        row.refresh_from_db()
        assert row.token != "a" * 64
        assert LINK.findall(shown.text) == [row.token]

    def test_is_sent_again_by_mail_without_showing_its_link(self, visit, organization, ann, mailbox):
        row = invitation(organization)

        answer = visit(ann).post(f"{LIST}{row.pk}/invitation/", {"do": "send"}, follow=True)

        assert "The mail is on its way." in answer.text
        assert row.token not in answer.text
        assert Mail.objects.get().items == [{"member": row.pk}]

    def test_that_has_expired_is_sent_again_with_a_new_link(self, visit, organization, ann, mailbox):
        row = invitation(organization, token_expires_at=clock.now() - timedelta(days=1))

        shown = visit(ann).post(f"{LIST}{row.pk}/invitation/", {"do": "send"})

        row.refresh_from_db()
        assert LINK.findall(shown.text) == [row.token]
        assert row.token_expires_at > clock.now()

    def test_is_not_sent_where_the_server_sends_no_mail(self, visit, organization, ann):
        row = invitation(organization)
        browser = visit(ann)
        assert "Send again" not in browser.get(LIST).text

        answer = browser.post(f"{LIST}{row.pk}/invitation/", {"do": "send"}, follow=True)

        assert "This server sends no mail" in answer.text

    def test_is_withdrawn(self, visit, organization, ann):
        row = invitation(organization)

        answer = visit(ann).post(f"{LIST}{row.pk}/remove/", follow=True)

        assert "The invitation of kim@example.com is withdrawn." in answer.text
        assert visit().get(f"/accept/{row.token}/").status_code == 410

    def test_of_somebody_else_is_not_a_plain_members(self, visit, organization, bob):
        row = invitation(organization)
        browser = visit(bob)

        for path, data in ((f"{LIST}{row.pk}/remove/", {}), (f"{LIST}{row.pk}/invitation/", {"do": "renew"})):
            answer = browser.post(path, data, follow=True)
            assert "You may not" in answer.text
            assert row.token not in answer.text
        row.refresh_from_db()
        assert row.token == "a" * 64

    def test_knows_two_verbs(self, visit, organization, ann):
        row = invitation(organization)

        assert visit(ann).post(f"{LIST}{row.pk}/invitation/", {"do": "nothing"}).status_code == 404


class TestAMember:
    def test_gets_another_role_and_other_teams(self, visit, organization, ann, bob, team):
        row = row_of(organization, bob)

        answer = visit(ann).post(f"{LIST}{row.pk}/", {"role": "manager", f"team-{team.pk}": "admin"}, follow=True)

        row.refresh_from_db()
        assert "That is saved." in answer.text
        assert (row.role, row.team_memberships.get().role) == ("manager", "admin")

        visit(ann).post(f"{LIST}{row.pk}/", {"role": "manager", f"team-{team.pk}": ""})
        assert not OrganizationMemberTeam.objects.exists()

    def test_is_not_changed_by_a_plain_member_or_from_below(self, visit, organization, ann, bob):
        manager = a_member(organization, "mia@example.com", "manager")
        owner_row, own_row = row_of(organization, ann), row_of(organization, bob)

        self_made = visit(bob).post(f"{LIST}{own_row.pk}/", {"role": "owner"}, follow=True)
        above = visit(manager).post(f"{LIST}{owner_row.pk}/", {"role": "member"}, follow=True)
        too_high = visit(manager).post(f"{LIST}{own_row.pk}/", {"role": "owner"})

        assert "You may not change this member." in self_made.text
        assert "You may not change this member." in above.text
        assert too_high.status_code == 400
        assert {row_of(organization, one).role for one in (bob,)} == {"member"}

    def test_is_removed_and_sees_nothing_any_more(self, visit, organization, ann, bob):
        browser = visit(bob)
        assert browser.get("/organizations/acme/projects/").status_code == 200

        answer = visit(ann).post(f"{LIST}{row_of(organization, bob).pk}/remove/", follow=True)

        assert "Bob is removed." in answer.text
        assert browser.get("/organizations/acme/projects/").status_code == 404

    def test_leaves(self, visit, organization, ann, bob):
        browser = visit(bob)
        row = row_of(organization, bob)
        assert "Yes, leave" in browser.get(f"{LIST}{row.pk}/").text

        answer = browser.post(f"{LIST}{row.pk}/remove/", follow=True)

        assert "You have left Acme." in answer.text
        assert "You belong to no organization" in answer.text

    def test_the_last_owner_neither_leaves_nor_steps_down(self, visit, organization, ann, bob):
        browser, row = visit(ann), row_of(organization, ann)

        left = browser.post(f"{LIST}{row.pk}/remove/", follow=True)
        stepped = browser.post(f"{LIST}{row.pk}/", {"role": "member"})

        assert "Somebody has to own the organization" in left.text
        assert stepped.status_code == 400
        assert "Somebody has to own the organization" in stepped.text
        assert row_of(organization, ann).role == "owner"

    def test_of_another_organization_is_not_there(self, visit, organization, ann):
        other = an_organization("elsewhere")
        row = row_of(other, a_member(other, "eve@example.com"))
        browser = visit(ann)

        for path in ("", "remove/", "invitation/"):
            assert browser.post(f"{LIST}{row.pk}/{path}", {"do": "send", "role": "member"}).status_code == 404
        assert OrganizationMember.objects.filter(pk=row.pk).exists()


def test_a_long_list_has_pages_and_few_queries(visit, organization, ann, django_assert_max_num_queries):
    browser = visit(ann)
    browser.get(LIST)
    for number in range(3):
        a_member(organization, f"m{number}@example.com")
    with django_assert_max_num_queries(30) as few:
        browser.get(LIST)
    OrganizationMember.objects.bulk_create(
        OrganizationMember(organization=organization, user_id=10**6 + number) for number in range(100)
    )

    with django_assert_max_num_queries(len(few)):
        first = browser.get(LIST)

    assert "page=2" in first.text
    assert browser.get(f"{LIST}?page=2").text.count("somebody who is gone") == 4
