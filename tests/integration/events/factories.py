"""Rows of the event store, with defaults for all that a test does not care about."""

import dataclasses
import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from vedette.core.clock import EPOCH
from vedette.events.rows import ErrorRow, SpanRows, TransactionRow, Window

NOON = datetime(2026, 1, 14, 12, 0, 0, 123456, tzinfo=UTC)  # a Wednesday
DAY = timedelta(days=1)
ALWAYS = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def a_hash(text: object) -> str:
    return hashlib.md5(str(text).encode()).hexdigest()


def an_error(**given: Any) -> ErrorRow:
    """An error row; `tags` may be a dict."""
    group_id = given.get("group_id", 1)
    values: dict[str, Any] = {
        "project_id": 1,
        "group_id": group_id,
        "primary_hash": a_hash(group_id),
        "timestamp": NOON,
        "received_at": given.get("timestamp", NOON) + timedelta(seconds=1),
        "event_id": uuid.uuid4().hex,
        "batch_id": 1,
        "type": "error",
        "platform": "python",
        "level": "error",
        "logger": "",
        "environment": "production",
        "release": "shop@1.0.0",
        "dist": "",
        "transaction": "/checkout",
        "title": "ValueError: no such cart",
        "culprit": "shop.cart in checkout",
        "location": "shop/cart.py",
        "message": "no such cart",
        "user": "id:7",
        "user_id": "7",
        "user_email": "a@example.com",
        "user_name": "ada",
        "user_ip": "203.0.113.7",
        "sdk_name": "sentry.python",
        "sdk_version": "2.0.0",
        "trace_id": uuid.uuid4().hex,
        "span_id": "0123456789abcdef",
        "handled": None,
        "exception_types": ("ValueError",),
        "exception_values": ("no such cart",),
        "frame_filenames": ("shop/cart.py", "shop/views.py"),
        "frame_functions": ("checkout", "view"),
        "tags": (),
        "error_count": 0,
        "payload": b'{"event_id": "x"}',
    }
    unknown = given.keys() - values.keys()
    assert not unknown, unknown
    values.update(given)
    if isinstance(values["tags"], dict):
        values["tags"] = tuple(sorted(values["tags"].items()))
    return ErrorRow(**values)


def a_transaction(**given: Any) -> TransactionRow:
    """A transaction row."""
    row = TransactionRow(
        project_id=1,
        event_id=uuid.uuid4().hex,
        batch_id=1,
        started_at=NOON - timedelta(milliseconds=250),
        timestamp=NOON,
        received_at=NOON + timedelta(seconds=1),
        transaction="/checkout",
        op="http.server",
        status="ok",
        source="route",
        duration_ms=250.0,
        trace_id=uuid.uuid4().hex,
        span_id="0123456789abcdef",
        parent_span_id="",
        platform="python",
        environment="production",
        release="shop@1.0.0",
        dist="",
        user="id:7",
        sdk_name="sentry.python",
        sdk_version="2.0.0",
        span_count=3,
        tags=(("browser", "Firefox"),),
        measurements=(("lcp", 1234.5),),
        payload=b"{}",
    )
    return dataclasses.replace(row, **given)


def a_window(
    *projects: int, start: datetime = ALWAYS[0], end: datetime = ALWAYS[1], environments: tuple[str, ...] = ()
):
    return Window(projects or (1,), start, end, environments)


def some_spans(transaction: TransactionRow, *spans: tuple[str, str, str, int], **given: Any) -> SpanRows:
    """The span rows of a transaction: itself, and (id, operation, description, milliseconds) under it."""
    root = round(transaction.duration_ms * 1000)
    took = [root, *(each[3] * 1000 for each in spans)]
    start = round((transaction.started_at - EPOCH).total_seconds() * 1_000_000)
    rows = SpanRows(
        project_id=transaction.project_id,
        event_id=transaction.event_id,
        batch_id=transaction.batch_id,
        timestamp=transaction.timestamp,
        transaction=transaction.transaction,
        environment=transaction.environment,
        release=transaction.release,
        trace_id=transaction.trace_id,
        span_ids=[transaction.span_id, *(each[0] for each in spans)],
        parent_span_ids=["", *[transaction.span_id] * len(spans)],
        started_us=[start] * len(took),
        duration_us=took,
        exclusive_us=[max(root - sum(took[1:]), 0), *took[1:]],
        ops=[transaction.op, *(each[1] for each in spans)],
        statuses=["ok"] * len(took),
        descriptions=[transaction.transaction, *(each[2] for each in spans)],
        raw_descriptions=[""] * len(took),
        group_hashes=[a_hash(transaction.transaction)[:16], *(a_hash(each[2])[:16] for each in spans)],
        details=[b"", *[b'{"data":{"n":1}}'] * len(spans)],
    )
    return dataclasses.replace(rows, **given)
