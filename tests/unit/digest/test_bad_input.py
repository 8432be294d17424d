"""Payloads that break every rule: one outcome each, or an event that says what was wrong with it."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson
import pytest

from tests.unit.digest.making import NOW, a_drop, an_event, errors_of, stored
from vedette.wire.outcomes import Category, Outcome

MARKUP = "<script>alert(1)</script>"
DAY = 86_400


def nested(levels: int) -> bytes:
    return b'{"extra":{"a":' + b"[" * levels + b"]" * levels + b"}}"


@pytest.mark.parametrize("payload", [b"", b"[]", b"17", b"null", b'"text"', b"{", b'{"a":}', b"\x00", b"{} {}"])
def test_what_is_no_json_object_is_dropped(payload: bytes) -> None:
    drop = a_drop(payload)

    assert (drop.outcome, drop.category, drop.reason) == (Outcome.INVALID, Category.ERROR, "invalid_json")


@pytest.mark.parametrize("payload", [nested(120), nested(5000), b'{"a":' * 101 + b"1" + b"}" * 101])
def test_json_nested_deeper_than_a_hundred_levels_is_dropped(payload: bytes) -> None:
    assert a_drop(payload).reason == "too_deep"


def test_json_of_a_hundred_levels_is_kept_and_cut() -> None:
    kept = stored(nested(98))

    assert kept["extra"]["a"] == [[[[[[["[" * 91 + "]" * 91]]]]]]]


def test_brackets_in_strings_are_no_nesting() -> None:
    assert stored({"message": "[" * 500, "extra": {"a": "]" * 500}})["extra"] == {"a": "]" * 500}


def test_invalid_utf8_becomes_replacement_characters() -> None:
    kept = stored(b'{"message":"caf\xe9","extra":{"a":"\xff"}}')

    assert kept["logentry"]["formatted"] == "caf\N{REPLACEMENT CHARACTER}"
    assert kept["extra"] == {"a": "\N{REPLACEMENT CHARACTER}"}


def test_lone_surrogates_are_replaced_and_pairs_are_kept() -> None:
    kept = stored(b'{"message":"\\ud83d\\ude00 \\ud83d x","extra":{"\\udc00":"a\\ud800"}}')

    assert kept["logentry"]["formatted"] == "\N{GRINNING FACE} \N{REPLACEMENT CHARACTER} x"
    assert kept["extra"] == {"\N{REPLACEMENT CHARACTER}": "a\N{REPLACEMENT CHARACTER}"}


def test_numbers_that_are_none_become_null() -> None:
    kept = stored(b'{"message":"x","extra":{"a":NaN,"b":-Infinity,"c":1e999,"d":[1e400]}}')

    assert kept["extra"] == {"a": None, "b": None, "c": None, "d": [None]}


@pytest.mark.parametrize("digits", [30, 400, 5000])
def test_endless_integers_do_no_harm(digits: int) -> None:
    number = b"9" * digits
    event = an_event(b'{"user":{"id":%b},"tags":{"a":%b},"extra":{"a":%b},"level":%b}' % ((number,) * 4))

    orjson.loads(event.payload)


def test_an_event_without_anything_is_an_event() -> None:
    event = an_event(b"{}")

    assert (event.platform, event.level, event.type, event.title) == ("other", "error", "default", "<unlabeled event>")
    assert event.error_count == 0


@pytest.mark.parametrize("platform", ["Python", "dart", 7, None, ["python"]])
def test_an_unknown_platform_is_other(platform: object) -> None:
    assert an_event({"platform": platform}).platform == "other"


@pytest.mark.parametrize(
    ("timestamp", "kind"),
    [
        ("2999-01-01T00:00:00Z", "future_timestamp"),
        (NOW + 61, "future_timestamp"),
        (NOW - 91 * DAY, "past_timestamp"),
        ("yesterday", "invalid_data"),
        ("1700000000", "invalid_data"),
        ({}, "invalid_data"),
    ],
)
def test_a_timestamp_out_of_range_becomes_the_moment_of_receipt(timestamp: object, kind: str) -> None:
    event = an_event({"timestamp": timestamp})

    assert event.timestamp == datetime.fromtimestamp(NOW, UTC)
    assert errors_of(msgspec.json.decode(event.payload)) == [(kind, "timestamp")]


@pytest.mark.parametrize("timestamp", [-1, 1e18, "0001-01-01T00:00:00Z"])
def test_a_timestamp_beyond_the_calendar_drops_the_event(timestamp: object) -> None:
    assert a_drop(msgspec.json.encode({"timestamp": timestamp})).reason == "timestamp"


@pytest.mark.parametrize("tags", ["text", 7, True])
def test_tags_of_a_wrong_type_are_reported(tags: object) -> None:
    assert errors_of(stored({"tags": tags})) == [("invalid_data", "tags")]


def test_fields_of_wrong_types_go_one_by_one_and_the_event_stays() -> None:
    wrong: dict[str, Any] = dict.fromkeys(
        (
            "level logger transaction culprit server_name release dist environment message logentry exception "
            "stacktrace threads template breadcrumbs user request contexts extra modules fingerprint checksum sdk "
            "debug_meta spans measurements transaction_info csp errors"
        ).split(),
        7.5,
    )

    event = an_event({**wrong, "platform": "python", "tags": [["a", "b"]]})

    assert event.platform == "python"
    assert ("a", "b") in event.tags
    assert event.release == "7.5"  # numbers are texts there
    names = {name for _, name in errors_of(msgspec.json.decode(event.payload))}
    kept_quietly = {"release", "modules", "measurements", "spans", "transaction_info", "errors", "csp"}
    assert set(wrong) - names <= kept_quietly


def test_a_wrong_field_deep_inside_costs_only_itself() -> None:
    frames = [{"function": "a", "lineno": "12", "in_app": "yes"}, None, {"function": "b", "colno": -1, "vars": [1]}]

    kept = stored({"exception": [{"type": "E", "value": {"a": 1}, "stacktrace": {"frames": frames}}, None]})

    (exception,) = kept["exception"]["values"]
    assert exception["value"] == '{"a":1}'
    assert [frame.get("function") for frame in exception["stacktrace"]["frames"]] == ["a", None, "b"]
    place = "exception.values.0.stacktrace.frames"
    assert {name for _, name in errors_of(kept)} == {
        f"{place}.0.lineno",
        f"{place}.0.in_app",
        f"{place}.2.colno",
        f"{place}.2.vars",
    }


def test_unknown_members_are_reported_at_the_top_and_quietly_dropped_below() -> None:
    kept = stored({"nonsense": 1, "exception": {"values": [{"type": "E", "nonsense": 1}]}})

    assert errors_of(kept) == [("invalid_attribute", "nonsense")]
    assert kept["exception"]["values"] == [{"type": "E"}]


def test_what_the_server_owns_cannot_be_sent() -> None:
    kept = stored(
        {"_meta": {"a": 1}, "key_id": "x", "project": 99, "version": "5", "_metrics": {}, "grouping_config": 1}
    )

    assert "_meta" not in kept
    assert "_metrics" not in kept
    assert "grouping_config" not in kept
    assert (kept["project"], kept["key_id"], kept["version"]) == (7, 5, "7")
    assert "errors" not in kept


def test_markup_is_kept_letter_by_letter() -> None:
    event = an_event(
        {
            "message": MARKUP,
            "release": "a<b>",
            "transaction": MARKUP,
            "tags": {"a": MARKUP},
            "user": {"id": MARKUP},
            "extra": {MARKUP: MARKUP},
            "exception": {
                "values": [{"type": MARKUP, "value": MARKUP, "stacktrace": {"frames": [{"function": MARKUP}]}}]
            },
        }
    )

    assert event.title == f"{MARKUP}: {MARKUP}"
    assert (event.culprit, event.user.id, event.transaction) == (MARKUP, MARKUP, MARKUP)
    assert dict(event.tags)["a"] == MARKUP
    assert msgspec.json.decode(event.payload)["extra"] == {MARKUP: MARKUP}


def test_a_payload_over_its_limit_is_dropped() -> None:
    assert a_drop(msgspec.json.encode({"message": "x" * 1_100_000})).reason == "too_large"
