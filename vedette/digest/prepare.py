"""All the work that a request needs before a database does: bytes in, values out.

Pure: no clock (now is the moment of receipt), no randomness, no Django. It may run in any process, and again. Bad input
is a value, not an exception: what cannot be used comes back as `Dropped` with an outcome and a reason.
"""

import uuid
from collections.abc import Callable

import msgspec

from vedette.core.errors import Refused
from vedette.digest import minidump, reports, sessions
from vedette.digest.draft import Draft, Dropping
from vedette.digest.normalise.security import event_of_report
from vedette.digest.pipeline import prepare_event, prepare_transaction
from vedette.digest.request import Request
from vedette.digest.times import is_in_range
from vedette.digest.values import Dropped, Prepared, ProjectConfig
from vedette.spool.records import Receipt, SpooledEnvelope
from vedette.wire.encoding import decode_body
from vedette.wire.envelope import Envelope, Item, category_of, event_id_in, parse_envelope, quantity_of
from vedette.wire.items import RULES
from vedette.wire.outcomes import Category, Outcome
from vedette.wire.store import STORE_LIMIT_BYTES, decode_store

ENVELOPE_LIMIT_BYTES = 200 * 1024 * 1024
_IDS = uuid.UUID("5b0f9d0e-6d5c-4b52-9a83-2f0c1c7a41d3")  # namespace of ids that nobody gave

Handler = Callable[[Request, Item], Prepared]


def prepare(envelope: SpooledEnvelope, config: ProjectConfig) -> tuple[Prepared, ...]:
    """Everything that became of one request: a value for each item (one for all that tell of the same crash); events
    come before what belongs to them.

    Total: no bytes make it raise. Deterministic: the same envelope gives equal values.
    """
    receipt = envelope.receipt
    request = Request(
        receipt=receipt,
        config=config,
        received=receipt.received_at if is_in_range(receipt.received_at) else 0.0,
        sent_at=None,
        event_id="",
        fallback_id=receipt.event_id or uuid.uuid5(_IDS, f"{receipt.project_id}:{envelope.position}").hex,
    )
    try:
        if receipt.kind == "outcomes":
            return reports.front_counts(request, decode_body(envelope.body, receipt.encoding, ENVELOPE_LIMIT_BYTES))
        items = _items(envelope.body, receipt, request)
    except Refused as error:
        reason = getattr(error, "reason", error.code)
        return (request.dropped(Outcome.INVALID, Category.UNKNOWN, reason),)
    refused = dict(receipt.refused)
    pairs: list[minidump.Pair] = [(item, refused.get(index)) for index, item in enumerate(items)]
    if (len(items) > 1 or (items and items[0].type == "attachment")) and minidump.may_be_a_crash(items):
        pairs = minidump.merge(pairs, request.received)
    first = [pair for pair in pairs if pair[0].type in _CREATORS]
    rest = [pair for pair in pairs if pair[0].type not in _CREATORS] if len(first) < len(pairs) else []
    values = [_prepare_item(request, item, refusal) for item, refusal in first]
    filtered = _filtered(values) if rest else ""
    room = dict(_MOST) if len(rest) > 1 else _MOST  # most envelopes hold one item, and need no count
    for item, refusal in rest:
        if item.type in room and room is not _MOST:
            room[item.type] -= 1
            if room[item.type] < 0:
                values.append(request.dropped(Outcome.INVALID, category_of(item), "too_many"))
                continue
        if filtered and refusal is None and item.type in _BELONGINGS:  # they say nothing without their event
            values.append(request.dropped(Outcome.FILTERED, category_of(item), filtered, quantity_of(item)))
        else:
            values.append(_prepare_item(request, item, refusal))
    return tuple(values)


def _filtered(values: list[Prepared]) -> str:
    """The reason for which the event of the request is not wanted; empty if it is, or if there is none."""
    reasons = [value.reason for value in values if isinstance(value, Dropped) and value.outcome is Outcome.FILTERED]
    return reasons[0] if reasons else ""


def _items(body: bytes, receipt: Receipt, request: Request) -> tuple[Item, ...]:
    if receipt.kind == "store":
        body = decode_body(body, receipt.encoding, STORE_LIMIT_BYTES)
        event = decode_store(body, receipt.client)
        return (Item({"type": event.type}, event.json, event.type),)
    if receipt.encoding:
        body = decode_body(body, receipt.encoding, ENVELOPE_LIMIT_BYTES)
    envelope: Envelope = parse_envelope(body)
    if "sent_at" in envelope.header:
        sent_at = envelope.sent_at
        request.sent_at = sent_at.timestamp() if sent_at is not None else None
    # The id that was answered to the sender beats the payload's: it is the one that the sender knows.
    request.event_id = envelope.event_id or receipt.event_id or ""
    return envelope.items


def _prepare_item(request: Request, item: Item, refusal: str | None) -> Prepared:
    if refusal is not None:
        return request.dropped(Outcome.RATE_LIMITED, category_of(item), refusal, quantity_of(item))
    handler = HANDLERS.get(item.type)
    if handler is None:
        return request.dropped(Outcome.FILTERED, category_of(item), "not_supported_yet")
    rule = RULES.get(item.type)
    if rule is not None and len(item.payload) > rule.item_bytes:
        return request.dropped(Outcome.INVALID, category_of(item), "too_large", quantity_of(item))
    return handler(request, item)


def _event(request: Request, item: Item) -> Prepared:
    return _as_event(request, bytes(item.payload), "event", category_of(item))


def _as_event(request: Request, raw: bytes, kind: str, category: Category) -> Prepared:
    draft = _draft(request, raw, kind)
    result = prepare_event(draft)
    return request.dropped(result.outcome, category, result.reason) if isinstance(result, Dropping) else result


def _transaction(request: Request, item: Item) -> Prepared:
    result = prepare_transaction(_draft(request, bytes(item.payload), "transaction"))
    if isinstance(result, Dropping):
        return request.dropped(result.outcome, Category.TRANSACTION, result.reason)
    return result


def _security(request: Request, item: Item) -> Prepared:
    """A report as the browser sent it, or an event that already holds one."""
    raw = bytes(item.payload)
    report = reports.read_json(raw)
    if isinstance(report, Dropping):
        return request.dropped(report.outcome, Category.SECURITY, report.reason)
    event = event_of_report(report)
    if event is not None:
        raw = msgspec.json.encode(event | _beside(item))
    elif not isinstance(report, dict) or not {"csp", "sentry.interfaces.Csp"} & report.keys():
        return request.dropped(Outcome.INVALID, Category.SECURITY, "security_report")
    return _as_event(request, raw, "security", Category.SECURITY)


def _beside(item: Item) -> dict[str, str]:
    """What stood in the address that the report was sent to."""
    said = {name: item.header.get(f"sentry_{name}") for name in ("release", "environment")}
    return {name: value for name, value in said.items() if isinstance(value, str) and value}


def _draft(request: Request, raw: bytes, kind: str) -> Draft:
    event_id = request.event_id
    if not event_id:
        event_id = request.event_id = event_id_in(raw) or request.fallback_id
    return Draft(
        raw=raw,
        kind=kind,
        event_id=event_id,
        receipt=request.receipt,
        config=request.config,
        received=request.received,
        sent_at=request.sent_at,
    )


HANDLERS: dict[str, Handler] = {
    "event": _event,
    "security": _security,
    "raw_security": _security,
    "transaction": _transaction,
    "feedback": reports.feedback,
    "user_report": reports.user_report,
    "attachment": reports.attachment,
    "client_report": reports.client_report,
    "session": sessions.session,
    "sessions": sessions.sessions,
}
"""Who prepares which item type. What is not in here is counted as filtered, `not_supported_yet`."""

# How many of a kind one envelope may hold. Each makes rows, and SDKs send one of them at a time.
_MOST = {"user_report": 5, "client_report": 2}
_BELONGINGS = frozenset({"attachment", "form_data", "profile"})
_CREATORS = frozenset({"event", "security", "raw_security", "transaction", "feedback"})
