"""Fingerprints: variables, and the rules that every project starts with.

Source: the grouping specification, sections 2 and 3.6.
"""

import re
from collections.abc import Mapping

from vedette.grouping.configs import Config
from vedette.grouping.crash import crash_frame, crash_frames, main_exception
from vedette.wire.event import Event

_VARIABLE = re.compile(r"\{\{ *(?P<name>[^ {}]+) *\}\}")
DEFAULT = "default"
_SINCE_2026 = frozenset({"raw_message", "error.raw_value", "raw_value"})
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


def resolve(entry: str, event: Event, tags: Mapping[str, str], config: Config) -> str:
    """A fingerprint entry with its variable (not `default`) replaced by what the event has."""
    name = variable_of(entry)
    return entry if name is None else value_of(name, event, tags, config) or entry


def fill_in(template: str, event: Event, tags: Mapping[str, str], config: Config) -> str:
    """A title with all its variables replaced; `{{ default }}` has no meaning in one and goes."""

    def value(match: re.Match[str]) -> str:
        name = match["name"]
        return "" if name == DEFAULT else value_of(name, event, tags, config) or match[0]

    return _VARIABLE.sub(value, template)


def value_of(name: str, event: Event, tags: Mapping[str, str], config: Config) -> str | None:
    """The value of a variable in fingerprints and title templates; None if the text is to stay as it is written."""
    if name in _SINCE_2026 and not config.parameterises_variables:
        return None
    if name.startswith("tags."):
        key = name[5:]
        return tags.get(key) or (event.transaction if key == "transaction" else None) or f"<no-value-for-tag-{key}>"
    if name == "transaction":
        return event.transaction or "<no-transaction>"
    if name in ("message", "raw_message"):
        text = message_of(event)
        is_raw = name == "raw_message" or not config.parameterises_variables
        return (text if is_raw else config.messages.parameterise(text)) or "<no-message>"
    if name == "level":
        return event.level or "<no-level>"
    if name == "logger":
        return event.logger or "<no-logger>"
    found = _of_exception(name, event, config) or _of_frame(name, event)
    return found or (f"<unrecognized-variable-{name}>" if config.parameterises_variables else None)


def message_of(event: Event) -> str:
    """The formatted message, else the template, else the value of the last exception."""
    entry = event.logentry
    if entry is not None and (entry.formatted or entry.message):
        return entry.formatted or entry.message or ""
    exception = main_exception(event)
    return (exception.value if exception else None) or ""


def _of_exception(name: str, event: Event, config: Config) -> str | None:
    exception = main_exception(event)
    if name in ("error.type", "type"):
        return (exception.type if exception else None) or "<no-type>"
    if name in ("error.value", "value"):
        text = (exception.value if exception else None) or ""
        return (config.messages.parameterise(text) if config.parameterises_variables else text) or "<no-value>"
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
