"""What is expected of issues that are archived until they escalate, kept for two weeks and made anew four times a day.

Source: the issue workflow specification, 4.4 and 4.5.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from vedette.core.pieces import delete_in_pieces
from vedette.events import queries
from vedette.events.client import EventStore
from vedette.events.rows import Window
from vedette.issues.forecast import DAYS, WEEK, ceilings
from vedette.issues.models import Group, GroupForecast, GroupStatus, GroupSubStatus

_AT_ONCE = 200
_HOUR = timedelta(hours=1)
KEPT = timedelta(days=DAYS)


def make_forecasts(store: EventStore, groups: Sequence[Group], now: datetime) -> int:
    """Expect of these issues what their last week says; how many there is something to say of. One that nothing was
    heard of for a week gets none. Raises `StoreUnavailable`."""
    if not groups:
        return 0
    end = now.replace(minute=0, second=0, microsecond=0) + _HOUR
    week = Window(tuple(sorted({group.project_id for group in groups})), end - WEEK, end)
    numbers = queries.issue_numbers(store, week, [group.pk for group in groups], series=(week, 3600))
    rows = []
    for group in sorted(groups, key=lambda group: group.pk):
        counts = numbers[group.pk].series
        if any(counts):
            expected = ceilings(counts, end, is_young=group.first_seen > now - WEEK)
            rows.append(GroupForecast(group_id=group.pk, ceilings=expected, made_at=now))
    GroupForecast.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["group"], update_fields=["ceilings", "made_at"]
    )
    return len(rows)


def rebuild(store: EventStore, now: datetime) -> int:
    """Expect anew of every issue that is archived until it escalates and was seen in the last week; how many. Raises
    `StoreUnavailable`; safe to repeat."""
    delete_in_pieces(GroupForecast.objects.filter(made_at__lt=now - KEPT))
    waiting = Group.objects.filter(
        status=GroupStatus.IGNORED, substatus=GroupSubStatus.ARCHIVED_UNTIL_ESCALATING, last_seen__gte=now - WEEK
    ).order_by("pk")
    made, after = 0, 0
    while groups := list(waiting.filter(pk__gt=after)[:_AT_ONCE]):
        after = groups[-1].pk
        made += make_forecasts(store, groups, now)
    return made
