"""Requests for the digest's tests: one item in an envelope, and what `prepare` makes of it."""

from typing import Any

import msgspec

from vedette.digest.prepare import prepare
from vedette.digest.values import Dropped, Prepared, PreparedEvent, PreparedTransaction, ProjectConfig
from vedette.spool.records import Receipt, SpooledEnvelope
from vedette.wire.envelope import write_envelope

NOW = 1_760_000_000.0
EVENT_ID = "0123456789abcdef0123456789abcdef"
ANSWERED_ID = "f" * 32
CONFIG = ProjectConfig(project_id=7, organization_id=3, slug="shop")
Json = dict[str, Any]


def receipt(**more: Any) -> Receipt:
    return Receipt(**{"organization_id": 3, "project_id": 7, "key_id": 5, "received_at": NOW, **more})


def prepared(
    *items: tuple[Json, bytes], header: Json | None = None, config: ProjectConfig = CONFIG, **receipt_fields: Any
) -> tuple[Prepared, ...]:
    body = write_envelope(header if header is not None else {"event_id": EVENT_ID}, list(items))
    return prepare(SpooledEnvelope(1, receipt(**receipt_fields), body), config)


def prepared_bytes(payload: bytes, kind: str = "event", **more: Any) -> Prepared:
    (value,) = prepared(({"type": kind}, payload), **more)
    return value


def an_event(payload: Json | bytes, **more: Any) -> PreparedEvent:
    raw = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    value = prepared_bytes(raw, **more)
    assert isinstance(value, PreparedEvent), value
    return value


def a_transaction(payload: Json, **more: Any) -> PreparedTransaction:
    value = prepared_bytes(msgspec.json.encode(payload), "transaction", **more)
    assert isinstance(value, PreparedTransaction), value
    return value


def a_drop(payload: bytes, kind: str = "event", **more: Any) -> Dropped:
    value = prepared_bytes(payload, kind, **more)
    assert isinstance(value, Dropped), value
    return value


def stored(payload: Json | bytes, **more: Any) -> Json:
    """The payload that is kept of an event."""
    kept: Json = msgspec.json.decode(an_event(payload, **more).payload)
    return kept


def errors_of(kept: Json) -> list[tuple[str, str]]:
    return [(error["type"], error["name"]) for error in kept.get("errors", ())]
