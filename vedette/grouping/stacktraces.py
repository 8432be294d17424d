"""Stack traces: rules applied to frames, and what is left of them in each variant.

Source: the grouping specification, 4.2, section 5, 6.6 and 7.1.
"""

from dataclasses import dataclass
from functools import lru_cache

from msgspec import Struct

from vedette.grouping.builtin_rules import rules_with
from vedette.grouping.components import Component, node, silenced
from vedette.grouping.enhancements import ExceptionNames, FrameState, Outcome, Rules
from vedette.grouping.families import NATIVE
from vedette.grouping.frames import Shape, ShapeBook, is_url, trim_in_place
from vedette.wire.event import Frame, Stacktrace

SYSTEM, APP = "system", "app"
_NO_OUTCOME = Outcome()
_TRIMMED_PLATFORMS = NATIVE | {"csharp"}


class PreparedStacktrace(Struct, frozen=True, gc=False):
    """A stack trace after the rules: frames oldest first, with their shapes and group flags (None: no rule spoke)."""

    frames: list[Frame]
    shapes: list[Shape]
    groups: list[bool | None]
    outcome: Outcome
    platform: str


@dataclass(frozen=True, slots=True)
class Enhancer:
    """One set of rules with its memory."""

    rules: Rules
    shapes: ShapeBook


@lru_cache(maxsize=64)
def enhancer_for(project_text: str) -> Enhancer:
    """The built-in rules and those of a project."""
    rules = rules_with(project_text)
    return Enhancer(rules, ShapeBook(rules))


def prepare_stacktrace(
    stacktrace: Stacktrace, platform: str, enhancer: Enhancer, exception: ExceptionNames
) -> PreparedStacktrace:
    """Run the rules; sets `in_app` of every frame (and remembers the client's value where a rule changed it)."""
    frames = stacktrace.frames or []
    shape_of = enhancer.shapes.shape_of
    shapes: list[Shape] = []
    groups: list[bool | None] = []
    independent = True
    for frame in frames:
        if (frame.platform or platform) in _TRIMMED_PLATFORMS:
            trim_in_place(frame, frame.platform or platform)
        shape = shape_of(frame, platform)
        shapes.append(shape)
        if shape.verdict is None:
            independent = False
        else:
            groups.append(shape.verdict[1])
    if independent:
        for frame, shape in zip(frames, shapes, strict=True):
            in_app = shape.verdict[0] if shape.verdict is not None else None
            if in_app is not None and in_app != frame.in_app:
                _set_in_app(frame, in_app)
            elif frame.in_app is None:
                frame.in_app = False
        return PreparedStacktrace(frames, shapes, groups, _NO_OUTCOME, platform)
    states = [FrameState(frame.in_app) for frame in frames]
    outcome = enhancer.rules.apply(
        [shape.rules for shape in shapes], lambda index: shapes[index].names, states, exception
    )
    for frame, state in zip(frames, states, strict=True):
        if state.in_app is not None and state.in_app != frame.in_app:
            _set_in_app(frame, state.in_app)
        frame.in_app = bool(frame.in_app)
    return PreparedStacktrace(frames, shapes, [state.group for state in states], outcome, platform)


def _set_in_app(frame: Frame, in_app: bool) -> None:
    original = -1 if frame.in_app is None else int(frame.in_app)
    frame.data = {**(frame.data or {}), "orig_in_app": original}
    frame.in_app = in_app


def stacktrace_component(stack: PreparedStacktrace, variant: str) -> Component:
    """The stack trace as it counts in a variant."""
    only_app = variant == APP
    groups = stack.groups
    components: list[Component] = []
    previous: Frame | None = None
    for index, frame in enumerate(stack.frames):
        shape = stack.shapes[index]
        if only_app and not frame.in_app:
            component = shape.foreign
        elif groups[index] is False:
            component = silenced(shape.component, "a stack trace rule says so")
        elif previous is not None and frame.lineno == previous.lineno and _is_repetition(frame, previous):
            component = silenced(shape.component, "recursion")
        else:
            component = shape.component
        components.append(component)
        previous = frame
    if len(stack.frames) == 1 and (stack.frames[0].platform or stack.platform) == "javascript":
        only = stack.frames[0]
        if not only.function and not is_url(only.abs_path, with_files=True):
            components = [silenced(components[0], "a single frame without a function")]
    return _limited(components, stack.outcome)


def _is_repetition(frame: Frame, previous: Frame) -> bool:
    return (
        frame.function == previous.function
        and frame.module == previous.module
        and frame.abs_path == previous.abs_path
        and frame.filename == previous.filename
        and frame.package == previous.package
        and frame.colno == previous.colno
    )


def _limited(components: list[Component], outcome: Outcome) -> Component:
    if outcome.max_frames:
        left = outcome.max_frames
        for index in range(len(components) - 1, -1, -1):
            if components[index].contributes:
                if left <= 0:
                    components[index] = silenced(components[index], f"beyond max-frames={outcome.max_frames}")
                left -= 1
    component = node("stacktrace", components)
    if outcome.min_frames and sum(one.contributes for one in components) < outcome.min_frames:
        return silenced(component, f"fewer frames than min-frames={outcome.min_frames}")
    return component
