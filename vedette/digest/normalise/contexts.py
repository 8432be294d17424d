"""Contexts: what is known of the device, the system, the runtime, the trace …

Known contexts are decoded, the others keep their JSON text.

Source: the ingest specification, 7.8 and 9.8.
"""

import re
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from vedette.digest.draft import Draft
from vedette.digest.normalise import agents
from vedette.digest.notes import Notes

MAX_CONTEXTS = 100
_REMEMBERED_BYTES = 1024
_READ = frozenset({"device", "os", "runtime", "app", "browser", "gpu", "trace", "monitor", "client_os"})
_COMBINED = {"os": "os", "client_os": "os", "runtime": "runtime", "browser": "browser"}
_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SPAN_ID = re.compile(r"(?!0{16})[0-9a-f]{16}")
_WINDOWS = re.compile(r"Microsoft Windows (?P<version>\d+)\.(?P<minor>\d+)\.(?P<build>\d+)")
_SYSTEM = re.compile(r"(?P<name>\.?[A-Za-z][\w .-]{0,60}?) (?P<version>\d[\w.-]{0,60})")
_NET_FRAMEWORK = {
    build: version
    for version, builds in {
        "4.5": "378389",
        "4.5.1": "378675 378758",
        "4.5.2": "379893",
        "4.6": "393295 393297",
        "4.6.1": "394254 394271",
        "4.6.2": "394802 394806",
        "4.7": "460798 460805",
        "4.7.1": "461308 461310",
        "4.7.2": "461808 461814",
        "4.8": "528040 528049 528372 528449",
        "4.8.1": "533320 533325",
    }.items()
    for build in builds.split()
}
"""The release numbers that .NET Framework leaves in the registry."""
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


def reread(draft: Draft, key: str) -> None:
    """Let `draft.contexts` follow a change of the JSON text of one context."""
    raw = (draft.event.contexts or {}).get(key)
    value = _decode(raw) if raw is not None else None
    if isinstance(value, dict):
        draft.contexts[key] = value
    else:
        draft.contexts.pop(key, None)


def _read(draft: Draft, key: str, text: bytes, contexts: dict[str, Raw]) -> None:
    if len(text) + len(key) <= _REMEMBERED_BYTES and key != "trace" and b'"trace"' not in text and b"\\u" not in text:
        draft.contexts[key], contexts[key] = _remembered(key, text)
        return
    context = _decoded(key, text)
    if key == "trace" or context["type"] == "trace":
        _trace(key, context, draft.notes)
    _complete(context)
    _keep(draft, contexts, key, context)


@lru_cache(maxsize=1024)
def _remembered(key: str, text: bytes) -> tuple[dict[str, Any], Raw]:
    """A context that says the same in event after event: device, system, runtime … Shared: not to be changed."""
    context = _decoded(key, text)
    _complete(context)
    return context, Raw(_encode(context))


def _decoded(key: str, text: bytes) -> dict[str, Any]:
    context: dict[str, Any] = {name: value for name, value in _decode(text).items() if value is not None}
    if not isinstance(context.get("type"), str):
        context["type"] = "os" if key == "client_os" else key
    return context


def _complete(context: dict[str, Any]) -> None:
    kind = context["type"]
    combined = _COMBINED.get(kind)
    if combined:
        _describe(kind, context)
        name, version = context.get("name"), context.get("version")
        if isinstance(name, str) and name and combined not in context:
            context[combined] = f"{name} {version}" if isinstance(version, str) and version else name


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
    """Name and version out of a raw description, if that is all there is; a version for a build of .NET."""
    text = context.get("raw_description")
    if context.get("name") == ".NET Framework" and not context.get("version"):
        _name_net_framework(context)
        return
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


def _name_net_framework(context: dict[str, Any]) -> None:
    build = context.get("build")
    version = _NET_FRAMEWORK.get(build) if isinstance(build, str) else None
    if version:
        context["version"] = version


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
