"""Envelopes: one header line, then items, each a header line and a payload.

Source: the ingest specification, 4.1 (grammar; the rule numbers in the comments are its), 4.2 and 4.3. Only LF ends a
line. Where the specification marks a rule [V] we are lenient: white space at the end of the envelope is ignored.
Payloads are not looked into, but for the id of an
event whose envelope has none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from vedette.core.ids import as_event_id
from vedette.wire.items import RULES, Role, category_of_type, role_of
from vedette.wire.outcomes import Category
from vedette.wire.refusals import MalformedEnvelope, TooLarge

MAX_ITEMS = 500
MAX_HEADER_BYTES = 64 * 1024
MAX_ITEM_HEADER_BYTES = 8 * 1024
MAX_ALL_HEADERS_BYTES = 256 * 1024  # of one envelope, its own included
MAX_HEADER_DEPTH = 16
MAX_HEADER_BRACKETS = 256

_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_WHITESPACE = re.compile(rb"[ \t\r\n]*")
# The next bracket outside of strings, in one step. A string that does not end swallows the rest: nothing here is ever
# scanned twice, as long as it is matched and not searched for.
_NEXT_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+"?)*+([{}\[\]])', re.DOTALL)
_MISSING_NEWLINE = "missing newline after header or payload"
_LF = ord("\n")
_SPACE = ord(" ")


@dataclass(frozen=True, slots=True)
class Item:
    """One typed part. `header` is the JSON object as sent, unknown keys kept."""

    header: dict[str, Any]
    payload: bytes | memoryview
    type: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """One POST body. `header` is the JSON object of the first line as sent."""

    header: dict[str, Any]
    items: tuple[Item, ...]

    @property
    def event_id(self) -> str | None:
        """The id in the header as 32 hex digits. `parse_envelope` made sure that it is one, or absent."""
        return as_event_id(self.header.get("event_id"))

    @property
    def sent_at(self) -> datetime | None:
        """When the SDK sent it, aware (text without a zone is UTC); None when absent or unreadable."""
        try:
            moment = msgspec.convert(self.header.get("sent_at"), datetime)
        except msgspec.ValidationError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_envelope(body: bytes, *, views: bool = False) -> Envelope:
    """Read an envelope; with `views` the payloads are memoryviews into `body` instead of copies.

    Raises `MalformedEnvelope`: any syntax error refuses the whole of it (rule 11). Sizes are for `check_limits`.
    """
    header, position = parse_header(body)
    source: bytes | memoryview = memoryview(body) if views else body
    items: list[Item] = []
    header_bytes = position
    while position < len(body):
        if body[position] <= _SPACE and _skip_whitespace(body, position) == len(body):
            break  # rule 5 [V]
        if len(items) == MAX_ITEMS:
            raise MalformedEnvelope("too many individual items", reason="too_many_items")
        item, start, end = _item(body, position, source)
        header_bytes += start - position
        if header_bytes > MAX_ALL_HEADERS_BYTES:
            causes = (f"all headers are longer than {MAX_ALL_HEADERS_BYTES} bytes",)
            raise MalformedEnvelope("invalid item header", causes=causes)
        items.append(item)
        position = end + 1
    return Envelope(header, tuple(items))


def parse_header(body: bytes) -> tuple[dict[str, Any], int]:
    """The envelope's own header, and where its items begin. Raises `MalformedEnvelope`."""
    if _skip_whitespace(body, 0) == len(body):
        raise MalformedEnvelope("missing envelope header")
    header, end = _header(body, 0, MAX_HEADER_BYTES, "invalid envelope header")
    if header.get("event_id") is not None and as_event_id(header["event_id"]) is None:
        causes = ("event_id is not a UUID",)
        raise MalformedEnvelope("invalid envelope header", causes=causes, reason="invalid_event_id")
    return header, end


def write_envelope(header: dict[str, Any], items: Sequence[tuple[dict[str, Any], bytes | memoryview]]) -> bytes:
    """The bytes of an envelope; every item gets its `length`."""
    parts: list[bytes | memoryview] = [msgspec.json.encode(header)]
    for item_header, payload in items:
        parts += (msgspec.json.encode({**item_header, "length": len(payload)}), payload)
    return b"\n".join(parts) + b"\n"


def check_limits(envelope: Envelope) -> None:
    """Raise `TooLarge` when an item, or the items that share a budget, are beyond the limits of their type."""
    if len(envelope.items) == 1:
        item = envelope.items[0]
        rule = RULES.get(item.type)
        if rule and len(item.payload) > min(rule.item_bytes, rule.budget.total_bytes):
            raise _beyond(item.type)
        return
    counts: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for item in envelope.items:
        rule = RULES.get(item.type)
        if rule is None:
            continue
        name, size = rule.budget.name, len(item.payload)
        counts[name] = counts.get(name, 0) + 1
        sizes[name] = sizes.get(name, 0) + size
        if size > rule.item_bytes or counts[name] > rule.budget.count or sizes[name] > rule.budget.total_bytes:
            raise _beyond(item.type)


def category_of(item: Item) -> Category:
    """What the item counts as; UNKNOWN for a type that nobody knows or no quota counts."""
    return category_of_type(item.type)


def quantity_of(item: Item) -> int:
    """How much the item counts: 1, or the bytes of an attachment, at least 1."""
    return max(1, len(item.payload)) if item.type == "attachment" else 1


def creates_event(item: Item) -> bool:
    """Whether the item becomes an event of its own."""
    return role_of(item.type, item.header) is Role.CREATES


def needs_event(item: Item) -> bool:
    """Whether the item cannot be without an event id: it makes an event, or belongs to one."""
    return role_of(item.type, item.header) is not Role.INDEPENDENT


def _beyond(item_type: str) -> TooLarge:
    return TooLarge(f"envelope exceeded size limits for type '{item_type}'")


def _item(body: bytes, position: int, source: bytes | memoryview) -> tuple[Item, int, int]:
    """The item at `position`, and where its payload begins and ends."""
    header, start = _header(body, position, MAX_ITEM_HEADER_BYTES, "invalid item header")
    item_type = header.get("type")
    if type(item_type) is not str:
        raise MalformedEnvelope("invalid item header", causes=("type is missing or not a string",))
    length = header.get("length")
    if length is None:
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end
    else:
        if type(length) is not int or length < 0:
            raise MalformedEnvelope("invalid item header", causes=("length is not an unsigned integer",))
        end = start + length
        if end > len(body):
            raise MalformedEnvelope("unexpected end of file")
        if end < len(body) and body[end] != _LF:
            raise MalformedEnvelope(_MISSING_NEWLINE)
    return Item(header, source[start:end], item_type), start, end


def _header(body: bytes, position: int, limit: int, complaint: str) -> tuple[dict[str, Any], int]:
    """The JSON object at `position` and where the payload begins: behind the LF that must follow it (rule 1)."""
    end = body.find(b"\n", position, position + limit)
    if end < 0:
        end = min(len(body), position + limit)
    line = body[position:end]
    whole = end == len(body) or body[end] == _LF
    if whole and line[-1:] == b"}" and line.count(b"{") + line.count(b"[") <= MAX_HEADER_DEPTH:
        try:
            return _decode_object(line), min(end + 1, len(body))
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass  # several lines, or something behind the object: look closer
    end = _end_of_object(body, position, limit, complaint)
    try:
        header = _decode_object(body[position:end])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedEnvelope(complaint, causes=(str(error),)) from error
    if end < len(body) and body[end] != _LF:
        raise MalformedEnvelope(_MISSING_NEWLINE)
    return header, min(end + 1, len(body))


def _skip_whitespace(body: bytes, position: int) -> int:
    match = _WHITESPACE.match(body, position)
    return match.end() if match else position


def _end_of_object(body: bytes, position: int, limit: int, complaint: str) -> int:
    """Where the object at `position`, behind any white space, ends: its size, depth and brackets are bounded here."""
    start = _skip_whitespace(body, position)
    if start == len(body):
        raise MalformedEnvelope("unexpected end of file")
    if body[start : start + 1] != b"{":
        raise MalformedEnvelope(complaint, causes=("not a JSON object",))
    depth, end = 0, start
    for _ in range(MAX_HEADER_BRACKETS):
        match = _NEXT_BRACKET.match(body, end, start + limit)
        if match is None:
            unfinished = len(body) - start <= limit
            cause = "the JSON object does not end" if unfinished else f"longer than {limit} bytes"
            raise MalformedEnvelope(complaint, causes=(cause,))
        end = match.end()
        depth += 1 if match[1] in (b"{", b"[") else -1
        if depth > MAX_HEADER_DEPTH:
            raise MalformedEnvelope(complaint, causes=(f"nested deeper than {MAX_HEADER_DEPTH} levels",))
        if depth == 0:
            return end
    raise MalformedEnvelope(complaint, causes=(f"more than {MAX_HEADER_BRACKETS} brackets",))


class _Named(msgspec.Struct):
    event_id: object = None


_decode_named = msgspec.json.Decoder(_Named).decode


def event_id_in(payload: bytes | memoryview) -> str | None:
    """The id that an event's payload gives itself: 32 hex digits, or None if it gives none or cannot be read."""
    try:
        return as_event_id(_decode_named(payload).event_id)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def own_event_id(envelope: Envelope) -> str | None:
    """The id of an envelope: its header's, else that of the event inside (ingest specification, 9.2)."""
    if envelope.event_id is not None:
        return envelope.event_id
    return next(
        (found for item in envelope.items if creates_event(item) and (found := event_id_in(item.payload))), None
    )
