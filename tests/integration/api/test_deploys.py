"""Deploys of a release: telling of one, and the list."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from tests.integration.api.client import Api
from tests.support.factories import a_member, a_project, a_release, an_organization
from vedette.core.clock import as_z
from vedette.issues.models import Activity, ActivityType
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AuditLogEntry, OrganizationMember, OrganizationMemberTeam
from vedette.orgs.tokens import create_org_token
from vedette.projects.models import ObjectStatus, Project
from vedette.releases.models import Deploy, Release, ReleaseProjectEnvironment
from vedette.releases.sightings import Sighting, record

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WRONG_DATE = (
    "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
)


def join(member, team):
    row = OrganizationMember.objects.get(user_id=member.pk)
    OrganizationMemberTeam.objects.create(team=team, organizationmember=row)


def path_of(version="1.0", query=""):
    return f"/organizations/acme/releases/{quote(version, safe='')}/deploys/{query}"


@pytest.fixture
def release(web):
    return a_release("1.0", web)


@pytest.fixture
def closed(acme):
    """Members see the projects of their teams only."""
    acme.flags = 0
    acme.save()


@pytest.fixture
def outsider(acme, token_of, closed):
    """A member of no team."""
    return token_of(a_member(acme, "outsider@example.com"))


def test_a_deploy_is_told_and_listed(api, release):
    told = {
        "environment": "production",
        "name": "blue",
        "url": "https://ci.example.com/1",
        "dateStarted": "2026-03-02T11:00:00Z",
        "dateFinished": "2026-03-02T13:00:00.120000+01:00",
    }

    made = api.post(path_of(), told)

    assert made.status == 201
    assert made.body == {
        "id": str(Deploy.objects.get().pk),
        "environment": "production",
        "name": "blue",
        "url": "https://ci.example.com/1",
        "dateStarted": "2026-03-02T11:00:00Z",
        "dateFinished": "2026-03-02T12:00:00.120000Z",
    }
    assert api.get(path_of()).body == [made.body]


@pytest.mark.parametrize("body", [{}, {"dateFinished": None}], ids=["absent", "null"])
def test_a_deploy_that_does_not_say_when_finished_just_now(api, release, body):
    before = datetime.now(UTC)

    made = api.post(path_of(), {"environment": "production", "name": None, "url": None, "dateStarted": None, **body})

    assert made.status == 201
    assert before <= Deploy.objects.get().date_finished <= datetime.now(UTC)
    assert (made.body["dateStarted"], made.body["name"], made.body["url"]) == (None, None, None)


def test_the_release_counts_its_deploys_and_knows_the_last(api, release):
    api.post(path_of(), {"environment": "production", "dateFinished": NOON.isoformat()})
    last = api.post(path_of(), {"environment": "staging", "dateFinished": (NOON + HOUR).isoformat()}).body
    api.post(path_of(), {"environment": "production", "dateFinished": (NOON - HOUR).isoformat()})

    release.refresh_from_db()
    assert release.total_deploys == 3
    assert str(release.last_deploy_id) == last["id"]
    shown = api.get("/organizations/acme/releases/1.0/").body
    assert (shown["deployCount"], shown["lastDeploy"]) == (3, last)


def test_the_list_holds_the_last_deploy_to_each_environment_of_a_project(api, web, shop):
    a_release("1.0", web, shop)
    of_both = api.post(path_of(), {"environment": "production", "dateFinished": NOON.isoformat()}).body
    old = api.post(path_of(), {"environment": "staging", "dateFinished": NOON.isoformat(), "projects": ["web"]}).body
    new = api.post(
        path_of(), {"environment": "staging", "dateFinished": (NOON + HOUR).isoformat(), "projects": ["web"]}
    ).body
    of_shop = api.post(
        path_of(), {"environment": "staging", "dateFinished": (NOON - HOUR).isoformat(), "projects": [shop.pk]}
    ).body

    def listed(query=""):
        return [one["id"] for one in api.get(path_of(query=query)).body]

    assert listed() == [new["id"], of_both["id"], of_shop["id"]]
    assert listed("?all=1") == [new["id"], old["id"], of_both["id"], of_shop["id"]]
    assert listed("?project=shop") == [of_both["id"], of_shop["id"]]
    assert listed("?project=shop&all=1") == [of_both["id"], of_shop["id"]]


def test_the_list_has_pages(api, release):
    for number in range(3):
        api.post(path_of(), {"environment": f"e{number}", "dateFinished": (NOON + number * HOUR).isoformat()})

    first = api.get(path_of(query="?per_page=2"))
    second = api.get(path_of(query="?per_page=2&cursor=2:1:0"))

    assert [one["environment"] for one in first.body] == ["e2", "e1"]
    assert 'rel="next"; results="true"; cursor="2:1:0"' in first.headers["Link"]
    assert [one["environment"] for one in second.body] == ["e0"]


def test_a_deploy_is_written_into_the_history_of_each_project_of_the_release(api, web, shop):
    a_release("v" * 80, web, shop)

    made = api.post(
        path_of("v" * 80), {"environment": "production", "projects": ["web"], "dateFinished": NOON.isoformat()}
    )

    entries = Activity.objects.filter(type=ActivityType.DEPLOY).order_by("project_id")
    assert [entry.project_id for entry in entries] == sorted([web.pk, shop.pk])
    for entry in entries:
        assert (entry.group_id, entry.ident, entry.datetime) == (None, "v" * 64, NOON)
        assert entry.data == {
            "version": "v" * 80,
            "deploy_id": int(made.body["id"]),
            "environment": "production",
        }
    assert Deploy.objects.get().notified


def test_a_deploy_is_no_event(api, acme, web, shop):
    release = a_release("1.0", web, shop)
    api.post(path_of(), {"environment": "production"})
    api.post(path_of(), {"environment": "staging"})

    def seen(query=""):
        told = api.get(f"/organizations/acme/releases/1.0/{query}").body
        return told["firstEvent"], told["lastEvent"]

    assert seen() == seen("?environment=production") == (None, None)
    sighting = Sighting(acme.pk, web.pk, "1.0", "", "production", release.date_added - HOUR)
    record([sighting, replace(sighting, at=sighting.at + HOUR / 2)])

    moments = as_z(sighting.at), as_z(sighting.at + HOUR / 2)
    assert seen() == seen("?environment=production") == seen("?project=web") == moments
    assert seen("?environment=staging") == seen("?project=shop") == (None, None)


def test_a_deploy_is_in_the_audit_log(api, owner, release):
    made = api.post(path_of(), {"environment": "production"})

    entry = AuditLogEntry.objects.get(event=AuditEvent.DEPLOY_CREATE)
    assert (entry.actor_id, entry.target_object) == (owner.pk, int(made.body["id"]))
    assert entry.data == {"version": "1.0", "environment": "production", "name": None}


def test_an_environment_that_is_new_belongs_to_the_projects_from_then_on(api, acme, web, shop):
    a_release("1.0", web, shop)

    api.post(path_of(), {"environment": "canary", "projects": ["web", "web"]})

    assert [one["name"] for one in api.get("/projects/acme/web/environments/").body] == ["canary"]
    assert api.get("/projects/acme/shop/environments/").body == []
    (row,) = ReleaseProjectEnvironment.objects.all()
    assert (row.project_id, row.last_deploy_id) == (web.pk, Deploy.objects.get().pk)
    assert row.first_seen == row.last_seen


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"environment": ["This field is required."]}),
        ({"environment": ""}, {"environment": ["This field may not be blank."]}),
        ({"environment": "e" * 65}, {"environment": ["Ensure this field has no more than 64 characters."]}),
        ({"environment": "a/b"}, {"environment": ["Invalid value for environment"]}),
        ({"environment": "a\nb"}, {"environment": ["Invalid value for environment"]}),
        ({"environment": "a\rb"}, {"environment": ["Invalid value for environment"]}),
        ({"environment": "a\fb"}, {"environment": ["Invalid value for environment"]}),
        ({"environment": ["a"]}, {"environment": ["Not a valid string."]}),
        ({"environment": "a", "name": "n" * 65}, {"name": ["Ensure this field has no more than 64 characters."]}),
        ({"environment": "a", "url": "javascript:alert(1)"}, {"url": ["Enter a valid URL."]}),
        ({"environment": "a", "url": "nowhere"}, {"url": ["Enter a valid URL."]}),
        ({"environment": "a", "dateStarted": "soon"}, {"dateStarted": [WRONG_DATE]}),
        ({"environment": "a", "dateFinished": "soon"}, {"dateFinished": [WRONG_DATE]}),
        ({"environment": "a", "projects": []}, {"projects": ["This list may not be empty."]}),
        ({"environment": "a", "projects": [None]}, {"projects": ["Invalid project"]}),
        ({"environment": "a", "projects": "web"}, {"projects": ['Expected a list of items but got type "str".']}),
        ({"environment": "a", "projects": ["nothing"]}, {"projects": ["Invalid project"]}),
        ({"environment": "a", "projects": [10**18]}, {"projects": ["Invalid project"]}),
        ({"environment": "a", "projects": [True]}, {"projects": ["Invalid project"]}),
        ({"environment": "a", "projects": [{"slug": "web"}]}, {"projects": ["Invalid project"]}),
        ([], {"nonFieldErrors": ["Invalid data. Expected a dictionary, but got list."]}),
    ],
    ids=repr,
)
def test_a_deploy_that_makes_no_sense_is_refused_by_its_field(api, release, body, errors):
    answer = api.post(path_of(), body)

    assert (answer.status, answer.body) == (400, errors)
    assert not Deploy.objects.exists()


def of_form(api, text):
    return api.client.post(
        f"/api/0{path_of()}", text, content_type="application/x-www-form-urlencoded", headers=api.headers
    )


def test_a_form_tells_of_a_deploy_as_json_does(api, web, shop):
    a_release("1.0", web, shop)

    made = of_form(api, "environment=production&projects=web&projects=shop&name=&url=&dateStarted=&dateFinished=")

    assert made.status_code == 201
    told = made.json()
    assert (told["environment"], told["name"], told["url"], told["dateStarted"]) == ("production", "", "", None)
    assert ReleaseProjectEnvironment.objects.count() == 2


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("name=blue", {"environment": ["This field is required."]}),
        ("environment=a%2Fb", {"environment": ["Invalid value for environment"]}),
        ("environment=a&url=nowhere", {"url": ["Enter a valid URL."]}),
        ("environment=a&dateFinished=soon", {"dateFinished": [WRONG_DATE]}),
        ("environment=a&projects=nothing", {"projects": ["Invalid project"]}),
    ],
)
def test_a_form_is_refused_as_json_is(api, release, text, errors):
    answer = of_form(api, text)

    assert (answer.status_code, answer.json()) == (400, errors)
    assert not Deploy.objects.exists()


def test_a_moment_that_no_calendar_has_is_refused(api, release):
    answer = api.post(path_of(), {"environment": "a", "dateFinished": "0001-01-01T00:00:00+14:00"})

    assert answer.status == 400
    assert list(answer.body) == ["dateFinished"]


def test_a_project_that_the_release_does_not_belong_to_is_refused(api, release, shop):
    answer = api.post(path_of(), {"environment": "production", "projects": ["web", "shop"]})

    assert answer.status == 400
    assert answer.body == {
        "detail": {
            "code": "parameter-validation-error",
            "message": "Invalid projects (shop) for release 1.0",
            "extra": {"context": ""},
        }
    }
    assert not Deploy.objects.exists()


def test_a_project_of_another_organization_is_no_project(api, release):
    stranger = a_project(an_organization("other"), "theirs")

    for name in ("theirs", stranger.pk, str(stranger.pk)):
        answer = api.post(path_of(), {"environment": "production", "projects": [name]})

        assert (answer.status, answer.body) == (400, {"projects": ["Invalid project"]})


def test_a_project_that_the_caller_does_not_reach_is_refused(acme, web, team, closed, token_of):
    a_release("1.0", web)
    a_project(acme, "secret")
    member = a_member(acme, "member@example.com")
    join(member, team)

    answer = token_of(member).post(path_of(), {"environment": "production", "projects": ["secret"]})

    assert (answer.status, answer.body) == (400, {"projects": ["Insufficient access to project"]})


def test_a_release_that_is_not_there_has_no_deploys(api, acme):
    assert api.get(path_of("9.9")).status == 404
    assert api.post(path_of("9.9"), {"environment": "production"}).status == 404


def test_a_release_of_another_organization_is_not_there(api, acme):
    a_release("1.0", a_project(an_organization("other"), "theirs"))

    assert api.get(path_of()).status == 404
    assert api.post(path_of(), {"environment": "production"}).status == 404
    assert not Deploy.objects.exists()


def test_a_release_of_projects_that_the_caller_does_not_reach_is_not_there(outsider, release):
    assert outsider.get(path_of()).status == 404
    assert outsider.post(path_of(), {"environment": "production"}).status == 404


def test_whoever_reaches_a_part_of_a_release_reads_that_part_and_writes_nothing(acme, web, team, api, closed, token_of):
    secret = a_project(acme, "secret")
    a_release("1.0", web, secret)
    member = a_member(acme, "member@example.com")
    join(member, team)
    api.post(path_of(), {"environment": "production", "projects": ["web"]})
    api.post(path_of(), {"environment": "staging", "projects": ["secret"]})

    partial = token_of(member)

    assert [one["environment"] for one in partial.get(path_of()).body] == ["production"]
    assert [one["environment"] for one in partial.get(path_of(query="?all=1")).body] == ["production"]
    assert partial.get(path_of(query="?project=secret")).status == 403
    assert partial.post(path_of(), {"environment": "production", "projects": ["web"]}).status == 404


def test_a_project_that_is_being_deleted_stands_in_nobodys_way(api, web, shop):
    a_release("1.0", web, shop)
    Project.objects.filter(pk=shop.pk).update(status=ObjectStatus.PENDING_DELETION)

    made = api.post(path_of(), {"environment": "production"})

    assert made.status == 201
    assert list(ReleaseProjectEnvironment.objects.values_list("project_id", flat=True)) == [web.pk]


def test_a_release_without_projects_is_there_for_those_who_reach_everything(api, acme, token_of):
    Release.objects.create(organization=acme, version="1.0")
    member = token_of(a_member(acme, "member@example.com"))

    assert api.get(path_of()).body == []
    assert api.post(path_of(), {"environment": "production"}).status == 201
    assert not Deploy.objects.get().notified  # there is no history to write it into
    assert member.get(path_of()).status == 404
    assert member.post(path_of(), {"environment": "production"}).status == 404


def test_an_organization_token_tells_of_deploys(acme, release):
    token = create_org_token(acme, "https://vedette.example.com", name="CI", by=None)[1]

    assert Api(token).post(path_of(), {"environment": "production"}).status == 201
    assert len(Api(token).get(path_of()).body) == 1
