"""The search language of release lists: text to terms. Pure; it looks nothing up.

Source: the release specification, 14.3; the search specification, 3, 8 and 16. Every term must hold. What no term can
mean is refused, so that no filter is silently ignored.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from vedette.core import searching
from vedette.core.errors import RuleBroken
from vedette.releases import versions
from vedette.releases.adoption import Stage

MAX_QUERY_LENGTH = 4096
MAX_VALUES = 200  # of all terms together, words of free text included: databases refuse what nests too deep
LATEST = "latest"

Operator = Literal["=", ">", ">=", "<", "<="]

_MAX_STORED = 2**63 - 1
_OPERATORS: tuple[Operator, ...] = (">=", "<=", ">", "<", "=")
_WILDCARD = re.compile(r"(?P<numbers>(?:[0-9]{1,19}\.){0,3})[*X](?:\.[*X])*")
_RELATIVE = re.compile(r"(?P<sign>[+-])(?P<number>[0-9]{1,9})(?P<unit>[smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = timedelta(microseconds=1)

NO_SEMVER = 'Invalid format of semantic version. For searching non-semver releases, use "release:" instead.'
NO_LIST = "Invalid operation 'IN' for semantic version filter."
NO_STAGE = "Unsupported release.stage value."


@dataclass(frozen=True, slots=True)
class Names:
    """Versions as they are stored, `latest`, or patterns with a star at one end or both."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VersionBound:
    """Versions that compare so with four `numbers` and `prerelease`, which is a `versions.prerelease_key`.

    Without `prerelease` it is a wildcard: versions that begin with `numbers`, of which there are up to three.
    """

    operator: Operator
    numbers: tuple[int, ...]
    prerelease: str | None
    package: str | None


@dataclass(frozen=True, slots=True)
class Packages:
    """Versions of one of these packages."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Build:
    """Builds that compare so with `number`; without one those whose code is `text`, which may end in a star, or, when
    that is empty, any."""

    operator: Operator
    number: int | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Builds:
    """Any of these."""

    values: tuple[Build, ...]


@dataclass(frozen=True, slots=True)
class Stages:
    """Releases in one of these stages, in the one environment that is looked at."""

    values: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Finalized:
    """Releases with a release date, or without."""

    is_it: bool


@dataclass(frozen=True, slots=True)
class Created:
    """Releases as old as this: from `since` until just before `before`."""

    since: datetime | None
    before: datetime | None


@dataclass(frozen=True, slots=True)
class FreeText:
    """Versions that contain the text, whatever the letter case."""

    text: str


Condition = Names | VersionBound | Packages | Builds | Stages | Finalized | Created | FreeText


@dataclass(frozen=True, slots=True)
class Term:
    """One condition, or its opposite."""

    condition: Condition
    negated: bool = False


def parse(text: str, now: datetime) -> tuple[Term, ...]:
    """The terms of `text`, free text joined to one; `now` is what relative dates count from. Raises `RuleBroken`."""
    if len(text) > MAX_QUERY_LENGTH:
        raise RuleBroken(f"The query is longer than {MAX_QUERY_LENGTH} characters.")
    found = list(searching.words(text))
    if sum(len(word.values) for word in found) > MAX_VALUES:
        raise RuleBroken(f"The query has more than {MAX_VALUES} conditions.")
    if any(word.is_boolean for word in found):
        raise RuleBroken(searching.NO_BOOLEANS)
    terms = [_term(word, now) for word in found if word.key]
    if free := " ".join(word.values[0] for word in found if not word.key):
        terms.append(Term(FreeText(free)))
    return tuple(terms)


def term_of(key: str, values: Sequence[str], negated: bool = False) -> Term:
    """The term that a key other than `release.created` makes of its values. Raises `RuleBroken`."""
    if key in _ORDERED and len(values) == 1 and values[0].startswith("!="):
        return term_of(key, (values[0][2:],), not negated)
    if key not in _READERS:
        raise RuleBroken(f"Invalid key for this search: {key[:50]}")
    return Term(_READERS[key](values), negated)


def _term(word: searching.Word, now: datetime) -> Term:
    if word.key == "release.created":
        return Term(_created(word.values, now), word.negated)
    return term_of(word.key, word.values, word.negated)


def _names(values: Sequence[str]) -> Names:
    for value in values:
        if "*" in value.removeprefix("*").removesuffix("*"):
            raise RuleBroken(f"A star stands at the beginning or the end of a version: {value[:50]!r}")
    return Names(tuple(values))


def _version(values: Sequence[str]) -> VersionBound:
    if len(values) != 1:
        raise RuleBroken(NO_LIST)
    operator, text = _operated(values[0])
    package, at, rest = text.partition("@")
    if not at:
        package, rest = "", text
    elif operator == "=":  # `package@>1.0` is as good as `>package@1.0`
        operator, rest = _operated(rest)
    if at and not package:
        raise RuleBroken(NO_SEMVER)
    return _bound(operator, rest, package or None)


def _bound(operator: Operator, text: str, package: str | None) -> VersionBound:
    version = versions.parse(text, without_package=True)
    if version.numbers is not None and "@" not in text and max(version.numbers) <= _MAX_STORED:
        return VersionBound(operator, version.numbers, versions.prerelease_key(version.pre), package)
    wildcard = _WILDCARD.fullmatch(text)
    numbers = tuple(int(part) for part in wildcard["numbers"].split(".")[:-1]) if wildcard else ()
    if wildcard is None or operator != "=" or any(number > _MAX_STORED for number in numbers):
        raise RuleBroken(NO_SEMVER)
    return VersionBound("=", numbers, None, package)


def _builds(values: Sequence[str]) -> Builds:
    return Builds(tuple(_build(value) for value in values))


def _build(value: str) -> Build:
    operator, text = _operated(value)
    if text.isascii() and text.isdigit() and len(text.lstrip("0")) <= 19 and int(text) <= _MAX_STORED:
        return Build(operator, int(text))
    if operator != "=":
        raise RuleBroken(f"Only builds that are numbers compare so: {value[:50]!r}")
    return Build("=", None, text)


def _stages(values: Sequence[str]) -> Stages:
    words = {stage.value: stage for stage in Stage}
    if not all(value in words for value in values):
        raise RuleBroken(NO_STAGE)
    return Stages(tuple(words[value] for value in values))


def _finalized(values: Sequence[str]) -> Finalized:
    if list(values) not in (["true"], ["false"]):
        raise RuleBroken("finalized is true or false.")
    return Finalized(values[0] == "true")


def _created(values: Sequence[str], now: datetime) -> Created:
    if len(values) == 1:
        try:
            return _span(values[0], now)
        except (ValueError, OverflowError):
            pass
    raise RuleBroken(f"Invalid date: {', '.join(values)[:50]!r}")


def _span(value: str, now: datetime) -> Created:
    if match := _RELATIVE.fullmatch(value):
        then = now - timedelta(seconds=int(match["number"]) * _UNITS[match["unit"]])
        return Created(then, None) if match["sign"] == "-" else Created(None, then + _INSTANT)
    operator, text = _operated(value)
    moment = datetime.fromisoformat(text)
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    match operator:
        case ">":
            return Created(moment + _INSTANT, None)
        case ">=":
            return Created(moment, None)
        case "<":
            return Created(None, moment)
        case "<=":
            return Created(None, moment + _INSTANT)
    if _DAY.fullmatch(text):
        return Created(moment, moment + timedelta(days=1))
    return Created(moment - timedelta(minutes=5), moment + timedelta(minutes=6))


def _operated(value: str) -> tuple[Operator, str]:
    """The operator in front of a value, `=` when there is none, and the rest."""
    for operator in _OPERATORS:
        if value.startswith(operator):
            return operator, value[len(operator) :]
    return "=", value


_READERS: dict[str, Callable[[Sequence[str]], Condition]] = {
    "release": _names,
    "release.version": _version,
    "release.package": lambda values: Packages(tuple(values)),
    "release.build": _builds,
    "release.stage": _stages,
    "finalized": _finalized,
}
_ORDERED = ("release.version", "release.build")
VERSION_KEYS = frozenset({"release.version", "release.package", "release.build", "release.stage"})
"""The keys that other searches know as well: there they stand for the versions that they find."""
