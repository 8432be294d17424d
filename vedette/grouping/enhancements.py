"""Stack trace rules: which frames are in-app, and which do not count.

A rule's matchers divide into those that only look at one frame's names, whose answers are remembered with the frame,
and those that look at what other rules did or at the neighbours. So most rules cost nothing on most frames.

Source: the grouping specification, section 5.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import Struct

from vedette.grouping.families import family_of
from vedette.grouping.globs import compile_glob, path_matches

_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]+(?:"(?:[^"\\]|\\.)*")?')
_MATCHER = re.compile(r'(?P<not>!?)(?P<key>[\w.-]+):(?P<argument>"(?:[^"\\]|\\.)*"|\S+)$')
_FLAG = re.compile(r"(?P<range>[\^v]?)(?P<sign>[+-])(?P<flag>app|group)$")
_SETTING = re.compile(r"(?P<name>max-frames|min-frames|invert-stacktrace|category|prefix|sentinel)=(?P<value>\S+)$")
_ALIASES = {
    "stack.abs_path": "path",
    "stack.function": "function",
    "stack.module": "module",
    "stack.package": "package",
    "error.type": "type",
    "error.value": "value",
    "error.mechanism": "mechanism",
}
_STATIC = frozenset({"path", "function", "module", "package", "family"})
_DYNAMIC = frozenset({"app", "category"})
_EXCEPTION = frozenset({"type", "value", "mechanism"})
_YES, _NO = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})


class RuleSyntaxError(ValueError):
    """A rule cannot be read; says the line."""


@dataclass(frozen=True, slots=True)
class Names:
    """What rules can see of one frame. Paths are lower case with forward slashes; None never matches."""

    family: str
    function: str
    path: str | None
    module: str | None
    package: str | None


@dataclass(slots=True)
class FrameState:
    """What rules change of one frame."""

    in_app: bool | None
    group: bool | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition. `test` is given the text that `key` stands for, or None."""

    key: str
    negated: bool
    test: Callable[[str | None], bool]

    def of_names(self, names: Names) -> bool:
        """Whether a frame's names satisfy a static matcher."""
        value: str | None = getattr(names, self.key)
        return self.test(value) != self.negated

    def of_state(self, state: FrameState) -> bool:
        """Whether a frame's state satisfies a dynamic matcher."""
        if self.key == "app":
            value = "yes" if state.in_app else "no"
        else:
            value = state.category or ""
        return self.test(value) != self.negated


@dataclass(frozen=True, slots=True)
class Flag:
    """Set `name` (in_app or group) to `value` on the frame itself, those towards the crash (^) or the start (v)."""

    name: str
    value: bool
    range: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One line."""

    static: tuple[Matcher, ...]
    dynamic: tuple[Matcher, ...]
    exception: tuple[Matcher, ...]
    caller: Matcher | None
    callee: Matcher | None
    flags: tuple[Flag, ...]
    category: str | None
    max_frames: int | None
    min_frames: int | None

    @property
    def is_simple(self) -> bool:
        """Whether the rule looks at one frame's names only, and changes nothing but that frame's flags."""
        conditions = self.dynamic or self.exception or self.caller or self.callee
        effects = self.category is not None or self.max_frames is not None or self.min_frames is not None
        return not conditions and not effects and not any(flag.range for flag in self.flags)

    def may_match(self, names: Names) -> bool:
        """Whether the frame's names satisfy the rule; its other matchers may still say no."""
        return all(matcher.of_names(names) for matcher in self.static)


class ExceptionNames(Struct, frozen=True, gc=False):
    """What rules can see of the exception that a stack trace belongs to."""

    type: str | None = None
    value: str | None = None
    mechanism: str | None = None


@dataclass(slots=True)
class Outcome:
    """What the rules say of a whole stack trace besides its frames. None where no rule set it."""

    max_frames: int | None = None
    min_frames: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """An ordered list of rules."""

    rules: tuple[Rule, ...] = field(default=())

    def matching(self, names: Names) -> tuple[int, ...]:
        """The numbers of the rules that a frame with these names may satisfy."""
        return tuple(number for number, rule in enumerate(self.rules) if rule.may_match(names))

    def verdict(self, numbers: tuple[int, ...]) -> tuple[bool | None, bool | None] | None:
        """(in_app, group) that these rules give to a frame whatever the others are; None if that depends on them."""
        in_app = group = None
        for number in numbers:
            rule = self.rules[number]
            if not rule.is_simple:
                return None
            for flag in rule.flags:
                if flag.name == "in_app":
                    in_app = flag.value
                else:
                    group = flag.value
        return in_app, group

    def apply(
        self,
        candidates: list[tuple[int, ...]],
        names: Callable[[int], Names],
        states: list[FrameState],
        exception: ExceptionNames,
    ) -> Outcome:
        """Run the rules over the frames (oldest first), changing `states`.

        `candidates` holds `matching` of every frame. First pass: in_app and category; second: group and limits.
        """
        outcome = Outcome()
        hits = sorted({(number, index) for index, numbers in enumerate(candidates) for number in numbers})
        for first_pass in (True, False):
            for number, index in hits:
                rule = self.rules[number]
                if self._holds(rule, index, names, states, exception):
                    _act(rule, index, states, outcome, first_pass)
        return outcome

    def _holds(
        self,
        rule: Rule,
        index: int,
        names: Callable[[int], Names],
        states: list[FrameState],
        exception: ExceptionNames,
    ) -> bool:
        return (
            all(matcher.of_state(states[index]) for matcher in rule.dynamic)
            and all(matcher.test(getattr(exception, matcher.key)) != matcher.negated for matcher in rule.exception)
            and (rule.caller is None or _neighbour(rule.caller, index - 1, names, states))
            and (rule.callee is None or _neighbour(rule.callee, index + 1, names, states))
        )


def _neighbour(matcher: Matcher, index: int, names: Callable[[int], Names], states: list[FrameState]) -> bool:
    if not 0 <= index < len(states):
        return False
    return matcher.of_state(states[index]) if matcher.key in _DYNAMIC else matcher.of_names(names(index))


def _act(rule: Rule, index: int, states: list[FrameState], outcome: Outcome, first_pass: bool) -> None:
    if first_pass and rule.category is not None:
        states[index].category = rule.category
    for flag in rule.flags:
        if (flag.name == "in_app") != first_pass:
            continue
        reach = {"": range(index, index + 1), "^": range(index + 1, len(states)), "v": range(index)}[flag.range]
        for position in reach:
            setattr(states[position], flag.name, flag.value)
    if not first_pass:
        outcome.max_frames = outcome.max_frames if rule.max_frames is None else rule.max_frames
        outcome.min_frames = outcome.min_frames if rule.min_frames is None else rule.min_frames


def parse_rules(text: str) -> Rules:
    """The rules of a text, one per line. Raises `RuleSyntaxError` naming the line."""
    rules: list[Rule] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line and not line.startswith("#"):
            try:
                rules.append(_parse_rule(line))
            except ValueError as error:
                raise RuleSyntaxError(f"line {number}: {error}") from error
    return Rules(tuple(rules))


def _parse_rule(line: str) -> Rule:
    caller = callee = None
    head = re.match(r"\[(?P<matcher>[^\]]+)\]\s*\|\s*", line)
    if head:
        caller, line = _parse_matcher(head["matcher"].strip()), line[head.end() :]
    tail = re.search(r"\|\s*\[(?P<matcher>[^\]]+)\]", line)
    if tail:
        callee, line = _parse_matcher(tail["matcher"].strip()), line[: tail.start()] + line[tail.end() :]
    matchers: list[Matcher] = []
    flags: list[Flag] = []
    settings: dict[str, str] = {}
    for part in _PART.findall(line):
        flag, setting = _FLAG.match(part), _SETTING.match(part)
        if flag:
            name = "in_app" if flag["flag"] == "app" else "group"
            flags.append(Flag(name, flag["sign"] == "+", flag["range"]))
        elif setting:
            settings[setting["name"]] = setting["value"]
        elif flags or settings:
            raise ValueError(f"expected an action instead of '{part}'")
        else:
            matchers.append(_parse_matcher(part))
    if not matchers or not (flags or settings):
        raise ValueError("a rule needs matchers and an action")
    return Rule(
        static=tuple(matcher for matcher in matchers if matcher.key in _STATIC),
        dynamic=tuple(matcher for matcher in matchers if matcher.key in _DYNAMIC),
        exception=tuple(matcher for matcher in matchers if matcher.key in _EXCEPTION),
        caller=caller,
        callee=callee,
        flags=tuple(flags),
        category=settings.get("category"),
        max_frames=_number(settings.get("max-frames")),
        min_frames=_number(settings.get("min-frames")),
    )


def _number(text: str | None) -> int | None:
    if text is not None and not text.isdecimal():
        raise ValueError(f"expected a number instead of '{text}'")
    return None if text is None else int(text)


def _parse_matcher(text: str) -> Matcher:
    match = _MATCHER.match(text)
    if match is None:
        raise ValueError(f"expected key:pattern instead of '{text}'")
    key = _ALIASES.get(match["key"], match["key"])
    if key not in _STATIC | _DYNAMIC | _EXCEPTION:
        raise ValueError(f"unknown key '{match['key']}'")
    argument = match["argument"]
    if argument.startswith('"') and argument.endswith('"'):
        argument = re.sub(r"\\(.)", r"\1", argument[1:-1])
    return Matcher(key, bool(match["not"]), _test(key, argument))


def _test(key: str, argument: str) -> Callable[[str | None], bool]:
    if key == "family":
        families = frozenset(part.strip() for part in argument.split(","))
        return lambda family: "all" in families or family in families
    if key == "app":
        if argument.lower() not in _YES | _NO:
            raise ValueError(f"expected yes or no instead of '{argument}'")
        wanted = "yes" if argument.lower() in _YES else "no"
        return lambda value: value == wanted
    if key in ("path", "package"):
        path_pattern = compile_glob(argument.lower(), paths=True)
        return lambda path: path is not None and path_matches(path_pattern, path)
    pattern = compile_glob(argument)
    if key in _EXCEPTION:
        return lambda text: pattern.fullmatch(text or "<unknown>") is not None
    return lambda text: text is not None and pattern.fullmatch(text) is not None


def names_of(
    platform: str,
    abs_path: str | None,
    filename: str | None,
    module: str | None,
    function: str | None,
    package: str | None,
) -> Names:
    """A frame's names in the form that rules look at."""
    path = abs_path or filename
    return Names(
        family=family_of(platform),
        function=function or "<unknown>",
        path=path.replace("\\", "/").lower() if path else None,
        module=module or None,
        package=package.replace("\\", "/").lower() if package else None,
    )
