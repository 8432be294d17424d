"""The events of an issue, all of them or those that a search among them finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.events import queries
from vedette.events.client import StoreUnavailable
from vedette.events.connection import event_store
from vedette.events.rows import EventSummary
from vedette.issues import search
from vedette.issues.conditions import split
from vedette.issues.models import Group
from vedette.orgs.access import Access
from vedette.releases.conditions import Scope
from vedette.web.issuepage import everything

OF_ISSUES = "conditions on issues, such as is:unresolved, do not apply to events"


@dataclass(frozen=True, slots=True)
class FoundEvents:
    """A page of events, newest first, and one more where there are more. `rows` is None while the event store is away;
    `problem` says why the search was not understood."""

    rows: Sequence[EventSummary] | None = ()
    problem: str = ""


def find_events(access: Access, group: Group, query: str, *, limit: int, offset: int) -> FoundEvents:
    """The events of the issue that `query` finds, in the language of the API's list of them."""
    window = everything(group, clock.now())
    scope = Scope(access.organization.pk, window.projects)
    try:
        terms = split(search.parse(query), access.organization, access.user, scope=scope)
    except RuleBroken as broken:
        return FoundEvents(problem=str(broken).removeprefix(search.PREFIX))
    if terms.relational:
        return FoundEvents(problem=OF_ISSUES)
    if terms.nothing:
        return FoundEvents()
    try:
        rows = queries.list_events(
            event_store(), window, group.pk, text=terms.text, tags=terms.tags, limit=limit, offset=offset
        )
    except StoreUnavailable:
        return FoundEvents(rows=None)
    return FoundEvents(rows)
