"""Storms: issues that receive so much that only a sample of their events keeps its body.

Everything is counted as ever; what a storm saves is bodies. It begins when an issue has received more events in a
minute than its project allows, and ends when for two minutes nothing near that has come. Minutes are those of receipt,
so that catching up after an outage is no storm, and one that such a backlog tells of ends where it ended. The row of an
issue is written only by batches that hold much of it, and settles what several nodes see: counters grow in the
database, and whoever begins a storm writes the history.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from vedette.core import sql
from vedette.core.clock import as_z
from vedette.issues.models import Activity, ActivityType, GroupStorm

QUIET = timedelta(minutes=2)
_MINUTE = timedelta(minutes=1)
_LASTING = Q(began_at__isnull=False, ended_at__isnull=True)
_NOTICE = """
    INSERT INTO issues_groupstorm (group_id, minute, count, noticed_at, events, bodies) VALUES (%s, %s, %s, %s, 0, 0)
    ON CONFLICT (group_id) DO UPDATE SET
        count = CASE
            WHEN excluded.minute > issues_groupstorm.minute THEN excluded.count
            WHEN excluded.minute = issues_groupstorm.minute THEN issues_groupstorm.count + excluded.count
            ELSE issues_groupstorm.count END,
        minute = {greatest}(issues_groupstorm.minute, excluded.minute),
        noticed_at = excluded.noticed_at"""


@dataclass(frozen=True, slots=True)
class Gust:
    """What a batch holds of one issue in one minute of receipt: `count` events, the newest of them received at `at`
    (aware, UTC)."""

    project_id: int
    group_id: int
    count: int
    at: datetime
    limit_per_minute: int


def notice(gust: Gust, now: datetime) -> bool:
    """Count a gust; whether its issue is in a storm. Call it in the transaction that counts the events, in the order of
    the issues' ids: the row stays locked until that ends. A minute before the newest that was noticed is judged by what
    this gust alone holds of it, and one before a storm's beginning does not belong to that storm."""
    minute = gust.at.replace(second=0, microsecond=0)
    for storm in GroupStorm.objects.filter(_LASTING, group_id=gust.group_id, minute__lt=minute - QUIET - _MINUTE):
        _end(storm, storm.minute + _MINUTE)  # long over, and only noticed as long as the backlog took
    sql.run(
        _NOTICE.format(greatest=sql.greatest()),
        [gust.group_id, sql.moment(minute), gust.count, sql.moment(now)],
    )
    storm = GroupStorm.objects.get(group_id=gust.group_id)
    if storm.lasts and storm.began_at is not None and storm.began_at < minute + _MINUTE:
        return True
    if (gust.count if storm.minute > minute else storm.count) <= gust.limit_per_minute:
        return False
    if storm.lasts:  # one that began later: this is a backlog, behind what is known already
        return True
    GroupStorm.objects.filter(group_id=gust.group_id).update(began_at=gust.at, ended_at=None, events=0, bodies=0)
    Activity.objects.create(
        project_id=gust.project_id,
        group_id=gust.group_id,
        type=ActivityType.STORM_BEGAN,
        datetime=gust.at,
        data={"perMinute": gust.limit_per_minute},
    )
    return True


def count_bodies(group_id: int, events: int, bodies: int) -> None:
    """Add what a batch brought to a storm that lasts."""
    GroupStorm.objects.filter(group_id=group_id).update(events=F("events") + events, bodies=F("bodies") + bodies)


def end_quiet(now: datetime) -> int:
    """End the storms of which nothing was noticed for two minutes; how many. Of two nodes, one writes the history."""
    quiet = GroupStorm.objects.filter(_LASTING, noticed_at__lt=now - QUIET).select_related("group")
    return sum(_end(storm, storm.noticed_at) for storm in quiet.order_by("pk"))


def _end(storm: GroupStorm, at: datetime) -> bool:
    """End a storm of which nothing came since it was read, and write its history; whether this was the one to do so."""
    with transaction.atomic():
        rows = GroupStorm.objects.filter(_LASTING, pk=storm.pk, minute=storm.minute, noticed_at=storm.noticed_at)
        if not rows.update(ended_at=at):
            return False
        storm.refresh_from_db()
        Activity.objects.create(
            project_id=storm.group.project_id,
            group_id=storm.group_id,
            type=ActivityType.STORM_ENDED,
            datetime=at,
            data={
                "since": as_z(storm.began_at) if storm.began_at else None,
                "events": storm.events,
                "bodies": storm.bodies,
            },
        )
        return True
