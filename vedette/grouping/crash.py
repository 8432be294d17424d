"""The main exception and the crash frame: what names an event.

Source: the grouping specification, 10.1 and 10.2.
"""

from collections.abc import Iterator

from vedette.wire.event import Event, ExceptionValue, Frame

_NAMELESS = frozenset({"<redacted>", "<unknown>"})


def main_exception(event: Event, index: int | None = None) -> ExceptionValue | None:
    """The exception that gives the event its title: the one at `index`, else the last."""
    if event.exception is None or not event.exception.values:
        return None
    return event.exception.values[-1 if index is None else index]


def crash_frames(event: Event) -> list[Frame]:
    """The frames that the crash frame is looked for in, oldest first."""
    exception = main_exception(event)
    if exception is not None and exception.stacktrace is not None and exception.stacktrace.frames:
        return exception.stacktrace.frames
    if event.stacktrace is not None and event.stacktrace.frames:
        return event.stacktrace.frames
    if event.threads is not None and len(event.threads.values) == 1:
        stacktrace = event.threads.values[0].stacktrace
        if stacktrace is not None and stacktrace.frames:
            return stacktrace.frames
    return []


def crash_frame(frames: list[Frame], *, named: bool = False) -> Frame | None:
    """The last in-app frame, else the last; with `named`, frames without a function name are passed over."""
    last: Frame | None = None
    for frame in _from_the_crash(frames, named):
        if frame.in_app:
            return frame
        last = last or frame
    return last


def _from_the_crash(frames: list[Frame], named: bool) -> Iterator[Frame]:
    for frame in reversed(frames):
        if not named or (frame.function and frame.function not in _NAMELESS):
            yield frame
