"""Teams: making and deleting them, who is in them, and which projects they have."""

import pytest

from tests.support.factories import a_member, a_project, an_organization
from vedette.issues.models import GroupAssignee
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AuditLogEntry, OrganizationMember, OrganizationMemberTeam, Team
from vedette.projects.models import Project, ProjectTeam


@pytest.fixture
def kim(acme, owner):
    """A plain member, in no team."""
    return a_member(acme, "kim@example.com")


def row_of(acme, user):
    return OrganizationMember.objects.get(organization=acme, user_id=user.pk)


def put_into(team, member, role=None):
    return OrganizationMemberTeam.objects.create(team=team, organizationmember=member, role=role)


def closed(acme):
    acme.flags = 0
    acme.save()


class TestMaking:
    @pytest.mark.parametrize(
        ("wish", "slug", "name"),
        [
            ({"name": "Über uns"}, "uber-uns", "Über uns"),
            ({"slug": "us"}, "us", "us"),
            ({"name": "Us", "slug": "we"}, "we", "Us"),
        ],
    )
    def test_a_team_has_a_name_a_slug_and_its_maker_in_it(self, api, acme, owner, wish, slug, name):
        answer = api.post("/organizations/acme/teams/", wish)

        assert answer.status == 201
        assert (answer.body["slug"], answer.body["name"]) == (slug, name)
        assert (answer.body["isMember"], answer.body["teamRole"], answer.body["memberCount"]) == (True, "admin", 1)
        assert AuditLogEntry.objects.get(event=AuditEvent.TEAM_CREATE).actor_id == owner.pk

    @pytest.mark.parametrize(
        ("wish", "status"),
        [({}, 400), ({"name": " "}, 400), ({"slug": "12"}, 400), ({"name": "x" * 65}, 400), ({"slug": "core"}, 409)],
    )
    def test_a_team_that_cannot_be_is_not_made(self, api, team, wish, status):
        answer = api.post("/organizations/acme/teams/", wish)

        assert answer.status == status
        assert Team.objects.count() == 1
        if status == 409:
            assert answer.detail == "A team with this slug already exists."

    @pytest.mark.parametrize(("role", "status"), [("member", 403), ("admin", 201), ("manager", 201), ("owner", 201)])
    def test_who_makes_teams(self, acme, owner, token_of, role, status):
        api = token_of(a_member(acme, "kim@example.com", role))

        assert api.post("/organizations/acme/teams/", {"name": "New"}).status == status

    def test_a_superuser_makes_one_without_being_in_it(self, acme, owner, token_of):
        root = a_member(an_organization("other"), "root@example.com", "member", superuser=True)

        assert token_of(root).post("/organizations/acme/teams/", {"name": "New"}).body["memberCount"] == 0


class TestDeleting:
    def test_members_and_projects_stay_and_its_issues_are_nobodys(self, api, acme, team, web, owner):
        group = web.groups.create(short_id=1, title="Boom")
        GroupAssignee.objects.create(group=group, project=web, team=team)

        answer = api.delete("/teams/acme/core/")

        assert answer.status == 204
        assert api.get("/teams/acme/core/").status == 404
        assert Project.objects.filter(pk=web.pk, status=0).exists()
        assert OrganizationMember.objects.filter(user_id=owner.pk).exists()
        assert not GroupAssignee.objects.exists()
        assert AuditLogEntry.objects.get(event=AuditEvent.TEAM_REMOVE).data["slug"] == "core"

    def test_only_who_manages_a_team_deletes_it(self, acme, team, kim, token_of):
        api = token_of(kim)
        assert api.delete("/teams/acme/core/").status == 403

        put_into(team, row_of(acme, kim), "admin")
        other = Team.objects.create(organization=acme, slug="other", name="Other")

        assert api.delete(f"/teams/acme/{other.pk}/").status == 403
        assert api.delete("/teams/acme/core/").status == 204


class TestMembers:
    def test_they_are_listed_with_their_team_roles(self, api, acme, team, kim):
        put_into(team, row_of(acme, kim))

        listed = api.get("/teams/acme/core/members/").body

        assert [(one["name"], one["teamRole"], one["teamSlug"]) for one in listed] == [
            ("Olive Owner", "admin", "core"),
            ("kim@example.com", "contributor", "core"),
        ]

    def test_with_open_membership_anybody_joins_and_leaves(self, acme, team, kim, token_of):
        api, path = token_of(kim, "org:read"), "/organizations/acme/members/me/teams/core/"

        joined, again, left = api.post(path), api.post(path), api.delete(path)

        assert (joined.status, again.status, left.status) == (201, 204, 200)
        assert joined.body["slug"] == "core"
        assert not OrganizationMemberTeam.objects.filter(organizationmember=row_of(acme, kim)).exists()
        told = [entry.data["team"] for entry in AuditLogEntry.objects.filter(event=AuditEvent.MEMBER_EDIT)]
        assert sorted(told) == ["joined core", "left core"]

    def test_with_closed_membership_a_team_of_others_is_not_there(self, acme, team, kim, token_of):
        closed(acme)

        assert token_of(kim).post("/organizations/acme/members/me/teams/core/").status == 404

    def test_an_organization_token_of_an_import_joins_nothing(self, acme, team, owner, token_of):
        root = a_member(an_organization("other"), "root@example.com", superuser=True)

        assert token_of(root).post("/organizations/acme/members/me/teams/core/").status == 404

    @pytest.mark.parametrize(
        ("caller", "in_team", "status"),
        [("member", None, 403), ("member", "admin", 201), ("admin", None, 201), ("manager", None, 201)],
    )
    def test_who_puts_somebody_else_into_a_team(self, acme, team, kim, token_of, caller, in_team, status):
        boss = a_member(acme, "boss@example.com", caller)
        if in_team:
            put_into(team, row_of(acme, boss), in_team)
        path = f"/organizations/acme/members/{row_of(acme, kim).pk}/teams/core/"
        api = token_of(boss)

        assert api.post(path).status == status
        if status == 201:
            assert api.put(path, {"teamRole": "admin"}).body == {"isActive": True, "teamRole": "admin"}
            assert api.delete(path).status == 200
        else:
            put_into(team, row_of(acme, kim))
            assert api.put(path, {"teamRole": "admin"}).status == 403
            assert api.delete(path).status == 403

    def test_nobody_makes_themselves_an_admin_of_a_team(self, acme, team, kim, token_of):
        put_into(team, row_of(acme, kim))

        answer = token_of(kim).put("/organizations/acme/members/me/teams/core/", {"teamRole": "admin"})

        assert answer.status == 403

    def test_a_team_role_is_one_of_two_and_of_a_member_of_the_team(self, api, acme, team, kim):
        path = f"/organizations/acme/members/{row_of(acme, kim).pk}/teams/core/"

        assert api.put(path, {"teamRole": "king"}).status == 400
        assert api.put(path, {"teamRole": "admin"}).status == 403

    def test_members_and_teams_of_another_organization_are_not_there(self, api, acme, team):
        other = an_organization("other")
        eve = row_of(other, a_member(other, "eve@example.com"))
        theirs = Team.objects.create(organization=other, slug="theirs", name="Theirs")

        assert api.post(f"/organizations/acme/members/{eve.pk}/teams/core/").status == 404
        assert api.post(f"/organizations/acme/members/me/teams/{theirs.pk}/").status == 404


class TestProjects:
    @pytest.fixture
    def crew(self, acme):
        return Team.objects.create(organization=acme, slug="crew", name="Crew")

    def test_a_team_gets_a_project_and_loses_it(self, api, web, crew):
        given = api.post("/projects/acme/web/teams/crew/")
        taken = api.delete(f"/projects/acme/web/teams/{crew.pk}/")

        assert (given.status, [one["slug"] for one in given.body["teams"]]) == (201, ["core", "crew"])
        assert (taken.status, [one["slug"] for one in taken.body["teams"]]) == (200, ["core"])
        assert AuditLogEntry.objects.filter(event=AuditEvent.PROJECT_EDIT).count() == 2

    def test_a_team_admin_gives_only_to_teams_that_are_theirs_as_well(self, acme, web, team, crew, kim, token_of):
        put_into(team, row_of(acme, kim), "admin")
        api = token_of(kim)
        refused = api.post("/projects/acme/web/teams/crew/")
        put_into(crew, row_of(acme, kim), "admin")

        assert (refused.status, refused.detail) == (403, "You do not have permission to perform this action.")
        assert api.post("/projects/acme/web/teams/crew/").status == 201

    def test_a_plain_member_changes_no_teams_of_a_project(self, acme, web, team, kim, token_of):
        assert token_of(kim).post("/projects/acme/web/teams/core/").status == 403
        assert token_of(kim).delete("/projects/acme/web/teams/core/").status == 403
        assert ProjectTeam.objects.filter(project=web, team=team).exists()

    def test_a_team_of_another_organization_gets_nothing(self, api, web):
        other = an_organization("other")
        theirs = Team.objects.create(organization=other, slug="theirs", name="Theirs")
        a_project(other, "hidden")

        assert api.post(f"/projects/acme/web/teams/{theirs.pk}/").status == 404


class TestAProjectWithoutATeam:
    PATH = "/organizations/acme/projects/"

    def test_goes_to_a_team_of_its_makers_own_which_is_made_once(self, acme, kim, token_of):
        api = token_of(kim, "project:read", "org:read")

        first, second = (api.post(self.PATH, {"name": name, "platform": "python"}) for name in ("One", "Two"))

        team = Team.objects.get(slug="team-kim")
        assert (first.status, second.status) == (201, 201)
        assert [one["slug"] for one in second.body["teams"]] == ["team-kim"]
        assert team.memberships.get().role == "admin"
        assert set(team.projects.values_list("slug", flat=True)) == {"one", "two"}

    def test_never_goes_to_a_team_of_somebody_else(self, acme, kim, token_of):
        Team.objects.create(organization=acme, slug="team-kim", name="Others")

        first, second = (token_of(kim).post(self.PATH, {"name": name}).body["teams"] for name in ("One", "Two"))

        assert first[0]["slug"].startswith("team-kim-")
        assert [team["slug"] for team in second] == [first[0]["slug"]]

    def test_is_not_made_by_members_where_the_organization_says_so(self, acme, kim, token_of):
        acme.flags |= 256
        acme.save()
        admin = a_member(acme, "mia@example.com", "admin")

        refused = token_of(kim).post(self.PATH, {"name": "One"})

        assert (refused.status, refused.detail) == (403, "Members do not make projects in this organization.")
        assert token_of(admin).post(self.PATH, {"name": "One"}).status == 201

    def test_leaves_no_team_behind_when_it_cannot_be_made(self, acme, kim, web, token_of):
        assert token_of(kim).post(self.PATH, {"name": "Web", "slug": "web"}).status == 409
        assert not Team.objects.filter(slug="team-kim").exists()
