"""Check-ins of scheduled jobs over plain HTTP, for those who can send nothing but an address.

Source: the ingest specification, 1.4 and 6.9.
"""

import math
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from vedette.core.ids import as_event_id
from vedette.ingest import answers
from vedette.ingest.answers import Answer
from vedette.ingest.bodies import drain
from vedette.ingest.door import Door, IngestRequest
from vedette.wire.envelope import Envelope, Item
from vedette.wire.refusals import Malformed

LIMIT_BYTES = 1024 * 1024
STATUSES = ("ok", "error", "in_progress")
_NIL = "0" * 32  # "the latest open check-in, or a new one"
_TEXT_LIMIT = 200
_decode = msgspec.json.Decoder(dict[str, Any]).decode


async def check_in(door: Door, request: IngestRequest) -> Answer:
    """Row 10: the answer is 202 also where a limit took the check-in out."""
    slug, *key = request.route.rest
    credentials = await door.identify(request, key[0] if key else None)
    if request.scope.method == "POST" and request.media_type == "application/json":
        said = _body(await door.read_plain(request, LIMIT_BYTES))
    else:
        await drain(request.exchange, None)
        said = _query(request.scope.query_string)
    said["monitor_slug"] = unquote(slug, errors="replace")[:_TEXT_LIMIT]
    said["check_in_id"] = _id(said.get("check_in_id"))
    if said.get("status") not in STATUSES:
        raise Malformed("invalid check-in", causes=(f"status is none of {', '.join(STATUSES)}",))
    item = Item({"type": "check_in"}, msgspec.json.encode(said), "check_in")
    await door.keep(request, credentials, Envelope({}, (item,)))
    return answers.empty(202)


def _body(body: bytes) -> dict[str, Any]:
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("invalid JSON data", causes=(str(error),), reason="invalid_json") from error


def _query(query: str) -> dict[str, Any]:
    try:
        values = parse_qs(query, max_num_fields=100)
    except ValueError as error:
        raise Malformed("too many query parameters") from error
    names = ("status", "check_in_id", "environment", "duration")
    said: dict[str, Any] = {name: values[name][0][:_TEXT_LIMIT] for name in names if values.get(name)}
    if "duration" in said:
        try:
            said["duration"] = float(said["duration"])
        except ValueError:
            said["duration"] = math.nan
        if not math.isfinite(said["duration"]):
            raise Malformed("invalid check-in", causes=("duration is not a number",))
    return said


def _id(value: object) -> str:
    if value is None:
        return _NIL
    check_in_id = as_event_id(value)
    if check_in_id is None:
        raise Malformed("invalid check-in", causes=("check_in_id is not a UUID",))
    return check_in_id
