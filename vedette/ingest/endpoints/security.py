"""What browsers report by themselves: violations of a policy, and requests that failed.

A Reporting API body is a list, and each of its reports stands alone. Source: the ingest specification, 1.2, and row 6
of its table.
"""

from typing import Any
from urllib.parse import parse_qs

import msgspec

from vedette.core.ids import new_event_id
from vedette.ingest import answers
from vedette.ingest.answers import Answer
from vedette.ingest.door import Door, IngestRequest
from vedette.wire.envelope import Envelope, Item
from vedette.wire.ratelimits import RateLimit
from vedette.wire.refusals import Malformed, TooLarge, UnsupportedType

LIMIT_BYTES = 1024 * 1024
MAX_REPORTS = 100  # a browser keeps no more of them for one endpoint
_TYPES = frozenset({"application/csp-report", "application/json", "application/reports+json"})
_FIELD_LIMIT = 250
_decode = msgspec.json.Decoder(msgspec.Raw).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


async def security_reports(door: Door, request: IngestRequest) -> Answer:
    """Row 5: CSP reports; `sentry_release` and `sentry_environment` may stand in the address."""
    credentials = await door.identify(request)
    if request.media_type not in _TYPES:
        raise UnsupportedType(f"unsupported content type '{request.media_type[:80]}'")
    reports = _reports(await door.read_plain(request, LIMIT_BYTES))
    header = {"type": "raw_security", **_said_in(request.scope.query_string)}
    limits: dict[RateLimit, None] = {}
    for report in reports:
        envelope = Envelope({"event_id": new_event_id()}, (Item(header, report, "raw_security"),))
        limits.update(dict.fromkeys(await door.keep(request, credentials, envelope)))
    return answers.rate_limited(list(limits)) if limits else answers.empty(200)


async def network_errors(door: Door, request: IngestRequest) -> Answer:
    """Row 6: taken, and counted."""
    credentials = await door.identify(request)
    reports = _reports(await door.read_plain(request, LIMIT_BYTES))
    items = tuple(Item({"type": "nel"}, report, "nel") for report in reports)
    await door.keep(request, credentials, Envelope({}, items))
    return answers.empty(200)


def _reports(body: bytes) -> list[bytes]:
    """The JSON text of each report. Raises `Malformed` (400), `TooLarge` (413) for more than a browser sends."""
    try:
        reports = _decode_list(body) if body.lstrip()[:1] == b"[" else [_decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("invalid JSON data", causes=(str(error),), reason="invalid_json") from error
    if len(reports) > MAX_REPORTS:
        raise TooLarge(f"more than {MAX_REPORTS} reports at once")
    if not reports:
        raise Malformed("empty request body", reason="no_data")
    return [bytes(report) for report in reports]


def _said_in(query: str) -> dict[str, Any]:
    try:
        values = parse_qs(query, max_num_fields=100)
    except ValueError as error:
        raise Malformed("too many query parameters") from error
    names = ("sentry_release", "sentry_environment")
    return {name: values[name][0][:_FIELD_LIMIT] for name in names if values.get(name)}
