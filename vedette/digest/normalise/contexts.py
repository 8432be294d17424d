"""Contexts: what is known of the device, the system, the runtime, the trace …

Known contexts are decoded, the others keep their JSON text.

Source: the ingest specification, 7.8 and 9.8.
"""

import re
from typing import Any

import msgspec
from msgspec import Raw

from vedette.digest.draft import Draft
from vedette.digest.normalise import agents
from vedette.digest.notes import Notes

MAX_CONTEXTS = 100
_READ = frozenset({"device", "os", "runtime", "app", "browser", "gpu", "trace", "monitor", "client_os"})
_COMBINED = {"os": "os", "client_os": "os", "runtime": "runtime", "browser": "browser"}
_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SPAN_ID = re.compile(r"(?!0{16})[0-9a-f]{16}")
_WINDOWS = re.compile(r"Microsoft Windows (?P<version>\d+)\.(?P<minor>\d+)\.(?P<build>\d+)")
_SYSTEM = re.compile(r"(?P<name>[A-Za-z][\w .-]{0,60}?) (?P<version>\d[\w.-]{0,60})")
_encode = msgspec.json.encode
_decode = msgspec.json.Decoder().decode


def settle_contexts(draft: Draft) -> Draft:
    """`event.contexts` as JSON objects with a type; those that tags are made of are kept decoded in the draft.

    At most `MAX_CONTEXTS` of what was sent; the specification has no limit, but each may become several tags.
    """
    given = draft.event.contexts or {}
    if len(given) > MAX_CONTEXTS:
        draft.notes.remark(("contexts",), length=len(given))
        # The known ones first, so that a flood of others cannot take the trace or the device away.
        given = {key: given[key] for key in sorted(given, key=lambda key: key not in _READ)[:MAX_CONTEXTS]}
    contexts: dict[str, Raw] = {}
    for key, raw in given.items():
        text = bytes(raw)
        if text[:1] != b"{":
            if text != b"null":
                draft.notes.error("invalid_data", ("contexts", key), reason="expected an object")
        elif key == "reprocessing":
            continue
        elif key in _READ or b'"type"' in text:
            _read(draft, key, text, contexts)
        else:
            contexts[key] = Raw(b'{"type":' + _encode(key) + (b"," if text[1:].strip() != b"}" else b"") + text[1:])
    draft.event.contexts = contexts
    _add_agent(draft, contexts)
    if "trace" not in contexts and draft.event.type in ("error", "default", "csp"):
        trace = {"type": "trace", "trace_id": draft.event_id, "span_id": draft.event_id[:16], "status": "unknown"}
        _keep(draft, contexts, "trace", trace)
    return draft


def _keep(draft: Draft, contexts: dict[str, Raw], key: str, context: dict[str, Any]) -> None:
    draft.contexts[key] = context
    contexts[key] = Raw(_encode(context))


def _read(draft: Draft, key: str, text: bytes, contexts: dict[str, Raw]) -> None:
    context: dict[str, Any] = {name: value for name, value in _decode(text).items() if value is not None}
    if not isinstance(context.get("type"), str):
        context["type"] = "os" if key == "client_os" else key
    kind = context["type"]
    if kind == "trace":
        _trace(key, context, draft.notes)
    combined = _COMBINED.get(kind)
    if combined:
        _describe(kind, context)
        name, version = context.get("name"), context.get("version")
        if isinstance(name, str) and name and combined not in context:
            context[combined] = f"{name} {version}" if isinstance(version, str) and version else name
    _keep(draft, contexts, key, context)


def _trace(key: str, context: dict[str, Any], notes: Notes) -> None:
    for name, pattern in (("trace_id", _TRACE_ID), ("span_id", _SPAN_ID), ("parent_span_id", _SPAN_ID)):
        value = context.get(name)
        if value is None:
            continue
        text = value.replace("-", "").lower() if isinstance(value, str) else ""
        if pattern.fullmatch(text):
            context[name] = text
        else:
            del context[name]
            if value != "":
                notes.error("invalid_data", ("contexts", key, name), reason=f"invalid {name}")


def _describe(kind: str, context: dict[str, Any]) -> None:
    """Name and version out of a raw description, if that is all there is."""
    text = context.get("raw_description")
    if not isinstance(text, str) or context.get("name") or context.get("version"):
        return
    windows = _WINDOWS.match(text)
    if windows:
        context.update(name="Windows", version=windows["version"], build=windows["build"])
        return
    system = _SYSTEM.match(text)
    if system is None:
        return
    context["name"] = system["name"]
    context["kernel_version" if kind == "os" and system["name"] == "Linux" else "version"] = system["version"]


def _add_agent(draft: Draft, contexts: dict[str, Raw]) -> None:
    request = draft.event.request
    if not isinstance(request, dict):
        if not draft.event.csp:
            return
        headers: dict[str, str] = {}
    else:
        headers = {pair[0]: pair[1] for pair in request.get("headers") or () if isinstance(pair[1], str)}
    text = headers.get("User-Agent") or (draft.receipt.user_agent if draft.event.csp else "")
    os_key = "os" if draft.event.platform == "javascript" else "client_os"
    hints = agents.read_hints(headers) if "Sec-Ch-Ua" in headers else None
    for agent in (hints, agents.read_agent(text) if text else None):
        for key, context, raw in agents.contexts_of(agent, os_key) if agent is not None else ():
            if key not in contexts:
                draft.contexts[key] = context
                contexts[key] = raw
