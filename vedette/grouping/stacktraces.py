"""Stack traces: rules applied to frames, and what is left of them in each variant.

Source: the grouping specification, 4.2, section 5, 6.6 and 7.1.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import astuple

from vedette.grouping.builtin_rules import rules_with
from vedette.grouping.components import Component, node, silenced
from vedette.grouping.configs import FIRST, Config
from vedette.grouping.enhancements import ExceptionNames, FrameState, Outcome, Reasons, Rule, Rules
from vedette.grouping.families import NATIVE
from vedette.grouping.frames import FOREIGN, Shape, ShapeBook, is_url, trim_in_place
from vedette.grouping.globs import MOST_STEPS
from vedette.wire.event import Event, Frame, Stacktrace, stacktraces

SYSTEM, APP = "system", "app"
ORIGINAL = "orig_in_app"
NO_EXCEPTION = ExceptionNames()
_NO_OUTCOME = Outcome()
_IN_APP, _SILENCED = "in-app", "does not count"
_TRIMMED_PLATFORMS = NATIVE | {"csharp"}
_KEPT_VERDICTS = 1024
_LONGEST_KEPT_NAME = 1024  # of an exception


class PreparedStacktrace(Struct, frozen=True, gc=False):
    """A stack trace after the rules: frames oldest first, with their shapes and group flags (None: no rule spoke).

    `reasons` is None unless somebody wants to know them.
    """

    frames: list[Frame]
    shapes: list[Shape]
    groups: list[bool | None]
    outcome: Outcome
    platform: str
    config: Config
    reasons: Reasons | None = None


@dataclass(frozen=True, slots=True)
class Enhancer:
    """One set of rules under one configuration, with its memory; `explains` if it notes which rule did what."""

    rules: Rules
    shapes: ShapeBook
    config: Config
    explains: bool = False
    verdicts: "dict[tuple[object, ...], Verdict]" = field(default_factory=dict)

    def remember(self, key: tuple[object, ...], verdict: "Verdict") -> None:
        """Keep what the rules said of frames that look like this: crashes come in crowds."""
        if len(self.verdicts) >= _KEPT_VERDICTS:
            self.verdicts.clear()
        self.verdicts[key] = verdict


@dataclass(frozen=True, slots=True)
class Verdict:
    """What rules say of a whole stack trace: `in_app` and group flag of each frame, and the limits."""

    in_app: list[bool | None]
    groups: list[bool | None]
    outcome: Outcome


@lru_cache(maxsize=32)
def enhancer_for(project_text: str, config: Config = FIRST, explains: bool = False) -> Enhancer:
    """The built-in rules and those of a project."""
    rules = rules_with(project_text)
    return Enhancer(rules, ShapeBook(rules, config), config, explains)


def prepare_stacktrace(
    stacktrace: Stacktrace, platform: str, enhancer: Enhancer, exception: ExceptionNames
) -> PreparedStacktrace:
    """Run the rules; sets `in_app` of every frame (and remembers the client's value where a rule changed it)."""
    frames = stacktrace.frames or []
    shape_of = enhancer.shapes.shape_of
    shapes: list[Shape] = []
    groups: list[bool | None] = []
    independent = True
    trims = platform in _TRIMMED_PLATFORMS
    for frame in frames:
        if trims or frame.platform is not None:
            trim_in_place(frame, frame.platform or platform)
        if frame.data is not None and ORIGINAL in frame.data:
            _take_original(frame)  # only a claim
        shape = shape_of(frame, platform)
        shapes.append(shape)
        if shape.verdict is None:
            independent = False
        else:
            groups.append(shape.verdict[1])
    if independent and not enhancer.explains:
        for frame, shape in zip(frames, shapes, strict=True):
            in_app = shape.verdict[0] if shape.verdict is not None else None
            if in_app is not None and in_app != frame.in_app:
                _set_in_app(frame, in_app)
            elif frame.in_app is None:
                frame.in_app = False
        return PreparedStacktrace(frames, shapes, groups, _NO_OUTCOME, platform, enhancer.config)
    reasons: Reasons | None = [{} for _ in frames] if enhancer.explains else None
    verdict = _verdict(frames, shapes, enhancer, exception, reasons)
    for frame, in_app in zip(frames, verdict.in_app, strict=True):
        if in_app is not None and in_app != frame.in_app:
            _set_in_app(frame, in_app)
        frame.in_app = bool(frame.in_app)
    return PreparedStacktrace(frames, shapes, verdict.groups, verdict.outcome, platform, enhancer.config, reasons)


def _verdict(
    frames: list[Frame],
    shapes: list[Shape],
    enhancer: Enhancer,
    exception: ExceptionNames,
    reasons: Reasons | None,
) -> Verdict:
    """What the rules say of these frames. It depends on nothing but what is in the key."""
    asked = exception if enhancer.rules.ask_for_exceptions else None
    key = (asked, *shapes, *[frame.in_app for frame in frames])
    known = enhancer.verdicts.get(key) if reasons is None else None
    if known is not None:
        return known
    states = [FrameState(frame.in_app) for frame in frames]
    outcome = enhancer.rules.apply(
        [shape.rules for shape in shapes], lambda index: shapes[index].names, states, exception, reasons
    )
    verdict = Verdict([state.in_app for state in states], [state.group for state in states], outcome)
    if asked is None or all(len(name or "") <= _LONGEST_KEPT_NAME for name in astuple(asked)):
        enhancer.remember(key, verdict)
    return verdict


class Settling:
    """One event's stack traces on their way through the rules: each goes through them once."""

    __slots__ = ("_done", "_left", "enhancer", "platform")

    def __init__(self, enhancer: Enhancer, platform: str) -> None:
        self.enhancer, self.platform = enhancer, platform
        self._done: set[int] = set()
        self._left = MOST_STEPS

    def prepare(self, stacktrace: Stacktrace, exception: ExceptionNames = NO_EXCEPTION) -> PreparedStacktrace:
        """Run the rules over a stack trace."""
        self._done.add(id(stacktrace))
        enhancer = self.enhancer
        if enhancer.rules.weight:
            self._left -= enhancer.rules.steps(stacktrace.frames or (), exception)
            if self._left < 0:
                # Names and patterns beyond all measure: our own rules have to do.
                enhancer = enhancer_for("", enhancer.config, enhancer.explains)
        return prepare_stacktrace(stacktrace, self.platform, enhancer, exception)

    def prepare_rest(self, event: Event) -> None:
        """Run the rules over the stack traces that grouping did not look at: they have in-app frames, too."""
        if event.threads is None and event.stacktrace is None and not _has_raw(event):
            return
        for stacktrace in stacktraces(event):
            if id(stacktrace) not in self._done:
                self.prepare(stacktrace)


def _has_raw(event: Event) -> bool:
    return event.exception is not None and any(one.raw_stacktrace is not None for one in event.exception.values)


def unsettle(event: Event) -> None:
    """Put back what the rules changed when a stored event was grouped first."""
    for stacktrace in stacktraces(event):
        for frame in stacktrace.frames or ():
            if frame.data is not None and ORIGINAL in frame.data:
                original = _take_original(frame)
                frame.in_app = None if original == -1 else bool(original)


def _take_original(frame: Frame) -> object:
    data = dict(frame.data or {})
    original = data.pop(ORIGINAL)
    frame.data = data or None
    return original


def _set_in_app(frame: Frame, in_app: bool) -> None:
    original = -1 if frame.in_app is None else int(frame.in_app)
    frame.data = {**(frame.data or {}), ORIGINAL: original}
    frame.in_app = in_app


def stacktrace_component(stack: PreparedStacktrace, variant: str) -> Component:
    """The stack trace as it counts in a variant."""
    only_app = variant == APP
    groups = stack.groups
    revives = stack.config.revives_foreign_frames
    components: list[Component] = []
    previous: Frame | None = None
    for index, frame in enumerate(stack.frames):
        shape = stack.shapes[index]
        if only_app and not frame.in_app and not (revives and groups[index]):
            component = shape.foreign
        elif groups[index] is False:
            component = silenced(shape.component, _SILENCED)
        elif previous is not None and frame.lineno == previous.lineno and _is_repetition(frame, previous):
            component = silenced(shape.component, "recursion")
        else:
            component = shape.component
        components.append(
            component if stack.reasons is None else _explained(component, frame, groups[index], stack.reasons[index])
        )
        previous = frame
    if len(stack.frames) == 1 and (stack.frames[0].platform or stack.platform) == "javascript":
        only = stack.frames[0]
        if not only.function and is_url(only.abs_path, with_files=True) is stack.config.ignores_single_url:
            components = [silenced(components[0], "a single frame without a function")]
    return _limited(components, stack.outcome)


def _explained(component: Component, frame: Frame, group: bool | None, reasons: dict[str, Rule]) -> Component:
    """The same frame, with the rules that had the last word about it in its hint."""
    words = {
        "in_app": _IN_APP if frame.in_app else FOREIGN,
        "group": _SILENCED if group is False else "counts",
        "category": "has its category",
    }
    told = [f"{words[name]} by rule: {rule.source}" for name, rule in reasons.items()]
    is_told = any(line.startswith(f"{component.hint} by rule") for line in told)
    hint = "; ".join(told if is_told or not component.hint else [component.hint, *told])
    return Component(component.id, component.values, component.contributes, component.text, hint or None)


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
