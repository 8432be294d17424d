"""The crash-report dialog: a script that asks the person in front of a page what happened, and its form.

The script is one file; what a page may choose (texts, and what the fields hold at first) goes before it as JSON, so
that no parameter can become code. Source: the ingest specification, 1.5.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import parse_qs

from vedette.core import json
from vedette.core.ids import as_event_id
from vedette.ingest.answers import Answer, Headers
from vedette.ingest.bodies import drain
from vedette.ingest.door import Door, IngestRequest
from vedette.wire.auth import Credentials
from vedette.wire.dsn import parse_dsn
from vedette.wire.envelope import Envelope, Item
from vedette.wire.origins import request_origin
from vedette.wire.refusals import InvalidDsn, Rejected

LIMIT_BYTES = 64 * 1024
COMMENT_LIMIT = 4096
NAME_LIMIT = 128
EMAIL_LIMIT = 75
KIND = "dialog"
_TEXT_LIMIT = 1000
_MISSING = "Missing or invalid parameter."
_REQUIRED = "This field is required."
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s.\x00-\x1f]+(?:\.[^@\s.\x00-\x1f]+)+")
TEXTS = {
    "title": "It looks like we're having issues.",
    "subtitle": "Our team has been notified.",
    "subtitle2": "If you'd like to help, tell us what happened below.",
    "labelName": "Name",
    "labelEmail": "Email",
    "labelComments": "What happened?",
    "labelClose": "Close",
    "labelSubmit": "Submit crash report",
    "errorGeneric": "An unknown error occurred while submitting your report. Please try again.",
    "errorFormEntry": "Some fields were invalid. Please correct the errors and try again.",
    "successMessage": "Your feedback has been sent. Thank you!",
}
_INITIAL = ("name", "email")
_SCRIPT = files("vedette.ingest.endpoints").joinpath("dialog.js").read_bytes()
# Characters that mean something in HTML, or end a line in old JavaScript; JSON may spell them all as escapes.
_ESCAPES = {ord(one): f"\\u{ord(one):04x}" for one in "<>&'\u2028\u2029\x7f"}


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the address asks for, once the key has been admitted."""

    event_id: str
    credentials: Credentials
    query: dict[str, str]


async def error_page(door: Door, request: IngestRequest) -> Answer:
    """Row 11: the script to GET, and to POST what was said."""
    origin = request_origin(request.header("origin"), request.header("referer"))
    wish = await _wish(door, request, origin)
    if isinstance(wish, Answer):
        await drain(request.exchange, None)
        return wish
    if request.scope.method == "GET":
        return Answer(200, _headers("text/javascript", origin), script(wish.query))
    said, errors = read_form(await door.read_plain(request, LIMIT_BYTES))
    if errors:
        return _told(request, 400, {"errors": errors}, origin)
    report = Item({"type": "user_report"}, json.dumps({"event_id": wish.event_id, **said}), "user_report")
    envelope = Envelope({"event_id": wish.event_id}, (report,))
    limited = await door.keep(request, wish.credentials, envelope, kind=KIND)
    if limited:
        return _told(request, 429, {"detail": "too many reports"}, origin)
    return _told(request, 200, {}, origin)


def script(query: dict[str, str]) -> bytes:
    """The JavaScript of the dialog with the texts and values of `query`."""
    chosen = {
        "texts": {name: query.get(name, text)[:_TEXT_LIMIT] for name, text in TEXTS.items()},
        "values": {name: query.get(name, "")[:NAME_LIMIT] for name in _INITIAL},
    }
    return b"(" + _SCRIPT.strip().rstrip(b";") + b")(" + safe_json(chosen) + b");\n"


def safe_json(value: object) -> bytes:
    """JSON that may stand in a script, also in one inside a page."""
    return json.dumps(value).decode().translate(_ESCAPES).encode()


def read_form(body: bytes) -> tuple[dict[str, str], dict[str, list[str]]]:
    """What the form says, and what is wrong with it by field."""
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        fields = {}
    said = {name: fields.get(name, [""])[0].strip() for name in ("name", "email", "comments")}
    errors = {name: [_REQUIRED] for name, value in said.items() if not value}
    for name, limit in (("name", NAME_LIMIT), ("email", EMAIL_LIMIT), ("comments", COMMENT_LIMIT)):
        if len(said[name]) > limit:
            errors[name] = [f"Ensure this value has at most {limit} characters (it has {len(said[name])})."]
    if "email" not in errors and not _EMAIL.fullmatch(said["email"]):
        errors["email"] = ["Enter a valid email address."]
    return said, errors


async def _wish(door: Door, request: IngestRequest, origin: str | None) -> _Wish | Answer:
    query = _parameters(request.scope.query_string)
    event_id = as_event_id(query.get("eventId", ""))
    if event_id is None:
        return _told(request, 400, {"eventId": _MISSING}, origin)
    try:
        dsn = parse_dsn(query.get("dsn", ""))
        credentials = Credentials(dsn.public_key, dsn=dsn)
        await door.admit(request, credentials)
    except InvalidDsn:
        return _told(request, 404, {"dsn": _MISSING}, origin)
    except Rejected as error:
        if error.reason == "cors":
            raise
        return _told(request, 404, {"dsn": _MISSING}, origin)
    if request.key is None or not request.key.opens(dsn.project_id):
        return _told(request, 404, {"dsn": _MISSING}, origin)
    return _Wish(event_id, credentials, query)


def _parameters(query: str) -> dict[str, str]:
    try:
        values = parse_qs(query, max_num_fields=100)
    except ValueError:
        return {}
    return {name: value[0] for name, value in values.items()}


def _told(request: IngestRequest, status: int, facts: dict[str, object], origin: str | None) -> Answer:
    """The facts as JSON; in a header for those who load the answer as a script and could not read it otherwise."""
    content = safe_json(facts)
    if "text/javascript" not in (request.header("accept") or ""):
        return Answer(status, _headers("application/json", origin), content)
    return Answer(status, [*_headers("text/javascript", origin), ("x-sentry-context", content.decode())], b"")


def _headers(content_type: str, origin: str | None) -> Headers:
    return [
        ("content-type", f"{content_type}; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("access-control-allow-origin", _ascii(origin) or "*"),
        ("access-control-expose-headers", "x-sentry-context"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("vary", "Accept"),
        ("vary", "Origin"),
    ]


def _ascii(origin: str | None) -> str:
    return origin if origin and origin.isascii() and origin.isprintable() else ""
