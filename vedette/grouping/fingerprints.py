"""Fingerprints: variables, and the rules that every project starts with.

Source: the grouping specification, sections 2 and 3.6.
"""

import re
from collections.abc import Mapping

from vedette.grouping.crash import crash_frame, crash_frames, main_exception
from vedette.grouping.messages import parameterise
from vedette.wire.event import Event

_VARIABLE = re.compile(r"\{\{ *(?P<name>[^ {}]+) *\}\}")
DEFAULT = "default"
_CHUNK_LOAD = "ChunkLoadError"
_HYDRATION = (
    "Hydration failed because the initial UI does not match what was rendered on the server.",
    "The server could not finish this Suspense boundary, likely due to an error during server rendering. "
    "Switched to client rendering.",
    "There was an error while hydrating this Suspense boundary. Switched to client rendering.",
    "There was an error while hydrating. Because the error happened outside of a Suspense boundary, the entire root "
    "will switch to client rendering.",
    "Text content does not match server-rendered HTML.",
)


def variable_of(entry: str) -> str | None:
    """The name of the variable that a fingerprint entry is, or None for plain text."""
    match = _VARIABLE.fullmatch(entry)
    return match["name"] if match else None


def is_default(entry: str) -> bool:
    """Whether a fingerprint entry stands for the default grouping."""
    return variable_of(entry) == DEFAULT


def builtin_fingerprint(event: Event, tags: Mapping[str, str]) -> tuple[str, list[str]] | None:
    """(name of the rule, fingerprint) of the built-in rule that matches the event, if one does."""
    if event.platform not in ("javascript", "node"):
        return None
    values = event.exception.values if event.exception is not None else ()
    for exception in values:
        if exception.type == _CHUNK_LOAD or (exception.value or "").startswith(_CHUNK_LOAD):
            return "chunk-load-error", ["chunkloaderror"]
    if tags.get("transaction") or event.transaction:
        texts = {exception.value for exception in values} | {message_of(event)}
        if not texts.isdisjoint(_HYDRATION):
            return "hydration-error", ["hydrationerror", "{{tags.transaction}}"]
    return None


def resolve(entry: str, event: Event, tags: Mapping[str, str]) -> str:
    """A fingerprint entry with its variable (not `default`) replaced by what the event has."""
    name = variable_of(entry)
    return entry if name is None else value_of(name, event, tags)


def value_of(name: str, event: Event, tags: Mapping[str, str]) -> str:
    """The value of a variable in fingerprints and title templates."""
    if name.startswith("tags."):
        key = name[5:]
        return tags.get(key) or (event.transaction if key == "transaction" else None) or f"<no-value-for-tag-{key}>"
    if name == "transaction":
        return event.transaction or "<no-transaction>"
    if name in ("message", "raw_message"):
        text = message_of(event)
        return (text if name == "raw_message" else parameterise(text)) or "<no-message>"
    if name == "level":
        return event.level or "<no-level>"
    if name == "logger":
        return event.logger or "<no-logger>"
    return _of_exception(name, event) or _of_frame(name, event) or f"<unrecognized-variable-{name}>"


def message_of(event: Event) -> str:
    """The formatted message, else the template, else the value of the last exception."""
    entry = event.logentry
    if entry is not None and (entry.formatted or entry.message):
        return entry.formatted or entry.message or ""
    exception = main_exception(event)
    return (exception.value if exception else None) or ""


def _of_exception(name: str, event: Event) -> str | None:
    exception = main_exception(event)
    if name in ("error.type", "type"):
        return (exception.type if exception else None) or "<no-type>"
    if name in ("error.value", "value"):
        return parameterise((exception.value if exception else None) or "") or "<no-value>"
    if name in ("error.raw_value", "raw_value"):
        return (exception.value if exception else None) or "<no-value>"
    return None


def _of_frame(name: str, event: Event) -> str | None:
    name = name.removeprefix("stack.")
    frame = crash_frame(crash_frames(event))
    if name == "function":
        return (frame.function if frame else None) or "<no-function>"
    if name in ("abs_path", "path"):
        return (frame.abs_path or frame.filename if frame else None) or "<no-abs-path>"
    if name == "filename":
        return (frame.filename or frame.abs_path if frame else None) or "<no-filename>"
    if name == "module":
        return (frame.module if frame else None) or "<no-module>"
    if name == "package":
        package = frame.package if frame else None
        return (package.replace("\\", "/").rpartition("/")[2] if package else None) or "<no-package>"
    return None
