"""Archived until something happens: what is written, what ends it, and who tells."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from tests.support.factories import a_member, an_event
from vedette.core import clock
from vedette.digest.values import EventUser
from vedette.issues.actions import archive, reopen
from vedette.issues.escalation import rebuild
from vedette.issues.models import (
    PRIORITY_HIGH,
    PRIORITY_LOW,
    PRIORITY_MEDIUM,
    Activity,
    ActivityType,
    Group,
    GroupForecast,
    GroupHistory,
    GroupInbox,
    GroupSnooze,
    GroupStatus,
    GroupSubStatus,
    HistoryStatus,
    InboxReason,
)
from vedette.issues.resolve import resolve
from vedette.issues.snoozes import Until, told, what_is_left
from vedette.issues.undo import remember, restore_status
from vedette.issues.waking import end_expired, look_at

pytestmark = pytest.mark.django_db
CONDITION = GroupSubStatus.ARCHIVED_UNTIL_CONDITION_MET
ESCALATING = GroupSubStatus.ARCHIVED_UNTIL_ESCALATING


@pytest.fixture
def ann(project):
    return a_member(project.organization)


@pytest.fixture
def group(project, digest):
    """An issue of one event, of user 1, ten minutes ago."""
    now = clock.now()
    [pk] = digest(an_event(project, timestamp=now - timedelta(minutes=10), user=EventUser(identity="id:1")))
    return Group.objects.select_related("project").get(pk=pk)


@pytest.fixture
def known(project, take):
    """An issue of which the event store knows nothing."""
    [pk] = take(an_event(project))
    return Group.objects.select_related("project").get(pk=pk)


def more(project, *users, minutes=1, title="ValueError: bad"):
    at = clock.now() - timedelta(minutes=minutes)
    return [an_event(project, title, timestamp=at, user=EventUser(identity=f"id:{user}")) for user in users]


def standing(group):
    group.refresh_from_db()
    return (GroupStatus(group.status), group.substatus and GroupSubStatus(group.substatus))


ASLEEP = (GroupStatus.IGNORED, CONDITION)
ESCALATES = (GroupStatus.UNRESOLVED, GroupSubStatus.ESCALATING)


# Of one event by user 1, ten minutes ago, and two more a minute ago.
CASES = {
    "A: too few events": (Until(count=3), "11", False),
    "B: events": (Until(count=2), "11", True),
    "C: too few events of an hour": (Until(count=4, window=60), "11", False),
    "D: events of an hour, those before too": (Until(count=3, window=60), "11", True),
    "E: events of five minutes": (Until(count=3, window=5), "11", False),
    "F: too few new users": (Until(user_count=2), "12", False),
    "G: new users": (Until(user_count=2), "23", True),
    "H: one user of five minutes": (Until(user_count=2, user_window=5), "22", False),
    "I: users of an hour": (Until(user_count=2, user_window=60), "22", True),
    "J: the first that is met": (Until(count=9, user_count=2), "23", True),
    "K: a time that is not over": (Until(minutes=60), "11", False),
}


def test_events_end_an_archive_when_a_condition_is_met(project, digest):
    ids = digest(*(event for title in CASES for event in more(project, "1", minutes=10, title=title)))
    groups = dict(zip(CASES, Group.objects.select_related("project").filter(pk__in=ids).order_by("pk"), strict=True))
    for title, (until, _, _) in CASES.items():
        archive([groups[title]], None, CONDITION, until=until)
    GroupInbox.objects.all().delete()

    digest(*(event for title, (_, users, _) in CASES.items() for event in more(project, *users, title=title)))

    awake = {title for title, (_, _, wakes) in CASES.items() if wakes}
    assert {title for title, group in groups.items() if standing(group) == ESCALATES} == awake
    assert {title for title, group in groups.items() if standing(group) == ASLEEP} == CASES.keys() - awake
    assert set(GroupSnooze.objects.values_list("group__title", flat=True)) == CASES.keys() - awake
    assert set(GroupInbox.objects.values_list("group__title", "reason")) == {
        (title, InboxReason.ESCALATING) for title in awake
    }
    entries = Activity.objects.filter(type=ActivityType.SET_ESCALATING)
    assert sorted(entries.values_list("group__title", flat=True)) == sorted(awake)


def test_what_ended_an_archive_is_told(project, digest, group, ann):
    archive([group], ann, CONDITION, until=Until(count=1))
    (event,) = more(project, "7")

    digest(event)

    details = {"until": None, "count": 1, "window": None, "user_count": None, "user_window": None}
    (entry,) = Activity.objects.filter(type=ActivityType.SET_ESCALATING)
    assert entry.data == {"event_id": event.event_id, "expired_snooze": details}
    assert GroupInbox.objects.get().reason_details == details
    last = GroupHistory.objects.latest("pk")
    assert (last.status, last.prev_history.status) == (
        HistoryStatus.ESCALATING,
        HistoryStatus.ARCHIVED_UNTIL_CONDITION_MET,
    )


def test_when_the_time_is_up_the_issue_goes_on_with_or_without_an_event(project, digest, group, ann):
    now = clock.now()
    archive([group], ann, CONDITION, now - timedelta(hours=2), Until(minutes=60))
    digest(*more(project, "1"))
    by_event = (standing(group), Activity.objects.latest("pk"))

    archive([group], ann, CONDITION, now - timedelta(hours=2), Until(minutes=60))
    assert (end_expired(now - timedelta(hours=1, minutes=1)), end_expired(now), end_expired(now)) == (0, 1, 0)

    ongoing = (GroupStatus.UNRESOLVED, GroupSubStatus.ONGOING)
    assert by_event[0] == standing(group) == ongoing
    assert by_event[1].type == ActivityType.SET_UNRESOLVED
    assert "event_id" in by_event[1].data
    assert Activity.objects.latest("pk").data == {}
    assert GroupInbox.objects.get().reason == InboxReason.ONGOING
    assert GroupInbox.objects.get().reason_details["until"] == int((now - timedelta(hours=1)).timestamp())


def test_an_archive_for_good_never_ends(project, digest, group):
    archive([group], None)

    digest(*more(project, *"123456789abcdef"))

    assert standing(group) == (GroupStatus.IGNORED, GroupSubStatus.ARCHIVED_FOREVER)


def test_archiving_again_begins_anew_and_is_told(known, ann):
    archive([known], ann, CONDITION, until=Until(count=5))
    archive([known], ann, CONDITION, until=Until(user_count=3, user_window=10))

    assert told(GroupSnooze.objects.get()) == {
        "ignoreCount": None,
        "ignoreUntil": None,
        "ignoreUserCount": 3,
        "ignoreUserWindow": 10,
        "ignoreWindow": None,
    }
    entries = Activity.objects.filter(type=ActivityType.SET_IGNORED).order_by("pk")
    assert [entry.data["ignoreCount"] for entry in entries] == [5, None]


@pytest.mark.parametrize("act", [lambda group: resolve([group], None), lambda group: reopen([group], None)])
def test_conditions_are_forgotten_when_the_issue_is_dealt_with(known, act):
    archive([known], None, CONDITION, until=Until(count=5))

    act(known)

    assert not GroupSnooze.objects.exists()


def test_what_is_left_of_the_conditions(project, digest, group, ann):
    archive([group], ann, CONDITION, until=Until(count=5, user_count=4))
    digest(*more(project, "1", "2"))
    group.refresh_from_db()

    (words, who) = what_is_left([group], {group.pk: 2})[group.pk]

    assert (words["ignoreCount"], words["ignoreUserCount"], who) == (3, 3, ann.pk)


def test_taking_back_brings_the_conditions_back(project, digest, group, ann):
    archive([group], ann, CONDITION, until=Until(count=3))
    (before,) = remember([group])
    reopen([group], ann)

    assert restore_status(group, before, ann)
    digest(*more(project, "1", "1", "1"))

    assert standing(group) == ESCALATES


def test_an_issue_escalates_when_it_is_busier_than_expected(project, digest, group, ann):
    Group.objects.update(priority=PRIORITY_LOW)
    archive([group], ann, ESCALATING)
    assert GroupForecast.objects.get().ceilings == [10] * 14  # ten times its busiest hour

    digest(*more(project, *"123456789", minutes=0))
    quiet = standing(group)
    digest(*more(project, "a", "b", minutes=0))

    assert quiet == (GroupStatus.IGNORED, ESCALATING)
    assert standing(group) == ESCALATES
    assert group.priority == PRIORITY_MEDIUM
    escalated, priority = Activity.objects.order_by("pk")[1:]
    assert escalated.data["forecast"] == 10
    assert (priority.type, priority.data) == (
        ActivityType.SET_PRIORITY,
        {"priority": "medium", "reason": "escalating"},
    )


def test_what_somebody_said_is_important_stays_so(project, digest, group, ann):
    Group.objects.update(priority=PRIORITY_LOW, priority_locked_at=clock.now())
    archive([group], ann, ESCALATING)

    digest(*more(project, *"123456789abcdef", minutes=0))

    assert standing(group) == ESCALATES
    assert group.priority == PRIORITY_LOW


def test_without_a_forecast_ten_events_an_hour_are_expected(project, digest, group):
    archive([group], None, ESCALATING)
    GroupForecast.objects.all().delete()

    digest(*more(project, "1", minutes=0))
    assert GroupForecast.objects.count() == 1
    GroupForecast.objects.all().delete()
    digest(*more(project, *"123456789a", minutes=0))

    assert standing(group) == ESCALATES
    assert group.priority == PRIORITY_HIGH


def test_forecasts_are_made_anew_for_those_that_were_heard_of(project, events, digest, group):
    archive([group], None, ESCALATING)
    now = clock.now()

    assert rebuild(events, now) == 1
    assert GroupForecast.objects.get().made_at == now
    Group.objects.update(last_seen=now - timedelta(days=8))
    assert rebuild(events, now + timedelta(days=15)) == 0
    assert not GroupForecast.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_those_who_digest_at_once_one_tells_that_an_archive_is_over(project, digest, group, events):
    archive([group], None, CONDITION, until=Until(count=1))
    Group.objects.update(times_seen=9)
    woken = []
    barrier = threading.Barrier(4)

    def look():
        barrier.wait()
        woken.extend(look_at(events, {group.pk: "a" * 32}, clock.now()))
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert woken == [group.pk]
    assert Activity.objects.filter(type=ActivityType.SET_ESCALATING).count() == 1
    assert GroupInbox.objects.count() == 1
    assert GroupHistory.objects.filter(status=HistoryStatus.ESCALATING).count() == 1
