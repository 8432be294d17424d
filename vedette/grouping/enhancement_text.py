"""Reading stack trace rules.

Source: the grouping specification, 5.1.
"""

import re
from collections.abc import Callable

from vedette.grouping.enhancements import DYNAMIC, EXCEPTION, STATIC, Flag, Matcher, Rule, Rules
from vedette.grouping.globs import path_test, text_test
from vedette.grouping.rule_text import Cursor, rule_lines

_KEY = re.compile(r"[\w.-]+")
_WORD = re.compile(r"\S+")
_BRACKETED_WORD = re.compile(r"[^\s\]]+")
_FLAG = re.compile(r"(?P<range>[\^v]?)(?P<sign>[+-])(?P<flag>app|group)(?!\S)")
_SETTING = re.compile(r"(?P<name>[a-z-]+)=(?P<value>\S+)")
_SETTINGS = frozenset({"max-frames", "min-frames", "invert-stacktrace", "category", "prefix", "sentinel"})
_ALIASES = {
    "stack.abs_path": "path",
    "stack.function": "function",
    "stack.module": "module",
    "stack.package": "package",
    "error.type": "type",
    "error.value": "value",
    "error.mechanism": "mechanism",
}
_YES, _NO = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})


def parse_rules(text: str) -> Rules:
    """The rules of a text, one per line. Raises `RuleSyntaxError` naming line and column."""
    return Rules(tuple(_parse_rule(cursor) for cursor in rule_lines(text)))


def _parse_rule(cursor: Cursor) -> Rule:
    caller = callee = None
    if cursor.takes("["):
        caller = _bracketed(cursor)
        if not cursor.takes("|"):
            raise cursor.error("expected | behind the matcher of the caller")
        cursor.skip_spaces()
    matchers: list[Matcher] = []
    while callee is None and not cursor.is_at_end and not _is_action(cursor):
        if matchers and cursor.takes("|"):
            callee = _callee(cursor)
        else:
            matchers.append(_parse_matcher(cursor, _WORD))
        cursor.skip_spaces()
    if not matchers:
        raise cursor.error("expected a matcher such as function:name before the action")
    flags, settings = _parse_actions(cursor)
    return Rule(
        source=cursor.line.strip(),
        static=tuple(matcher for matcher in matchers if matcher.key in STATIC),
        dynamic=tuple(matcher for matcher in matchers if matcher.key in DYNAMIC),
        exception=tuple(matcher for matcher in matchers if matcher.key in EXCEPTION),
        caller=caller,
        callee=callee,
        flags=tuple(flags),
        category=settings.get("category"),
        max_frames=_number(settings.get("max-frames")),
        min_frames=_number(settings.get("min-frames")),
    )


def _callee(cursor: Cursor) -> Matcher:
    cursor.skip_spaces()
    if not cursor.takes("["):
        raise cursor.error("expected [ and the matcher of the callee behind |")
    return _bracketed(cursor)


def _bracketed(cursor: Cursor) -> Matcher:
    cursor.skip_spaces()
    matcher = _parse_matcher(cursor, _BRACKETED_WORD)
    cursor.skip_spaces()
    if not cursor.takes("]"):
        raise cursor.error("expected ] behind the matcher")
    cursor.skip_spaces()
    return matcher


def _is_action(cursor: Cursor) -> bool:
    if _FLAG.match(cursor.line, cursor.position):
        return True
    setting = _SETTING.match(cursor.line, cursor.position)
    return setting is not None and setting["name"] in _SETTINGS


def _parse_actions(cursor: Cursor) -> tuple[list[Flag], dict[str, str]]:
    flags: list[Flag] = []
    settings: dict[str, str] = {}
    while not cursor.is_at_end:
        start = cursor.position
        flag = cursor.match(_FLAG)
        if flag:
            name = "in_app" if flag["flag"] == "app" else "group"
            flags.append(Flag(name, flag["sign"] == "+", flag["range"]))
        elif _is_action(cursor) and (setting := cursor.match(_SETTING)):
            settings[setting["name"]] = setting["value"]
            if setting["name"].endswith("-frames") and not _is_number(setting["value"]):
                raise cursor.error(f"expected a number instead of '{setting['value']}'", setting.start("value"))
        else:
            raise cursor.error(f"expected an action instead of '{cursor.rest}'", start)
        cursor.skip_spaces()
    if not flags and not settings:
        raise cursor.error("expected an action such as -app or -group")
    return flags, settings


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _parse_matcher(cursor: Cursor, word: re.Pattern[str]) -> Matcher:
    begin = cursor.position
    negated = cursor.takes("!")
    start = cursor.position
    found = cursor.match(_KEY)
    if found is None or not cursor.takes(":"):
        cursor.position = begin
        raise cursor.error(f"expected a matcher (key:pattern) or an action instead of '{cursor.rest}'")
    key = _ALIASES.get(found[0], found[0])
    if key not in STATIC | DYNAMIC | EXCEPTION:
        raise cursor.error(f"unknown key '{found[0]}'", start)
    start = cursor.position
    argument = cursor.pattern(found[0], word)
    if key == "app" and argument.lower() not in _YES | _NO:
        raise cursor.error(f"expected yes or no instead of '{argument}'", start)
    return Matcher(key, negated, argument, _test(key, argument))


def _test(key: str, argument: str) -> Callable[[str], bool]:
    if key == "family":
        families = frozenset(part.strip() for part in argument.split(","))
        return lambda family: "all" in families or family in families
    if key == "app":
        return ("yes" if argument.lower() in _YES else "no").__eq__
    return path_test(argument) if key in ("path", "package") else text_test(argument)
