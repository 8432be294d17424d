"""Terms of a search, divided: what the relational database answers, and what the events answer.

Source: the search specification, sections 4, 5, 7 and 8. What says something of releases becomes a list of versions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from django.db.models import Q, QuerySet

from vedette.accounts.models import User
from vedette.core.errors import RuleBroken
from vedette.core.ids import parse_short_id
from vedette.events.filters import TagFilter
from vedette.issues.assignees import Assignee, parse_assignee
from vedette.issues.models import (
    PRIORITY_WORDS,
    GroupBookmark,
    GroupHistory,
    GroupLink,
    GroupStatus,
    GroupSubscription,
    GroupSubStatus,
    HistoryStatus,
    LinkedType,
)
from vedette.issues.search import FOR_REVIEW, LINK_WORDS, PREFIX, STATUS_WORDS, SUBSTATUS_WORDS, Term
from vedette.orgs.models import Organization
from vedette.releases.conditions import Scope, versions_of
from vedette.releases.latest import latest_versions
from vedette.releases.search import LATEST, VERSION_KEYS, term_of

_ARCHIVED = (
    GroupSubStatus.ARCHIVED_UNTIL_ESCALATING,
    GroupSubStatus.ARCHIVED_UNTIL_CONDITION_MET,
    GroupSubStatus.ARCHIVED_FOREVER,
)


@dataclass(slots=True)
class Conditions:
    """The two halves of a search. `nothing` is set when a term can match no issue (an unknown user)."""

    relational: Q = field(default_factory=Q)
    tags: tuple[TagFilter, ...] = ()
    text: str | None = None
    nothing: bool = False

    @property
    def event_half(self) -> bool:
        """Whether the events have to be asked."""
        return bool(self.tags or self.text)


def split(
    terms: Sequence[Term],
    organization: Organization,
    viewer: User | None = None,
    teams: frozenset[int] = frozenset(),
    *,
    scope: Scope,
) -> Conditions:
    """The halves of `terms`. `viewer` is who `me` means, `teams` the ids of the viewer's teams (`my_teams`), and
    releases are those of the `scope`. Raises `RuleBroken` for a stage without a single environment."""
    conditions = Conditions()
    tags: list[TagFilter] = []
    latest = cache(lambda: latest_versions(scope.organization_id, scope.projects, scope.environments))
    for written in terms:
        term = _with_latest(written, latest)
        if not term.values:
            conditions.nothing |= not term.negated
        elif term.key in VERSION_KEYS:
            filters = _versions(term, scope)
            conditions.nothing |= filters is None
            tags += filters or ()
        elif not term.key:
            conditions.text = term.values[0]
        elif term.key == "assigned":
            condition = _assigned(term.values, organization, viewer, teams)
            conditions.relational &= ~condition if term.negated else condition
        elif term.key in _OF_PEOPLE:
            condition = _of_people(term.key, term.values, organization, viewer)
            conditions.relational &= ~condition if term.negated else condition
        elif term.key in _RELATIONAL:
            condition = _RELATIONAL[term.key](term.values)
            conditions.relational &= ~condition if term.negated else condition
        else:
            tags.append(_tag(term))
    conditions.tags = tuple(tags)
    return conditions


def _is(values: Sequence[str]) -> Q:
    word = values[0]
    if word in STATUS_WORDS:
        return Q(status=STATUS_WORDS[word])
    if word in SUBSTATUS_WORDS:
        return _substatus(values)
    if word == FOR_REVIEW:
        return Q(inbox__isnull=False)
    if word in LINK_WORDS:
        tracked = GroupLink.objects.filter(linked_type=LinkedType.TRACKER_ISSUE)
        return Q(pk__in=tracked.values("group")) if word == "linked" else ~Q(pk__in=tracked.values("group"))
    return Q(assignee__isnull=word == "unassigned")


def _status(values: Sequence[str]) -> Q:
    return Q(status__in=[STATUS_WORDS[value] for value in values])


def _substatus(values: Sequence[str]) -> Q:
    """A substatus brings the status that it belongs to."""
    found = Q()
    for value in values:
        substatus = SUBSTATUS_WORDS[value]
        status = GroupStatus.IGNORED if substatus in _ARCHIVED else GroupStatus.UNRESOLVED
        found |= Q(substatus=substatus, status=status)
    return found


def _short_ids(values: Sequence[str]) -> Q:
    found = Q(pk__in=[])
    for value in values:
        parsed = parse_short_id(value)
        if parsed:
            found |= Q(project__slug=parsed[0], short_id=parsed[1])
    return found


_RELATIONAL: dict[str, Callable[[Sequence[str]], Q]] = {
    "is": _is,
    "status": _status,
    "substatus": _substatus,
    "issue": _short_ids,
    "issue.id": lambda values: Q(pk__in=[int(value) for value in values if int(value) < 2**63]),
    "issue.priority": lambda values: Q(priority__in=[n for n, word in PRIORITY_WORDS.items() if word in values]),
    "project": lambda values: Q(project__slug__in=[value.lower() for value in values]),
    "project.id": lambda values: Q(project_id__in=[int(value) for value in values if int(value) < 2**63]),
    "first_release": lambda values: Q(first_release__version__in=values),
    "regressed_in_release": lambda values: Q(
        pk__in=GroupHistory.objects.filter(status=HistoryStatus.REGRESSED, release__version__in=values).values("group")
    ),
}
_OF_PEOPLE: dict[str, QuerySet[Any]] = {
    "bookmarks": GroupBookmark.objects.all(),
    "subscribed": GroupSubscription.objects.filter(is_active=True),
}


def _of_people(key: str, values: Sequence[str], organization: Organization, viewer: User | None) -> Q:
    """Bookmarked by one of these, or told to one of these; an unknown name matches nothing."""
    people = [_named(value, organization, viewer) for value in values]
    ids = [who.id for who in people if who is not None and who.kind == "user"]
    return Q(pk__in=_OF_PEOPLE[key].filter(user_id__in=ids).values("group"))


def _named(text: str, organization: Organization, viewer: User | None) -> Assignee | None:
    try:
        return parse_assignee(text, organization, viewer)
    except RuleBroken:
        return None


def _assigned(values: Sequence[str], organization: Organization, viewer: User | None, teams: frozenset[int]) -> Q:
    """Assigned to one of these. A user stands for their teams too; an unknown name matches nothing."""
    found = Q(pk__in=[])
    for value in values:
        if value == "none":
            found |= Q(assignee__isnull=True)
        elif value == "my_teams":
            found |= Q(assignee__team_id__in=teams)
        else:
            found |= _assigned_to(value, organization, viewer, teams)
    return found


def _assigned_to(value: str, organization: Organization, viewer: User | None, teams: frozenset[int]) -> Q:
    try:
        who = parse_assignee(value, organization, viewer)
    except RuleBroken:
        return Q(pk__in=[])
    if who is None:
        return Q(assignee__isnull=True)
    if who.kind == "team":
        return Q(assignee__team_id=who.id)
    own = teams if viewer is not None and who.id == viewer.pk else frozenset()
    return Q(assignee__user_id=who.id) | Q(assignee__team_id__in=own)


def _tag(term: Term) -> TagFilter:
    if term.key == "has":
        return TagFilter(term.values[0], "!has" if term.negated else "has")
    if term.values == ("",):
        return TagFilter(term.key, "has" if term.negated else "!has")
    if any("*" in value for value in term.values):
        return TagFilter(term.key, "!like" if term.negated else "like", term.values)
    return TagFilter(term.key, "!=" if term.negated else "=", term.values)


def _with_latest(term: Term, latest: Callable[[], Sequence[str]]) -> Term:
    """The term with the versions that `latest` stands for: of each project the latest release, perhaps none."""
    if term.key not in ("release", "first_release") or LATEST not in term.values:
        return term
    return replace(term, values=(*(value for value in term.values if value != LATEST), *latest()))


def _versions(term: Term, scope: Scope) -> tuple[TagFilter, ...] | None:
    """The releases that a term means, as conditions on events; None if no event can have one of them.

    As with other keys, what is negated holds for events without a release too.
    """
    try:
        meant = term_of(term.key, term.values, term.negated)
        found = versions_of(replace(meant, negated=False), scope)
    except RuleBroken as error:
        raise RuleBroken(f"{PREFIX}{error}") from error
    if found.are_left_out:
        left_out = TagFilter("release", "!=", found.names)
        return (TagFilter("release", "=", (*found.names, "")),) if meant.negated else (left_out, _HAS_RELEASE)
    if not found.names:
        return () if meant.negated else None
    return (TagFilter("release", "!=" if meant.negated else "=", found.names),)


_HAS_RELEASE = TagFilter("release", "has")
