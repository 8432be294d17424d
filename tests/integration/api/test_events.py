"""Events, their tags and files, the counts, feedback and releases."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.integration.api.factories import a_real_event
from tests.integration.api.test_organizations import link, next_of
from tests.support.factories import a_member, a_project, an_organization
from vedette.core import clock, json
from vedette.core.files import FileStore
from vedette.digest.models import OutcomeCount
from vedette.issues.models import EventAttachment, UserReport
from vedette.orgs.options import ATTACHMENTS_ROLE, set_option
from vedette.projects.models import Environment
from vedette.releases.models import Release, ReleaseProject
from vedette.wire.outcomes import Category, Outcome

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


@pytest.fixture
def event_ids(api, issue):
    """The three events of the issue, newest first."""
    return [event["eventID"] for event in api.get(f"/issues/{issue.pk}/events/").body]


def test_an_event_in_a_list(api, issue):
    body = api.get("/projects/acme/web/events/?cursor=").body

    assert len(body) == 3
    assert body[0]["title"] == "ValueError: bad"
    assert body[0]["user"] == {
        "id": "7",
        "email": "kim@example.com",
        "username": None,
        "ip_address": "203.0.113.7",
        "name": None,
    }
    assert {"key": "browser", "value": "Firefox"} in body[0]["tags"]
    assert body[0]["metadata"] == {"type": "ValueError", "value": "bad"}
    assert body == api.get(f"/issues/{issue.pk}/events/").body


def test_walking_the_events_finds_each_once(api, issue, event_ids):
    first = api.get(f"/issues/{issue.pk}/events/?per_page=2")
    second = api.get(next_of(first))

    assert [event["id"] for event in first.body + second.body] == event_ids
    assert next_of(second) is None
    assert api.get(link(second, "previous")).body == first.body


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("query=browser:Firefox", 3),
        ("query=browser:Chrome", 0),
        ("query=bad", 3),
        ("statsPeriod=90m", 1),
        ("environment=production", 3),
    ],
)
def test_events_can_be_narrowed(query, count, api, issue):
    assert len(api.get(f"/issues/{issue.pk}/events/?{query}").body) == count


def test_conditions_on_issues_are_refused_among_events(api, issue):
    assert api.get(f"/issues/{issue.pk}/events/?query=is:unresolved").status == 400


def test_whole_events_in_a_list(api, issue, event_ids):
    (event,) = api.get("/projects/acme/web/events/?full=1&per_page=1").body

    assert event == api.get(f"/projects/acme/web/events/{event_ids[0]}/").body


def test_a_whole_event(api, issue, event_ids):
    body = api.get(f"/issues/{issue.pk}/events/latest/").body

    entries = {entry["type"]: entry["data"] for entry in body["entries"]}
    frame = entries["exception"]["values"][0]["stacktrace"]["frames"][1]
    assert body["eventID"] == event_ids[0]
    assert (body["nextEventID"], body["previousEventID"]) == (None, event_ids[1])
    assert (body["message"], body["dist"], body["release"]["version"]) == ("it broke: 7", None, "web@1.0")
    assert (frame["lineNo"], frame["absPath"], frame["inApp"]) == (12, "/srv/app/views.py", True)
    assert frame["context"] == [
        [10, "def checkout(cart):"],
        [11, "    # pay"],
        [12, "    raise ValueError(cart)"],
        [13, ""],
    ]
    assert entries["exception"]["values"][0]["mechanism"] == {"type": "django", "handled": False}
    assert entries["breadcrumbs"]["values"][0]["timestamp"] == "2025-11-24T16:00:00.500000Z"
    assert entries["request"]["cookies"] == [["theme", "dark"]]
    assert body["user"]["id"] == "7"
    assert body["errors"] == [
        {"type": "invalid_data", "message": "Discarded invalid value", "data": {"name": "level", "value": "loud"}}
    ]
    assert body["fingerprints"] == ["a" * 32, "b" * 32]
    assert body["_meta"]["entries"] == {"3": {"data": {"url": {"": {"len": 900}}}}}


@pytest.mark.parametrize(("name", "place"), [("latest", 0), ("recommended", 0), ("oldest", 2)])
def test_an_event_has_a_place(name, place, api, issue, event_ids):
    assert api.get(f"/organizations/acme/issues/WEB-1/events/{name}/").body["id"] == event_ids[place]


def test_an_event_is_found_by_its_id_in_any_form(api, issue, event_ids):
    text = event_ids[1]
    dashed = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}".upper()

    for path in (
        f"/issues/{issue.pk}/events/{dashed}/",
        f"/projects/acme/web/events/{text}/",
        f"/projects/acme/web/events/{dashed}/",
    ):
        body = api.get(path).body
        assert (body["id"], body["nextEventID"], body["previousEventID"]) == (text, event_ids[0], event_ids[2])
    assert api.get(f"/organizations/acme/eventids/{text}/").body["groupId"] == str(issue.pk)


@pytest.mark.parametrize("event_id", ["f" * 32, "nonsense", "0"])
def test_an_unknown_event_is_not_there(event_id, api, issue):
    for path in (f"/issues/{issue.pk}/events", "/projects/acme/web/events", "/organizations/acme/eventids"):
        assert api.get(f"{path}/{event_id}/").status == 404


def test_an_event_of_another_project_is_not_there(api, acme, digest, event_ids):
    app = a_project(acme, "app")
    digest(a_real_event(app, timestamp=clock.now()))

    assert api.get(f"/projects/acme/app/events/{event_ids[0]}/").status == 404
    assert api.get(f"/issues/{app.groups.get().pk}/events/{event_ids[0]}/").status == 404


def test_the_stored_form_of_an_event(api, event_ids):
    body = api.get(f"/projects/acme/web/events/{event_ids[0]}/json/").body

    assert body["exception"]["values"][0]["stacktrace"]["frames"][1]["lineno"] == 12


def test_a_payload_of_any_shape_is_shown(api, web, digest):
    hostile = {
        "exception": [None, 7, {"stacktrace": {"frames": "x"}}],
        "request": [],
        "user": "x",
        "tags": 1,
        "breadcrumbs": {"values": [{"timestamp": 1e300}]},
        "errors": {},
        "_meta": [],
        "grouping": {"variants": {"app": 1}},
        "debug_meta": 5,
        "logentry": "x",
        "contexts": [],
    }
    digest(a_real_event(web, timestamp=clock.now(), payload=json.dumps(hostile)))
    digest(a_real_event(web, "Broken: x", timestamp=clock.now(), payload=b"\xff not json"))

    for group in web.groups.all():
        assert api.get(f"/issues/{group.pk}/events/latest/").status == 200


def test_the_tags_of_an_issue(api, issue):
    tags = {tag["key"]: tag for tag in api.get(f"/issues/{issue.pk}/tags/").body}

    assert (tags["browser"]["totalValues"], tags["browser"]["uniqueValues"]) == (3, 1)
    assert tags["browser"]["topValues"][0]["value"] == "Firefox"
    assert tags["user"]["topValues"][0]["query"] == 'user.id:"7"'
    assert [tag["key"] for tag in api.get(f"/issues/{issue.pk}/tags/?key=level").body] == ["level"]
    assert api.get(f"/issues/{issue.pk}/tags/browser/").body == tags["browser"]
    assert api.get(f"/issues/{issue.pk}/tags/nothing/").status == 404


def test_the_values_of_a_tag_by_page(api, web, digest):
    now = clock.now()
    digest(
        *(
            a_real_event(web, timestamp=now - timedelta(minutes=n), tags=(("browser", name),))
            for n, name in enumerate(("Chrome", "Edge", "Safari", "Chrome"), 1)
        )
    )
    path = f"/issues/{web.groups.get().pk}/tags/browser/values/"

    def values(answer):
        return [value["value"] for value in answer.body]

    assert values(api.get(f"{path}?sort=-count"))[0] == "Chrome"
    assert values(api.get(f"{path}?query=DG")) == ["Edge"]
    assert api.get(f"{path}?sort=x").status == 400
    first = api.get(f"{path}?per_page=2")
    assert values(first) + values(api.get(next_of(first))) == ["Chrome", "Edge", "Safari"]


def test_the_tags_of_an_organization(api, issue):
    tags = api.get("/organizations/acme/tags/").body

    assert {"key": "browser", "name": "Browser", "totalValues": 3} in tags


@pytest.fixture
def attachment(web, settings, issue, event_ids):
    store = FileStore(settings.VEDETTE.files_dir)
    sha1 = store.put(b"<script>alert(1)</script>")
    yield EventAttachment.objects.create(
        project=web,
        event_id=event_ids[0],
        group=issue,
        name='a"\r\nb.html',
        content_type="text/html",
        size=25,
        sha1=sha1,
    )
    store.remove(sha1)


def test_the_files_of_an_event(api, attachment):
    path = f"/projects/acme/web/events/{attachment.event_id}/attachments/"

    (body,) = api.get(path).body

    assert (body["name"], body["mimetype"], body["size"]) == ('a"\r\nb.html', "text/html", 25)
    assert api.get(f"{path}{body['id']}/").body == body
    assert api.get(f"{path}999999/").status == 404
    assert api.get("/projects/acme/web/events/x/attachments/").status == 404


def test_a_file_is_kept_and_not_shown(api, attachment):
    answer = api.get(f"/projects/acme/web/events/{attachment.event_id}/attachments/{attachment.pk}/?download")

    assert answer.raw == b"<script>alert(1)</script>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%22%0D%0Ab.html"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(("least", "status"), [("member", 200), ("manager", 403)])
def test_a_file_is_for_those_with_the_role(least, status, acme, attachment, token_of):
    set_option(acme, ATTACHMENTS_ROLE, least)
    path = f"/projects/acme/web/events/{attachment.event_id}/attachments/{attachment.pk}/"
    member = a_member(acme, "mem@example.com", "member")

    assert token_of(member).get(path).status == 200
    assert token_of(member).get(f"{path}?download").status == status


def test_a_file_can_be_deleted_by_those_who_may_change_events(api, owner, attachment, token_of):
    path = f"/projects/acme/web/events/{attachment.event_id}/attachments/{attachment.pk}/"

    assert token_of(owner, "project:read", "event:read").delete(path).status == 403
    assert api.delete(path).status == 204
    assert (api.delete(path).status, api.get(path).status) == (404, 404)


def test_the_files_of_others_do_not_exist(attachment, token_of):
    stranger = token_of(a_member(an_organization("other"), "eve@example.com", "owner"))
    path = f"/projects/acme/web/events/{attachment.event_id}/attachments/"

    assert [stranger.get(path).status, stranger.get(f"{path}{attachment.pk}/?download").status] == [404, 404]
    assert stranger.delete(f"{path}{attachment.pk}/").status == 404
    assert EventAttachment.objects.exists()


def test_a_file_whose_bytes_are_gone_is_not_there(api, attachment):
    EventAttachment.objects.filter(pk=attachment.pk).update(sha1="0" * 40)

    answer = api.get(f"/projects/acme/web/events/{attachment.event_id}/attachments/{attachment.pk}/?download=1")

    assert answer.status == 404


@pytest.fixture
def counts(acme, web):
    def _count(outcome, category, quantity, hours_ago, reason=""):
        hour = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
        OutcomeCount.objects.create(
            organization_id=acme.pk,
            project_id=web.pk,
            outcome=outcome,
            category=category,
            reason=reason,
            hour=hour,
            quantity=quantity,
        )

    _count(Outcome.ACCEPTED, Category.ERROR, 5, 1)
    _count(Outcome.ACCEPTED, Category.ERROR, 2, 2)
    _count(Outcome.FILTERED, Category.ERROR, 3, 2, "localhost")
    _count(Outcome.RATE_LIMITED, Category.ERROR, 4, 1, "key_quota")
    _count(Outcome.ACCEPTED, Category.TRANSACTION, 9, 1)


def test_what_became_of_items(api, counts):
    answer = api.get(
        "/organizations/acme/stats_v2/?field=sum(quantity)&groupBy=outcome&groupBy=category&statsPeriod=1d&interval=1h"
    )

    found = {(group["by"]["outcome"], group["by"]["category"]): group for group in answer.body["groups"]}
    accepted = found["accepted", "error"]
    assert accepted["totals"] == {"sum(quantity)": 7}
    assert [n for n in accepted["series"]["sum(quantity)"] if n] == [2, 5]
    assert len(accepted["series"]["sum(quantity)"]) == len(answer.body["intervals"]) == 25
    assert found["filtered", "error"]["totals"] == {"sum(quantity)": 3}
    assert ("accepted", "transaction") in found


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("category=error", 14),
        ("outcome=accepted", 16),
        ("reason=localhost", 3),
        ("category=error&outcome=accepted&outcome=filtered", 10),
        ("interval=1d", 23),
    ],
)
def test_counts_can_be_narrowed(query, total, api, counts, web):
    answer = api.get(f"/organizations/acme/stats_v2/?field=sum(quantity)&groupBy=project&statsPeriod=7d&{query}")

    (group,) = answer.body["groups"]
    assert (group["by"], group["totals"]) == ({"project": web.pk}, {"sum(quantity)": total})


@pytest.mark.parametrize(
    "query",
    ["", "field=sum(quantity)", "field=x&groupBy=outcome", "field=sum(quantity)&groupBy=x"]
    + [f"field=sum(quantity)&groupBy=outcome&{bad}" for bad in ("category=x", "outcome=x", "statsPeriod=x")],
)
def test_a_bad_question_about_counts_is_refused(query, api, acme):
    assert api.get(f"/organizations/acme/stats_v2/?{query}").status == 400


@pytest.mark.parametrize(("stat", "total"), [("received", 14), ("generated", 14), ("rejected", 4), ("blacklisted", 3)])
def test_the_older_form_of_counts(stat, total, api, counts):
    points = api.get(f"/projects/acme/web/stats/?stat={stat}").body

    assert sum(count for _, count in points) == total
    assert {later[0] - earlier[0] for earlier, later in pairwise(points)} == {3600}


def test_the_older_form_names_what_is_wrong(api, web):
    assert api.get("/projects/acme/web/stats/?until=x").detail == "until must be a numeric timestamp."
    assert api.get("/projects/acme/web/stats/?since=nan").status == 400
    assert api.get("/projects/acme/web/stats/?resolution=1w").status == 400
    assert api.get("/projects/acme/web/stats/?stat=x").status == 400
    assert api.get("/projects/acme/web/stats/?since=0").status == 400


REPORT = {"name": "Kim", "email": "kim@example.com", "comments": "it broke"}


@pytest.fixture
def fresh_id(web, digest):
    """An event of ten minutes ago."""
    event = a_real_event(web, timestamp=clock.now() - timedelta(minutes=10), environment="production")
    digest(event)
    return event.event_id


def test_feedback_finds_its_issue(api, web, fresh_id):
    made = api.post("/projects/acme/web/user-feedback/", {"event_id": fresh_id, **REPORT})
    amended = api.post(
        "/projects/acme/web/user-feedback/", {"event_id": fresh_id, **REPORT, "comments": "it broke again"}
    )

    assert (made.status, amended.body["id"]) == (200, made.body["id"])
    (listed,) = api.get("/projects/acme/web/user-feedback/").body
    issue = web.groups.get()
    assert (listed["comments"], listed["issue"]["id"]) == ("it broke again", str(issue.pk))
    assert api.get(f"/issues/{issue.pk}/events/latest/").body["userReport"]["comments"] == "it broke again"
    assert Environment.objects.get(pk=UserReport.objects.get().environment_id).name == "production"


def test_feedback_of_long_ago_stays(api, fresh_id):
    api.post("/projects/acme/web/user-feedback/", {"event_id": fresh_id, **REPORT})
    UserReport.objects.update(date_added=clock.now() - timedelta(minutes=6))

    answer = api.post("/projects/acme/web/user-feedback/", {"event_id": fresh_id, **REPORT, "comments": "new"})

    assert (answer.status, answer.detail) == (409, "Feedback for this event cannot be modified.")
    assert UserReport.objects.get().comments == "it broke"


def test_feedback_about_an_event_of_more_than_half_an_hour_ago_comes_too_late(api, issue, event_ids):
    answer = api.post("/projects/acme/web/user-feedback/", {"event_id": event_ids[0], **REPORT})

    assert (answer.status, answer.detail) == (409, "Feedback for this event cannot be modified.")
    assert not UserReport.objects.exists()


def test_feedback_about_an_event_that_nobody_knows_yet_is_kept(api, web, events):
    assert api.post("/projects/acme/web/user-feedback/", {"event_id": "a" * 32, **REPORT}).status == 200
    assert UserReport.objects.get().group_id is None


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"event_id": "x"}, "event_id"),
        ({"email": "x"}, "email"),
        ({"comments": ""}, "comments"),
        ({"comments": "x" * 4097}, "comments"),
    ],
)
def test_bad_feedback_names_its_field(wish, field, api, web, events):
    answer = api.post("/projects/acme/web/user-feedback/", {"event_id": "a" * 32, **REPORT, **wish})

    assert (answer.status, list(answer.body)) == (400, [field])


def test_releases_that_events_have_made(api, issue, web, acme):
    other = Release.objects.create(organization=acme, version="web@0.9", date_added=NOW)
    ReleaseProject.objects.create(release=other, project=web)
    Release.objects.create(organization=acme, version="of nobody")

    answer = api.get("/organizations/acme/releases/")

    assert sorted(release["version"] for release in answer.body) == ["web@0.9", "web@1.0"]
    newest = next(release for release in answer.body if release["version"] == "web@1.0")
    assert (newest["newGroups"], newest["projects"][0]["slug"], newest["status"]) == (1, "web", "open")
    assert newest["versionInfo"]["package"] == "web"
    assert newest["firstEvent"] < newest["lastEvent"]
    assert api.get("/organizations/acme/releases/web%401.0/").body == newest
    assert [one["version"] for one in api.get("/organizations/acme/releases/?query=0.9").body] == ["web@0.9"]
    assert api.get("/organizations/acme/releases/?environment=production").body[0]["newGroups"] == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [("status=archived", 200), ("status=", 200), ("status=x", 400), ("sort=x", 400), ("query=x:y", 400)],
)
def test_releases_by_status(query, status, api, issue):
    answer = api.get(f"/organizations/acme/releases/?{query}")

    assert answer.status == status
    if status == 200:
        assert len(answer.body) == (0 if "archived" in query else 1)


@pytest.mark.parametrize("version", ["nothing", "of another", "a%2Fb"])
def test_a_release_that_is_not_seen_is_not_there(version, api, issue):
    Release.objects.create(organization=an_organization("globex"), version="of another")

    assert api.get(f"/organizations/acme/releases/{version}/").status == 404
