"""The search language of issue lists: text to terms. Pure; it looks nothing up.

Source: the search specification, sections 2 to 8, as far as it goes here: `key:value`, `!`, quotes, lists,
wildcards, `has:`, `is:`, and free text. Keys that are known but not searchable yet are refused by name, so that no
filter is silently ignored.
"""

import re
from dataclasses import dataclass

from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.issues.models import GroupStatus, GroupSubStatus

MAX_QUERY_LENGTH = 4096
MAX_VALUES = 200  # of all conditions together: databases refuse expressions that nest too deep
PREFIX = "Error parsing search query: "

STATUS_WORDS = {
    "resolved": GroupStatus.RESOLVED,
    "unresolved": GroupStatus.UNRESOLVED,
    "ignored": GroupStatus.IGNORED,
    "archived": GroupStatus.IGNORED,
    "muted": GroupStatus.IGNORED,
    "reprocessing": GroupStatus.REPROCESSING,
}
SUBSTATUS_WORDS = {substatus.word: substatus for substatus in GroupSubStatus}
ASSIGNMENT_WORDS = ("assigned", "unassigned")
IS_WORDS = sorted([*STATUS_WORDS, *SUBSTATUS_WORDS, *ASSIGNMENT_WORDS])

ALIASES = {
    "assigned_to": "assigned",
    "first-release": "first_release",
    "firstRelease": "first_release",
    "priority": "issue.priority",
    "project.name": "project",
    "platform.name": "platform",
    "firstSeen": "first_seen",
    "age": "first_seen",
    "lastSeen": "last_seen",
    "timesSeen": "times_seen",
    "bookmarked_by": "bookmarks",
    "subscribed_by": "subscribed",
}
ISSUE_KEYS = frozenset(
    {"status", "substatus", "assigned", "first_release", "issue", "issue.id", "issue.priority", "project", "project.id"}
)
NOT_YET = frozenset(
    """first_seen last_seen times_seen bookmarks subscribed assigned_or_suggested regressed_in_release event.timestamp
    timestamp issue.category issue.type team""".split()
)

_KEY = r"(?:[\w.\-]+|\"(?:\\.|[^\"\\])+\"|tags\[[^\]\s]+\])"
_FILTER = re.compile(rf"(?P<not>!?)(?P<key>{_KEY}):(?P<rest>.*)", re.DOTALL)
_QUOTED_TEXT = r"\"(?:\\.|[^\"\\])*\""
_QUOTED = re.compile(rf"{_QUOTED_TEXT}(?=\s|$)")
_WORD = re.compile(rf"{_QUOTED_TEXT}(?=\s|$)|\S+")
_ITEM = re.compile(rf"{_QUOTED_TEXT}|[^\s,\"]+")
_LIST = re.compile(rf"\[((?:{_QUOTED_TEXT}|[^\]()\"])*)\](?=\s|$)")
_HOLE = re.compile(r",\s*,")  # `[a,,b]` is no list but a text
_SPACE = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. An empty `key` is free text; `has` is kept as the key with the tag's name as its value.

    Several values mean any of them. `*` in a value that was not quoted is a wildcard, kept as it stands.
    """

    key: str
    values: tuple[str, ...]
    negated: bool = False


def parse(text: str) -> tuple[Term, ...]:
    """The terms of `text`, free text joined to one. Raises `RuleBroken` that quotes the offending piece."""
    if len(text) > MAX_QUERY_LENGTH:
        raise RuleBroken(f"{PREFIX}it is longer than {MAX_QUERY_LENGTH} characters")
    terms: list[Term] = []
    words: list[str] = []
    position = 0
    while (start := _SPACE.match(text, position)) and (position := start.end()) < len(text):
        if match := _FILTER.match(text, position):
            position = _take_filter(text, match, terms)
        elif word := _WORD.match(text, position):
            _refuse_boolean(word[0])
            words.append(_unquote(word[0], position))
            position = word.end()
    if sum(len(term.values) for term in terms) > MAX_VALUES:
        raise RuleBroken(f"{PREFIX}it has more than {MAX_VALUES} conditions")
    if words:
        terms.append(Term("", (" ".join(words),)))
    return tuple(terms)


def _take_filter(text: str, match: re.Match[str], terms: list[Term]) -> int:
    start = match.start("rest")
    key = _key_of(match["key"])
    values, end = _take_values(text, start, key)
    terms.append(_checked(Term(key, values, bool(match["not"])), text[match.start() : end]))
    return end


def _key_of(raw: str) -> str:
    if raw.startswith('"'):
        return _unquote(raw, 0)
    if raw.startswith("tags["):
        return raw
    return ALIASES.get(raw, raw)


def _take_values(text: str, start: int, key: str) -> tuple[tuple[str, ...], int]:
    """The values that begin at `start`, and where they end."""
    if (listed := _LIST.match(text, start)) and not _HOLE.search(re.sub(_QUOTED_TEXT, "x", listed[1])):
        values = tuple(_unquote(item, start) for item in _ITEM.findall(listed[1]))
        if not all(values) or len(values) <= _commas(listed[1]):
            raise RuleBroken(f"{PREFIX}Lists should not have empty values, column {start + 1}")
        return values, listed.end()
    if quoted := _QUOTED.match(text, start):
        return (_unquote(quoted[0], start),), quoted.end()
    end = start + len(text[start:].split(maxsplit=1)[0]) if text[start : start + 1].strip() else start
    plain = text[start:end]
    if not plain:
        raise RuleBroken(f"{PREFIX}Empty string after '{key}:', column {start + 1}")
    if '"' in plain:
        raise RuleBroken(f"{PREFIX}Invalid quote at {plain[:12]!r}, column {start + 1}")
    return (plain,), end


def _commas(text: str) -> int:
    return re.sub(_QUOTED_TEXT, "", text).count(",")


def _unquote(text: str, position: int) -> str:
    if not text.startswith('"'):
        return text
    if len(text) < 2 or not text.endswith('"'):
        raise RuleBroken(f"{PREFIX}Invalid quote at {text[:12]!r}, column {position + 1}")
    return re.sub(r'\\(["\\])', r"\1", text[1:-1])


def _refuse_boolean(word: str) -> None:
    if word.upper() in ("AND", "OR"):
        raise RuleBroken(
            f'{PREFIX}Boolean statements containing "OR" or "AND" are not supported in this search ({word!r})'
        )


def _checked(term: Term, piece: str) -> Term:
    if term.key in NOT_YET:
        raise RuleBroken(f"{PREFIX}'{term.key}' cannot be searched yet, in {piece!r}")
    if term.key == "is":
        if len(term.values) != 1:
            raise RuleBroken(f"{PREFIX}'is:' takes one value, not a list, in {piece!r}")
        if term.values[0] not in IS_WORDS:
            raise RuleBroken(f"{PREFIX}Invalid value for 'is' search, valid values are {', '.join(IS_WORDS)}")
    if term.key == "status" and not all(value in STATUS_WORDS for value in term.values):
        raise RuleBroken(f"{PREFIX}Invalid status in {piece!r}, valid values are {', '.join(sorted(STATUS_WORDS))}")
    if term.key == "substatus" and not all(value in SUBSTATUS_WORDS for value in term.values):
        raise RuleBroken(
            f"{PREFIX}Invalid substatus in {piece!r}, valid values are {', '.join(sorted(SUBSTATUS_WORDS))}"
        )
    if term.key == "issue.priority" and not all(value in ("high", "medium", "low") for value in term.values):
        raise RuleBroken(f"{PREFIX}Invalid priority in {piece!r}, valid values are high, low, medium")
    if term.key in ("issue.id", "project.id") and any(as_id(value) is None for value in term.values):
        raise RuleBroken(f"{PREFIX}Invalid number in {piece!r}")
    return term
