"""Items that are not events: user reports, feedback, attachments, client reports, the front's own counts.

Source: the ingest specification, 4.4, 6.3, 6.4, 6.6 and 6.7.
"""

import mimetypes
import re
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from vedette.core.clock import from_unix
from vedette.core.ids import as_event_id
from vedette.digest import views
from vedette.digest.decode import INVALID_JSON, MAX_DEPTH, TOO_DEEP, loads_leniently
from vedette.digest.draft import Dropping
from vedette.digest.nesting import is_deeper_than
from vedette.digest.request import Request
from vedette.digest.times import DRIFT_SECONDS, FUTURE_SECONDS, is_in_range, read_timestamp
from vedette.digest.values import Prepared, PreparedAttachment, PreparedUserReport
from vedette.wire.envelope import Item
from vedette.wire.outcomes import CATEGORY_OF_WORD, Category, Count, Outcome

COMMENT_LIMIT = 4096
CRASH_REPORTS = frozenset({"event.minidump", "event.applecrashreport"})
DIALOG = "dialog"  # the kind of a request from the crash-report dialog
OTHER = "other"
_MAX_ENTRIES = 20
_TOLD_WITHIN_SECONDS = 86_400
_REASON_LIMIT = 64
_REASON = re.compile(r"[!-~]+")
_TOLERATED_BYTES = 64 * 1024
_MAX_QUANTITY = 2**31 - 1
_LISTS = {
    "discarded_events": Outcome.CLIENT_DISCARD,
    "rate_limited_events": Outcome.RATE_LIMITED,
    "filtered_events": Outcome.FILTERED,
    "filtered_sampling_events": Outcome.FILTERED,
}


class _UserReport(msgspec.Struct, gc=False):
    """What is read of a user report; other members are skipped unbuilt, however many they are."""

    event_id: str | None = None
    name: str | None = None
    email: str | None = None
    comments: str | None = None


class _Said(msgspec.Struct, gc=False):
    message: str | None = None
    contact_email: str | None = None
    name: str | None = None
    associated_event_id: str | None = None


class _Contexts(msgspec.Struct, gc=False):
    feedback: _Said | None = None


class _User(msgspec.Struct, gc=False):
    username: str | None = None
    email: str | None = None


class _Feedback(msgspec.Struct, gc=False):
    """The same of a feedback event."""

    contexts: _Contexts | None = None
    user: _User | None = None


_Shape = TypeVar("_Shape")
_user_reports = msgspec.json.Decoder(_UserReport)
_feedbacks = msgspec.json.Decoder(_Feedback)


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
    report = _read_user_report(bytes(item.payload))
    if isinstance(report, str):
        return request.dropped(Outcome.INVALID, Category.FEEDBACK, report)
    event_id = as_event_id(report.event_id)
    if event_id is None:
        return request.dropped(Outcome.INVALID, Category.FEEDBACK, "invalid_event_id")
    comments = _text(report.comments, COMMENT_LIMIT + 1)
    if not comments or len(comments) > COMMENT_LIMIT:
        return request.dropped(Outcome.INVALID, Category.FEEDBACK, "too_large" if comments else "no_data")
    return _report(request, event_id, report.name, report.email, comments)


def feedback(request: Request, item: Item) -> Prepared:
    """Newer feedback: an event whose context holds what a person said, perhaps about another event."""
    event = _read_feedback(bytes(item.payload))
    if isinstance(event, str):
        return request.dropped(Outcome.INVALID, Category.FEEDBACK, event)
    said = event.contexts.feedback if event.contexts is not None else None
    comments = _text(said.message, COMMENT_LIMIT) if said is not None else ""
    if said is None or not comments:
        return request.dropped(Outcome.INVALID, Category.FEEDBACK, "no_data")
    user = event.user or _User()
    # Feedback about no event in particular goes by its own id. Files beside it (screenshots) go where it goes.
    event_id = request.event_id = as_event_id(said.associated_event_id) or request.event_id or request.fallback_id
    made = _report(request, event_id, said.name or user.username, said.contact_email or user.email, comments)
    return replace(made, is_feedback=True)


def attachment(request: Request, item: Item) -> Prepared:
    """A file of the envelope's event, which need not be known yet."""
    header = item.header
    name = _text(header.get("filename"), 255) or "Unnamed Attachment"
    if not request.event_id:
        quantity = max(1, len(item.payload))
        return request.dropped(Outcome.INVALID, Category.ATTACHMENT, "missing_event_id", quantity)
    kind = _text(header.get("attachment_type"), 64) or "event.attachment"
    if kind in CRASH_REPORTS and not request.config.stored_crash_reports:
        quantity = max(1, len(item.payload))
        return request.dropped(Outcome.FILTERED, Category.ATTACHMENT, "crash-report-limit", quantity)
    content: bytes | Dropping = bytes(item.payload)
    if kind == views.TYPE:
        content = views.scrub_view(bytes(item.payload), request.config)
    if isinstance(content, Dropping):
        return request.dropped(content.outcome, Category.ATTACHMENT, content.reason, max(1, len(item.payload)))
    return PreparedAttachment(
        project_id=request.config.project_id,
        organization_id=request.config.organization_id,
        key_id=request.receipt.key_id,
        event_id=request.event_id,
        name=name,
        content_type=_text(header.get("content_type"), 255)
        or mimetypes.guess_type(name)[0]
        or "application/octet-stream",
        attachment_type=kind,
        received_at=from_unix(request.received),
        content=content,
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
    if at < request.received - _TOLD_WITHIN_SECONDS:
        at = request.received  # every hour that is named is a row: who tells so late is counted now
    return request.reported(_counts_of(report, at))


def _counts_of(report: dict[str, Any], at: float) -> tuple[Count, ...]:
    """One count per outcome, category and reason. Reasons are what the sender likes, and every one is a row for good:
    behind the first twenty entries they are all called `other`."""
    counts: dict[tuple[Outcome, Category, str], Count] = {}
    named = 0
    for name, outcome in _LISTS.items():
        entries = report.get(name)
        for entry in entries if isinstance(entries, list) else ():
            count = _count(entry, outcome, at, _reason(entry.get("reason")) if isinstance(entry, dict) else OTHER)
            if count is None:
                continue
            key = (outcome, count.category, count.reason)
            if key not in counts and count.reason != OTHER:
                if named >= _MAX_ENTRIES:
                    key = (outcome, count.category, OTHER)
                else:
                    named += 1
            known = counts.get(key)
            quantity = min(count.quantity + (known.quantity if known else 0), _MAX_QUANTITY)
            counts[key] = Count(*key, quantity, at)
    return tuple(counts.values())


def _reason(value: Any) -> str:
    """A machine's word: printable ASCII without spaces; `other` for anything else."""
    text = _text(value, _REASON_LIMIT)
    return text if _REASON.fullmatch(text) else OTHER


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
            when = request.received if at is None or not is_in_range(at) else at
            count = _count(entry, outcome, when, _text(entry.get("reason"), 200))
            if count is not None:
                counts.append(count)
    return (request.reported(tuple(counts)),)


def _read_user_report(payload: bytes) -> _UserReport | str:
    """The report, or the reason why there is none."""
    report = _read_strictly(payload, _user_reports)
    if report is not None:
        return report
    # Reading tolerantly costs a hundred times as much, and an envelope may hold thirty reports.
    if len(payload) > _TOLERATED_BYTES:
        return "too_large"
    members = read_object(payload)
    return members if isinstance(members, str) else msgspec.convert(_texts(members, _UserReport), _UserReport)


def _read_feedback(payload: bytes) -> _Feedback | str:
    """The feedback, or the reason why there is none. There is one in an envelope, like any event."""
    feedback = _read_strictly(payload, _feedbacks)
    if feedback is not None:
        return feedback
    members = read_object(payload)
    if isinstance(members, str):
        return members
    contexts, user = members.get("contexts"), members.get("user")
    said = contexts.get("feedback") if isinstance(contexts, dict) else None
    tree = {"contexts": {"feedback": _texts(said, _Said)}, "user": _texts(user, _User)}
    return msgspec.convert(tree, _Feedback)


def _read_strictly(payload: bytes, decoder: msgspec.json.Decoder[_Shape]) -> _Shape | None:
    try:
        payload.decode()
        return decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _texts(members: Any, shape: type[msgspec.Struct]) -> dict[str, str] | None:
    """The members that the shape knows and that are texts; None of what is no object."""
    if not isinstance(members, dict):
        return None
    return {name: members[name] for name in shape.__struct_fields__ if isinstance(members.get(name), str)}


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
        overwrites=request.receipt.kind == DIALOG,
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


def _count(entry: Any, outcome: Outcome, at: float, reason: str) -> Count | None:
    """One entry of a report; None if its category or its quantity says nothing."""
    if not isinstance(entry, dict):
        return None
    category, quantity = _category(entry.get("category")), entry.get("quantity")
    if category is None or not isinstance(quantity, int) or isinstance(quantity, bool) or quantity <= 0:
        return None
    return Count(outcome, category, reason, min(quantity, _MAX_QUANTITY), at)
