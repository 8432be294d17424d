"""Transactions: what makes one valid, its name, and what is stored of it.

Source: the ingest specification, 6.1 and 9.9.
"""

import re
from typing import Any

import msgspec

from vedette.core.clock import from_unix
from vedette.digest.draft import Draft, Dropping
from vedette.digest.spans import spans_of
from vedette.digest.values import PreparedSpans, PreparedTransaction
from vedette.wire.event import NOTHING, Event, Span
from vedette.wire.outcomes import Outcome

INVALID = Dropping(Outcome.INVALID, "invalid_transaction")
UNNAMED = "<unlabeled transaction>"
_HEX_ID = re.compile(r"(?!0+$)[0-9a-f]{16}(?:[0-9a-f]{16})?")
_RAW_URL_SDKS = re.compile(
    r"sentry\.javascript\.(?:angular|browser|ember|gatsby|react|remix|vue|nextjs)|sentry\.php\.(?:laravel|symfony)"
)
_VARIABLE_SEGMENT = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|\d{4}-\d{2}-\d{2}.*"
    r"|0x[0-9a-fA-F]+|(?=[^/]*\d[^/]*\d)[^/]+"
)
_FAILURES = frozenset(
    {"internal_error", "unknown_error", "unimplemented", "unavailable", "deadline_exceeded", "data_loss"}
)
_SOURCES = frozenset({"url", "sanitized"})


def settle_transaction(draft: Draft) -> Draft | Dropping:
    """Check what a transaction must have, and give it its name and its defaults."""
    event = draft.event
    trace = draft.contexts.get("trace")
    if event.start_timestamp is None or trace is None or not trace.get("trace_id") or not trace.get("span_id"):
        return INVALID
    if event.timestamp < event.start_timestamp:
        return INVALID
    for span in event.spans or ():
        if not _settle_span(span, event.timestamp):
            return INVALID
    _settle_name(event, trace)
    trace.setdefault("op", "default")
    trace.setdefault("status", "unknown")
    contexts = event.contexts or {}
    contexts["trace"] = msgspec.Raw(msgspec.json.encode(trace))
    event.contexts = contexts
    return draft


def take_spans(draft: Draft) -> PreparedSpans:
    """The spans of a settled transaction as columns; its event has none any more."""
    event, trace = draft.event, draft.contexts["trace"]
    op, status = _word(trace.get("op"), "default"), _word(trace.get("status"), "unknown")
    spans = spans_of(event, trace["span_id"], _word(trace.get("parent_span_id"), ""), op, status)
    event.spans = None
    return spans


def freeze_transaction(draft: Draft, spans: PreparedSpans, payload: bytes) -> PreparedTransaction:
    """The finished value."""
    event, receipt = draft.event, draft.receipt
    trace = draft.contexts["trace"]
    info = event.transaction_info or {}
    return PreparedTransaction(
        project_id=draft.config.project_id,
        organization_id=draft.config.organization_id,
        key_id=receipt.key_id,
        event_id=draft.event_id,
        started_at=from_unix(event.start_timestamp),
        timestamp=from_unix(event.timestamp),
        received_at=from_unix(draft.received),
        transaction=event.transaction,
        op=_word(trace.get("op"), "default"),
        status=_word(trace.get("status"), "unknown"),
        source=_word(info.get("source"), "unknown"),
        duration_ms=round((event.timestamp - event.start_timestamp) * 1000, 3),
        trace_id=trace["trace_id"],
        span_id=trace["span_id"],
        parent_span_id=_word(trace.get("parent_span_id"), ""),
        platform=event.platform,
        release=event.release or "",
        dist=event.dist or "",
        environment=event.environment or "",
        user=draft.user,
        tags=tuple(draft.tags.items()),
        measurements=_measurements(event),
        sdk_name=(event.sdk.name if event.sdk else None) or "",
        sdk_version=(event.sdk.version if event.sdk else None) or "",
        span_count=len(spans.span_ids) - 1,
        spans=spans,
        payload=payload,
    )


def _word(value: Any, default: str) -> str:
    return value[:128] if isinstance(value, str) and value else default


def _settle_span(span: Span, ended: float) -> bool:
    """Whether the span is valid; one without an end gets the transaction's."""
    span.trace_id, span.span_id = _hex_id(span.trace_id), _hex_id(span.span_id)
    span.parent_span_id = _hex_id(span.parent_span_id)
    if span.trace_id is None or span.span_id is None or span.start_timestamp is None:
        return False
    if span.timestamp is None:
        span.timestamp, span.status = max(ended, span.start_timestamp), "deadline_exceeded"
    span.op = span.op or "default"
    return bool(span.timestamp >= span.start_timestamp)


def _hex_id(value: Any) -> str | None:
    """The id as it should be; most are."""
    if not isinstance(value, str):
        return None
    if _HEX_ID.fullmatch(value):
        return value
    text = value.replace("-", "").lower()
    return text if _HEX_ID.fullmatch(text) else None


def _settle_name(event: Event, trace: dict[str, Any]) -> None:
    info = {key: value for key, value in (event.transaction_info or {}).items() if isinstance(key, str)}
    source = info.get("source")
    source = source[:64] if isinstance(source, str) and source else ""
    name = event.transaction or UNNAMED
    sends_urls = not source and _sends_urls(event, trace)
    if (source in _SOURCES or sends_urls) and "/" in name:
        sanitized = "/".join("*" if _VARIABLE_SEGMENT.fullmatch(part) else part for part in name.split("/"))
        if sanitized != name or sends_urls:
            name, source = sanitized, "sanitized"
    event.transaction = name
    event.transaction_info = {**info, "source": source or "unknown"}


def _sends_urls(event: Event, trace: dict[str, Any]) -> bool:
    """Whether the SDK names such a transaction by its raw URL. Frameworks do where no route was found: Django for what
    is not there, Express for OPTIONS, Rack where the application failed."""
    name = (event.sdk.name if event.sdk else None) or ""
    if _RAW_URL_SDKS.match(name):
        return True
    integrations = event.sdk.integrations if event.sdk else None
    parts = {one.lower() for one in integrations or () if isinstance(one, str)} | set(name.split("."))
    if name.startswith("sentry.python"):
        return "django" in parts and trace.get("status") == "not_found"
    if name.startswith(("sentry.javascript.node", "sentry.javascript.express")):
        request = event.request if isinstance(event.request, dict) else {}
        return "express" in parts and str(request.get("method")).upper() == "OPTIONS"
    return name.startswith("sentry.ruby") and trace.get("status") in _FAILURES


def _measurements(event: Event) -> tuple[tuple[str, float], ...]:
    if event.measurements is NOTHING:
        return ()
    found: list[tuple[str, float]] = []
    for name, entry in sorted(msgspec.json.decode(event.measurements).items()):
        value = entry.get("value") if isinstance(entry, dict) else None
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300:
            found.append((name[:200], float(value)))
    return tuple(found[:100])
