"""Stack traces, exceptions and threads.

Source: the ingest specification, 7.6 and 9.12.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from vedette.digest.draft import Draft
from vedette.digest.notes import Notes, Path
from vedette.wire.event import NOTHING, Event, ExceptionValue, Frame, Stacktrace

MAX_FRAMES = 250
_OLDEST, _NEWEST = 50, 200
MAX_RICH_FRAMES = 50


def settle_stacktraces(draft: Draft) -> Draft:
    """Frames filled in and limited; exceptions that say nothing removed; a lone stack trace given to its exception."""
    event = draft.event
    if event.exception is not None:
        _settle_exceptions(event, draft.notes)
    for path, stacktrace in stacktraces_with_paths(event):
        frames = stacktrace.frames
        if frames:
            for index, frame in enumerate(frames):
                _settle_frame(frame, path, index, draft.notes)
            if len(frames) > MAX_RICH_FRAMES:
                stacktrace.frames = _limited(frames, path, draft.notes)
        if stacktrace.registers:
            stacktrace.registers = {name[:64]: _hex(value) for name, value in stacktrace.registers.items()}
    return draft


def stacktraces_with_paths(event: Event) -> Iterator[tuple[Path, Stacktrace]]:
    """Every stack trace of the event, and where it is."""
    if event.exception is not None:
        for index, exception in enumerate(event.exception.values):
            if exception.stacktrace is not None:
                yield ("exception", "values", str(index), "stacktrace"), exception.stacktrace
            if exception.raw_stacktrace is not None:
                yield ("exception", "values", str(index), "raw_stacktrace"), exception.raw_stacktrace
    if event.stacktrace is not None:
        yield ("stacktrace",), event.stacktrace
    if event.threads is not None:
        for index, thread in enumerate(event.threads.values):
            if thread.stacktrace is not None:
                yield ("threads", "values", str(index), "stacktrace"), thread.stacktrace
            if thread.raw_stacktrace is not None:
                yield ("threads", "values", str(index), "raw_stacktrace"), thread.raw_stacktrace


def _settle_exceptions(event: Event, notes: Notes) -> None:
    section = event.exception
    if section is None:
        return
    kept = [index for index, value in enumerate(section.values) if _settle_exception(value, index, notes)]
    if len(kept) < len(section.values):
        section.values = [section.values[index] for index in kept]
        notes.renumber(("exception", "values"), kept)
    if not section.values:
        event.exception = None
        if event.type == "error":
            event.type = "csp" if event.csp else "default"
    elif len(section.values) == 1 and section.values[0].stacktrace is None and event.stacktrace is not None:
        section.values[0].stacktrace, event.stacktrace = event.stacktrace, None
        notes.move(("stacktrace",), ("exception", "values", "0", "stacktrace"))


def _settle_exception(exception: ExceptionValue, index: int, notes: Notes) -> bool:
    """Whether the exception says anything at all."""
    if exception.mechanism is not None and not exception.mechanism.type:
        notes.error("invalid_data", ("exception", "values", str(index), "mechanism", "type"), reason="empty")
        exception.mechanism.type = "generic"
    if not exception.type:
        if not exception.value:
            notes.error("missing_attribute", ("exception", "values", str(index)))
            return False
        word, colon, rest = exception.value.partition(": ")
        if colon and word and len(word) <= 256 and not any(character.isspace() for character in word):
            exception.type, exception.value = word, rest
    return True


def _settle_frame(frame: Frame, path: Path, index: int, notes: Notes) -> None:
    if frame.function == "?":
        frame.function = None
    if not frame.filename:
        if frame.abs_path:
            frame.filename = _path_part(frame.abs_path) if "://" in frame.abs_path else frame.abs_path
    elif not frame.abs_path:
        frame.abs_path = frame.filename
    if frame.context_line is None and (frame.pre_context or frame.post_context):
        frame.context_line = ""
    if frame.instruction_addr is not None or frame.image_addr is not None or frame.symbol_addr is not None:
        for name in ("image_addr", "instruction_addr", "symbol_addr"):
            address = getattr(frame, name)
            if address is not None:
                setattr(frame, name, _hex(address))
                if getattr(frame, name) is None:
                    notes.error("invalid_data", (*path, "frames", str(index), name), reason="expected an address")


def _path_part(url: str) -> str:
    try:
        return urlsplit(url).path or url
    except ValueError:
        return url


def _hex(value: object) -> str | None:
    """`0x…` in lower case, of a hex text, a decimal text or a number; None for anything else."""
    if isinstance(value, str):
        try:
            value = int(value, 16 if value[:2] in ("0x", "0X") else 10) if len(value) <= 40 else None
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return f"{value:#x}"


def _limited(frames: list[Frame], path: Path, notes: Notes) -> list[Frame]:
    if len(frames) > MAX_FRAMES:
        notes.renumber((*path, "frames"), [*range(_OLDEST), *range(len(frames) - _NEWEST, len(frames))])
        notes.remark((*path, "frames"), "!limit", "x", length=len(frames))
        frames = frames[:_OLDEST] + frames[-_NEWEST:]
    rich = _rich_frames(frames)
    for index, frame in enumerate(frames):
        if index not in rich:
            frame.vars = NOTHING
            frame.pre_context = frame.post_context = None
    return frames


def _rich_frames(frames: list[Frame]) -> set[int]:
    """The indexes of the fifty frames that keep their variables and surrounding lines."""
    app = [index for index, frame in enumerate(frames) if frame.in_app]
    if len(app) > MAX_RICH_FRAMES:
        half = MAX_RICH_FRAMES // 2
        return {*app[:half], *app[-half:], len(frames) - 1}
    system = [index for index, frame in enumerate(frames) if not frame.in_app]
    room = MAX_RICH_FRAMES - len(app)
    first = room // 2
    last = room - first
    return {*app, *system[:first], *(system[-last:] if last else ())}
