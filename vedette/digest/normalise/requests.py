"""The HTTP request that an event belongs to.

Source: the ingest specification, 7.7 and 9.10.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import msgspec

from vedette.digest import trim
from vedette.digest.draft import Draft
from vedette.digest.nesting import is_deeper_than
from vedette.digest.notes import Notes

_METHOD = re.compile(r"[A-Z\-_]{3,32}")
_WORDS = ("inferred_content_type", "api_target")
_MAX_FIELDS = 1000
_header_names: dict[str, str] = {}
_KEPT_NAMES = 2048
_decode_any = msgspec.json.Decoder().decode

Pairs = list[list[Any]]


def settle_request(draft: Draft) -> Draft:
    """`event.request` with headers, cookies and query as lists of pairs, and the body parsed where it can be."""
    given, notes = draft.event.request, draft.notes
    if given is None:
        return draft
    if not isinstance(given, dict):
        notes.error("invalid_data", "request", reason="expected an object")
        draft.event.request = None
        return draft
    request: dict[str, Any] = {}
    _url(given, request, notes)
    method = given.get("method")
    if method is not None:
        _method(method, request, notes)
    fragment = given.get("fragment")
    if isinstance(fragment, str) and fragment:
        request["fragment"] = fragment
    for name in _WORDS:
        value = given.get(name)
        if isinstance(value, str) and value:
            request[name] = trim.text(value, 128, 0, ("request", name), notes)
    _headers(given.get("headers"), request, notes)
    cookies = given.get("cookies")
    if cookies:
        request["cookies"] = _cookies(cookies)
    env = given.get("env")
    if isinstance(env, dict):
        request["env"] = env
    elif env is not None:
        notes.error("invalid_data", "request.env", reason="expected an object")
    if given.get("data") is not None:
        _body(given["data"], request)
    draft.event.request = request or None
    return draft


def header_of(request: Any, name: str) -> str | None:
    """The value of a header (`name` in Title-Case) of a normalised request."""
    if isinstance(request, dict):
        for pair in request.get("headers") or ():
            if pair[0] == name and isinstance(pair[1], str):
                return pair[1]
    return None


def _url(given: dict[str, Any], request: dict[str, Any], notes: Notes) -> None:
    url, query = given.get("url"), given.get("query_string")
    if isinstance(url, str) and url:
        if "…" in url:
            url = url.replace("…", "...")
        if "#" in url:
            url, _, fragment = url.partition("#")
            if fragment and not given.get("fragment"):
                request["fragment"] = fragment
        if "?" in url:
            url, _, in_url = url.partition("?")
            query = query or in_url
        request["url"] = url
    elif url is not None and url != "":
        notes.error("invalid_data", "request.url", reason="expected a string")
    if query:
        pairs = _pairs_of_query(query)
        if pairs is None:
            notes.error("invalid_data", "request.query_string", reason="expected a query")
        elif pairs:
            request["query_string"] = pairs


def _method(method: Any, request: dict[str, Any], notes: Notes) -> None:
    if isinstance(method, str) and _METHOD.fullmatch(method.upper()):
        request["method"] = method.upper()
    else:
        notes.error("invalid_data", "request.method", reason="expected an HTTP method")


def _pairs_of_query(query: Any) -> Pairs | None:
    if isinstance(query, str):
        text = query[1:] if query.startswith("?") else query
        return [list(pair) for pair in _fields(text)]
    if isinstance(query, dict):
        return [[key, value] for key, value in query.items()]
    if isinstance(query, list):
        return [list(pair) for pair in query if isinstance(pair, list) and len(pair) == 2]
    return None


def _fields(text: str) -> list[tuple[str, str]]:
    if text.count("&") >= _MAX_FIELDS:
        text = "&".join(text.split("&", _MAX_FIELDS)[:_MAX_FIELDS])
    if "%" in text or "+" in text or not text.isascii():
        return parse_qsl(text, keep_blank_values=True)
    pairs = [part.partition("=") for part in text.split("&") if part]
    return [(name, value) for name, _, value in pairs]


def _headers(given: Any, request: dict[str, Any], notes: Notes) -> None:
    if given is None:
        return
    if isinstance(given, dict):
        items: list[Any] = list(given.items())
    elif isinstance(given, list):
        items = [pair for pair in given if isinstance(pair, list) and len(pair) == 2]
    else:
        notes.error("invalid_data", "request.headers", reason="expected an object")
        return
    headers: Pairs = []
    for name, value in items:
        if type(name) is not str:
            continue
        title = _header_names.get(name) or _title(name)
        text = value if type(value) is str else _header_text(value)
        if title == "Cookie" and text:
            request.setdefault("cookies", _cookies(text))
        elif text is not None:
            headers.append([title, text])
    headers.sort()
    if headers:
        request["headers"] = headers


def _title(name: str) -> str:
    if len(_header_names) >= _KEPT_NAMES:
        _header_names.clear()
    titled = "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
    if len(name) <= 200:
        _header_names[name] = titled
    return titled


def _header_text(value: Any) -> str | None:
    if isinstance(value, list):
        return ",".join(text for part in value if (text := _header_text(part)) is not None)
    if isinstance(value, bool) or value is None:
        return None
    return str(value) if isinstance(value, (str, int, float)) else None


def _cookies(cookies: Any) -> Pairs:
    if isinstance(cookies, dict):
        return [[key, value] for key, value in cookies.items()]
    if isinstance(cookies, list):
        return [list(pair) for pair in cookies if isinstance(pair, list) and len(pair) == 2]
    if not isinstance(cookies, str):
        return []
    pairs: Pairs = []
    for part in cookies.split(";", _MAX_FIELDS)[:_MAX_FIELDS]:
        name, equals, value = part.strip().partition("=")
        if name:
            pairs.append([unquote_plus(name), unquote_plus(value) if equals else None])
    return pairs


def _body(data: Any, request: dict[str, Any]) -> None:
    """Parsed whatever the Content-Type header says: JSON, else a form, else text."""
    request["data"] = data
    if not isinstance(data, str):
        return
    text = data.strip()
    parsed = _json_body(text) if text[:1] in ("{", "[") else None
    if parsed is not None:
        request["data"] = parsed
        request.setdefault("inferred_content_type", "application/json")
    elif "=" in text and text[:1] not in ("{", "[", "<"):
        form = _form(text)
        if form:
            request["data"] = form
            request.setdefault("inferred_content_type", "application/x-www-form-urlencoded")


def _json_body(text: str) -> Any:
    as_json = text.encode()
    if is_deeper_than(as_json, 64):
        return None
    try:
        return _decode_any(as_json)
    except (msgspec.DecodeError, RecursionError):
        return None


def _form(text: str) -> dict[str, Any]:
    form: dict[str, Any] = {}
    for key, value in _fields(text):
        if key in form:
            form[key] = [*form[key], value] if isinstance(form[key], list) else [form[key], value]
        else:
            form[key] = value
    return form
