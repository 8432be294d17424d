"""A front in a process of its own: the real server and spool, keys from a file, a small WSGI application for pages.

Run as `python front_process.py DIRECTORY PORT [name=value …]`. `DIRECTORY/keys.json` maps public keys to the fields of
`KeyInfo`, read anew at each look-up; "away" instead of an object means that the database does not answer.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvloop

from vedette.cli.front import STATS_KEY, serve
from vedette.ingest.keys import KeyInfo
from vedette.wire.outcomes import Category
from vedette.wire.quotas import Quota


def loader(directory: Path) -> Callable[[str], KeyInfo | None]:
    """Looks keys up in the file."""

    def load(public_key: str) -> KeyInfo | None:
        fields = json.loads((directory / "keys.json").read_text()).get(public_key)
        if fields == "away":
            raise ConnectionError("the database is away")
        if fields is None:
            return None
        fields["allowed_domains"] = tuple(fields.get("allowed_domains", ["*"]))
        fields["quotas"] = tuple(
            Quota(*one[:5], tuple(Category(number) for number in one[5])) for one in fields.get("quotas", ())
        )
        return KeyInfo(public_key=public_key, **fields)

    return load


class Feed:
    """An answer that is made while it is sent, and says when it was closed."""

    def __init__(self, directory: Path, chunks: Iterable[bytes]) -> None:
        self.directory = directory
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks

    def close(self) -> None:
        (self.directory / "closed").touch()


def application(directory: Path) -> Callable[..., Any]:
    """Pages that show what the bridge does."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        path = environ["PATH_INFO"]
        text = [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
        if path == "/raise":
            raise ValueError("broken page")
        if path == "/late":
            write = start_response("200 OK", text)
            write(b"written ")
            return [b"returned"]
        if path == "/feed":
            start_response("200 OK", text)
            return Feed(directory, (b"chunk %d\n" % number for number in range(5)))
        if path == "/breaks":
            start_response("200 OK", text)
            return Feed(directory, (b"%d" % (1 // (2 - number)) for number in range(5)))
        if path == "/large":
            start_response("200 OK", [("Content-Length", str(3_000_000))])
            return Feed(directory, (b"x" * 1000 for _ in range(3000)))
        if path == "/nothing":
            start_response("304 Not Modified", [("ETag", '"x"')])
            return []
        if path == "/slow":
            time.sleep(float(environ["QUERY_STRING"]))
        if path == "/held":
            (directory / f"held-{environ['QUERY_STRING']}").touch()
            while not (directory / "let-go").exists():
                time.sleep(0.01)
        if path == "/stats":
            stats = environ[STATS_KEY]
            body = json.dumps({name: getattr(stats, name) for name in stats.__slots__}).encode()
        else:
            shown = {name: value for name, value in environ.items() if isinstance(value, str)}
            body = json.dumps({"environ": shown, "body": len(environ["wsgi.input"].read())}).encode()
        start_response("200 OK", [*text, ("Content-Length", str(len(body)))])
        return [body]

    return app


def main() -> None:
    """Serve until a signal."""
    sys.setswitchinterval(0.0002)
    directory = Path(sys.argv[1])
    settings = SimpleNamespace(
        spool_dir=directory / "spool",
        bind_host="127.0.0.1",
        bind_port=int(sys.argv[2]),
        trust_proxy=False,
        redis_url="",
        spool_max_bytes=2**30,
        spool_max_age_seconds=86_400,
        bench=True,
    )
    for pair in sys.argv[3:]:
        name, _, value = pair.partition("=")
        setattr(settings, name, int(value))
    uvloop.run(serve(settings, application(directory), loader(directory)))  # type: ignore[arg-type]
    asyncio.set_event_loop(None)


if __name__ == "__main__":
    main()
