"""Stack trace rules: which frames are in-app, and which do not count.

A rule's matchers divide into those that only look at one frame's names, whose answers are remembered for each name
(a program has many functions, but they lie in few files), and those that look at what other rules did or at the
neighbours. So most rules cost nothing on most frames. Rules that ask for a category are not even tried before some
frame of the stack trace has it.

Source: the grouping specification, section 5.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from vedette.grouping.families import family_of
from vedette.grouping.globs import LONGEST_VALUE, SPECIAL, weight_of
from vedette.wire.event import Frame

STATIC = frozenset({"path", "function", "module", "package", "family"})
DYNAMIC = frozenset({"app", "category"})
EXCEPTION = frozenset({"type", "value", "mechanism"})

_KEPT_NAMES = 16_384  # of each kind, for each family; some 3 MB
_LONGEST_KEPT_NAME = 512


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
    """One condition. `test` is given the text that `key` stands for; without one the condition does not hold."""

    key: str
    negated: bool
    argument: str
    test: Callable[[str], bool]

    def holds(self, text: str | None) -> bool:
        """Whether a text satisfies the matcher."""
        return (text is not None and self.test(text)) != self.negated

    def of_names(self, names: Names) -> bool:
        """Whether a frame's names satisfy a static matcher."""
        return self.holds(getattr(names, self.key))

    def of_state(self, state: FrameState) -> bool:
        """Whether a frame's state satisfies a dynamic matcher."""
        if self.key == "app":
            return self.holds("yes" if state.in_app else "no")
        return self.holds(state.category or "")

    @property
    def weight(self) -> int:
        """How many steps it takes at most for each character of its text."""
        return 0 if self.key in ("family", "app") else weight_of(self.argument, paths=self.key in ("path", "package"))

    @property
    def category(self) -> str | None:
        """The category that some frame must have for this to hold, if the matcher asks for one."""
        is_plain = self.key == "category" and not self.negated and not SPECIAL.search(self.argument)
        return self.argument if is_plain else None


@dataclass(frozen=True, slots=True)
class Flag:
    """Set `name` (in_app or group) to `value` on the frame itself, those towards the crash (^) or the start (v)."""

    name: str
    value: bool
    range: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One line, which is its `source`."""

    source: str
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
    def matchers(self) -> tuple[Matcher, ...]:
        """All of its conditions."""
        around = tuple(matcher for matcher in (self.caller, self.callee) if matcher is not None)
        return (*self.static, *self.dynamic, *self.exception, *around)

    @property
    def is_simple(self) -> bool:
        """Whether the rule looks at one frame's names only, and changes nothing but that frame's flags."""
        conditions = self.dynamic or self.exception or self.caller or self.callee
        effects = self.category is not None or self.max_frames is not None or self.min_frames is not None
        return not conditions and not effects and not any(flag.range for flag in self.flags)

    @property
    def needs(self) -> str | None:
        """A category without which the rule never holds; None if there is none."""
        around = (matcher for matcher in (*self.dynamic, self.caller, self.callee) if matcher is not None)
        return next((one.category for one in around if one.category is not None), None)

    def acts_in(self, first_pass: bool) -> bool:
        """Whether the rule changes anything in the first pass, or the second."""
        if any((flag.name == "in_app") == first_pass for flag in self.flags):
            return True
        return self.category is not None if first_pass else (self.max_frames is not None or self.min_frames is not None)


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


Reasons = list[dict[str, Rule]]
"""For each frame, the rule that had the last word about its `in_app`, `group` and `category`."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """A rule as it is looked at again and again."""

    rule: Rule
    is_simple: bool
    needs: str | None
    passes: tuple[bool, bool]  # acts in the second, in the first


class _Column:
    """The conditions that rules have on one of a frame's names. Sets of rules are bits of a number."""

    __slots__ = ("_asked", "_known", "_others")

    def __init__(self, key: str, rules: Sequence[tuple[int, Rule]]) -> None:
        self._asked: list[tuple[int, tuple[Matcher, ...]]] = []
        self._others = 0  # rules that do not ask for this name
        self._known: dict[str | None, int] = {}
        for number, rule in rules:
            matchers = tuple(one for one in rule.static if one.key == key)
            if matchers:
                self._asked.append((1 << number, matchers))
            else:
                self._others |= 1 << number

    def rules_for(self, name: str | None) -> int:
        """The rules that a frame with this name may satisfy, as far as this name goes."""
        known = self._known.get(name)
        if known is None:
            known = self._others
            for bit, matchers in self._asked:
                if all(one.holds(name) for one in matchers):
                    known |= bit
            if len(self._known) >= _KEPT_NAMES:
                self._known.clear()
            if name is None or len(name) <= _LONGEST_KEPT_NAME:
                self._known[name] = known
        return known


class _Columns:
    """All rules that a frame of one family may satisfy, by the names that they ask for."""

    __slots__ = ("_function", "_module", "_package", "_path")

    def __init__(self, family: str, rules: Sequence[Rule]) -> None:
        own = [
            (number, rule)
            for number, rule in enumerate(rules)
            if all(one.holds(family) for one in rule.static if one.key == "family")
        ]
        self._path, self._module = _Column("path", own), _Column("module", own)
        self._package, self._function = _Column("package", own), _Column("function", own)

    def rules_for(self, names: Names) -> int:
        """The rules that a frame with these names may satisfy."""
        return (
            self._path.rules_for(names.path)
            & self._module.rules_for(names.module)
            & self._package.rules_for(names.package)
            & self._function.rules_for(names.function)
        )


class Rules:
    """An ordered list of rules."""

    __slots__ = ("_numbers", "_of_family", "_plans", "ask_for_exceptions", "rules", "weight")

    def __init__(self, rules: tuple[Rule, ...] = (), trusted: int = 0) -> None:
        """The first `trusted` rules are our own, whose cost is known."""
        self.rules = rules
        self.weight = sum(matcher.weight for rule in rules[trusted:] for matcher in rule.matchers)
        self.ask_for_exceptions = any(rule.exception for rule in rules)
        self._plans = tuple(
            _Plan(rule, rule.is_simple, rule.needs, (rule.acts_in(False), rule.acts_in(True))) for rule in rules
        )
        self._of_family: dict[str, _Columns] = {}
        self._numbers: dict[int, tuple[int, ...]] = {}  # of sets of rules

    def steps(self, frames: Sequence[Frame], exception: ExceptionNames) -> int:
        """How many steps the rules (but those that are trusted) may take over a stack trace at most."""
        longest = max(len(exception.type or ""), len(exception.value or "")) if self.ask_for_exceptions else 0
        lengths = [
            max(len(frame.function or ""), len(frame.module or ""), len(frame.package or ""), _path_length(frame))
            for frame in frames
        ]
        return self.weight * sum([min(max(length, longest, 1), LONGEST_VALUE) for length in lengths])

    def matching(self, names: Names) -> tuple[int, ...]:
        """The numbers of the rules that a frame with these names may satisfy."""
        columns = self._of_family.get(names.family)
        if columns is None:
            columns = self._of_family[names.family] = _Columns(names.family, self.rules)
        found = columns.rules_for(names)
        numbers = self._numbers.get(found)
        if numbers is None:
            if len(self._numbers) >= _KEPT_NAMES:
                self._numbers.clear()
            numbers = self._numbers[found] = tuple([number for number in range(len(self.rules)) if found >> number & 1])
        return numbers

    def verdict(self, numbers: tuple[int, ...]) -> tuple[bool | None, bool | None] | None:
        """(in_app, group) that these rules give to a frame whatever the others are; None if that depends on them.

        Rules that need a category do not count: they have nothing to say where no frame gets one.
        """
        in_app = group = None
        for number in numbers:
            plan = self._plans[number]
            if plan.needs is not None:
                continue
            if not plan.is_simple:
                return None
            for flag in plan.rule.flags:
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
        reasons: Reasons | None = None,
    ) -> Outcome:
        """Run the rules over the frames (oldest first), changing `states`, and `reasons` where they are wanted.

        `candidates` holds `matching` of every frame. First pass: in_app and category; second: group and limits.
        """
        outcome = Outcome()
        hits: dict[int, list[int]] = {}
        for index, numbers in enumerate(candidates):
            for number in numbers:
                hits.setdefault(number, []).append(index)
        present: set[str] = set()
        for first_pass in (True, False):
            for number in sorted(hits):
                plan = self._plans[number]
                if not plan.passes[first_pass] or (plan.needs is not None and plan.needs not in present):
                    continue
                for index in hits[number]:
                    if _holds(plan.rule, index, names, states, exception):
                        _act(plan.rule, index, states, outcome, first_pass, reasons)
                        if plan.rule.category is not None:
                            present.add(plan.rule.category)
        return outcome


def _holds(
    rule: Rule,
    index: int,
    names: Callable[[int], Names],
    states: list[FrameState],
    exception: ExceptionNames,
) -> bool:
    """Whether the matchers hold that the frame's own names do not answer."""
    for matcher in rule.dynamic:
        if not matcher.of_state(states[index]):
            return False
    for matcher in rule.exception:
        if not matcher.holds(getattr(exception, matcher.key) or "<unknown>"):
            return False
    return (rule.caller is None or _neighbour(rule.caller, index - 1, names, states)) and (
        rule.callee is None or _neighbour(rule.callee, index + 1, names, states)
    )


def _neighbour(matcher: Matcher, index: int, names: Callable[[int], Names], states: list[FrameState]) -> bool:
    if not 0 <= index < len(states):
        return False
    return matcher.of_state(states[index]) if matcher.key in DYNAMIC else matcher.of_names(names(index))


def _act(
    rule: Rule,
    index: int,
    states: list[FrameState],
    outcome: Outcome,
    first_pass: bool,
    reasons: Reasons | None,
) -> None:
    if first_pass and rule.category is not None:
        states[index].category = rule.category
        if reasons is not None:
            reasons[index]["category"] = rule
    for flag in rule.flags:
        if (flag.name == "in_app") != first_pass:
            continue
        for position in _reach(flag.range, index, len(states)):
            setattr(states[position], flag.name, flag.value)
            if reasons is not None:
                reasons[position][flag.name] = rule
    if not first_pass:
        outcome.max_frames = outcome.max_frames if rule.max_frames is None else rule.max_frames
        outcome.min_frames = outcome.min_frames if rule.min_frames is None else rule.min_frames


def _reach(direction: str, index: int, count: int) -> range:
    if not direction:
        return range(index, index + 1)
    return range(index + 1, count) if direction == "^" else range(index)


def _path_length(frame: Frame) -> int:
    return len(frame.abs_path or frame.filename or "")


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
