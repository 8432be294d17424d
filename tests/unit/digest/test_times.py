"""Timestamps and clock drift, row by row (ingest specification, section 8)."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.unit.digest.making import EVENT_ID, NOW, Json, a_drop, a_transaction, errors_of, prepared, stored
from vedette.digest.values import PreparedEvent, PreparedSessions, PreparedTransaction, ProjectConfig, Reported

DAY = 86_400.0
MINUTE = 60.0


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def sent(at: float) -> Json:
    return {"event_id": EVENT_ID, "sent_at": iso(at)}


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        pytest.param("2025-10-09T08:00:00Z", 1_759_996_800.0, id="8.1 RFC 3339"),
        pytest.param("2025-10-09T10:00:00+02:00", 1_759_996_800.0, id="8.1 RFC 3339 with a zone"),
        pytest.param("2025-10-09T08:00:00", 1_759_996_800.0, id="8.1 without a zone: UTC"),
        pytest.param("2025-10-09 08:00:00.123456", 1_759_996_800.123456, id="8.1 microseconds"),
        pytest.param("2025-10-09T08:00:00.123456789Z", 1_759_996_800.123456, id="8.1 nanoseconds"),
        pytest.param(1_759_996_800, 1_759_996_800.0, id="8.1 seconds"),
        pytest.param(1_759_996_800.25, 1_759_996_800.25, id="8.1 a fraction"),
    ],
)
def test_a_format(given: object, seconds: float) -> None:
    kept = stored({"timestamp": given, "breadcrumbs": [{"timestamp": given}]})

    assert kept["timestamp"] == kept["breadcrumbs"]["values"][0]["timestamp"] == seconds
    assert "errors" not in kept


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("1759996800", id="8.1 a number inside a string"),
        pytest.param("yesterday", id="8.1 no moment"),
        pytest.param(True, id="8.1 a boolean"),
        pytest.param({}, id="8.1 an object"),
    ],
)
def test_what_is_no_timestamp_counts_as_missing(given: object) -> None:
    kept = stored({"timestamp": given, "start_timestamp": given, "breadcrumbs": [{"timestamp": given}]})

    assert (kept["timestamp"], kept.get("start_timestamp")) == (NOW, None)
    assert "timestamp" not in kept["breadcrumbs"]["values"][0]
    assert errors_of(kept) == [
        ("invalid_data", "timestamp"),
        ("invalid_data", "start_timestamp"),
        ("invalid_data", "breadcrumbs.values.0.timestamp"),
    ]


@pytest.mark.parametrize("name", ["timestamp", "start_timestamp"])
@pytest.mark.parametrize("given", [-1, 1e12, "1969-12-31T23:59:59Z"])
def test_a_moment_beyond_the_calendar_fails_the_event(name: str, given: object) -> None:
    assert a_drop(msgspec.json.encode({name: given})).reason == "timestamp"


@pytest.mark.parametrize(
    ("ended", "started", "header"),
    [
        pytest.param("9999-12-31T00:00:00Z", NOW, None, id="moved before 1970"),
        pytest.param(None, "9999-12-31T00:00:00Z", {"sent_at": "0001-01-02T00:00:00Z"}, id="moved beyond 9999"),
    ],
)
def test_a_moment_that_is_moved_beyond_the_calendar_counts_as_missing(
    ended: object, started: object, header: Json | None
) -> None:
    times = {"timestamp": ended, "start_timestamp": started}
    payload = {**times, "breadcrumbs": [{"timestamp": started}], "spans": [times]}

    kept = stored(payload, header=header)

    assert kept["timestamp"] == NOW
    assert "start_timestamp" not in kept
    assert "timestamp" not in kept["breadcrumbs"]["values"][0]
    assert {("invalid_data", "start_timestamp"), ("invalid_data", "breadcrumbs.values.0.timestamp")} <= set(
        errors_of(kept)
    )
    contexts = {"trace": {"trace_id": "a" * 32, "span_id": "b" * 16}}
    raw = msgspec.json.encode({**times, "contexts": contexts})
    assert a_drop(raw, "transaction", header=header).reason == "invalid_transaction"


@pytest.mark.parametrize(
    ("drift", "shift"),
    [
        pytest.param(55 * MINUTE - 1, 0.0, id="8.2 just below 55 minutes"),
        pytest.param(55 * MINUTE, 55 * MINUTE, id="8.2 55 minutes behind"),
        pytest.param(-55 * MINUTE, -55 * MINUTE, id="8.2 55 minutes ahead"),
        pytest.param(-55 * MINUTE + 1, 0.0, id="8.2 just below 55 minutes ahead"),
        pytest.param(2 * DAY, 2 * DAY, id="8.2 days"),
    ],
)
def test_a_clock_that_is_off_moves_every_time(drift: float, shift: float) -> None:
    at = NOW - 3 * DAY
    payload: Json = {
        "timestamp": at,
        "start_timestamp": at - 5,
        "breadcrumbs": [{"timestamp": at - 9}],
        "spans": [{"start_timestamp": at - 4, "timestamp": at - 1}],
    }

    kept = stored(payload, header=sent(NOW - drift))

    assert kept["timestamp"] == at + shift
    assert kept["start_timestamp"] == at - 5 + shift
    assert kept["breadcrumbs"]["values"][0]["timestamp"] == at - 9 + shift
    assert (kept["spans"][0]["start_timestamp"], kept["spans"][0]["timestamp"]) == (at - 4 + shift, at - 1 + shift)
    drifts = [one for one in kept.get("errors", ()) if one["type"] == "clock_drift"]
    assert drifts == (
        [{"type": "clock_drift", "name": "timestamp", "sdk_time": iso(NOW - drift), "server_time": iso(NOW)}]
        if shift
        else []
    )


def test_8_2_the_times_of_client_reports_move_too() -> None:
    report = {"timestamp": NOW - 2 * DAY, "discarded_events": [{"reason": "x", "category": "error", "quantity": 1}]}

    (value,) = prepared(({"type": "client_report"}, msgspec.json.encode(report)), header=sent(NOW - DAY))

    assert isinstance(value, Reported)
    assert value.counts[0].at == NOW - DAY


@pytest.mark.parametrize(
    ("at", "kind"),
    [
        pytest.param(NOW + 60, None, id="8.3 a minute ahead"),
        pytest.param(NOW + 61, "future_timestamp", id="8.3 more than a minute ahead"),
        pytest.param(NOW - 90 * DAY, None, id="8.3 as old as what is kept"),
        pytest.param(NOW - 90 * DAY - 1, "past_timestamp", id="8.3 older than what is kept"),
    ],
)
def test_an_event_out_of_range_is_dated_to_its_arrival(at: float, kind: str | None) -> None:
    kept = stored({"timestamp": at, "start_timestamp": at - 5, "breadcrumbs": [{"timestamp": at - 9}]})

    moved = NOW if kind else at
    assert (kept["timestamp"], kept["start_timestamp"]) == (moved, moved - 5)
    assert kept["breadcrumbs"]["values"][0]["timestamp"] == moved - 9
    assert kept.get("errors", []) == (
        [{"type": kind, "name": "timestamp", "sdk_time": iso(at), "server_time": iso(NOW)}] if kind else []
    )


def test_8_3_the_organizations_retention_decides_what_is_too_old() -> None:
    kept = stored({"timestamp": NOW - 31 * DAY}, config=ProjectConfig(7, 3, retention_days=30))

    assert errors_of(kept) == [("past_timestamp", "timestamp")]


def test_8_3_range_is_judged_after_the_drift_is_gone() -> None:
    kept = stored({"timestamp": NOW + 2 * DAY - 5}, header=sent(NOW + 2 * DAY))

    assert kept["timestamp"] == NOW - 5
    assert errors_of(kept) == [("clock_drift", "timestamp")]


def test_8_4_what_a_client_says_about_the_receipt_is_overwritten() -> None:
    trace = {"trace": {"trace_id": EVENT_ID, "span_id": EVENT_ID[:16]}}
    payload: dict[str, Any] = {"received": 1, "timestamp": NOW - 1, "start_timestamp": NOW - 2, "contexts": trace}

    assert stored(payload)["received"] == NOW
    assert a_transaction(payload).received_at == datetime.fromtimestamp(NOW, UTC)


NO_MOMENTS = [
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999-23:59",
    "9999-12-31T23:59:59.9999999Z",
    "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "2025-02-30T00:00:00Z",
    "2025-10-09T23:59:60Z",
    "2025-10-09T24:00:00Z",
    "2025-10-09T08:00:00+99:99",
    "2025-W41-4T08:00:00Z",
    "\u0662\u0660\u0662\u0665-10-09T08:00:00Z",
    "NaN",
    "NaN-NaN-NaNTNaN:NaN",
    "-Infinity",
    1e308,
    -1e308,
    5e-324,
    -1,
    -0.0,
    253_402_300_799.99997,
    253_402_300_800,
    2**63,
    2**64,
    True,
    [],
    {},
]
NO_JSON_OF_OURS = [b"NaN", b"-Infinity", b"1e999", b"9" * 400, b'"\xff025-10-09T08:00:00Z"']


@pytest.mark.parametrize("sent_at", [None, "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "NaN", 1e308])
@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("event", b'{"timestamp": AT}'),
        ("event", b'{"start_timestamp": AT, "breadcrumbs": [{"timestamp": AT}], "received": AT}'),
        ("event", b'{"contexts": {"app": {"app_start_time": AT}, "device": {"boot_time": AT}}, "extra": {"at": AT}}'),
        ("transaction", b'{"timestamp": AT, "start_timestamp": AT, "contexts": TRACE, "spans": [SPAN]}'),
        ("transaction", b'{"timestamp": 1759996800, "start_timestamp": AT, "contexts": TRACE, "spans": [SPAN]}'),
        (
            "transaction",
            b'{"timestamp": 1759996800, "start_timestamp": 1759996799, "contexts": TRACE, "spans": [SPAN]}',
        ),
        ("session", b'{"sid": "0123456789abcdef0123456789abcdef", "started": AT, "timestamp": AT, "attrs": RELEASE}'),
        ("sessions", b'{"aggregates": [{"started": AT, "exited": 1}], "attrs": RELEASE}'),
        ("client_report", b'{"timestamp": AT, "discarded_events": [DISCARDED]}'),
        ("feedback", b'{"timestamp": AT, "contexts": {"feedback": {"message": "slow"}}}'),
    ],
)
def test_no_moment_whatever_it_is_ends_the_digest_of_a_request(kind: str, payload: bytes, sent_at: object) -> None:
    trace = b'{"trace": {"trace_id": "%b", "span_id": "%b"}}' % (b"a" * 32, b"b" * 16)
    span = b'{"trace_id": "%b", "span_id": "%b", "start_timestamp": AT, "timestamp": AT}' % (b"a" * 32, b"c" * 16)
    payload = payload.replace(b"TRACE", trace).replace(b"SPAN", span).replace(b"RELEASE", b'{"release": "shop@1.0"}')
    payload = payload.replace(b"DISCARDED", b'{"reason": "x", "category": "error", "quantity": 1}')

    for given in (*map(msgspec.json.encode, NO_MOMENTS), *NO_JSON_OF_OURS):
        one = payload.replace(b"AT", given)
        values = prepared(({"type": kind}, one), header={"event_id": EVENT_ID, "sent_at": sent_at})

        assert values, given
        for value in values:
            if isinstance(value, PreparedEvent | PreparedTransaction):
                assert abs(value.timestamp.timestamp() - NOW) <= 90 * DAY
            elif isinstance(value, PreparedSessions):
                assert all(abs(bucket.minute - NOW) <= 5 * DAY + MINUTE for bucket in value.buckets)
            elif isinstance(value, Reported):
                assert all(abs(count.at - NOW) <= 90 * DAY for count in value.counts)
