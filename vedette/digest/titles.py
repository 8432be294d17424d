"""What an event is called: title, culprit, location, metadata, and the text it is found by.

Source: the grouping specification, section 10; the ingest specification, 14.10.
"""

from typing import Any

from vedette.digest.draft import Draft
from vedette.digest.normalise.security import text_of
from vedette.grouping.crash import crash_frame, crash_frames, main_exception
from vedette.grouping.families import NATIVE
from vedette.wire.event import Event, ExceptionValue, Frame

LINE_LIMIT = 256
CULPRIT_LIMIT = 200
SEARCH_LIMIT = 8192
_VALUE_LIMIT, _TYPE_LIMIT = 1024, 128


def entitle(draft: Draft) -> Draft:
    """Fill title, location, metadata and search message. Runs after grouping, which settles the frames."""
    event = draft.event
    frame = crash_frame(crash_frames(event), named=True)
    if event.type == "error":
        draft.metadata = _metadata(event, draft.grouping.main_exception if draft.grouping else None, frame)
        draft.title = _error_title(draft.metadata)
    else:
        text = _message(event)
        draft.title = first_line(text) or "<unlabeled event>"
        draft.metadata = _message_metadata(event, draft.title)
    if draft.grouping is not None and draft.grouping.title is not None:
        draft.title = draft.metadata["title"] = first_line(draft.grouping.title) or draft.title
    if frame is not None:
        draft.location = frame.filename or frame.abs_path or ""
    draft.message = _search_message(draft)
    return draft


def blame(draft: Draft) -> Draft:
    """Fill the culprit: where it happened. Runs after grouping, which settles the frames."""
    draft.culprit = culprit_of(draft.event)[:CULPRIT_LIMIT]
    draft.event.culprit = draft.culprit or None
    return draft


def first_line(text: str) -> str:
    """The first line that is not empty, of at most 256 characters, `...` included."""
    for line in text.strip().splitlines():
        line = line.strip()
        if line:
            return line if len(line) <= LINE_LIMIT else line[: LINE_LIMIT - 3] + "..."
    return ""


def culprit_of(event: Event) -> str:
    """Where it happened: what the client says, else its transaction, else the crashing function, else the URL."""
    if event.culprit:
        return str(event.culprit)
    if event.transaction:
        return str(event.transaction)
    exception = main_exception(event)
    if exception is not None and exception.mechanism is not None and exception.mechanism.synthetic:
        return ""
    found = _culprit_of_frames(_culprit_frames(event), event.platform)
    if found:
        return found
    url = event.request.get("url") if isinstance(event.request, dict) else None
    return url if isinstance(url, str) else ""


def _culprit_frames(event: Event) -> list[Frame]:
    for exception in reversed(event.exception.values) if event.exception is not None else ():
        if exception.stacktrace is not None and exception.stacktrace.frames:
            return exception.stacktrace.frames
    return (event.stacktrace.frames if event.stacktrace is not None else None) or []


def _culprit_of_frames(frames: list[Frame], platform: str) -> str:
    outside = ""
    for frame in reversed(frames):
        if frame.in_app or not outside:
            text = _culprit_of_frame(frame, frame.platform or platform)
            if text and frame.in_app:
                return text
            outside = outside or text
    return outside


def _culprit_of_frame(frame: Frame, platform: str) -> str:
    if platform in NATIVE:
        return frame.function or "?"
    place = frame.module or frame.filename
    if not place:
        return ""
    function = frame.function or "?"
    return f"{function}({place})" if platform in ("javascript", "node") else f"{place} in {function}"


def _metadata(event: Event, main: int | None, frame: Frame | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    exception = main_exception(event, main)
    if exception is not None:
        synthetic = exception.mechanism is not None and exception.mechanism.synthetic
        if not synthetic or _stands_for_a_dump(exception):
            metadata["type"] = (exception.type or "Error")[:_TYPE_LIMIT]
        value = exception.value or ""
        metadata["value"] = value if len(value) <= _VALUE_LIMIT else value[: _VALUE_LIMIT - 3] + "..."
    if frame is not None:
        if frame.filename or frame.abs_path:
            metadata["filename"] = frame.filename or frame.abs_path
        if frame.function:
            metadata["function"] = frame.function
    return metadata


def _stands_for_a_dump(exception: ExceptionValue) -> bool:
    """The made-up type of a crash dump that nobody has read is all there is to say of it."""
    return exception.mechanism is not None and exception.mechanism.type in ("minidump", "applecrashreport")


def _error_title(metadata: dict[str, Any]) -> str:
    kind, value = metadata.get("type"), first_line(metadata.get("value", ""))
    if kind:
        return f"{kind}: {value}" if value else kind
    return metadata.get("function") or "<unknown>"


def _message_metadata(event: Event, title: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"title": title}
    if event.type == "csp" and event.csp:
        metadata["directive"] = text_of(event.csp, "effective_directive")
        metadata["uri"] = text_of(event.csp, "blocked_uri")
        metadata["message"] = title
    return metadata


def _message(event: Event) -> str:
    entry = event.logentry
    return (entry.formatted or entry.message or "") if entry is not None else ""


def _search_message(draft: Draft) -> str:
    """The message, then every text of the metadata that is not in it yet, then the culprit."""
    text = _message(draft.event)
    for value in (*draft.metadata.values(), draft.culprit):
        if isinstance(value, str) and value and value not in text:
            text = f"{text} {value}" if text else value
    return text[:SEARCH_LIMIT]
