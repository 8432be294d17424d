"""The search language of issue lists: text to terms. Pure; it looks nothing up.

Source: the search specification, sections 2 to 8, as far as it goes here: `key:value`, `!`, quotes, lists,
wildcards, `has:`, `is:`, and free text. Keys that are known but not searchable yet are refused by name, so that no
filter is silently ignored.
"""

from dataclasses import dataclass

from vedette.core import searching
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.issues.models import GroupStatus, GroupSubStatus
from vedette.releases.search import VERSION_KEYS, term_of

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
FOR_REVIEW = "for_review"
LINK_WORDS = ("linked", "unlinked")
IS_WORDS = sorted([*STATUS_WORDS, *SUBSTATUS_WORDS, *ASSIGNMENT_WORDS, *LINK_WORDS, FOR_REVIEW])

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
    """status substatus assigned bookmarks subscribed first_release regressed_in_release issue issue.id issue.priority
    project project.id""".split()
)
NOT_YET = frozenset(
    """first_seen last_seen times_seen assigned_or_suggested event.timestamp timestamp issue.category issue.type
    team""".split()
)


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
    free: list[str] = []
    for word in searching.words(text, ALIASES, prefix=PREFIX):
        if word.key:
            terms.append(_checked(Term(word.key, word.values, word.negated), word.written))
        elif word.is_boolean:
            raise RuleBroken(f"{PREFIX}{searching.NO_BOOLEANS} ({word.written!r})")
        else:
            free += word.values
    if sum(len(term.values) for term in terms) > MAX_VALUES:
        raise RuleBroken(f"{PREFIX}it has more than {MAX_VALUES} conditions")
    if free:
        terms.append(Term("", (" ".join(free),)))
    return tuple(terms)


def _checked(term: Term, piece: str) -> Term:
    if term.key in NOT_YET:
        raise RuleBroken(f"{PREFIX}'{term.key}' cannot be searched yet, in {piece!r}")
    if term.key == "is":
        if len(term.values) != 1:
            raise RuleBroken(f"{PREFIX}'is:' takes one value, not a list, in {piece!r}")
        if term.values[0] not in IS_WORDS:
            raise RuleBroken(f"{PREFIX}Invalid value for 'is' search, valid values are {', '.join(IS_WORDS)}")
    if term.key in VERSION_KEYS:
        _check_versions(term)
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


def _check_versions(term: Term) -> None:
    try:
        term_of(term.key, term.values)
    except RuleBroken as error:
        raise RuleBroken(f"{PREFIX}{error}") from error
