"""Items that are not events: user reports, feedback, attachments, client reports, the front's own counts.

Source: the ingest specification, 4.4, 6.3, 6.4, 6.6 and 6.7.
"""

import mimetypes
from typing import Any

from vedette.core.clock import from_unix
from vedette.core.ids import as_event_id
from vedette.digest.decode import INVALID_JSON, MAX_DEPTH, TOO_DEEP, loads_leniently
from vedette.digest.draft import Dropping
from vedette.digest.nesting import is_deeper_than
from vedette.digest.request import Request
from vedette.digest.times import DRIFT_SECONDS, FUTURE_SECONDS, is_in_range, read_timestamp
from vedette.digest.values import Prepared, PreparedAttachment, PreparedUserReport
from vedette.wire.envelope import Item
from vedette.wire.outcomes import CATEGORY_OF_WORD, Category, Count, Outcome

COMMENT_LIMIT = 4096
_MAX_COUNTS = 1000
_MAX_QUANTITY = 2**31 - 1
_LISTS = {
    "discarded_events": Outcome.CLIENT_DISCARD,
    "rate_limited_events": Outcome.RATE_LIMITED,
    "filtered_events": Outcome.FILTERED,
    "filtered_sampling_events": Outcome.FILTERED,
}


def read_json(payload: bytes) -> Any | Dropping:
    """The JSON value of an item, or why there is none."""
    if is_deeper_than(payload, MAX_DEPTH):
        return TOO_DEEP
    value = loads_leniently(payload)
    return INVALID_JSON if value is None else value


def read_object(payload: bytes) -> dict[str, Any] | str:
    """The JSON object of an item, or the reason why it is none."""
    value = read_json(payload)
    if isinstance(value, Dropping):
        return value.reason
    return value if isinstance(value, dict) else INVALID_JSON.reason


def user_report(request: Request, item: Item) -> Prepared:
    """What a person said about an event that is named in the payload."""
    report = read_object(bytes(item.payload))
    if isinstance(report, str):
        return request.dropped(Outcome.INVALID, Category.FEEDBACK, report)
    event_id = as_event_id(report.get("event_id"))
    if event_id is None:
        return request.dropped(Outcome.INVALID, Category.FEEDBACK, "invalid_event_id")
    comments = _text(report.get("comments"), COMMENT_LIMIT + 1)
    if not comments or len(comments) > COMMENT_LIMIT:
        return request.dropped(Outcome.INVALID, Category.FEEDBACK, "too_large" if comments else "no_data")
    return _report(request, event_id, report.get("name"), report.get("email"), comments)


def feedback(request: Request, item: Item) -> Prepared:
    """Newer feedback: an event whose context holds what a person said, perhaps about another event."""
    event = read_object(bytes(item.payload))
    if isinstance(event, str):
        return request.dropped(Outcome.INVALID, Category.FEEDBACK, event)
    contexts = event.get("contexts")
    said = contexts.get("feedback") if isinstance(contexts, dict) else None
    comments = _text(said.get("message"), COMMENT_LIMIT) if isinstance(said, dict) else ""
    if not isinstance(said, dict) or not comments:
        return request.dropped(Outcome.INVALID, Category.FEEDBACK, "no_data")
    given = event.get("user")
    user: dict[str, Any] = given if isinstance(given, dict) else {}
    # Feedback about no event in particular goes by its own id.
    event_id = as_event_id(said.get("associated_event_id")) or request.event_id or request.fallback_id
    return _report(
        request,
        event_id,
        said.get("name") or user.get("username"),
        said.get("contact_email") or user.get("email"),
        comments,
    )


def attachment(request: Request, item: Item) -> Prepared:
    """A file of the envelope's event, which need not be known yet."""
    header = item.header
    name = _text(header.get("filename"), 255) or "Unnamed Attachment"
    if not request.event_id:
        quantity = max(1, len(item.payload))
        return request.dropped(Outcome.INVALID, Category.ATTACHMENT, "missing_event_id", quantity)
    return PreparedAttachment(
        project_id=request.config.project_id,
        organization_id=request.config.organization_id,
        key_id=request.receipt.key_id,
        event_id=request.event_id,
        name=name,
        content_type=_text(header.get("content_type"), 255)
        or mimetypes.guess_type(name)[0]
        or "application/octet-stream",
        attachment_type=_text(header.get("attachment_type"), 64) or "event.attachment",
        received_at=from_unix(request.received),
        content=bytes(item.payload),
    )


def client_report(request: Request, item: Item) -> Prepared:
    """What a client (or a relay before us) counts as thrown away."""
    report = read_object(bytes(item.payload))
    if isinstance(report, str):
        return request.dropped(Outcome.INVALID, Category.UNKNOWN, report)
    at = request.received
    if report.get("timestamp") is not None:
        seconds = read_timestamp(report["timestamp"])
        if seconds is None or not is_in_range(seconds):
            return request.dropped(Outcome.INVALID, Category.UNKNOWN, "timestamp")
        at = seconds
        if request.sent_at is not None and abs(request.received - request.sent_at) >= DRIFT_SECONDS:
            at += request.received - request.sent_at
    oldest = request.received - request.config.retention_days * 86_400
    if not oldest <= at <= request.received + FUTURE_SECONDS:
        return request.dropped(Outcome.INVALID, Category.UNKNOWN, "timestamp")
    counts: list[Count] = []
    for name, outcome in _LISTS.items():
        entries = report.get(name)
        for entry in entries if isinstance(entries, list) else ():
            count = _count(entry, outcome, at)
            if count is not None and len(counts) < _MAX_COUNTS:
                counts.append(count)
    return request.reported(tuple(counts))


def front_counts(request: Request, body: bytes) -> tuple[Prepared, ...]:
    """What this server's own front has refused: a JSON list of {outcome, category, reason, quantity, at}."""
    entries = loads_leniently(body) if not is_deeper_than(body, MAX_DEPTH) else None
    if not isinstance(entries, list):
        return (request.dropped(Outcome.INVALID, Category.UNKNOWN, "invalid_json"),)
    counts: list[Count] = []
    for entry in entries:
        outcome = _outcome(entry.get("outcome")) if isinstance(entry, dict) else None
        at = read_timestamp(entry.get("at")) if isinstance(entry, dict) else None
        if outcome is not None:
            count = _count(entry, outcome, request.received if at is None or not is_in_range(at) else at)
            if count is not None:
                counts.append(count)
    return (request.reported(tuple(counts)),)


def _report(request: Request, event_id: str, name: Any, email: Any, comments: str) -> PreparedUserReport:
    return PreparedUserReport(
        project_id=request.config.project_id,
        organization_id=request.config.organization_id,
        key_id=request.receipt.key_id,
        event_id=event_id,
        name=_text(name, 128),
        email=_text(email, 75),
        comments=comments,
        received_at=from_unix(request.received),
    )


def _text(value: Any, limit: int) -> str:
    return value.strip()[:limit] if isinstance(value, str) else ""


def _outcome(value: Any) -> Outcome | None:
    if isinstance(value, str):
        return next((outcome for outcome in Outcome if outcome.word == value), None)
    known = isinstance(value, int) and not isinstance(value, bool) and value in Outcome.__members__.values()
    return Outcome(value) if known else None


def _category(value: Any) -> Category | None:
    if isinstance(value, str):
        return CATEGORY_OF_WORD.get(value)
    known = isinstance(value, int) and not isinstance(value, bool) and value in Category.__members__.values()
    return Category(value) if known else None


def _count(entry: Any, outcome: Outcome, at: float) -> Count | None:
    """One entry of a report; None if its category or its quantity says nothing."""
    if not isinstance(entry, dict):
        return None
    category, quantity = _category(entry.get("category")), entry.get("quantity")
    if category is None or not isinstance(quantity, int) or isinstance(quantity, bool) or quantity <= 0:
        return None
    return Count(outcome, category, _text(entry.get("reason"), 200), min(quantity, _MAX_QUANTITY), at)
