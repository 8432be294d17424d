"""Messages: template, parameters, and what they make together.

Source: the ingest specification, 9.8 (logentry).
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from vedette.digest.draft import Draft
from vedette.digest.notes import Notes
from vedette.wire.event import NOTHING, LogEntry

_PERCENT = re.compile(r"%(?P<verb>%|[#0\- +]{0,5}\d{0,4}(?:\.\d{0,4})?[hlL]?[diouxXeEfFgGcrsa])")
_NAMED = re.compile(r"%\((?P<name>[^()%]{1,100})\)[#0\- +]{0,5}\d{0,4}(?:\.\d{0,4})?[hlL]?[diouxXeEfFgGcrsa]|%%")
_BRACES = re.compile(r"\{\}")
_MAX_FORMATTED = 65_536


def settle_logentry(draft: Draft) -> Draft:
    """`event.logentry` with its formatted text, and a template only where that says something else."""
    event, notes = draft.event, draft.notes
    if event.message is not None:
        legacy = _from_message(event.message, notes)
        event.message = None
        if event.logentry is None:
            event.logentry = legacy
    entry = event.logentry
    if entry is None:
        return draft
    if not entry.message and not entry.formatted:
        if entry.message is None and entry.formatted is None:
            notes.error("missing_attribute", "logentry.formatted")
        event.logentry = None
        return draft
    if entry.message and not entry.formatted:
        formatted = _format(entry.message, _params(entry.params))
        if formatted is None:
            entry.formatted, entry.message = entry.message, None
        else:
            entry.formatted = formatted
    if entry.formatted == entry.message:
        entry.message = None
    return draft


def _from_message(message: Any, notes: Notes) -> LogEntry | None:
    if isinstance(message, str):
        return LogEntry(formatted=message) if message else None
    if isinstance(message, dict):
        texts = {name: message[name] for name in ("message", "formatted") if isinstance(message.get(name), str)}
        params = message.get("params")
        return LogEntry(**texts, params=NOTHING if params is None else Raw(msgspec.json.encode(params)))
    notes.error("invalid_data", "message", reason="expected a string or an object")
    return None


def _params(raw: Raw) -> Any:
    return None if raw is NOTHING else msgspec.json.decode(raw)


def _format(template: str, params: Any) -> str | None:
    """The template filled in; None if there is nothing to fill in, or too little to fill it."""
    if isinstance(params, list) and params:
        holes = _PERCENT if _PERCENT.search(template) else _BRACES
        texts = iter(params)
        return _filled(holes, template, lambda hole: _shown(next(texts))) if holes.search(template) else None
    if isinstance(params, dict) and params and _NAMED.search(template):
        return _filled(
            _NAMED, template, lambda hole: _shown(params[hole["name"]]) if hole["name"] in params else hole[0]
        )
    return None


def _filled(holes: re.Pattern[str], template: str, text_of: Callable[[re.Match[str]], str]) -> str | None:
    left = _MAX_FORMATTED

    def fill(hole: re.Match[str]) -> str:
        nonlocal left
        text = "%" if hole[0] == "%%" else text_of(hole)
        left -= len(text)
        return text if left >= 0 else ""

    try:
        return holes.sub(fill, template)
    except StopIteration:  # too few parameters
        return None


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value[:_MAX_FORMATTED]
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)
    return msgspec.json.encode(value).decode()
