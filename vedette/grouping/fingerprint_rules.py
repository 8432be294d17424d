"""Fingerprint rules: what a project says about which events belong together, and what they are called.

A rule's matchers divide by the thing they look at; one single thing has to satisfy all matchers of its division, and
every division has to be satisfied. The first rule that matches wins.

Source: the grouping specification, section 3.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from vedette.grouping.families import family_of
from vedette.grouping.fingerprints import message_of
from vedette.grouping.globs import LONGEST_VALUE, MOST_STEPS, path_test, text_test, weight_of
from vedette.grouping.rule_text import Cursor, RuleSyntaxError, rule_lines
from vedette.grouping.sdks import sdk_group
from vedette.wire.event import Event, ExceptionValue, Frame, stacktraces

_KEY = re.compile(r"[A-Za-z0-9_.-]+")
_ARGUMENT = re.compile(r"\S+")
_VARIABLE = re.compile(r"\{\{ *[^ {}]+ *\}\}")
_VALUE = re.compile(r'[^\s{,"]+')
_ATTRIBUTE = re.compile(r'([A-Za-z_]\w*)=(?=")')
_ALIASES = {
    "error.type": "type",
    "error.value": "value",
    "stack.module": "module",
    "stack.abs_path": "path",
    "stack.package": "package",
    "stack.function": "function",
}
_FRAME = frozenset({"module", "path", "package", "function", "app"})
_EXCEPTION = frozenset({"type", "value"})
_OF_EVENT = frozenset({"logger", "level", "sdk", "family", "release"})
_IGNORING_CASE = frozenset({"message", "value", "level"})
_YES, _NO = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})
_EXPECTED = "expected a matcher such as error.type:DatabaseDown"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition. `test` is given the text that `key` stands for; where there is none, only a negated one holds."""

    key: str
    negated: bool
    test: Callable[[str], bool]
    weight: int

    def holds(self, text: str | None) -> bool:
        """Whether the thing with this text satisfies the matcher."""
        return (text is not None and self.test(text)) != self.negated


@dataclass(frozen=True, slots=True)
class FingerprintRule:
    """One line. `source` is the line itself; an empty fingerprint leaves grouping as it is."""

    source: str
    line: int
    fingerprint: tuple[str, ...]
    title: str | None
    of_event: tuple[Matcher, ...]
    of_exception: tuple[Matcher, ...]
    of_message: tuple[Matcher, ...]
    of_frame: tuple[Matcher, ...]

    def matches(self, event: Event, tags: Mapping[str, str]) -> bool:
        """Whether the event satisfies every division; what costs least is asked first."""
        return (
            all(matcher.holds(_of_event(matcher.key, event, tags)) for matcher in self.of_event)
            and (not self.of_exception or _any_exception(self.of_exception, event))
            and (not self.of_message or _any_message(self.of_message, event))
            and (not self.of_frame or _any_frame(self.of_frame, event))
        )


@lru_cache(maxsize=64)
def fingerprint_rules(text: str) -> tuple[FingerprintRule, ...]:
    """The rules of a project; a text that cannot be read is ignored as a whole."""
    try:
        return parse_fingerprint_rules(text)
    except RuleSyntaxError:
        return ()


def first_match(text: str, event: Event, tags: Mapping[str, str]) -> FingerprintRule | None:
    """The first rule of `text` that matches the event, whose frames are settled.

    None matches an event that would take too long: one of very many long names, asked for by very many long patterns.
    """
    if _steps(text, event) > MOST_STEPS:
        return None
    return next((rule for rule in fingerprint_rules(text) if rule.matches(event, tags)), None)


@lru_cache(maxsize=64)
def _weights(text: str) -> tuple[int, int]:
    """(of the matchers that look at frames, of all others)."""
    rules = fingerprint_rules(text)
    frames = sum(one.weight for rule in rules for one in rule.of_frame)
    others = (one for rule in rules for one in (*rule.of_event, *rule.of_exception, *rule.of_message))
    return frames, sum(one.weight for one in others)


def _steps(text: str, event: Event) -> int:
    """How many steps the rules may take over an event at most."""
    of_frames, of_others = _weights(text)
    steps = of_others * LONGEST_VALUE * (2 + 2 * len(_exceptions(event))) if of_others else 0
    if of_frames:
        frames = (frame for stacktrace in stacktraces(event) for frame in stacktrace.frames or ())
        steps += of_frames * sum(_longest_name(frame) for frame in frames)
    return steps


def _longest_name(frame: Frame) -> int:
    names = (frame.function, frame.module, frame.package, frame.abs_path or frame.filename)
    return min(max([len(name) for name in names if name], default=1), LONGEST_VALUE)


def _of_event(key: str, event: Event, tags: Mapping[str, str]) -> str | None:
    if key.startswith("tags."):
        return tags.get(key[5:])
    if key == "family":
        return family_of(event.platform)
    if key == "sdk":
        return sdk_group(event.sdk.name if event.sdk else None)
    value: str | None = getattr(event, key)
    return value or None


def _exceptions(event: Event) -> list[ExceptionValue]:
    return event.exception.values if event.exception is not None else []


def _any_exception(matchers: tuple[Matcher, ...], event: Event) -> bool:
    return any(all(one.holds(getattr(exception, one.key)) for one in matchers) for exception in _exceptions(event))


def _any_message(matchers: tuple[Matcher, ...], event: Event) -> bool:
    texts = dict.fromkeys([message_of(event), *(exception.value for exception in _exceptions(event))])
    return any(all(one.holds(text) for one in matchers) for text in texts if text is not None)


def _any_frame(matchers: tuple[Matcher, ...], event: Event) -> bool:
    frames = (frame for stacktrace in stacktraces(event) for frame in stacktrace.frames or ())
    return any(all(one.holds(_of_frame(one.key, frame)) for one in matchers) for frame in frames)


def _of_frame(key: str, frame: Frame) -> str | None:
    if key == "function":
        return frame.function or "<unknown>"
    if key == "module":
        return frame.module
    if key == "app":
        return "yes" if frame.in_app else "no"
    path = frame.package if key == "package" else frame.abs_path or frame.filename
    return path.replace("\\", "/").lower() if path else None


def parse_fingerprint_rules(text: str) -> tuple[FingerprintRule, ...]:
    """The rules of a text, one per line. Raises `RuleSyntaxError` with line and column."""
    return tuple(_parse_rule(cursor) for cursor in rule_lines(text))


def _parse_rule(cursor: Cursor) -> FingerprintRule:
    matchers: list[Matcher] = []
    while not cursor.takes("->"):
        if cursor.is_at_end:
            raise cursor.error("expected -> and a fingerprint behind the matchers" if matchers else _EXPECTED)
        matchers.append(_parse_matcher(cursor))
        cursor.skip_spaces()
    if not matchers:
        raise cursor.error(_EXPECTED, cursor.position - 2)
    fingerprint, title = _parse_values(cursor)
    return FingerprintRule(
        source=cursor.line.strip(),
        line=cursor.number,
        fingerprint=fingerprint,
        title=title,
        of_event=tuple(one for one in matchers if one.key in _OF_EVENT or one.key.startswith("tags.")),
        of_exception=tuple(one for one in matchers if one.key in _EXCEPTION),
        of_message=tuple(one for one in matchers if one.key == "message"),
        of_frame=tuple(one for one in matchers if one.key in _FRAME),
    )


def _parse_matcher(cursor: Cursor) -> Matcher:
    negated = cursor.takes("!")
    start = cursor.position
    key = cursor.quoted()
    if key is None:
        found = cursor.match(_KEY)
        if found is None:
            raise cursor.error(f"{_EXPECTED} instead of '{cursor.rest}'")
        key = found[0]
    if not cursor.takes(":"):
        raise cursor.error(f"expected : and a pattern behind '{key}'")
    name = _ALIASES.get(key, key)
    if name not in _FRAME | _EXCEPTION | _OF_EVENT | {"message"} and not (name.startswith("tags.") and name[5:]):
        raise cursor.error(f"unknown key '{key}'", start)
    start = cursor.position
    argument = cursor.pattern(key, _ARGUMENT)
    if name == "app" and argument.lower() not in _YES | _NO:
        raise cursor.error(f"expected yes or no instead of '{argument}'", start)
    weight = 0 if name in ("family", "sdk", "app") else weight_of(argument, paths=name in ("path", "package"))
    return Matcher(name, negated, _test(name, argument), weight)


def _test(key: str, argument: str) -> Callable[[str], bool]:
    if key in ("family", "sdk"):
        wanted = frozenset(part.strip() for part in argument.split(","))
        return lambda text: text in wanted or (key == "family" and "all" in wanted)
    if key == "app":
        return ("yes" if argument.lower() in _YES else "no").__eq__
    if key in ("path", "package"):
        return path_test(argument)
    return text_test(argument, ignore_case=key in _IGNORING_CASE)


def _parse_values(cursor: Cursor) -> tuple[tuple[str, ...], str | None]:
    """The fingerprint, and the title if one is given."""
    values: list[str] = []
    title: str | None = None
    cursor.skip_spaces()
    while not cursor.is_at_end:
        attribute = cursor.match(_ATTRIBUTE)
        if attribute:
            if attribute[1] != "title":
                raise cursor.error(f"unknown attribute '{attribute[1]}'", attribute.start())
            title = cursor.quoted()
        else:
            values.append(_parse_value(cursor))
        cursor.skip_spaces()
        if cursor.takes(","):
            cursor.skip_spaces()
            if cursor.is_at_end:
                raise cursor.error("expected a value behind the comma")
    if not values and title is None:
        raise cursor.error("expected a fingerprint behind ->")
    return tuple(values), title


def _parse_value(cursor: Cursor) -> str:
    quoted = cursor.quoted()
    if quoted is not None:
        return quoted
    found = cursor.match(_VARIABLE) or cursor.match(_VALUE)
    if found is None:
        raise cursor.error(f"expected a text or a {{{{ variable }}}} instead of '{cursor.rest}'")
    return found[0]
