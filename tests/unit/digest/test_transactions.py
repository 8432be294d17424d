from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.unit.digest.making import NOW, Json, a_drop, a_transaction
from vedette.wire.outcomes import Category, Outcome

DAY = 86_400
UUID = "550e8400-e29b-41d4-a716-446655440000"
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
    spans = a_transaction(transaction(spans=[span(timestamp=None)])).spans

    assert spans.started_us[1] + spans.duration_us[1] == (NOW - 1) * 1_000_000
    assert (spans.statuses[1], spans.ops[1]) == ("deadline_exceeded", "default")


@pytest.mark.parametrize(
    ("name", "source", "sdk", "expected", "expected_source"),
    [
        ("", None, "", "<unlabeled transaction>", "unknown"),
        ("/user/123/x", "url", "", "/user/*/x", "sanitized"),
        (f"GET /api/{'ab' * 16}", "url", "", "GET /api/*", "sanitized"),
        ("/v2/items", "url", "", "/v2/items", "url"),
        (f"/a/{UUID}/x", "url", "", "/a/*/x", "sanitized"),
        (f"/a/{'ab12' * 10}", "url", "", "/a/*", "sanitized"),
        ("/a/2024-01-02/x", "url", "", "/a/*/x", "sanitized"),
        ("/a/0xdead12", "url", "", "/a/*", "sanitized"),
        ("/a/report1.pdf", "url", "", "/a/report1.pdf", "url"),
        ("/a/bob@example.com", "url", "", "/a/bob@example.com", "url"),
        ("/user/123", "route", "", "/user/123", "route"),
        ("/user/123", None, "sentry.javascript.react", "/user/*", "sanitized"),
        *(
            ("/user/123", None, f"sentry.javascript.{name}", "/user/*", "sanitized")
            for name in ("angular", "browser", "ember", "gatsby", "remix", "vue", "nextjs")
        ),
        ("/user/123", None, "sentry.php.laravel", "/user/*", "sanitized"),
        ("/user/123", None, "sentry.php.symfony", "/user/*", "sanitized"),
        ("/user/123", None, "sentry.javascript.node", "/user/123", "unknown"),
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


@pytest.mark.parametrize(
    ("sdk", "status", "method", "expected"),
    [
        ({"name": "sentry.python", "integrations": ["django"]}, "not_found", "GET", "/user/*"),
        ({"name": "sentry.python.django"}, "not_found", "GET", "/user/*"),
        ({"name": "sentry.python.django"}, "ok", "GET", "/user/123"),
        ({"name": "sentry.python", "integrations": ["flask"]}, "not_found", "GET", "/user/123"),
        ({"name": "sentry.javascript.node", "integrations": ["Express"]}, "ok", "OPTIONS", "/user/*"),
        ({"name": "sentry.javascript.node", "integrations": ["Express"]}, "ok", "GET", "/user/123"),
        ({"name": "sentry.javascript.node"}, "ok", "OPTIONS", "/user/123"),
        ({"name": "sentry.ruby.rails"}, "internal_error", "GET", "/user/*"),
        ({"name": "sentry.ruby.rack"}, "ok", "GET", "/user/123"),
    ],
    ids=str,
)
def test_names_that_frameworks_found_no_route_for_are_sanitised(
    sdk: Json, status: str, method: str, expected: str
) -> None:
    value = transaction(transaction="/user/123", sdk=sdk, request={"url": "https://a/", "method": method})
    value["contexts"]["trace"]["status"] = status

    assert a_transaction(value).transaction == expected


def test_a_transaction_from_the_future_is_moved_as_a_whole() -> None:
    value = a_transaction(transaction(start_timestamp=NOW + 998.5, timestamp=NOW + 1000))

    assert value.timestamp == datetime.fromtimestamp(NOW, UTC)
    assert value.duration_ms == 1500.0


@pytest.mark.parametrize(
    "source", ["custom", "url", "route", "view", "component", "sanitized", "task", "unknown", "a word of its own"]
)
def test_6_1_the_word_for_the_source_of_a_name_is_kept(source: str) -> None:
    assert a_transaction(transaction(transaction_info={"source": source})).source == source


def test_6_1_without_a_timestamp_a_transaction_ends_when_it_is_received() -> None:
    given = transaction()
    del given["timestamp"]

    value = a_transaction(given)

    assert (value.timestamp, value.duration_ms) == (datetime.fromtimestamp(NOW, UTC), 2500.0)


@pytest.mark.parametrize(
    ("ended", "stored"),
    [
        pytest.param(NOW + 59, NOW + 59, id="within a minute ahead"),
        pytest.param(NOW + 61, NOW, id="more than a minute ahead"),
        pytest.param(NOW - 6 * DAY, NOW - 6 * DAY, id="beyond the window of an aggregator"),
        pytest.param(NOW - 89 * DAY, NOW - 89 * DAY, id="within the retention"),
        pytest.param(NOW - 91 * DAY, NOW, id="beyond the retention"),
    ],
)
def test_6_1_how_far_off_a_transaction_may_be(ended: float, stored: float) -> None:
    value = a_transaction(transaction(start_timestamp=ended - 2, timestamp=ended))

    assert value.timestamp == datetime.fromtimestamp(stored, UTC)
    assert value.duration_ms == 2000.0


def test_7_1_spans_are_kept_up_to_800_kib_together() -> None:
    spans = [span(span_id=f"{number:016x}", description="y" * 1500) for number in range(1, 601)]

    kept = a_transaction(transaction(spans=spans)).spans

    written = sum(len(msgspec.json.encode(one)) for one in spans) / len(spans)
    assert 0.95 * 800 * 1024 < (len(kept.span_ids) - 1) * written <= 1.02 * 800 * 1024
    assert list(kept.span_ids[1:]) == [one["span_id"] for one in spans[: len(kept.span_ids) - 1]]


def test_7_1_breakdowns_of_a_transaction_are_kept() -> None:
    breakdowns = {"span_ops": {"ops.db": {"value": 1}}}

    assert msgspec.json.decode(a_transaction(transaction(breakdowns=breakdowns)).payload)["breakdowns"] == breakdowns
