"""Inbound filters and limits through the API: switches, lists, and what is refused."""

import pytest

from tests.support.factories import a_member, an_organization
from vedette.digest.config import _cache, configs
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AuditLogEntry
from vedette.projects.options import options_of
from vedette.wire.filters import OLDEST_KEPT, InboundFilters

PROJECT = "/projects/acme/web/"
FILTERS = f"{PROJECT}filters/"


def active(api):
    return {one["id"]: one["active"] for one in api.get(FILTERS).body}


def inbound(project) -> InboundFilters:
    _cache.clear()
    return configs([project.pk])[project.pk].filters


def test_the_filters_are_listed_with_their_defaults(api, web):
    assert active(api) == {
        "browser-extensions": False,
        "chunk-load-error": True,
        "filtered-transaction": True,
        "legacy-browsers": False,
        "localhost": False,
        "react-hydration-errors": True,
        "web-crawlers": False,
    }


@pytest.mark.parametrize("name", ["localhost", "web-crawlers", "browser-extensions", "filtered-transaction"])
def test_a_filter_is_switched_and_the_digest_learns_of_it(api, web, name):
    assert api.put(f"{FILTERS}{name}/", {"active": True}).status == 204
    assert active(api)[name] is True
    assert name in inbound(web).on

    assert api.put(f"{FILTERS}{name}/", {"active": False}).status == 204
    assert active(api)[name] is False
    assert name not in inbound(web).on
    assert AuditLogEntry.objects.filter(event=AuditEvent.PROJECT_EDIT).exists()


def test_old_browsers_are_chosen_one_by_one_or_all_together(api, web):
    assert api.put(f"{FILTERS}legacy-browsers/", {"subfilters": ["ie", "safari_pre_6"]}).status == 204
    assert active(api)["legacy-browsers"] == ["ie", "safari_pre_6"]
    assert inbound(web).legacy_browsers == ("ie", "safari_pre_6")

    assert api.put(f"{FILTERS}legacy-browsers/", {"active": True}).status == 204
    assert inbound(web).legacy_browsers == tuple(OLDEST_KEPT)

    assert api.put(f"{FILTERS}legacy-browsers/", {"subfilters": []}).status == 204
    assert active(api)["legacy-browsers"] is False
    assert inbound(web).legacy_browsers == ()


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("localhost", {}, "active"),
        ("localhost", {"active": "perhaps"}, "active"),
        ("legacy-browsers", {"subfilters": ["netscape"]}, "subfilters"),
        ("legacy-browsers", {"subfilters": "ie"}, "subfilters"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(api, web, name, body, field):
    answer = api.put(f"{FILTERS}{name}/", body)

    assert answer.status == 400
    assert list(answer.body) == [field]


def test_an_unknown_filter_is_not_there(api, web):
    assert api.put(f"{FILTERS}nothing/", {"active": True}).status == 404


def test_lists_and_limits_are_options_of_the_project(api, web):
    wish = {
        "options": {
            "filters:blacklisted_ips": "10.0.0.0/8\n203.0.113.7",
            "filters:releases": ["shop@1.*"],
            "filters:error_messages": "*timeout*",
            "limits:errors": 20,
            "limits:spike_protection": "on",
        }
    }

    shown = api.put(PROJECT, wish).body["options"]

    assert shown["filters:blacklisted_ips"] == "10.0.0.0/8\n203.0.113.7"
    assert (shown["limits:errors"], shown["limits:spike_protection"]) == (20, "on")
    found = inbound(web)
    assert (found.addresses, found.releases, found.messages) == (
        ("10.0.0.0/8", "203.0.113.7"),
        ("shop@1.*",),
        ("*timeout*",),
    )


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("filters:blacklisted_ips", "10.0.0.0/99", "'10.0.0.0/99' is no address and no CIDR range."),
        ("filters:releases", ["shop@[1"], "'shop@[1' is no pattern: a [ without its ]."),
        ("filters:error_messages", "x" * 257, f"{'x' * 60!r} is longer than 256 characters."),
        ("filters:error_messages", [f"m{number}" for number in range(501)], "501 lines, 500 are allowed."),
        ("filters:legacy-browsers", ["netscape"], "'netscape' is no browser that this filter knows."),
        ("limits:errors", -1, "Ensure this value is between 0 and 1000000."),
        ("limits:spike_protection", "maybe", '"maybe" is not a valid choice.'),
    ],
)
def test_a_bad_option_is_refused_by_its_name_and_nothing_is_saved(api, web, field, value, sentence):
    answer = api.put(PROJECT, {"options": {"filters:localhost": True, field: value}})

    assert answer.status == 400
    assert answer.body == {field: [sentence]}
    assert options_of([web.pk])[web.pk]["filters:localhost"] is False


def test_an_organization_has_limits_of_its_own(api, web):
    wish = {"accountRateLimit": 1000, "projectRateLimit": 50, "errorLimit": 20, "spikeProtection": True}

    body = api.put("/organizations/acme/", wish).body

    assert body["quota"] == {"maxRate": None, "maxRateInterval": 60, "accountLimit": 1000, "projectLimit": 50}
    assert (body["errorLimit"], body["feedbackLimit"], body["spikeProtection"]) == (20, 0, True)
    assert api.put("/organizations/acme/", {"errorLimit": -1}).body == {
        "errorLimit": ["Ensure this value is between 0 and 1000000."]
    }


def test_reading_needs_a_scope_and_writing_another(token_of, owner, web):
    reader = token_of(owner, "project:read")

    assert reader.get(FILTERS).status == 200
    assert reader.put(f"{FILTERS}localhost/", {"active": True}).status == 403
    assert token_of(owner, "event:read").get(FILTERS).status == 403


def test_a_stranger_finds_nothing(token_of, web):
    eve = token_of(a_member(an_organization("other"), "eve@example.com", "owner"))

    assert eve.get(FILTERS).status in (403, 404)
    assert eve.put(f"{FILTERS}localhost/", {"active": True}).status in (403, 404)
