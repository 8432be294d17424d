"""Organizations, their teams, members, environments and repositories."""

import pytest

from tests.support.factories import a_member, a_project, an_organization
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AuditLogEntry, OrganizationMember, Team
from vedette.projects.models import Environment, EnvironmentProject, ProjectTeam


def test_the_list_holds_the_callers_organizations(api, acme):
    an_organization("other")

    answer = api.get("/organizations/?cursor=")

    assert [one["slug"] for one in answer.body] == ["acme"]
    assert answer.body[0]["orgRole"] == "owner"
    assert answer.body[0]["requireEmailVerification"] is False


@pytest.mark.parametrize(
    ("query", "slugs"),
    [("query=ACM", ["acme"]), ("query=zzz", []), ("owner=1", ["acme"]), ("query=", ["acme", "beta"])],
)
def test_the_list_can_be_narrowed(query, slugs, api, acme, owner):
    OrganizationMember.objects.create(organization=an_organization("beta"), user_id=owner.pk, role="member")

    assert [one["slug"] for one in api.get(f"/organizations/?{query}").body] == slugs


def test_walking_the_pages_finds_every_row_once_and_back(api, owner):
    for number in range(5):
        organization = an_organization(f"org-{number}")
        OrganizationMember.objects.create(organization=organization, user_id=owner.pk, role="member")

    first = api.get("/organizations/?per_page=2&query=")
    second = api.get(next_of(first))
    third = api.get(next_of(second))
    back = api.get(link(third, "previous"))

    pages = [[one["slug"] for one in page.body] for page in (first, second, third)]
    assert pages == [["acme", "org-0"], ["org-1", "org-2"], ["org-3", "org-4"]]
    assert next_of(third) is None
    assert back.body == second.body
    assert 'rel="previous"; results="false"; cursor="2:-1:1"' in first.headers["Link"]
    assert "/api/0/organizations/?per_page=2&query=&cursor=2:1:0>" in first.headers["Link"]


def link(answer, rel):
    """The path of one link; None where its results are said to be none."""
    part = answer.headers["Link"].split(", ")[rel == "next"]
    assert f'rel="{rel}"' in part
    url = part[1 : part.index(">")]
    return url[url.index("/api/0") :] if 'results="true"' in part else None


def next_of(answer):
    return link(answer, "next")


def test_an_organization_is_the_same_by_id_and_slug(api, acme, web):
    by_slug = api.get("/organizations/acme/")

    assert api.get(f"/organizations/{acme.pk}/").body == by_slug.body
    assert [team["slug"] for team in by_slug.body["teams"]] == ["core"]
    assert [project["slug"] for project in by_slug.body["projects"]] == ["web"]
    assert "org:admin" in by_slug.body["access"]


def test_detailed_0_leaves_out_teams_and_projects(api, acme, web):
    assert {"teams", "projects"}.isdisjoint(api.get("/organizations/acme/?detailed=0").body)


def test_changes_are_kept_and_told_to_the_audit_log(api, acme, owner):
    wish = {
        "name": "Acme Ltd",
        "openMembership": 0,
        "dataScrubber": True,
        "sensitiveFields": ["pin"],
        "safeFields": "a\nb",
    }

    answer = api.put("/organizations/acme/", wish)

    entry = AuditLogEntry.objects.get(event=AuditEvent.ORG_EDIT)
    assert (answer.body["name"], answer.body["openMembership"], answer.body["dataScrubber"]) == (
        "Acme Ltd",
        False,
        True,
    )
    assert (answer.body["sensitiveFields"], answer.body["safeFields"]) == (["pin"], ["a", "b"])
    assert api.get("/organizations/acme/").body == answer.body
    assert entry.actor_id == owner.pk
    assert entry.data["name"] == "from Acme to Acme Ltd"
    assert entry.data["allow_joinleave"] == "to False"


def test_nothing_changed_is_nothing_told(api, acme):
    api.put("/organizations/acme/", {"name": acme.name, "openMembership": True})

    assert not AuditLogEntry.objects.filter(event=AuditEvent.ORG_EDIT).exists()


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"slug": "ab"}, "slug"),
        ({"slug": "a b"}, "slug"),
        ({"slug": "a" * 51}, "slug"),
        ({"slug": "settings"}, "slug"),
        ({"slug": ""}, "slug"),
        ({"require2FA": True}, "require2FA"),
        ({"requireEmailVerification": True}, "requireEmailVerification"),
        ({"apdexThreshold": 0}, "apdexThreshold"),
        ({"genAIConsent": "perhaps"}, "genAIConsent"),
        ({"attachmentsRole": "king"}, "attachmentsRole"),
        ({"projectRateLimit": 101}, "projectRateLimit"),
        ({"trustedRelays": {}}, "trustedRelays"),
        ({"defaultRole": "king"}, "defaultRole"),
        ({"name": "x" * 65}, "name"),
        ({"relayPiiConfig": "{}"}, "relayPiiConfig"),
        ({"sensitiveFields": ["x" * 257]}, "sensitiveFields"),
        ({"safeFields": [str(number) for number in range(501)]}, "safeFields"),
    ],
)
def test_a_wish_that_cannot_be_met_names_its_field(wish, field, api, acme):
    answer = api.put("/organizations/acme/", wish)

    assert (answer.status, list(answer.body)) == (400, [field])


def test_a_manager_does_not_change_the_default_role(acme, token_of):
    manager = a_member(acme, "manager@example.com", "manager")

    assert token_of(manager).put("/organizations/acme/", {"defaultRole": "owner"}).status == 400
    assert token_of(manager).put("/organizations/acme/", {"name": "New"}).status == 200


def test_teams_come_with_their_projects(api, acme, web):
    answer = api.get("/organizations/acme/teams/")

    assert [(team["slug"], team["memberCount"], team["isMember"]) for team in answer.body] == [("core", 1, True)]
    assert [project["slug"] for project in answer.body[0]["projects"]] == ["web"]
    assert "projects" not in api.get("/organizations/acme/teams/?detailed=0").body[0]


def test_a_team_can_be_renamed(api, team):
    answer = api.put("/teams/acme/core/", {"slug": "heart", "name": "Heart"})

    assert (answer.body["slug"], answer.body["organization"]["slug"]) == ("heart", "acme")
    assert api.get("/teams/acme/core/").status == 404
    assert api.get(f"/teams/acme/{team.pk}/").body == answer.body


@pytest.mark.parametrize(("slug", "status"), [("taken", 409), ("12", 400), ("Über", 400)])
def test_a_team_slug_has_rules(slug, status, api, acme, team):
    Team.objects.create(organization=acme, slug="taken", name="Taken")

    answer = api.put("/teams/acme/core/", {"slug": slug})

    assert answer.status == status
    if status == 409:
        assert answer.detail == "A team with this slug already exists."


def test_members_are_listed_in_the_order_of_their_ids(api, acme, owner):
    a_member(acme, "kim@example.com", name="Kim")
    OrganizationMember.objects.create(organization=acme, email="invited@example.com", role="admin")

    answer = api.get("/organizations/acme/members/")

    assert [(one["email"], one["pending"]) for one in answer.body] == [
        ("owner@example.com", False),
        ("kim@example.com", False),
        ("invited@example.com", True),
    ]
    assert [one["email"] for one in api.get("/organizations/acme/members/?query=role:admin").body] == [
        "invited@example.com"
    ]
    assert [one["name"] for one in api.get("/organizations/acme/members/?query=kim").body] == ["Kim"]


def test_members_are_told_once_while_others_join(api, acme, owner):
    for number in range(3):
        a_member(acme, f"m{number}@example.com")

    first = api.get("/organizations/acme/members/?per_page=2")
    a_member(acme, "late@example.com")
    second = api.get(next_of(first))
    third = api.get(next_of(second))
    back = api.get(link(second, "previous"))

    emails = [[one["email"].partition("@")[0] for one in page.body] for page in (first, second, third)]
    assert emails == [["owner", "m0"], ["m1", "m2"], ["late"]]
    assert back.body == first.body
    assert next_of(third) is None


def test_me_is_the_callers_membership(api, acme, team):
    answer = api.get("/organizations/acme/members/me/")

    assert answer.body["teamRoles"] == [{"teamSlug": "core", "role": "admin"}]
    assert answer.body["isOnlyOwner"] is True
    assert api.get(f"/organizations/acme/members/{answer.body['id']}/").body == answer.body
    assert api.get("/organizations/acme/members/999999/").status == 404


@pytest.fixture
def environments(acme, web):
    for name, hidden in (("production", None), ("staging", False), ("old", True), ("", None)):
        row = Environment.objects.create(organization_id=acme.pk, name=name)
        EnvironmentProject.objects.create(project=web, environment=row, is_hidden=hidden)


@pytest.mark.parametrize("path", ["/organizations/acme/environments/", "/projects/acme/web/environments/"])
@pytest.mark.parametrize(
    ("visibility", "names"),
    [
        ("", ["production", "staging"]),
        ("?visibility=hidden", ["old"]),
        ("?visibility=all", ["old", "production", "staging"]),
    ],
)
def test_environments_are_listed_by_visibility(path, visibility, names, api, environments):
    assert [one["name"] for one in api.get(path + visibility).body] == names
    assert api.get(f"{path}?visibility=x").status == 400


def test_a_project_that_is_not_reached_is_refused_in_a_filter(api, acme, web):
    foreign = a_project(an_organization("other"), "secret")

    for name in (foreign.pk, "secret", 10**15, "nothing"):
        answer = api.get(f"/organizations/acme/environments/?project={name}")
        assert (answer.status, answer.detail) == (403, "You do not have permission to perform this action.")


def test_there_are_no_repositories(api, acme):
    answer = api.get("/organizations/acme/repos/?cursor=")

    assert answer.body == []
    assert next_of(answer) is None


def test_teams_and_projects_of_a_list_cost_no_query_each(api, acme, web, team, django_assert_max_num_queries):
    def many(count):
        for number in range(count):
            project = a_project(acme, f"p{number}-{count}")
            ProjectTeam.objects.create(project=project, team=team)

    many(3)
    with django_assert_max_num_queries(24) as few:
        api.get("/organizations/acme/teams/")
        api.get("/organizations/acme/projects/")
    many(30)
    with django_assert_max_num_queries(len(few)):
        api.get("/organizations/acme/teams/")
        api.get("/organizations/acme/projects/")


def test_the_audit_log_knows_where_a_change_came_from(api, acme, team, web):
    api.put("/organizations/acme/", {"name": "Elsewhere"})
    api.put("/teams/acme/core/", {"name": "Elsewhere"})
    api.put("/projects/acme/web/", {"name": "Elsewhere"})
    key = api.post("/projects/acme/web/keys/", {"name": "one"}).body["id"]
    api.put(f"/projects/acme/web/keys/{key}/", {"name": "two"})
    api.delete("/projects/acme/web/")

    entries = AuditLogEntry.objects.filter(organization_id=acme.pk)
    assert entries.count() == 6
    assert set(entries.values_list("ip_address", flat=True)) == {"127.0.0.1"}


def test_scrubbing_rules_are_refused_and_their_absence_is_not(api, web):
    answer = api.put("/projects/acme/web/", {"options": {"relayPiiConfig": '{"rules": {}}'}, "name": "Other"})

    assert (answer.status, list(answer.body)) == (400, ["relayPiiConfig"])
    web.refresh_from_db()
    assert web.name == "Web"
    assert api.put("/projects/acme/web/", {"relayPiiConfig": ""}).status == 200
