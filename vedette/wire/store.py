"""Bodies of the legacy store endpoint: one event, as JSON, base64, or base64 of zlib.

Source: the ingest specification, 1.1.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from vedette.core.ids import as_event_id, new_event_id
from vedette.wire.encoding import decode_body
from vedette.wire.refusals import MalformedStore, UndecodableBody

STORE_LIMIT_BYTES = 1024 * 1024
_LENIENT_CLIENTS = ("raven-python/", "sentry-python/")
# A string is matched so that it is passed over; what remains are the bare tokens.
_NOT_A_NUMBER = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|(?P<token>NaN|-?Infinity)', re.DOTALL)
_WORDS = {b"NaN": b"0.0", b"Infinity": b"null    ", b"-Infinity": b"null     "}


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """One event: its JSON, the id under which it is kept, and the item type that it would have in an envelope."""

    json: bytes
    event_id: str
    type: str


class _Head(msgspec.Struct):
    """The two fields that are read before the answer; the rest is only checked for its syntax."""

    event_id: Any = None
    type: Any = None


_decode_head = msgspec.json.Decoder(_Head).decode


def decode_store(body: bytes, client: str = "", limit: int = STORE_LIMIT_BYTES) -> StoreEvent:
    """Read a store body whose content encoding is already off; a missing id is made up.

    Raises `MalformedStore` (400) for what is not one JSON object with a readable id, `TooLarge` (413).
    """
    text = _plain_json(body, limit)
    if client.startswith(_LENIENT_CLIENTS) and (b"NaN" in text or b"Infinity" in text):
        text = _NOT_A_NUMBER.sub(_spell_out, text)
    try:
        head = _decode_head(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedStore("invalid JSON data", causes=(str(error),)) from error
    item_type = head.type if head.type in ("transaction", "feedback") else "event"
    return StoreEvent(text, _event_id(head.event_id), item_type)


def _plain_json(body: bytes, limit: int) -> bytes:
    if body[:1] == b"{":
        return decode_body(body, None, limit)
    try:
        decoded = base64.b64decode(body.translate(None, b" \t\r\n"), validate=True)
    except binascii.Error as error:
        raise MalformedStore("invalid JSON data", causes=("neither JSON nor base64",)) from error
    try:
        return decode_body(decoded, None if decoded[:1] == b"{" else "deflate", limit)
    except UndecodableBody as error:
        raise MalformedStore("invalid JSON data", causes=error.causes) from error


def _spell_out(match: re.Match[bytes]) -> bytes:
    return _WORDS[match["token"]] if match["token"] else match[0]


def _event_id(value: object) -> str:
    if value is None:
        return new_event_id()
    event_id = as_event_id(value)
    if event_id is None:
        raise MalformedStore("invalid event id", reason="invalid_event_id")
    return event_id
