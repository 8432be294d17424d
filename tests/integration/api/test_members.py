"""Inviting, changing and removing members: who may, and what nobody may."""

from datetime import timedelta

import pytest

from tests.support.factories import a_member, an_organization
from tests.support.racing import at_once
from vedette.accounts.models import User
from vedette.core import clock
from vedette.orgs import invitations
from vedette.orgs.access import access_of_user
from vedette.orgs.audit import AuditEvent
from vedette.orgs.invitations import InvitationIsOver, accept, find
from vedette.orgs.members import remove_member
from vedette.orgs.models import AuditLogEntry, OrganizationMember, OrganizationMemberTeam, OrganizationOption, Team

MEMBERS = "/organizations/acme/members/"
FORBIDDEN = "You do not have permission to perform this action."


def link_to(token):
    return f"http://127.0.0.1:9000/accept/{token}/"


@pytest.fixture
def invited(acme, owner):
    """An invitation of kim's, as a member."""
    return OrganizationMember.objects.create(
        organization=acme,
        email="kim@example.com",
        token="a" * 64,
        token_expires_at=clock.now() + timedelta(days=1),
        inviter_id=owner.pk,
    )


def in_role(acme, role):
    return a_member(acme, f"a-{role}@example.com", role)


def row_of(acme, user):
    return OrganizationMember.objects.get(organization=acme, user_id=user.pk)


class TestInviting:
    def test_an_invitation_has_a_role_teams_and_a_link_that_is_told_once(self, api, acme, owner, team):
        answer = api.post(
            MEMBERS,
            {
                "email": " Kim@Example.com ",
                "orgRole": "manager",
                "teamRoles": [{"teamSlug": "core", "role": "contributor"}],
            },
        )

        row = OrganizationMember.objects.get(email="kim@example.com")
        assert answer.status == 201
        assert answer.body["invite_link"].endswith(f"/accept/{row.token}/")
        assert (answer.body["pending"], answer.body["expired"], answer.body["orgRole"]) == (True, False, "manager")
        assert (answer.body["teams"], answer.body["inviterName"]) == (["core"], "Olive Owner")
        assert clock.now() + timedelta(days=29) < row.token_expires_at < clock.now() + timedelta(days=31)
        assert api.get(f"{MEMBERS}{row.pk}/").body["invite_link"] is None
        entry = AuditLogEntry.objects.get(event=AuditEvent.MEMBER_INVITE)
        assert (entry.actor_id, entry.data["email"]) == (owner.pk, "kim@example.com")
        assert row.token not in str(entry.data)

    def test_older_names_of_role_and_teams_are_understood(self, api, team):
        answer = api.post(MEMBERS, {"email": "kim@example.com", "role": "admin", "teams": ["core"]})

        assert (answer.body["orgRole"], answer.body["teams"]) == ("admin", ["core"])

    @pytest.mark.parametrize(
        ("inviter", "default", "given"),
        [("owner", "manager", "manager"), ("member", "manager", "member"), ("manager", "owner", "manager")],
    )
    def test_without_a_role_it_is_the_usual_one_as_far_as_the_inviter_may(
        self, acme, owner, token_of, inviter, default, given
    ):
        acme.default_role = default
        acme.save()

        answer = token_of(a_member(acme, "boss@example.com", inviter)).post(MEMBERS, {"email": "kim@example.com"})

        assert answer.body["orgRole"] == given

    @pytest.mark.parametrize(
        ("inviter", "role", "status"),
        [
            ("member", "member", 201),
            ("member", "admin", 403),
            ("member", "owner", 403),
            ("admin", "admin", 201),
            ("admin", "manager", 403),
            ("manager", "manager", 201),
            ("manager", "owner", 403),
            ("owner", "owner", 201),
            ("billing", "member", 201),
            ("billing", "admin", 403),
        ],
    )
    def test_nobody_gives_a_role_above_their_own(self, acme, token_of, inviter, role, status):
        answer = token_of(in_role(acme, inviter)).post(MEMBERS, {"email": "kim@example.com", "orgRole": role})

        assert answer.status == status
        assert OrganizationMember.objects.filter(email="kim@example.com").exists() is (status == 201)

    def test_the_organization_can_keep_members_from_inviting(self, acme, token_of):
        OrganizationOption.objects.create(organization=acme, key="sentry:allow_member_invite", value=False)
        member = token_of(in_role(acme, "member"))

        assert member.post(MEMBERS, {"email": "kim@example.com"}).status == 403
        allowed = member.get(f"{MEMBERS}me/").body["orgRoleList"]
        assert not any(role["isAllowed"] for role in allowed)

    @pytest.mark.parametrize(
        ("wish", "field"),
        [
            ({"email": "nobody"}, "email"),
            ({"email": "x" * 70 + "@example.com"}, "email"),
            ({}, "email"),
            ({"email": "kim@example.com", "orgRole": "king"}, "orgRole"),
            ({"email": "kim@example.com", "teams": ["nothing"]}, "teamRoles"),
            ({"email": "kim@example.com", "teamRoles": [{"teamSlug": "core", "role": "king"}]}, "teamRole"),
            ({"email": "OWNER@example.com"}, "email"),
        ],
    )
    def test_a_wish_that_cannot_be_met_names_its_field(self, api, acme, team, wish, field):
        answer = api.post(MEMBERS, wish)

        assert (answer.status, list(answer.body)) == (400, [field])
        assert OrganizationMember.objects.count() == 1

    def test_nobody_is_invited_twice_but_again_on_wish(self, api, acme, invited):
        twice = api.post(MEMBERS, {"email": "KIM@example.com"})
        again = api.post(MEMBERS, {"email": "KIM@example.com", "reinvite": True})

        assert twice.body == {"email": ["The user kim@example.com has already been invited"]}
        assert (again.status, again.body["id"]) == (201, str(invited.pk))
        assert again.body["invite_link"] is None
        invited.refresh_from_db()
        assert invited.token == "a" * 64

    def test_the_same_address_may_be_invited_by_two_organizations(self, api, invited):
        other = an_organization("other")
        OrganizationMember.objects.create(organization=other, email="lee@example.com", token="b" * 64)

        assert api.post(MEMBERS, {"email": "lee@example.com"}).status == 201

    def test_with_closed_membership_a_member_invites_into_their_own_teams_only(self, acme, team, token_of):
        acme.flags = 0
        acme.save()
        member = in_role(acme, "member")
        own = Team.objects.create(organization=acme, slug="own", name="Own")
        OrganizationMemberTeam.objects.create(team=own, organizationmember=row_of(acme, member))
        api = token_of(member)

        assert api.post(MEMBERS, {"email": "kim@example.com", "teams": ["core"]}).status == 400
        assert api.post(MEMBERS, {"email": "kim@example.com", "teams": ["own"]}).status == 201

    def test_a_plain_member_makes_nobody_an_admin_of_a_team(self, acme, team, token_of):
        answer = token_of(in_role(acme, "member")).post(
            MEMBERS, {"email": "kim@example.com", "teamRoles": [{"teamSlug": "core", "role": "admin"}]}
        )

        assert (answer.status, list(answer.body)) == (400, ["teamRoles"])

    def test_there_are_only_so_many_invitations_an_hour_and_at_once(self, api, acme, owner, monkeypatch):
        monkeypatch.setattr(invitations, "MOST_AN_HOUR", 2)
        statuses = [api.post(MEMBERS, {"email": f"k{n}@example.com"}).status for n in range(3)]
        AuditLogEntry.objects.update(datetime=clock.now() - timedelta(hours=2))
        monkeypatch.setattr(invitations, "MOST_PENDING", 2)

        assert statuses == [201, 201, 429]
        assert api.post(MEMBERS, {"email": "k9@example.com"}).status == 400


class TestSendingAgain:
    def test_a_new_link_ends_the_one_before(self, api, invited):
        answer = api.put(f"{MEMBERS}{invited.pk}/", {"reinvite": True, "regenerate": True})

        invited.refresh_from_db()
        assert invited.token != "a" * 64
        assert answer.body["invite_link"] == link_to(invited.token)
        with pytest.raises(InvitationIsOver):
            find("a" * 64, "", clock.now())

    def test_the_same_link_is_sent_again_unless_it_is_over(self, api, invited):
        again = api.put(f"{MEMBERS}{invited.pk}/", {"reinvite": True})
        OrganizationMember.objects.filter(pk=invited.pk).update(token_expires_at=clock.now() - timedelta(seconds=1))
        late = api.put(f"{MEMBERS}{invited.pk}/", {"reinvite": True})

        assert again.body["invite_link"] is None
        assert late.body["invite_link"] not in (None, link_to("a" * 64))
        assert late.body["expired"] is False

    def test_who_has_joined_is_not_invited_again(self, api, acme, owner):
        answer = api.put(f"{MEMBERS}me/", {"reinvite": True})

        assert (answer.status, answer.detail) == (400, "This invitation has been accepted already.")

    def test_a_member_sends_only_their_own_invitations_again(self, acme, invited, token_of):
        member = in_role(acme, "member")
        api = token_of(member)
        mine = api.post(MEMBERS, {"email": "lee@example.com"}).body["id"]

        assert api.put(f"{MEMBERS}{mine}/", {"reinvite": True}).status == 200
        assert api.put(f"{MEMBERS}{invited.pk}/", {"reinvite": True}).status == 403
        assert api.put(f"{MEMBERS}{mine}/", {"orgRole": "member", "teams": []}).status == 403

    def test_a_manager_does_not_get_the_link_of_a_coming_owner(self, acme, invited, token_of):
        OrganizationMember.objects.filter(pk=invited.pk).update(role="owner")

        answer = token_of(in_role(acme, "manager")).put(f"{MEMBERS}{invited.pk}/", {"regenerate": True})

        assert answer.status == 403
        invited.refresh_from_db()
        assert invited.token == "a" * 64


class TestChanging:
    def test_role_and_teams_change_together(self, api, acme, team):
        kim = a_member(acme, "kim@example.com")
        row = row_of(acme, kim)
        Team.objects.create(organization=acme, slug="other", name="Other")
        OrganizationMemberTeam.objects.create(team=team, organizationmember=row)

        answer = api.put(
            f"{MEMBERS}{row.pk}/",
            {"orgRole": "manager", "teamRoles": [{"teamSlug": "other", "role": "admin"}]},
        )

        assert (answer.body["orgRole"], answer.body["teams"]) == ("manager", ["other"])
        entry = AuditLogEntry.objects.get(event=AuditEvent.MEMBER_EDIT)
        assert entry.data == {"email": "kim@example.com", "role": "from member to manager", "teams": "other"}
        assert api.put(f"{MEMBERS}{row.pk}/", {"orgRole": "manager"}).status == 200
        assert AuditLogEntry.objects.filter(event=AuditEvent.MEMBER_EDIT).count() == 1

    @pytest.mark.parametrize(
        ("caller", "member", "role", "status"),
        [
            ("member", "member", "member", 403),
            ("admin", "member", "admin", 403),
            ("manager", "member", "manager", 200),
            ("manager", "member", "owner", 403),
            ("manager", "owner", "member", 403),
            ("owner", "owner", "member", 200),
        ],
    )
    def test_who_changes_whose_role(self, acme, owner, token_of, caller, member, role, status):
        kim = row_of(acme, a_member(acme, "kim@example.com", member))

        answer = token_of(in_role(acme, caller)).put(f"{MEMBERS}{kim.pk}/", {"orgRole": role})

        assert answer.status == status
        kim.refresh_from_db()
        assert kim.role == (role if status == 200 else member)

    def test_the_last_owner_stays_one_and_stays(self, api, acme, owner):
        gone = a_member(acme, "gone@example.com", "owner")
        User.objects.filter(pk=gone.pk).update(is_active=False)
        OrganizationMember.objects.create(organization=acme, email="later@example.com", role="owner")

        demoted, removed = api.put(f"{MEMBERS}me/", {"orgRole": "member"}), api.delete(f"{MEMBERS}me/")

        assert (demoted.status, list(demoted.body)) == (400, ["orgRole"])
        assert (removed.status, removed.detail) == (
            400,
            "Somebody has to own the organization: make another member an owner first.",
        )
        assert row_of(acme, owner).role == "owner"

    def test_a_member_of_another_organization_is_not_there(self, api, owner):
        theirs = row_of(other := an_organization("other"), a_member(other, "eve@example.com"))

        assert api.put(f"{MEMBERS}{theirs.pk}/", {"orgRole": "owner"}).status == 404
        assert api.delete(f"{MEMBERS}{theirs.pk}/").status == 404


class TestRemoving:
    @pytest.mark.parametrize(
        ("caller", "member", "status"),
        [
            ("member", "member", 403),
            ("admin", "member", 403),
            ("manager", "manager", 204),
            ("manager", "owner", 403),
            ("owner", "owner", 204),
        ],
    )
    def test_who_removes_whom(self, acme, owner, token_of, caller, member, status):
        kim = row_of(acme, a_member(acme, "kim@example.com", member))

        answer = token_of(in_role(acme, caller)).delete(f"{MEMBERS}{kim.pk}/")

        assert answer.status == status
        assert OrganizationMember.objects.filter(pk=kim.pk).exists() is (status != 204)

    def test_anybody_leaves_and_finds_nothing_afterwards(self, acme, owner, team, token_of):
        kim = a_member(acme, "kim@example.com")
        OrganizationMemberTeam.objects.create(team=team, organizationmember=row_of(acme, kim))
        api = token_of(kim, "member:read", "org:read")

        assert api.delete(f"{MEMBERS}me/").status == 204
        assert api.get("/organizations/acme/").status == 404
        entry = AuditLogEntry.objects.get(event=AuditEvent.MEMBER_REMOVE)
        assert (entry.actor_id, entry.target_user_id, entry.data["email"]) == (kim.pk, kim.pk, "kim@example.com")

    def test_a_withdrawn_invitation_leads_nowhere(self, acme, invited, token_of):
        member = token_of(in_role(acme, "member"))
        mine = member.post(MEMBERS, {"email": "lee@example.com"}).body

        assert member.delete(f"{MEMBERS}{invited.pk}/").status == 403
        assert member.delete(f"{MEMBERS}{mine['id']}/").status == 204
        with pytest.raises(InvitationIsOver):
            find(mine["invite_link"].split("/")[-2], "", clock.now())


class TestLinksThatSomebodyHolds:
    """What a link gives is never more than whoever made it might give."""

    def is_void(self, row):
        row.refresh_from_db()
        return row.token is None

    def test_one_that_a_manager_makes_worth_more_is_void_and_can_be_sent_again(self, api, acme, token_of):
        mine = token_of(in_role(acme, "member")).post(MEMBERS, {"email": "kim@example.com"}).body
        row = OrganizationMember.objects.get(pk=mine["id"])

        api.put(f"{MEMBERS}{row.pk}/", {"orgRole": "owner"})

        assert self.is_void(row)
        again = api.put(f"{MEMBERS}{row.pk}/", {"reinvite": True})
        assert again.body["invite_link"] not in (None, mine["invite_link"])

    def test_one_that_its_inviter_changes_stays_good(self, api, invited):
        api.put(f"{MEMBERS}{invited.pk}/", {"orgRole": "manager"})

        assert not self.is_void(invited)

    @pytest.mark.parametrize("wish", [None, {"orgRole": "member"}])
    def test_those_of_who_is_removed_or_steps_down_are_void(self, api, acme, token_of, wish):
        boss = in_role(acme, "manager")
        made = [
            token_of(boss).post(MEMBERS, {"email": f"{role}@example.org", "orgRole": role}).body["id"]
            for role in ("member", "manager")
        ]
        path = f"{MEMBERS}{row_of(acme, boss).pk}/"

        status = (api.delete(path) if wish is None else api.put(path, wish)).status

        voided = [self.is_void(OrganizationMember.objects.get(pk=pk)) for pk in made]
        assert (status, voided) == ((204, [True, True]) if wish is None else (200, [False, True]))

    def test_others_are_left_alone(self, api, acme, invited, token_of):
        other = an_organization("other")
        boss = in_role(acme, "manager")
        theirs = OrganizationMember.objects.create(
            organization=other, email="x@example.com", token="c" * 64, inviter_id=boss.pk
        )

        api.delete(f"{MEMBERS}{row_of(acme, boss).pk}/")

        assert not self.is_void(invited)
        assert not self.is_void(theirs)


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_leave_at_once_one_stays():
    acme = an_organization("acme")
    rows = [row_of(acme, a_member(acme, f"o{number}@example.com", "owner")) for number in range(2)]
    users = {row.pk: User.objects.get(pk=row.user_id) for row in rows}

    ends = at_once(*(lambda row=row: remove_member(access_of_user(users[row.pk], acme), row) for row in rows))

    assert sorted(type(end).__name__ for end in ends) == ["NoneType", "RuleBroken"]
    assert OrganizationMember.objects.filter(organization=acme).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_follow_one_link_at_once_one_joins():
    acme, elsewhere = an_organization("acme"), an_organization("elsewhere")
    OrganizationMember.objects.create(organization=acme, email="kim@example.com", token="a" * 64)
    people = [a_member(elsewhere, f"p{number}@example.com") for number in range(2)]
    found = find("a" * 64, "", clock.now())

    ends = at_once(*(lambda who=who: accept(found, who, clock.now()) for who in people))

    assert sorted(type(end).__name__ for end in ends) == ["InvitationIsOver", "NoneType"]
    assert OrganizationMember.objects.get(organization=acme).user_id in {who.pk for who in people}
