"""What becomes of the items of a request."""

import base64
import gzip
import subprocess
import sys
import zlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.unit.digest.making import (
    ANSWERED_ID,
    CONFIG,
    EVENT_ID,
    NOW,
    a_drop,
    an_event,
    prepared,
    prepared_bytes,
    receipt,
)
from vedette.digest.prepare import prepare
from vedette.digest.values import Dropped, PreparedAttachment, PreparedEvent, PreparedUserReport, Reported
from vedette.spool.records import SpooledEnvelope
from vedette.wire.outcomes import Category, Count, Outcome

OTHER_ID = "a" * 32
RECEIVED = datetime.fromtimestamp(NOW, UTC)


def of(kind: str, body: bytes, **fields: Any) -> Any:
    (value,) = prepare(SpooledEnvelope(9, receipt(kind=kind, **fields), body), CONFIG)
    return value


def test_an_event_carries_where_it_belongs_and_when_it_came() -> None:
    event = an_event({"message": "disk full", "timestamp": "2025-10-09T08:00:00Z"})

    assert (event.project_id, event.organization_id, event.key_id) == (7, 3, 5)
    assert (event.event_id, event.type, event.title) == (EVENT_ID, "default", "disk full")
    assert event.timestamp == datetime(2025, 10, 9, 8, tzinfo=UTC)
    assert event.received_at == RECEIVED


def test_an_event_goes_by_the_envelopes_id_else_by_the_answered_one_else_by_its_own() -> None:
    with_id = msgspec.json.encode({"event_id": OTHER_ID})

    def id_of(payload: bytes, header: dict[str, Any], answered: str | None = ANSWERED_ID) -> str:
        return an_event(payload, header=header, event_id=answered).event_id

    assert id_of(with_id, {"event_id": EVENT_ID}) == EVENT_ID
    assert id_of(with_id, {}) == ANSWERED_ID
    assert id_of(b'{"event_id": "nonsense"}', {}) == ANSWERED_ID
    assert id_of(with_id, {}, answered=None) == OTHER_ID


def test_an_id_that_nobody_gave_is_made_of_the_place_in_the_spool() -> None:
    body = b'{}\n{"type":"event"}\n{}'
    first, again, other = (prepare(SpooledEnvelope(at, receipt(), body), CONFIG)[0] for at in (1, 1, 2))

    assert isinstance(first, PreparedEvent)
    assert isinstance(other, PreparedEvent)
    assert first == again
    assert first.event_id != other.event_id


def test_attachments_and_events_of_one_envelope_share_an_id() -> None:
    values = prepared(({"type": "attachment", "filename": "a.txt"}, b"he\nlo"), ({"type": "event"}, b"{}"), header={})

    assert [type(value) for value in values] == [PreparedEvent, PreparedAttachment]
    assert {getattr(value, "event_id", None) for value in values} == {values[0].event_id}  # type: ignore[union-attr]


def test_an_attachment_has_a_name_and_a_type_even_if_nobody_said() -> None:
    plain = prepared_bytes(b"x", "attachment")
    (named,) = prepared(({"type": "attachment", "filename": "s.png", "attachment_type": "event.view_hierarchy"}, b""))

    assert isinstance(plain, PreparedAttachment)
    assert isinstance(named, PreparedAttachment)
    assert (plain.name, plain.content_type) == ("Unnamed Attachment", "application/octet-stream")
    assert (plain.attachment_type, plain.content, plain.event_id) == ("event.attachment", b"x", EVENT_ID)
    assert (named.content_type, named.attachment_type) == ("image/png", "event.view_hierarchy")


@pytest.mark.parametrize("kind", ["unreal.context", "unreal.logs", "event.novelty", "my own kind"])
def test_4_4_any_kind_of_attachment_is_kept_as_it_is_called(kind: str) -> None:
    (value,) = prepared(({"type": "attachment", "filename": "a.txt", "attachment_type": kind}, b"x"))

    assert isinstance(value, PreparedAttachment)
    assert (value.attachment_type, value.content_type, value.content) == (kind, "text/plain", b"x")


def test_an_attachment_of_no_event_is_dropped_with_its_bytes() -> None:
    (value,) = prepared(({"type": "attachment"}, b"12345"), header={})

    assert value == Dropped(7, 3, 5, Outcome.INVALID, Category.ATTACHMENT, "missing_event_id", RECEIVED, 5)


def test_a_user_report_names_its_event() -> None:
    report = {"event_id": "0123456789ABCDEF0123456789ABCDEF", "name": None, "email": "b@x.io", "comments": "It broke"}

    value = prepared_bytes(msgspec.json.encode(report), "user_report")

    assert value == PreparedUserReport(7, 3, 5, EVENT_ID, "", "b@x.io", "It broke", RECEIVED)


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        ({"comments": "x"}, "invalid_event_id"),
        ({"event_id": EVENT_ID}, "no_data"),
        ({"event_id": EVENT_ID, "comments": "x" * 4097}, "too_large"),
        ([], "invalid_json"),
    ],
)
def test_a_user_report_that_says_nothing_is_dropped(report: object, reason: str) -> None:
    drop = a_drop(msgspec.json.encode(report), "user_report")

    assert (drop.outcome, drop.category, drop.reason) == (Outcome.INVALID, Category.FEEDBACK, reason)


def test_feedback_becomes_a_report_of_the_event_it_is_about_or_goes_by_its_own_id() -> None:
    said = {"message": "It broke", "contact_email": "b@x.io", "name": "Bob"}
    about = {"contexts": {"feedback": {**said, "associated_event_id": OTHER_ID}}}
    alone = {"contexts": {"feedback": said}, "user": {"email": "other@x.io"}}

    assert prepared_bytes(msgspec.json.encode(about), "feedback") == PreparedUserReport(
        7, 3, 5, OTHER_ID, "Bob", "b@x.io", "It broke", RECEIVED, is_feedback=True
    )
    assert prepared_bytes(msgspec.json.encode(alone), "feedback") == PreparedUserReport(
        7, 3, 5, EVENT_ID, "Bob", "b@x.io", "It broke", RECEIVED, is_feedback=True
    )
    assert a_drop(b'{"contexts": {"feedback": {"message": " "}}}', "feedback").reason == "no_data"
    assert a_drop(b"{}", "feedback").reason == "no_data"


@pytest.mark.parametrize(("length", "kept"), [(4096, 4096), (4097, 4096)])
def test_6_6_a_message_of_feedback_is_cut_where_a_report_would_be_refused(length: int, kept: int) -> None:
    payload = msgspec.json.encode({"contexts": {"feedback": {"message": "x" * length}}})

    value = prepared_bytes(payload, "feedback")

    assert isinstance(value, PreparedUserReport)
    assert value.comments == "x" * kept


def test_a_client_report_becomes_counts() -> None:
    report = {
        "timestamp": NOW - 10,
        "discarded_events": [
            {"reason": "queue_overflow", "category": "error", "quantity": 23},
            {"reason": "x", "category": "nobody-knows", "quantity": 1},
            {"reason": "x", "category": "error", "quantity": -1},
            "nonsense",
        ],
        "rate_limited_events": [{"reason": "key_quota", "category": "session", "quantity": 2}],
    }

    value = prepared_bytes(msgspec.json.encode(report), "client_report")

    assert value == Reported(
        7,
        3,
        5,
        (
            Count(Outcome.CLIENT_DISCARD, Category.ERROR, "queue_overflow", 23, NOW - 10),
            Count(Outcome.RATE_LIMITED, Category.SESSION, "key_quota", 2, NOW - 10),
        ),
    )


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("discarded_events", Outcome.CLIENT_DISCARD),
        ("rate_limited_events", Outcome.RATE_LIMITED),
        ("filtered_events", Outcome.FILTERED),
        ("filtered_sampling_events", Outcome.FILTERED),
    ],
)
@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        pytest.param({}, NOW, id="no timestamp"),
        pytest.param({"timestamp": "2025-10-09T08:53:10Z"}, NOW - 10, id="RFC 3339"),
        pytest.param({"timestamp": NOW - 10}, NOW - 10, id="seconds"),
    ],
)
def test_6_3_each_list_of_a_client_report_has_an_outcome(
    name: str, outcome: Outcome, timestamp: dict[str, object], at: float
) -> None:
    report = {**timestamp, name: [{"reason": "Sampled:3", "category": "transaction", "quantity": 2}]}

    value = prepared_bytes(msgspec.json.encode(report), "client_report")

    assert value == Reported(7, 3, 5, (Count(outcome, Category.TRANSACTION, "Sampled:3", 2, at),))


def test_a_client_report_of_another_time_is_dropped() -> None:
    assert a_drop(msgspec.json.encode({"timestamp": NOW + 3600}), "client_report").reason == "timestamp"
    assert a_drop(msgspec.json.encode({"timestamp": NOW - 91 * 86_400}), "client_report").reason == "timestamp"


def test_the_fronts_own_counts_are_reported() -> None:
    entry = {"outcome": "rate_limited", "category": "error", "reason": "key_quota", "quantity": 4, "at": NOW}
    by_number = {"outcome": 3, "category": 4, "reason": "too_large", "quantity": 9, "at": NOW}

    value = of("outcomes", msgspec.json.encode([entry, by_number, {"outcome": "?"}, 7]))

    assert value.counts == (
        Count(Outcome.RATE_LIMITED, Category.ERROR, "key_quota", 4, NOW),
        Count(Outcome.INVALID, Category.ATTACHMENT, "too_large", 9, NOW),
    )
    assert of("outcomes", b"{").reason == "invalid_json"


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ("profile", Category.PROFILE),
        ("log", Category.LOG_ITEM),
        ("new", Category.UNKNOWN),
    ],
)
def test_an_item_that_nobody_handles_yet_is_counted(kind: str, category: Category) -> None:
    drop = a_drop(b"{}", kind)

    assert (drop.outcome, drop.category, drop.reason) == (Outcome.FILTERED, category, "not_supported_yet")
    assert drop.quantity == 1


def test_a_refused_item_is_counted_under_the_limits_reason_and_the_others_go_on() -> None:
    values = prepared(({"type": "event"}, b"{}"), ({"type": "attachment"}, b"12345"), refused=((1, "key_quota"),))

    assert isinstance(values[0], PreparedEvent)
    assert values[1] == Dropped(7, 3, 5, Outcome.RATE_LIMITED, Category.ATTACHMENT, "key_quota", RECEIVED, 5)


def test_an_empty_envelope_holds_nothing() -> None:
    assert prepared() == ()


@pytest.mark.parametrize("body", [b"", b"nonsense", b'{}\n{"type":"event","length":9}\n{}', b"\xff\xff"])
def test_a_broken_envelope_is_one_outcome(body: bytes) -> None:
    value = of("envelope", body)

    assert (value.outcome, value.category) == (Outcome.INVALID, Category.UNKNOWN)
    assert value.reason == "invalid_envelope"


def test_a_body_may_be_compressed_and_may_be_broken() -> None:
    body = gzip.compress(b'{}\n{"type":"event"}\n{"message":"x"}')

    assert of("envelope", body, encoding="gzip").title == "x"
    assert of("envelope", body[:-9], encoding="gzip").reason == "invalid_encoding"


def test_the_legacy_body_is_one_event() -> None:
    raw = msgspec.json.encode({"event_id": EVENT_ID, "message": "x"})

    assert of("store", raw).event_id == EVENT_ID
    assert of("store", base64.b64encode(zlib.compress(raw))).title == "x"
    assert of("store", b'{"extra": {"a": NaN}, "message": "x"}', client="raven-python/6").title == "x"
    assert of("store", b"nonsense").reason == "invalid_json"


def test_a_csp_report_of_a_browser_becomes_an_event() -> None:
    report = {
        "csp-report": {
            "document-uri": "https://shop.example/cart",
            "blocked-uri": "https://evil.example/a.js?x=1",
            "violated-directive": "script-src shop.example",
        }
    }

    value = prepared_bytes(
        msgspec.json.encode(report), "raw_security", user_agent="Mozilla/5.0 Firefox/128.0", remote_addr="203.0.113.7"
    )

    assert isinstance(value, PreparedEvent)
    assert (value.type, value.logger, value.title) == ("csp", "csp", "Blocked 'script' from 'evil.example'")
    assert value.culprit == "script-src 'self'"
    tags = dict(value.tags)
    assert tags["effective-directive"] == "script-src"
    assert tags["blocked-uri"] == "https://evil.example"
    assert tags["url"] == "https://shop.example/cart"
    assert tags["browser.name"] == "Firefox"
    assert value.user.ip == "203.0.113.7"


def test_the_reporting_api_has_its_own_shape() -> None:
    report = [
        {
            "type": "csp-violation",
            "url": "https://shop.example/",
            "body": {
                "blockedURL": "inline",
                "effectiveDirective": "style-src-elem",
                "documentURL": "https://shop.example/",
            },
        }
    ]

    value = prepared_bytes(msgspec.json.encode(report), "security")

    assert isinstance(value, PreparedEvent)
    assert value.title == "Blocked 'style' from 'inline'"
    assert a_drop(b'{"type": "nel"}', "security").reason == "security_report"


def test_preparing_needs_no_django() -> None:
    code = (
        "import sys, vedette.digest.prepare;"
        "sys.exit([name for name in sys.modules if name.split('.')[0] in ('django', 'chdb', 'ua_parser')] or 0)"
    )

    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert finished.returncode == 0, finished.stderr
