"""The HTTP request that failed, and a curl command that sends it again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from vedette.web.eventview.reading import as_dict, as_link, as_pairs, as_text, json_text
from vedette.web.eventview.values import NO_META, Meta, Pairs, Value, pairs_of, value_of
from vedette.web.text import clip, visible

_NOT_REPEATED = frozenset({"host", "content-length", "cookie", "connection", "accept-encoding", "transfer-encoding"})
_LONGEST_COMMAND = 20_000


@dataclass(frozen=True, slots=True)
class RequestView:
    """`link` is empty when the address is not safe to follow."""

    method: str
    url: str
    link: str
    query: Pairs
    headers: Pairs
    cookies: Pairs
    environment: Pairs
    body: Value | None
    body_type: str
    fragment: str
    curl: str


def read_request(node: object, meta: Meta = NO_META) -> RequestView | None:
    """The request of an event; None where there is none."""
    request = as_dict(node)
    if not request:
        return None
    body = request.get("data")
    query = _query(request.get("query_string"))
    return RequestView(
        method=as_text(request.get("method"), 32),
        url=as_text(request.get("url")),
        link=as_link(request.get("url")),
        query=pairs_of(query, meta.at("query_string")),
        headers=pairs_of(as_pairs(request.get("headers")), meta.at("headers")),
        cookies=pairs_of(as_pairs(request.get("cookies")), meta.at("cookies")),
        environment=pairs_of(as_pairs(request.get("env")), meta.at("env")),
        body=None if body in (None, "", {}, []) else value_of(body, meta.at("data")),
        body_type=as_text(request.get("inferred_content_type"), 100),
        fragment=as_text(request.get("fragment"), 500),
        curl=_curl(request, query),
    )


def _query(value: object) -> list[tuple[Any, Any]]:
    return [("", value)] if isinstance(value, str) and value else as_pairs(value)


def _curl(request: dict[str, Any], query: list[tuple[Any, Any]]) -> str:
    """The request as a command. Every piece is quoted for the shell; what was filtered stays filtered."""
    url = as_link(request.get("url"))
    if not url:
        return ""
    if query:
        url += ("&" if "?" in url else "?") + urlencode([(as_text(name), as_text(value)) for name, value in query])
    method = as_text(request.get("method"), 32)
    parts = ["curl"]
    if method not in ("", "GET"):
        parts.append(f"-X {shlex.quote(method)}")
    parts.append(shlex.quote(url))
    for name, value in as_pairs(request.get("headers"))[:50]:
        if as_text(name).lower() not in _NOT_REPEATED:
            header = visible(f"{as_text(name)}: {as_text(value)}").replace("\n", " ")
            parts.append(f"-H {shlex.quote(header)}")
    body = request.get("data")
    if body not in (None, "", {}, []):
        parts.append(f"--data-raw {shlex.quote(_body(body, as_text(request.get('inferred_content_type'))))}")
    return clip(" \\\n  ".join(parts), _LONGEST_COMMAND)


def _body(body: object, content_type: str) -> str:
    if isinstance(body, str):
        return visible(body)
    if content_type == "application/x-www-form-urlencoded":
        pairs = [(as_text(name), as_text(value)) for name, value in as_pairs(body)]
        return urlencode(pairs)
    return visible(json_text(body))
