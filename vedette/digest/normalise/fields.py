"""The plain fields of an event: one rule each.

Source: the ingest specification, 7.1, 9.2, 9.3 and 9.7.
"""

import re
from typing import Any

from vedette.core.ids import as_event_id
from vedette.digest import trim
from vedette.digest.draft import Draft
from vedette.digest.notes import Notes
from vedette.wire.event import Event, Sdk

LONGEST_RELEASE = 250  # the column holds as much; the API lets people and pipelines name 200
PLATFORMS = frozenset(
    "as3 c cfml cocoa csharp elixir go groovy haskell java javascript native node objc other perl php python "
    "ruby".split()
)
LEVELS: dict[str | int, str] = {
    "debug": "debug",
    "info": "info",
    "log": "info",
    "warning": "warning",
    "error": "error",
    "fatal": "fatal",
    "critical": "fatal",
    10: "debug",
    20: "info",
    30: "warning",
    40: "error",
    50: "fatal",
}
_FORBIDDEN = re.compile(r"[/\\\x00-\x1f\x7f]")
_DIST = re.compile(r"[a-zA-Z0-9_.-]+", re.ASCII)
_LOGGER_LIMIT = 64


def settle_fields(draft: Draft) -> Draft:
    """Bring every plain field of the event to its type, its bounds and its default."""
    event, notes = draft.event, draft.notes
    if event.event_id != draft.event_id:
        if event.event_id is not None and as_event_id(event.event_id) is None:
            notes.error("invalid_data", "event_id", value=event.event_id, reason="expected an event id")
        event.event_id = draft.event_id
    platform = event.platform
    event.platform = platform if isinstance(platform, str) and platform in PLATFORMS else "other"
    event.type = _type_of(event, draft.kind)
    event.level = _level(event.level, event.type, notes)
    event.logger = _logger(event, notes)
    if event.transaction is not None:
        event.transaction = _line(event.transaction, "transaction", 200, notes)
    if event.culprit is not None:
        event.culprit = _line(event.culprit, "culprit", 200, notes)
    if event.release is not None:
        event.release = _release(event.release, notes)
    if event.dist is not None:
        event.dist = _dist(event.dist, notes)
    if event.environment is not None:
        event.environment = _environment(event.environment, "environment", notes)
    if event.fingerprint is not None:
        event.fingerprint = _fingerprint(event.fingerprint, notes)
    if event.checksum is not None:
        event.checksum = _line(event.checksum, "checksum", 128, notes)
    event.project = draft.receipt.project_id
    event.version = "7"
    if event.sdk is None and draft.receipt.client:
        name, _, version = draft.receipt.client.partition("/")
        event.sdk = Sdk(name=name[:256] or None, version=version[:256] or None)
    if event.errors is not None and not isinstance(event.errors, list):
        event.errors = None
    return draft


def is_release(text: str) -> bool:
    """Whether `text` (stripped) may name a release: as long as the release specification (2.1, [V]) lets it be."""
    fits = 0 < len(text) <= LONGEST_RELEASE
    return fits and text not in (".", "..") and text.lower() != "latest" and _clean(text)


def is_environment(text: str) -> bool:
    """Whether `text` (stripped) may name an environment."""
    return bool(text) and len(text) <= 64 and text not in (".", "..") and text.lower() != "none" and _clean(text)


def _clean(text: str) -> bool:
    return _FORBIDDEN.search(text) is None


def _type_of(event: Event, kind: str) -> str:
    if kind in ("transaction", "feedback"):
        return kind
    if event.exception is not None and event.exception.values:
        return "error"
    return "csp" if event.csp else "default"


def _level(value: Any, event_type: str, notes: Notes) -> str:
    if value is not None:
        known = isinstance(value, (str, int)) and not isinstance(value, bool) and LEVELS.get(value)
        if known:
            return known
        notes.error("invalid_data", "level", value=value, reason="expected a level")
    return "info" if event_type == "transaction" else "error"


def _logger(event: Event, notes: Notes) -> str:
    value = event.logger
    if value is None:
        return ""
    if not isinstance(value, str) or "\n" in value or "\r" in value:
        notes.error("invalid_data", "logger", value=value, reason="expected one line of text")
        return ""
    if event.platform == "java" and len(value) > _LOGGER_LIMIT:
        end = value[1 - _LOGGER_LIMIT :]
        return "*" + end[max(end.find("."), 0) :]
    return trim.text(value, _LOGGER_LIMIT, 0, ("logger",), notes)


def _line(value: Any, name: str, limit: int, notes: Notes) -> str | None:
    if not isinstance(value, str):
        notes.error("invalid_data", name, value=value, reason="expected a string")
        return None
    return trim.text(value.strip(), limit, 0, (name,), notes) or None


def _release(value: Any, notes: Notes) -> str | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str):
        text = value.strip()
        if is_release(text):
            return text
    notes.error("invalid_data", "release", value=value, reason="expected a release name")
    return None


def _environment(value: Any, name: str, notes: Notes) -> str | None:
    if isinstance(value, str):
        text = value.strip()
        if is_environment(text):
            return text
    notes.error("invalid_data", name, value=value, reason="expected an environment name")
    return None


def _dist(value: Any, notes: Notes) -> str | None:
    if not isinstance(value, str):
        notes.error("invalid_data", "dist", value=value, reason="expected a string")
        return None
    text = value.strip()
    if not text:
        return None
    if len(text) > 64:
        notes.error("value_too_long", "dist", value=value)
        return None
    if _DIST.fullmatch(text):
        return text
    notes.error("invalid_data", "dist", value=value, reason="invalid character in dist")
    return None


def _fingerprint(value: Any, notes: Notes) -> list[str] | None:
    if not isinstance(value, list):
        notes.error("invalid_data", "fingerprint", value=value, reason="expected an array")
        return None
    entries: list[str] = []
    for index, entry in enumerate(value):
        if isinstance(entry, str):
            entries.append(entry)
        elif isinstance(entry, bool):
            entries.append("True" if entry else "False")
        elif isinstance(entry, (int, float)):
            entries.append(str(int(entry)))
        elif entry is not None:
            notes.error("invalid_data", ("fingerprint", str(index)), reason="expected a string")
    return entries or None
