"""Answers of ingest: statuses, bodies, and the headers that go with all of them.

Source: the ingest specification, 3.4 and 5.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vedette.core import json
from vedette.core.errors import VedetteError
from vedette.wire.ratelimits import RateLimit, rate_limit_headers

Headers = list[tuple[str, str]]

_CORS: Headers = [
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "x-sentry-error, x-sentry-rate-limits, retry-after"),
    ("cross-origin-resource-policy", "cross-origin"),
]
_ALLOWED_HEADERS = (
    "x-sentry-auth, x-requested-with, x-forwarded-for, origin, referer, accept, content-type, authentication, "
    "authorization, content-encoding, transfer-encoding"
)
_JSON: Headers = [("content-type", "application/json"), *_CORS]
_GIF: Headers = [("content-type", "image/gif"), ("cache-control", "no-store"), *_CORS]
_PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;"
)
_RETRY_SECONDS = 5
_SPOOL_FULL_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the sender."""

    status: int
    headers: Headers
    body: bytes


def accepted(event_id: str | None) -> Answer:
    """200 with the event's id, or with an empty object when there is none."""
    return Answer(200, _JSON, b'{"id":"%s"}' % event_id.encode() if event_id else b"{}")


def pixel() -> Answer:
    """200 with one transparent pixel, for pages that can only load images."""
    return Answer(200, _GIF, _PIXEL)


def empty(status: int) -> Answer:
    """A success without a body."""
    return Answer(status, _CORS, b"")


def text(sentence: str) -> Answer:
    """200 with plain text."""
    return Answer(200, [("content-type", "text/plain"), *_CORS], sentence.encode())


def preflight() -> Answer:
    """200 to a browser that asks whether a page may send."""
    allowed: Headers = [
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", _ALLOWED_HEADERS),
        ("access-control-max-age", "3600"),
    ]
    return Answer(200, [*_CORS, *allowed], b"")


def rate_limited(limits: Sequence[RateLimit]) -> Answer:
    """429 with the headers that SDKs obey; also when only a part of the request was refused."""
    reasons = ", ".join(sorted({limit.reason for limit in limits}))
    return Answer(429, [*_JSON, *rate_limit_headers(limits)], _error(f"rate limit reached: {reasons}", ()))


def refused(error: VedetteError, status: int) -> Answer:
    """The answer to an error, by its status."""
    if status == 429:
        return Answer(429, [*_JSON, *rate_limit_headers([_SPOOL_FULL])], _error(str(error), ()))
    headers = [*_JSON, ("retry-after", str(_RETRY_SECONDS))] if status == 503 else _JSON
    return Answer(status, headers, _error(str(error), getattr(error, "causes", ())))


def not_found() -> Answer:
    """404: no endpoint has this path."""
    return Answer(404, _JSON, _error("there is nothing at this path", ()))


def method_not_allowed(methods: tuple[str, ...]) -> Answer:
    """405 with what is allowed."""
    allow = ", ".join((*methods, "OPTIONS"))
    return Answer(405, [*_JSON, ("allow", allow)], _error("method not allowed", ()))


def broken() -> Answer:
    """500: a bug of ours; the log has the rest."""
    return Answer(500, _JSON, _error("internal error", ()))


_SPOOL_FULL = RateLimit(_SPOOL_FULL_SECONDS, "organization", "spool_full")


def _error(detail: str, causes: tuple[str, ...]) -> bytes:
    return json.dumps({"detail": detail, "causes": list(causes)} if causes else {"detail": detail})
