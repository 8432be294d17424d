"""Files and reports that came after their event learn its issue, and reports the environment; those that came before it
learn it with the event.

Source: the ingest specification, 14.23 (the last sentence) and 16.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from vedette.core import sql
from vedette.core.pieces import pieces
from vedette.digest.belongings import environment_ids
from vedette.events import queries
from vedette.events.client import EventStore
from vedette.events.rows import EventPlace
from vedette.issues.models import EventAttachment, Group, UserReport
from vedette.projects.models import Project

WAITING_FOR = timedelta(days=1)  # whose event is not known by then belongs to nothing
MOST_NEWEST = 2000  # of one run: what has just come is linked soon, whatever waits before it
MOST_WAITING = 20_000  # of one run, beside those: where the last run stopped, round and round
OUT_OF_ORDER = 10_000  # a batch on another node may have taken earlier numbers, and be committed later
ISSUES_AT_ONCE = 100  # of one transaction, which keeps their digest waiting

Model = type[EventAttachment] | type[UserReport]
Waiters = Mapping[int, Sequence[tuple[int, str]]]  # by issue: the rows, and where their events happened

_reached: dict[type, int] = {}  # the last row of either kind that this process has looked at
_begin: dict[type, int] = {}  # no row before this one is young enough


def link_late(events: EventStore, now: datetime) -> int:
    """Give rows of the last day that know no issue that of their event; how many did. Safe to repeat."""
    return sum(_link(model, events, now) for model in (EventAttachment, UserReport))


def _link(model: Model, events: EventStore, now: datetime) -> int:
    waiting = model._default_manager.filter(group__isnull=True, date_added__gte=now - WAITING_FOR)
    rows = _next_rows(model, waiting.values_list("pk", "project_id", "event_id"))
    found: dict[tuple[int, str], EventPlace] = {}
    for keys in pieces((project, event_id) for _, project, event_id in rows):
        found |= queries.places_of_events(events, keys)
    waiters: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for pk, project, event_id in rows:
        if (place := found.get((project, event_id))) is not None:
            waiters[place.group_id].append((pk, place.environment))
    return sum(_link_some(model, waiters, groups) for groups in pieces(waiters, ISSUES_AT_ONCE))


def _link_some(model: Model, waiters: Waiters, groups: Sequence[int]) -> int:
    """The rows that wait for these issues, in one transaction."""
    with transaction.atomic():
        # Locked, they cannot go before the rows name them.
        locked = Group.objects.select_for_update().filter(pk__in=groups).order_by("pk")
        alive = dict(locked.values_list("pk", "project_id"))
        owners = dict(Project.objects.filter(pk__in=set(alive.values())).values_list("pk", "organization_id"))
        wanted = [
            (group, pk, (owners[project], name)) for group, project in alive.items() for pk, name in waiters[group]
        ]
        if model is EventAttachment:
            return sql.run_many(
                "UPDATE issues_eventattachment SET group_id = %s WHERE id = %s AND group_id IS NULL",
                [(group, pk) for group, pk, _ in wanted],
            )
        environments = environment_ids({name for _, _, name in wanted})
        return sql.run_many(
            "UPDATE issues_userreport SET group_id = %s, environment_id = %s WHERE id = %s AND group_id IS NULL",
            [(group, environments.get(name), pk) for group, pk, name in wanted],
        )


def _next_rows(model: Model, waiting: QuerySet[Any, Any]) -> list[tuple[int, int, str]]:
    """The newest rows, and the next of all others: rows of no event, however many, keep nobody waiting for good."""
    waiting = waiting.filter(pk__gte=_first_worth_a_look(model, waiting))
    newest = list(waiting.order_by("-pk")[:MOST_NEWEST])
    reached = _reached.get(model, 0)
    rows = list(waiting.filter(pk__gt=reached).order_by("pk")[:MOST_WAITING])
    if len(rows) < MOST_WAITING:
        rows += waiting.filter(pk__lte=reached).order_by("pk")[: MOST_WAITING - len(rows)]
    _reached[model] = rows[-1][0] if rows else 0
    return sorted({*newest, *rows})


def _first_worth_a_look(model: Model, waiting: QuerySet[Any, Any]) -> int:
    """Where the rows that are young enough begin. Those before it are passed once and not at every run: they are of no
    event, and become ever more."""
    known = _begin.get(model, 0)
    first = waiting.filter(pk__gte=known).order_by("pk").first()
    if first is None:
        last = model._default_manager.filter(group__isnull=True).order_by("-pk").values_list("pk").first()
        first = last or (0,)
    _begin[model] = max(known, first[0] - OUT_OF_ORDER)
    return known
