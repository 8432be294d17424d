"""How long `prepare` takes for one event, against plain `orjson.loads` of the same bytes.

Prints one JSON line. Events are generated: Python exceptions with 14 tags, variables, source lines, breadcrumbs,
request and contexts, sized to about 3 KB (5 frames) and 10 KB (20 frames). Every event differs from the one before.

    python bench/prepare.py [--events 400] [--rounds 7]
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from typing import Any

import orjson

from vedette.digest.prepare import prepare
from vedette.digest.values import PreparedEvent, ProjectConfig
from vedette.spool.records import Receipt, SpooledEnvelope

NOW = 1_760_000_000.0
WORDS = "order cart price total customer items currency basket checkout session invoice shipping address".split()


def frame(number: int, rich: bool, library: bool, rng: random.Random) -> dict[str, Any]:
    """One call of a generated program."""
    word = WORDS[number % len(WORDS)]
    path = f"django/core/{word}.py" if library else f"shop/{word}/service.py"
    lines = [f"    {word}_{index} = load_{word}({index}, strict=True)" for index in range(5)]
    variables = {
        "self": f"<shop.{word}.Service object at 0x7f{rng.randrange(16**8):08x}>",
        word: f"{{'id': {rng.randrange(10**6)}, 'name': 'Blue chair', 'price': Decimal('129.90')}}",
        "count": str(rng.randrange(100)),
        "options": {"retry": "True", "timeout": "30"},
    }
    shown: dict[str, Any] = {
        "filename": path,
        "abs_path": f"/srv/app/{'venv/lib/python3.11/site-packages/' if library else ''}{path}",
        "function": f"{word}_step_{number}",
        "module": path[:-3].replace("/", "."),
        "lineno": 10 + number,
        "in_app": not library,
        "context_line": f"    return self.{word}_for(request, {number})",
    }
    if rich:
        shown |= {"pre_context": lines, "post_context": lines[:3], "vars": variables}
    return shown


def event(frames: int, rich: int, rng: random.Random) -> bytes:
    """One event as an SDK would send it. `rich` of its frames have variables and source lines."""
    crumbs = [
        {"type": "default", "category": "query", "level": "info", "timestamp": "2026-03-01T10:00:00.123456Z",
         "message": f"SELECT {word} FROM shop_{word} WHERE id = %s", "data": {"rows": index}}
        for index, word in enumerate(WORDS[: 3 if frames < 10 else 10])
    ]  # fmt: skip
    return json.dumps(
        {
            "event_id": f"{rng.randrange(16**32):032x}",
            "timestamp": "2025-10-09T08:53:20.123456Z",
            "platform": "python",
            "level": "error",
            "transaction": "/checkout/{cart_id}/",
            "release": "shop@1.4.0",
            "environment": "production",
            "server_name": "web-3",
            "exception": {"values": [{
                "type": "ValueError", "module": "builtins", "value": f"no price for item {rng.randrange(10**6)}",
                "mechanism": {"type": "django", "handled": False},
                "stacktrace": {"frames": [
                    frame(index, frames - index <= rich, index < frames * 2 // 3, rng) for index in range(frames)
                ]},
            }]},
            "tags": {f"{word}.kind": f"value-{index % 3}" for index, word in enumerate(WORDS[:12])}
            | {"region": "eu-central-1", "tier": "gold"},
            "user": {"id": str(rng.randrange(5000)), "email": "bob@example.com", "ip_address": "203.0.113.7"},
            "request": {
                "url": "https://shop.example.com/checkout/17/", "method": "POST", "query_string": "step=2",
                "headers": {"Host": "shop.example.com", "Accept": "*/*", "Content-Type": "application/json",
                            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
                "env": {"SERVER_NAME": "web-3", "SERVER_PORT": "8000"},
            },
            "contexts": {
                "runtime": {"name": "CPython", "version": "3.11.7", "build": "3.11.7 (main) [GCC 12.2.0]"},
                "trace": {"trace_id": f"{rng.randrange(16**32):032x}", "span_id": f"{rng.randrange(16**16):016x}",
                          "op": "http.server"},
            },
            "breadcrumbs": {"values": crumbs},
            "extra": {"sys.argv": ["manage.py", "runserver"]},
            "sdk": {"name": "sentry.python.django", "version": "2.75.0", "integrations": ["django", "logging"],
                    "packages": [{"name": "pypi:sentry-sdk", "version": "2.75.0"}]},
        },
        separators=(",", ":"),
    ).encode()  # fmt: skip


def spooled(raw: bytes, position: int) -> SpooledEnvelope:
    """An envelope with one event in it."""
    event_id = f"{position:032x}"
    head = f'{{"event_id":"{event_id}","sent_at":"2025-10-09T08:53:20Z"}}\n{{"type":"event","length":{len(raw)}}}\n'
    receipt = Receipt(1, 1, 1, NOW, event_id=event_id, client="sentry.python/2.75.0", remote_addr="203.0.113.7")
    return SpooledEnvelope(position, receipt, head.encode() + raw + b"\n")


def microseconds(call: Callable[[Any], object], values: list[Any], rounds: int) -> float:
    """The best mean over the rounds: what the code costs when nobody else runs."""
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        for value in values:
            call(value)
        best = min(best, time.perf_counter() - started)
    return best / len(values) * 1e6


def main() -> None:
    """Measure both sizes and print the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    config = ProjectConfig(1, 1)
    line: dict[str, Any] = {"bench": "prepare"}
    for name, frames, rich in (("3kb", 5, 0), ("10kb", 20, 5)):
        rng = random.Random(name)
        raws = [event(frames, rich, rng) for _ in range(options.events)]
        envelopes = [spooled(raw, position) for position, raw in enumerate(raws)]
        values = prepare(envelopes[0], config)
        if not isinstance(values[0], PreparedEvent) or values[0].error_count:
            raise SystemExit(f"the generated event is not clean: {values[0]}")
        prepared = microseconds(lambda value: prepare(value, config), envelopes, options.rounds)
        loaded = microseconds(orjson.loads, raws, options.rounds)
        line[name] = {
            "bytes": sum(map(len, raws)) // len(raws),
            "prepare_us": round(prepared, 1),
            "orjson_loads_us": round(loaded, 1),
            "ratio": round(prepared / loaded, 1),
        }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
