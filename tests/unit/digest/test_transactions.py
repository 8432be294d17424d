from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.unit.digest.making import NOW, Json, a_drop, a_transaction
from vedette.wire.outcomes import Category, Outcome

TRACE = {"trace_id": "a" * 32, "span_id": "b" * 16, "op": "http.server", "status": "ok"}


def transaction(**more: Any) -> Json:
    return {
        "type": "transaction",
        "start_timestamp": NOW - 2.5,
        "timestamp": NOW - 1,
        "transaction": "/cart/",
        "contexts": {"trace": TRACE},
        **more,
    }


def span(**more: Any) -> Json:
    return {"trace_id": "a" * 32, "span_id": "c" * 16, "start_timestamp": NOW - 2, "timestamp": NOW - 1.5, **more}


def test_a_transaction_is_kept_with_its_times_and_measurements() -> None:
    measurements = {"lcp": {"value": 12.5, "unit": "millisecond"}, "bad": {"value": "x"}}
    value = a_transaction(transaction(spans=[span()], measurements=measurements, release="shop@1", user={"id": "1"}))

    assert value.started_at == datetime.fromtimestamp(NOW - 2.5, UTC)
    assert (value.duration_ms, value.span_count) == (1500.0, 1)
    assert (value.transaction, value.op, value.status, value.source) == ("/cart/", "http.server", "ok", "unknown")
    assert (value.trace_id, value.span_id) == ("a" * 32, "b" * 16)
    assert value.measurements == (("lcp", 12.5),)
    assert value.user.identity == "id:1"
    assert dict(value.tags) == {
        "level": "info",
        "transaction": "/cart/",
        "release": "shop@1",
        "user": "id:1",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"start_timestamp": None},
        {"start_timestamp": NOW},
        {"contexts": {}},
        {"contexts": {"trace": {**TRACE, "trace_id": "nonsense"}}},
        {"contexts": {"trace": {**TRACE, "span_id": None}}},
        {"spans": [span(trace_id=None)]},
        {"spans": [span(span_id="x")]},
        {"spans": [span(start_timestamp=None)]},
        {"spans": [span(start_timestamp=NOW)]},
    ],
)
def test_an_invalid_transaction_is_dropped(change: Json) -> None:
    drop = a_drop(msgspec.json.encode({**transaction(), **change}), "transaction")

    assert (drop.outcome, drop.category, drop.reason) == (
        Outcome.INVALID,
        Category.TRANSACTION,
        "invalid_transaction",
    )


def test_a_span_without_an_end_ends_with_its_transaction() -> None:
    kept = msgspec.json.decode(a_transaction(transaction(spans=[span(timestamp=None)])).payload)

    assert kept["spans"][0]["timestamp"] == NOW - 1
    assert kept["spans"][0]["status"] == "deadline_exceeded"
    assert kept["spans"][0]["op"] == "default"


@pytest.mark.parametrize(
    ("name", "source", "sdk", "expected", "expected_source"),
    [
        ("", None, "", "<unlabeled transaction>", "unknown"),
        ("/user/123/x", "url", "", "/user/*/x", "sanitized"),
        (f"GET /api/{'ab' * 16}", "url", "", "GET /api/*", "sanitized"),
        ("/v2/items", "url", "", "/v2/items", "url"),
        ("/user/123", "route", "", "/user/123", "route"),
        ("/user/123", None, "sentry.javascript.react", "/user/*", "sanitized"),
        ("/user/123", None, "sentry.python", "/user/123", "unknown"),
    ],
)
def test_names_of_raw_urls_are_sanitised(
    name: str, source: str | None, sdk: str, expected: str, expected_source: str
) -> None:
    value = a_transaction(
        transaction(transaction=name, transaction_info={"source": source} if source else {}, sdk={"name": sdk})
    )

    assert (value.transaction, value.source) == (expected, expected_source)


def test_a_transaction_from_the_future_is_moved_as_a_whole() -> None:
    value = a_transaction(transaction(start_timestamp=NOW + 998.5, timestamp=NOW + 1000))

    assert value.timestamp == datetime.fromtimestamp(NOW, UTC)
    assert value.duration_ms == 1500.0
