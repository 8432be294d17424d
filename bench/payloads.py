"""Events to measure with: what a busy Python shop would send, made from a seed.

An *issue* is a number: every event of it has the same exception and stack, so that it groups alone. Rendering is cheap
enough (a join of prepared bytes, about 2 µs) that a generator on the same machine is not what gets measured.
"""

import json
import random
import time
import uuid
from dataclasses import dataclass
from typing import Any, Literal

Size = Literal["3k", "10k"]

_WORDS = (
    "account address archive balance basket batch billing booking bundle cache campaign catalog channel charge "
    "checkout claim client coupon courier credit customer delivery deposit device digest discount document export "
    "feature feed filter folder gateway import index inventory invoice ledger letter lookup mailbox market member "
    "message meter notice offer order outlet package parcel partner payment payout person picture plan policy price "
    "product profile promise queue quote rating receipt record refund region rental report request reserve return "
    "review route schedule search season segment session shipment signal stock storage supply survey ticket token "
    "tracker transfer upload user vendor version voucher wallet warehouse widget"
).split()
_ERRORS = (
    ("ValueError", "invalid literal for int() with base 10: '{word}-{n}'"),
    ("KeyError", "'{word}_id'"),
    ("TypeError", "unsupported operand type(s) for +: 'NoneType' and '{word}'"),
    ("AttributeError", "'NoneType' object has no attribute '{word}'"),
    ("ConnectionError", "HTTPConnectionPool(host='{word}.internal', port=80{n:02d}): Max retries exceeded"),
    ("TimeoutError", "{word} did not answer within {n} seconds"),
    ("IntegrityError", 'duplicate key value violates unique constraint "{word}_pkey"'),
    ("PermissionDenied", "user may not change this {word}"),
)
_BROWSERS = ("Chrome 142", "Chrome 141", "Firefox 145", "Safari 19.1", "Edge 142", "Mobile Safari 19.0")
_SYSTEMS = ("Windows 11", "macOS 16.1", "Linux", "Android 16", "iOS 19.1")
_REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2")
_PLANS = ("free", "team", "business", "enterprise")
_LIBRARY = (
    (
        "django.core.handlers.exception",
        "django/core/handlers/exception.py",
        "inner",
        "response = get_response(request)",
    ),
    (
        "django.core.handlers.base",
        "django/core/handlers/base.py",
        "_get_response",
        "response = callback(request, *args)",
    ),
    (
        "django.views.generic.base",
        "django/views/generic/base.py",
        "dispatch",
        "return handler(request, *args, **kwargs)",
    ),
)

# Filled in per event; of fixed length where that keeps the item's length constant.
_ID, _SENT_AT, _TIMESTAMP, _USER = "\x01ID\x01", "\x01SENT\x01", "\x01TIME\x01", "\x01USER\x01"
_LENGTH_OF = {_ID: 32, _TIMESTAMP: 17, _USER: 5}


@dataclass(frozen=True, slots=True)
class Template:
    """One event, ready but for its id, its moment and its user."""

    issue: int
    title: str
    event: tuple[bytes, bytes, bytes, bytes]  # around the id, the moment, the user, in this order
    envelope_head: tuple[bytes, bytes, bytes]  # around the id and the moment of sending, up to the payload

    def render(self, event_id: str, at: float, user: int, sent_at: float | None = None) -> bytes:
        """The bytes of an envelope with this one event. `event_id` is 32 hex digits, `at` a Unix time.

        An event of long ago is sent at another moment: without `sent_at` the server would take the sender's clock to
        be wrong, and move the event to today.
        """
        key = event_id.encode()
        head, event = self.envelope_head, self.event
        moment = b"%017.6f" % at
        sent = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at if sent_at is None else sent_at)).encode()
        return b"".join(
            (head[0], key, head[1], sent, head[2]
             , event[0], key, event[1], moment, event[2], b"%05d" % (user % 100_000), event[3], b"\n")
        )  # fmt: skip

    def event_json(self, event_id: str, at: float, user: int) -> bytes:
        """The event alone, as JSON."""
        event = self.event
        return b"".join(
            (event[0], event_id.encode(), event[1], b"%017.6f" % at, event[2], b"%05d" % (user % 100_000), event[3])
        )


@dataclass(slots=True)
class Payloads:
    """A source of events: `templates` many different ones over `issues` issues, in an order that the seed settles."""

    issues: int = 500
    size: Size = "3k"
    seed: int = 1
    per_issue: int = 4
    templates: tuple[Template, ...] = ()

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        most = max(self.issues, min(self.issues * self.per_issue, 2_000))
        self.templates = tuple(template(index % self.issues, self.size, chance) for index in range(most))

    def pick(self, number: int) -> Template:
        """The template of the event with this number: all issues come equally often."""
        return self.templates[number % len(self.templates)]

    def envelope(self, number: int, at: float | None = None) -> tuple[str, Template, bytes]:
        """The event with this number as an envelope: its new id, what it is made of, its bytes."""
        event_id = uuid.uuid4().hex
        chosen = self.pick(number)
        return event_id, chosen, chosen.render(event_id, at or time.time(), number * 7919)


def template(issue: int, size: Size, chance: random.Random) -> Template:
    """One more event of an issue: the same stack, other circumstances."""
    payload = _event(issue, size, chance)
    text = json.dumps(payload, separators=(",", ":")).replace(json.dumps(_TIMESTAMP), _TIMESTAMP_MARK)
    marks = (_mark(_ID), _TIMESTAMP_MARK, _mark(_USER))
    parts = _split(text, marks)
    length = sum(len(part) for part in parts) + sum(_LENGTH_OF[name] for name in (_ID, _TIMESTAMP, _USER))
    head = json.dumps({"event_id": _ID, "sent_at": _SENT_AT, "sdk": {"name": "sentry.python", "version": "2.75.0"}})
    item = json.dumps({"type": "event", "length": length, "content_type": "application/json"})
    heads = _split(f"{head}\n{item}\n", (_mark(_ID), _mark(_SENT_AT)))
    error = payload["exception"]["values"][0]
    return Template(issue, f"{error['type']}: {error['value']}", _four(parts), _three(heads))


_TIMESTAMP_MARK = "\x02TIME\x02"


def _mark(name: str) -> str:
    """How a placeholder looks after JSON encoding."""
    return json.dumps(name)[1:-1]


def _split(text: str, marks: tuple[str, ...]) -> list[bytes]:
    parts = []
    for mark in marks:
        before, found, text = text.partition(mark)
        assert found, f"{mark!r} is missing"
        parts.append(before.encode())
    return [*parts, text.encode()]


def _four(parts: list[bytes]) -> tuple[bytes, bytes, bytes, bytes]:
    first, second, third, fourth = parts
    return first, second, third, fourth


def _three(parts: list[bytes]) -> tuple[bytes, bytes, bytes]:
    first, second, third = parts
    return first, second, third


def _event(issue: int, size: Size, chance: random.Random) -> dict[str, Any]:
    own = random.Random(f"issue {issue}")  # what every event of an issue shares
    word, other = own.choice(_WORDS), own.choice(_WORDS)
    kind, text = own.choice(_ERRORS)
    big = size == "10k"
    return {
        "event_id": _ID,
        "timestamp": _TIMESTAMP,
        "user": {"id": _USER, "plan": chance.choice(_PLANS)},
        "platform": "python",
        "level": "error",
        "logger": f"shop.{word}",
        "transaction": f"/api/{word}/{{id}}/{other}",
        "server_name": f"web-{chance.randrange(12):02d}.internal",
        "release": f"shop@4.{own.randrange(3, 9)}.{chance.randrange(4)}",
        "environment": chance.choices(("production", "staging", "canary"), (90, 8, 2))[0],
        "exception": {
            "values": [
                {
                    "type": kind,
                    "value": text.format(word=word, n=issue % 97),
                    "module": "builtins",
                    "mechanism": {"type": "django", "handled": False},
                    "stacktrace": {"frames": _frames(issue, own, chance, big)},
                }
            ]
        },
        "request": {
            "url": f"https://shop.example.com/api/{word}/{chance.randrange(10_000)}/{other}",
            "method": chance.choice(("GET", "POST", "PUT")),
            "headers": {
                "Host": "shop.example.com",
                "User-Agent": f"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/14{chance.randrange(6)}.0",
                **({"Accept": "application/json", "Cookie": "sessionid=0123456789abcdef; lang=en"} if big else {}),
            },
        },
        "tags": {
            "region": chance.choice(_REGIONS),
            "customer": f"customer-{chance.randrange(400)}",
            "queue": word,
            "shard": str(chance.randrange(16)),
            "feature": f"{other}-{chance.randrange(3)}",
        },
        "contexts": {
            "runtime": {"name": "CPython", "version": "3.11.7"},
            "browser": dict(zip(("name", "version"), chance.choice(_BROWSERS).rsplit(" ", 1), strict=True)),
            "os": {"name": chance.choice(_SYSTEMS)},
            "trace": {"trace_id": f"{chance.getrandbits(128):032x}", "span_id": f"{chance.getrandbits(64):016x}"},
        },
        "breadcrumbs": {"values": _breadcrumbs(chance, 13 if big else 3)},
        "sdk": {"name": "sentry.python.django", "version": "2.75.0", "integrations": ["django", "logging", "stdlib"]},
        **({"modules": {name: f"{len(name)}.{issue % 7}.0" for name in _WORDS[:40]}} if big else {}),
    }


def _frames(issue: int, own: random.Random, chance: random.Random, big: bool) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = []
    for index, (module, path, function, line) in enumerate(_LIBRARY[: 3 if big else 1]):
        frames.append(
            {
                "module": module,
                "filename": path,
                "abs_path": f"/venv/lib/{path}",
                "function": function,
                "lineno": 40 + index,
                "in_app": False,
                **({"context_line": f"            {line}"} if big else {}),
            }
        )
    for depth in range(8 if big else 3):
        word, other = own.choice(_WORDS), own.choice(_WORDS)
        around = [f"    {other}_{n} = {word}.{other}({n})" for n in range(5 if big else 1)]
        frames.append(
            {
                "module": f"shop.{word}.{other}",
                "filename": f"shop/{word}/{other}.py",
                "abs_path": f"/srv/app/shop/{word}/{other}.py",
                "function": f"{word}_{other}_{issue}" if depth else f"handle_{word}",
                "lineno": own.randrange(10, 400),
                "in_app": True,
                "pre_context": around,
                "context_line": f"    return self.{word}.{other}({word}_{issue})",
                "post_context": around,
                **(
                    {
                        "vars": {
                            "self": f"<shop.{word}.Service object at 0x7f{chance.getrandbits(40):010x}>",
                            f"{word}_id": str(chance.randrange(10**6)),
                            "kwargs": {"retry": "True", "page": "3"},
                        }
                    }
                    if big
                    else {}
                ),
            }
        )
    return frames


def _breadcrumbs(chance: random.Random, count: int) -> list[dict[str, Any]]:
    crumbs = []
    for index in range(count):
        word = chance.choice(_WORDS)
        crumbs.append(
            {
                "timestamp": f"2026-11-20T10:{index % 60:02d}:00.000000Z",
                "type": "default",
                "category": ("query", "httplib", "shop.audit")[index % 3],
                "level": "info",
                "message": f"SELECT id, name FROM shop_{word} WHERE id = %s AND state <> 'archived'",
            }
        )
    return crumbs
