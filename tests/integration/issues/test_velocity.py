"""New issues that come too fast: what is usual, who escalates, and what that costs those who did not ask for it."""

from datetime import timedelta

import pytest

from tests.support.factories import a_project, an_event
from vedette.core import clock
from vedette.digest.batch import sort_out
from vedette.digest.config import configs
from vedette.digest.waking import wake
from vedette.events.client import StoreUnavailable
from vedette.issues.models import (
    PRIORITY_LOW,
    PRIORITY_MEDIUM,
    Activity,
    ActivityType,
    Group,
    GroupHistory,
    GroupInbox,
    GroupStatus,
    GroupSubStatus,
    HistoryStatus,
    InboxReason,
    ProjectVelocity,
)
from vedette.issues.velocity import escalate_fast, make_thresholds, percentile, usual_rate
from vedette.projects.options import ESCALATE_NEW_ISSUES, set_option

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEW = GroupSubStatus.NEW


@pytest.fixture
def now():
    return clock.now()


@pytest.fixture
def group(project, now):
    """An issue that began two hours ago, with thirty events: fifteen an hour, of a project that is used to ten."""
    ProjectVelocity.objects.create(project=project, threshold=10, made_at=now)
    return Group.objects.create(
        project=project,
        short_id=1,
        substatus=NEW,
        first_seen=now - 2 * HOUR,
        times_seen=30,
        priority=PRIORITY_LOW,
    )


def escalates(group, now, **fields):
    Group.objects.filter(pk=group.pk).update(**fields)
    return escalate_fast({group.pk: "e" * 32}, {group.project_id}, now) == [group.pk]


def test_a_new_issue_that_comes_too_fast_escalates_and_says_so(project, group, now):
    assert escalates(group, now)

    group.refresh_from_db()
    assert (group.status, group.substatus) == (GroupStatus.UNRESOLVED, GroupSubStatus.ESCALATING)
    assert group.priority == PRIORITY_MEDIUM
    assert GroupInbox.objects.get().reason == InboxReason.ESCALATING
    entry = Activity.objects.get(type=ActivityType.SET_ESCALATING)
    assert entry.data == {"event_id": "e" * 32, "per_hour": 10.0}
    assert GroupHistory.objects.filter(status=HistoryStatus.ESCALATING).count() == 1
    assert not escalates(group, now)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"times_seen": 20}, id="as fast as usual"),
        pytest.param({"times_seen": 9, "first_seen": None}, id="too few events"),
        pytest.param({"substatus": GroupSubStatus.ONGOING}, id="reviewed"),
        pytest.param({"status": GroupStatus.IGNORED, "substatus": None}, id="archived"),
        pytest.param({"status": GroupStatus.RESOLVED, "substatus": None}, id="resolved"),
    ],
)
def test_what_is_slow_small_or_settled_does_not_escalate(group, now, fields):
    if "first_seen" in fields:
        fields["first_seen"] = now
        ProjectVelocity.objects.update(threshold=1)

    assert not escalates(group, now, **fields)
    assert not Activity.objects.exists()


def test_an_issue_escalates_in_its_first_day_only(group, now):
    assert not escalates(group, now, first_seen=now - DAY, times_seen=10**6)
    assert escalates(group, now, first_seen=now - DAY + HOUR)


def test_the_first_hour_counts_as_a_whole_one(group, now):
    assert not escalates(group, now, first_seen=now - HOUR / 60, times_seen=10)
    assert escalates(group, now, first_seen=now - HOUR / 60, times_seen=11)


def test_what_is_usual_is_forgotten_after_two_days_and_zero_is_nothing(group, now):
    ProjectVelocity.objects.update(made_at=now - 2 * DAY)
    assert not escalates(group, now)

    ProjectVelocity.objects.update(made_at=now, threshold=0)
    assert not escalates(group, now)


def test_a_batch_lets_issues_escalate_only_where_the_project_wants_it(project, take, events, group, now, monkeypatch):
    monkeypatch.setattr("vedette.digest.config._cache", {})
    batch = sort_out([an_event(project, timestamp=now)])
    wake(events, batch, [group.pk], configs([project.pk]))
    group.refresh_from_db()
    assert group.substatus == NEW

    set_option(project, ESCALATE_NEW_ISSUES, True)
    monkeypatch.setattr("vedette.digest.config._cache", {})
    wake(events, batch, [group.pk], configs([project.pk]))

    group.refresh_from_db()
    assert group.substatus == GroupSubStatus.ESCALATING
    assert Activity.objects.get(type=ActivityType.SET_ESCALATING).data["event_id"] == batch.events[0].event_id


def test_a_batch_pays_one_query_for_it_and_nothing_without(project, events, group, now, django_assert_num_queries):
    Group.objects.update(times_seen=9)
    batch = sort_out([an_event(project, timestamp=now)])
    wanting = {project.pk: configs([project.pk])[project.pk]}
    with django_assert_num_queries(1):
        wake(events, batch, [group.pk], wanting)

    set_option(project, ESCALATE_NEW_ISSUES, True)
    wanting = {project.pk: type(wanting[project.pk])(project.pk, project.organization_id, escalates_new=True)}

    with django_assert_num_queries(2):
        wake(events, batch, [group.pk], wanting)


def test_what_is_usual_is_measured_of_the_last_week(project, digest, events, now):
    assert usual_rate(events, project.pk, now) == 0
    for title, ages in {"Old": [1, 2], "Single": [1], "Week": [24, 48, 72, 96]}.items():
        digest(*(an_event(project, title, timestamp=now - HOUR * age) for age in ages))
    old, _, week = Group.objects.order_by("pk")
    Group.objects.filter(pk=old.pk).update(first_seen=now - 4 * HOUR)
    Group.objects.filter(pk=week.pk).update(first_seen=now - 30 * DAY)

    assert usual_rate(events, project.pk, now) == 2 / 4

    Group.objects.filter(pk=old.pk).update(first_seen=now - HOUR / 2)  # too young to say anything
    assert usual_rate(events, project.pk, now) == 4 / 168
    assert usual_rate(events, a_project(project.organization, "other").pk, now) == 0


def test_what_is_usual_is_measured_daily_where_it_is_wanted(project, digest, events, now):
    digest(*(an_event(project, timestamp=now - HOUR * age) for age in (2, 3)))
    Group.objects.update(first_seen=now - 4 * HOUR)
    assert make_thresholds(events, now) == 0

    set_option(project, ESCALATE_NEW_ISSUES, True)

    assert [make_thresholds(events, now + DAY * days) for days in (0, 0.5, 1, 1)] == [1, 0, 1, 0]
    assert ProjectVelocity.objects.get().made_at == now + DAY
    set_option(project, ESCALATE_NEW_ISSUES, False)
    assert make_thresholds(events, now + 4 * DAY) == 0
    assert not ProjectVelocity.objects.exists()


def test_where_the_store_is_away_the_last_number_holds(project, events, now, monkeypatch):
    set_option(project, ESCALATE_NEW_ISSUES, True)
    ProjectVelocity.objects.create(project=project, threshold=7, made_at=now - DAY)

    def away(*_, **__):
        raise StoreUnavailable("away")

    monkeypatch.setattr(events, "rows", away)
    with pytest.raises(StoreUnavailable):
        make_thresholds(events, now)

    assert ProjectVelocity.objects.get().threshold == 7


def test_a_person_who_said_how_important_it_is_is_not_overruled(group, now):
    assert escalates(group, now, priority_locked_at=now, priority=PRIORITY_LOW)

    group.refresh_from_db()
    assert group.priority == PRIORITY_LOW


@pytest.mark.parametrize(("rates", "usual"), [([], 0), ([3], 3), (range(1, 21), 19), (range(1, 101), 95)])
def test_ninety_five_of_a_hundred_are_no_faster(rates, usual):
    assert percentile(list(rates)) == usual
