"""The events of fingerprints that were split off, moved to their new issue, and the numbers of both.

They are moved in turns. A turn first writes down how many events there are to move, then moves them, then adds them to
the one issue and takes them from the other, in the transaction that ends the turn: whoever is killed in between, or
does the same at once on another node, comes to the same sums. That number is right because no event joins those that a
turn moves: none is counted in the old issue any more (`issues.arrivals`), and what batches that were in hand when the
first turn began may still bring is left for a turn after them. What lives through an hour in hand belongs to a node
that is away; its events stay where they were counted.
Source: the issue workflow specification, section 9 with its [V].
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from vedette.events import queries
from vedette.events.client import EventStore
from vedette.events.moving import move_hashes
from vedette.events.queries.hashes import count_of_hashes
from vedette.issues.models import EventAttachment, Group, GroupHash, GroupSnooze, GroupSplit, UserReport
from vedette.issues.recounting import recount
from vedette.issues.unmerging import LOCKED

AT_ONCE = 100
PIECE = 1000
LONGEST_IN_HAND = timedelta(hours=1)
InHand = Callable[[], Collection[int]]


def move_unmerged(store: EventStore, in_hand: InHand, now: datetime) -> int:
    """Move the events of what was split, one after the other; of how many nothing is left to move. `in_hand` gives the
    ids of the batches that are being digested. Raises `StoreUnavailable`; the next run goes on."""
    waiting = GroupSplit.objects.filter(settled_at__isnull=True).order_by("pk")
    settled, after = 0, 0
    while listed := list(waiting.filter(pk__gt=after).select_related("source__project", "destination")[:AT_ONCE]):
        after = listed[-1].pk
        settled += sum(_move(store, split, in_hand, now) for split in listed)
    return settled


def _move(store: EventStore, split: GroupSplit, in_hand: InHand, now: datetime) -> bool:
    while _begin_turn(store, split, in_hand, now):
        source, held_back = split.source, split.in_flight or ()
        move_hashes(store, source.project_id, source.pk, split.hashes, split.destination_id, held_back)
        _end_turn(split)
        split.refresh_from_db()
    _move_rows(store, split)
    recount(store, split.source, split.destination)
    return not split.in_flight and _settle(split, now)


def _begin_turn(store: EventStore, split: GroupSplit, in_hand: InHand, now: datetime) -> bool:
    """Whether there are events to move; how many is written down then, once, whoever else looks."""
    if split.moving is not None:
        return True  # a run that was killed left it
    still = set(in_hand()) if now - split.requested_at < LONGEST_IN_HAND else set()
    held_back = sorted(still if split.in_flight is None else still & set(split.in_flight))
    count = count_of_hashes(store, split.source.project_id, split.source_id, split.hashes, held_back)
    mine = GroupSplit.objects.filter(pk=split.pk, turn=split.turn, moving__isnull=True)
    mine.update(in_flight=held_back, moving=count or None)
    split.refresh_from_db()
    return split.moving is not None


@transaction.atomic
def _end_turn(split: GroupSplit) -> None:
    """Count the events where they are now, if nobody else has."""
    list(Group.objects.select_for_update().filter(pk__in=[split.source_id, split.destination_id]).order_by("pk"))
    mine = GroupSplit.objects.filter(pk=split.pk, turn=split.turn, moving=split.moving)
    if split.moving is None or not mine.update(moving=None, turn=F("turn") + 1, moved=F("moved") + split.moving):
        return
    Group.objects.filter(pk=split.destination_id).update(times_seen=F("times_seen") + split.moving)
    Group.objects.filter(pk=split.source_id).update(times_seen=Greatest(F("times_seen") - split.moving, 0))
    for snooze in GroupSnooze.objects.filter(group=split.source_id):
        if "times_seen" in snooze.state:  # it counts up from there, and would have to make good for what has left
            snooze.state = {**snooze.state, "times_seen": max(snooze.state["times_seen"] - split.moving, 0)}
            snooze.save(update_fields=["state"])


def _move_rows(store: EventStore, split: GroupSplit) -> None:
    """Files and reports go where their events went."""
    for model in (EventAttachment, UserReport):
        after = 0
        rows = model._default_manager.filter(group=split.source_id).order_by("pk").values_list("pk", "event_id")
        while listed := list(rows.filter(pk__gt=after)[:PIECE]):
            after = listed[-1][0]
            project = split.source.project_id
            places = queries.places_of_events(store, [(project, event_id) for _, event_id in listed])
            gone = [
                pk
                for pk, event_id in listed
                if (place := places.get((project, event_id))) and place.group_id == split.destination_id
            ]
            model._default_manager.filter(pk__in=gone, group=split.source_id).update(group=split.destination_id)


@transaction.atomic
def _settle(split: GroupSplit, now: datetime) -> bool:
    """Nothing is left: the fingerprints may be split again. Whether it was this run that said so."""
    hashes = GroupHash.objects.filter(project=split.source.project_id, hash__in=split.hashes, state=LOCKED)
    hashes.update(state=None)
    return bool(GroupSplit.objects.filter(pk=split.pk, settled_at__isnull=True).update(settled_at=now))
