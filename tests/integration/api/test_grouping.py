"""Grouping over the API: rules and versions of a project, why an event is in its issue, what other rules would do."""

import pytest

from tests.integration.api.client import Api
from tests.support.factories import a_member, an_organization
from tests.unit.digest.making import an_event as prepared_event
from vedette.accounts.tokens import create_user_token
from vedette.core import clock
from vedette.digest import simulation
from vedette.digest.values import ProjectConfig
from vedette.issues.models import Group
from vedette.orgs.roles import ALL_SCOPES
from vedette.projects.models import ProjectOption

PROJECT = "/projects/acme/web/"
PREVIEW = f"{PROJECT}grouping-preview/"


def an_error(kind="ValueError", function="checkout"):
    frame = {"module": f"shop.{function}", "function": function, "in_app": True, "context_line": f"{function}()"}
    shown = {"type": kind, "value": "bad", "stacktrace": {"frames": [frame]}}
    return {"platform": "python", "exception": {"values": [shown]}}


@pytest.fixture
def send(web, digest):
    """Digest errors of the project, as its settings of the moment want them; their ids."""

    def _send(*payloads, **settings):
        config = ProjectConfig(project_id=web.pk, organization_id=web.organization_id, slug="web", **settings)
        now = clock.now().timestamp()
        events = [
            prepared_event(
                {**payload, "timestamp": now - 60 + number},
                config=config,
                header={"event_id": f"{number + 1:032x}"},
                organization_id=web.organization_id,
                project_id=web.pk,
                received_at=now,
            )
            for number, payload in enumerate(payloads)
        ]
        digest(*events)
        return [event.event_id for event in events]

    return _send


def test_why_an_event_is_grouped_so(api, send):
    [event_id] = send(an_error())

    body = api.get(f"{PROJECT}events/{event_id}/grouping-info/").body

    assert list(body) == ["app", "system"]
    assert body["app"]["type"] == "component"
    assert body["app"]["hash"] == api.get(f"{PROJECT}events/{event_id}/").body["fingerprints"][0]
    assert body["app"]["hashMismatch"] is False
    assert body["app"]["config"] == {"id": "newstyle:2026-01-20"}
    assert (body["system"]["hash"], body["system"]["hint"]) == (None, "same as another variant")
    assert [part["id"] for part in body["app"]["component"]["values"]] == ["type", "value", "stacktrace", "ns-error"]


def test_a_fingerprint_rule_is_named_though_it_is_gone_by_now(api, send):
    rule = "type:ValueError -> bad"
    api.put(PROJECT, {"fingerprintingRules": rule})
    [event_id] = send(an_error() | {"fingerprint": ["mine"]}, fingerprinting_rules=rule)
    api.put(PROJECT, {"fingerprintingRules": ""})

    body = api.get(f"{PROJECT}events/{event_id}/grouping-info/").body["custom"]

    assert (body["type"], body["hashMismatch"]) == ("custom-fingerprint", False)
    assert (body["values"], body["client_values"], body["matched_rule"]) == (["bad"], ["mine"], rule)


def test_rules_of_both_kinds_come_back_as_they_were_put(api, web):
    wish = {"fingerprintingRules": "type:A -> a", "groupingEnhancements": "module:a.* -group"}

    assert api.put(PROJECT, wish).status == 200

    body = api.get(PROJECT).body
    assert {name: body[name] for name in wish} == wish


@pytest.mark.parametrize(
    ("field", "text", "complaint"),
    [
        ("fingerprintingRules", "type:A -> a\nnonsense:x -> b", "Line 2, column 1: unknown key 'nonsense'."),
        ("groupingEnhancements", "function:a", "Line 1, column 11: expected an action such as -app or -group."),
    ],
)
def test_rules_that_cannot_be_read_are_refused_with_line_and_column(api, web, field, text, complaint):
    answer = api.put(PROJECT, {"name": "Other", field: text})

    assert (answer.status, answer.body) == (400, {field: [complaint]})
    assert not ProjectOption.objects.filter(project=web).exists()
    assert api.get(PROJECT).body["name"] != "Other"


def test_changing_the_version_begins_a_transition_and_unknown_ones_are_refused(api, web):
    assert api.get(PROJECT).body["groupingConfig"] == "newstyle:2026-01-20"

    changed = api.put(PROJECT, {"groupingConfig": "newstyle:2023-01-11", "secondaryGroupingExpiry": 1}).body
    refused = api.put(PROJECT, {"groupingConfig": "newstyle:1999-01-01"})

    assert changed["groupingConfig"] == "newstyle:2023-01-11"
    assert changed["secondaryGroupingConfig"] == "newstyle:2026-01-20"
    assert changed["secondaryGroupingExpiry"] == pytest.approx(clock.now().timestamp() + 90 * 86_400, abs=60)
    assert (refused.status, list(refused.body)) == (400, ["groupingConfig"])


def test_a_preview_of_rules_that_merge(api, send):
    send(an_error("DbDown", "one"), an_error("DbDown", "two"), an_error("DbDown", "two"), an_error("Other"))

    body = api.post(PREVIEW, {"fingerprintingRules": 'type:DbDown -> db-down title="DB"'}).body

    assert (body["examined"], body["changed"], body["unreadable"], body["wasCut"]) == (4, 3, 0, False)
    [merge] = body["merges"]
    assert (merge["target"]["id"], merge["target"]["title"]) == (None, "DB")
    assert [(one["shortId"], one["events"]) for one in merge["sources"]] == [("WEB-2", 2), ("WEB-1", 1)]
    assert body["splits"] == body["renewed"] == []
    assert Group.objects.count() == 3


def test_a_preview_ends_in_time_in_the_middle_of_a_portion(api, send, monkeypatch):
    send(an_error("A"), an_error("A"), an_error("A"))
    seconds = iter([0.0, 3.0, 6.0, 9.0])
    monkeypatch.setattr(simulation, "monotonic", lambda: next(seconds))

    body = api.post(PREVIEW, {"fingerprintingRules": "type:A -> x"}).body

    assert (body["examined"], body["wasCut"]) == (2, True)


def test_a_preview_of_rules_that_split(api, send):
    send(
        an_error("A", "one") | {"level": "error"},
        an_error("A", "one") | {"level": "fatal"},
        an_error("A", "one") | {"level": "error"},
    )

    rules = "level:fatal -> {{ default }} {{ level }}"
    body = api.post(PREVIEW, {"fingerprintingRules": rules, "events": 10}).body

    [split] = body["splits"]
    assert split["issue"]["shortId"] == "WEB-1"
    assert [(part["shortId"], part["events"]) for part in split["parts"]] == [("WEB-1", 2), (None, 1)]
    assert body["merges"] == []


def test_a_preview_tells_issues_that_would_begin_anew(api, send):
    send(an_error("A", "one"), an_error("A", "one"))

    body = api.post(PREVIEW, {"fingerprintingRules": "type:A -> a"}).body

    assert [(one["shortId"], one["events"]) for one in body["renewed"]] == [("WEB-1", 2)]


def test_a_preview_of_an_upgrade_splits_nothing(api, send):
    send(an_error("A", "one"), {"platform": "python", "logentry": {"formatted": "no host db.example.com"}})

    body = api.post(PREVIEW, {"groupingConfig": "newstyle:2023-01-11"}).body

    assert body["changed"] == 1
    assert body["merges"] == body["splits"] == body["renewed"] == []


def test_a_preview_looks_at_the_newest_events_only(api, send):
    send(*[an_error("A", f"f{number}") for number in range(30)])

    assert api.post(PREVIEW, {"groupingEnhancements": "module:* -group", "events": 27}).body["examined"] == 27


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"fingerprintingRules": "->"}, "fingerprintingRules"),
        ({"groupingEnhancements": "x"}, "groupingEnhancements"),
        ({"groupingConfig": "x"}, "groupingConfig"),
        ({"events": 0}, "events"),
        ({"events": 1001}, "events"),
    ],
)
def test_a_preview_refuses_what_it_cannot_read(api, web, events, body, field):
    answer = api.post(PREVIEW, body)

    assert (answer.status, list(answer.body)) == (400, [field])


def test_strangers_and_readers_are_refused(api, token_of, owner, send):
    [event_id] = send(an_error())
    eve = a_member(an_organization("other"), "eve@example.com", "owner")
    stranger = Api(create_user_token(eve, ALL_SCOPES)[1])

    assert stranger.post(PREVIEW, {}).status == 404
    assert stranger.get(f"{PROJECT}events/{event_id}/grouping-info/").status == 404
    assert token_of(owner, "project:read").post(PREVIEW, {}).status == 403
    assert api.get(f"{PROJECT}events/{'0' * 32}/grouping-info/").status == 404
