"""For which issues it is to be looked who may have caused them.

Events ask for it, after they are stored; a job looks (`shipping.suspicion`). The row of an issue is the debounce: until
it has rested, nobody asks again. Events of organizations without commits ask for nothing, and pay nothing for that.
Source: the issue workflow specification, 13.
"""

import time
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from vedette.core import sql
from vedette.issues.models import Group, GroupSuspicion
from vedette.orgs.models import Organization
from vedette.releases.models import Commit
from vedette.tasks.names import SUSPECTS
from vedette.tasks.schedule import hasten

AFTER_SOMEBODY, AFTER_NOBODY = timedelta(days=7), timedelta(days=1)
KNOWN_SECONDS, UNKNOWN_SECONDS = 3600.0, 60.0  # how long it is believed that there are commits, and that there are none
_ASK = """
    ON CONFLICT (group_id) DO UPDATE SET event_id = excluded.event_id, asked_at = excluded.asked_at,
    rests_until = excluded.rests_until, attempts = 0
    WHERE issues_groupsuspicion.asked_at IS NULL AND issues_groupsuspicion.rests_until <= excluded.rests_until"""

_believed: dict[int, tuple[float, bool]] = {}


def with_commits(organization_ids: Collection[int]) -> set[int]:
    """Those of these organizations that have told of commits. At most one query, and for an hour none about those that
    have; one that tells of its first is heard within a minute."""
    now = time.monotonic()
    stale = {pk for pk in organization_ids if pk not in _believed or _believed[pk][0] <= now}
    if stale:
        rows = Organization.objects.filter(Exists(Commit.objects.filter(organization=OuterRef("pk"))), pk__in=stale)
        found = set(rows.values_list("pk", flat=True))
        for pk in stale:
            _believed[pk] = (now + (KNOWN_SECONDS if pk in found else UNKNOWN_SECONDS), pk in found)
    return {pk for pk in organization_ids if _believed[pk][1]}


def ask(arrived: Mapping[int, str], now: datetime) -> int:
    """Have it looked who may have caused these issues, of which `arrived` are the newest events (ids, stored), as far
    as they have rested; how many. One query where there is nothing to do."""
    busy = GroupSuspicion.objects.filter(Q(rests_until__gt=now) | Q(asked_at__isnull=False), group__in=list(arrived))
    due = arrived.keys() - set(busy.values_list("group_id", flat=True))
    if not due:
        return 0
    with transaction.atomic():
        there = Group.objects.filter(pk__in=due).order_by("pk").values_list("pk", flat=True)
        moment = sql.moment(now)
        sql.insert_rows(
            GroupSuspicion._meta.db_table,
            ("group_id", "event_id", "asked_at", "rests_until", "attempts"),
            [(pk, arrived[pk], moment, moment, 0) for pk in there],
            tail=_ASK,
        )
        hasten(SUSPECTS, now)
    return len(due)


def forget(group_ids: Collection[int], now: datetime) -> None:
    """Let the next event of these issues ask again."""
    rested = GroupSuspicion.objects.filter(group__in=list(group_ids), asked_at__isnull=True, rests_until__gt=now)
    rested.update(rests_until=now)
