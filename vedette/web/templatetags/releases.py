"""How pages of releases say rates."""

import re

from django import template

from vedette.issues.models import Group
from vedette.web import releasefilters
from vedette.web.comparepage import Comparison, Side
from vedette.web.streampage import IssueWords, words_of

register = template.Library()
_STANDS_IN = re.compile(r"organization-\d+")


@register.filter
def crash_free(rate: object) -> str:
    """A crash-free rate; a dash where there is none."""
    return releasefilters.crash_free(_number(rate))


@register.filter
def judged(rate: object) -> str:
    """How good a crash-free rate is, in a word; nothing where there is none."""
    return releasefilters.judged(_number(rate))


@register.filter
def repository(name: str) -> str:
    """A repository as people know it. Commits that come without one are kept in a stand-in, which has no name."""
    return "no named repository" if _STANDS_IN.fullmatch(name) else name


@register.filter
def adopted(value: object) -> str:
    """An adoption in per cent, whole; `<1%` for little."""
    rate = _number(value)
    if rate is None:
        return "—"
    return "<1%" if 0 < rate < 1 else f"{rate:.0f}%"


@register.filter
def seconds(value: object) -> str:
    """A duration for people: `0.4 s`, `12 s`, `3 min`, `2.5 h`."""
    length = _number(value)
    if length is None:
        return "—"
    if length < 60:
        return f"{length:.1f} s" if length < 10 else f"{length:.0f} s"
    return f"{length / 60:.0f} min" if length < 7200 else f"{length / 3600:.1f} h"


@register.filter
def of_hundred(value: object) -> str:
    """Per cent as the width of a bar between 0 and 100, at least 1 if there is anything."""
    rate = _number(value)
    return f"{max(1.0, min(100.0, rate)):.1f}" if rate else "0"


@register.filter
def points(change: object) -> str:
    """A change of a rate: `0.4 points more`, `2.1 points fewer`, `just as many`."""
    number = _number(change) or 0.0
    if abs(number) < 0.05:
        return "just as many"
    return f"{abs(number):.1f} points {'more' if number > 0 else 'fewer'}"


@register.filter
def is_web_address(value: object) -> bool:
    """Whether it may be a link: strangers write addresses."""
    return isinstance(value, str) and value.startswith(("https://", "http://"))


@register.filter
def words(group: Group) -> IssueWords:
    """How an issue is called."""
    return words_of(group)


@register.filter
def sides(comparison: Comparison) -> tuple[Side, Side]:
    """The two of a comparison, in the order in which they were asked for."""
    return comparison.a, comparison.b


def _number(value: object) -> float | None:
    """A template gives an empty text for what is not there."""
    return float(value) if isinstance(value, int | float) else None
