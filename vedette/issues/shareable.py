"""What of an event whoever has a public link may read: what broke, and where in the code.

A list of what is shown, so that what nobody thought of stays private: no user, no request, no breadcrumbs, no tags, no
contexts, no variables of frames, no data of mechanisms. Paths on a machine are cut down to their ends, because the
front of them is often somebody's name. Pure.
Source: the issue workflow specification, 8.4.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

MOST_EXCEPTIONS = 30
MOST_FRAMES = 250
PATH_PARTS = 3
_EVENT = ("event_id", "type", "platform", "level", "timestamp", "title", "culprit")
_EXCEPTION = ("type", "value", "module")
_MECHANISM = ("type", "handled", "synthetic")
_FRAME = ("function", "module", "lineno", "colno", "in_app", "context_line", "platform")
_LINES = ("pre_context", "post_context")
_ON_A_MACHINE = re.compile(r"(?:/|~|file:|[A-Za-z]:[\\/]|\\\\)")


def shareable(payload: object) -> dict[str, Any]:
    """The part of a stored event that everybody may see, in the words of the protocol. Total: any JSON gives one."""
    event = _dict(payload)
    shown = _only(event, _EVENT)
    exceptions = [_exception(one) for one in _values(event.get("exception"))[-MOST_EXCEPTIONS:]]
    if exceptions:
        shown["exception"] = {"values": exceptions}
    if stacktrace := _stacktrace(event.get("stacktrace")):
        shown["stacktrace"] = stacktrace
    entry = _dict(event.get("logentry"))
    message = entry.get("formatted") or entry.get("message")
    if isinstance(message, str):
        shown["logentry"] = {"formatted": message}
    return shown


def _exception(node: object) -> dict[str, Any]:
    one = _dict(node)
    shown = _only(one, _EXCEPTION)
    if mechanism := _only(_dict(one.get("mechanism")), _MECHANISM):
        shown["mechanism"] = mechanism
    if stacktrace := _stacktrace(one.get("stacktrace")):
        shown["stacktrace"] = stacktrace
    return shown


def _stacktrace(node: object) -> dict[str, Any]:
    frames = [_frame(frame) for frame in _list(_dict(node).get("frames"))[-MOST_FRAMES:]]
    return {"frames": frames} if frames else {}


def _frame(node: object) -> dict[str, Any]:
    frame = _dict(node)
    shown = _only(frame, _FRAME)
    for name in _LINES:
        if lines := [line for line in _list(frame.get(name)) if isinstance(line, str)]:
            shown[name] = lines
    if isinstance(filename := frame.get("filename") or frame.get("abs_path"), str):
        shown["filename"] = _without_its_front(filename)
    return shown


def _without_its_front(path: str) -> str:
    """The end of a path on a machine; any other name of a file as it is."""
    if not _ON_A_MACHINE.match(path):
        return path.partition("?")[0]
    parts = [part for part in re.split(r"[\\/]", path) if part]
    return "/".join(parts[-PATH_PARTS:]) if len(parts) <= PATH_PARTS else f"…/{'/'.join(parts[-PATH_PARTS:])}"


def _only(node: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Single values only: what is an object where none belongs may hold anything."""
    return {name: node[name] for name in names if isinstance(node.get(name), (str, int, float))}


def _values(node: object) -> list[Any]:
    return [one for one in _list(_dict(node).get("values")) if isinstance(one, dict)]


def _dict(node: object) -> dict[str, Any]:
    return node if isinstance(node, dict) else {}


def _list(node: object) -> list[Any]:
    return node if isinstance(node, list) else []
