"""What waits to be looked at, and what reports count, on the real database."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.factories import NOON, a_member, an_event
from vedette.core import clock
from vedette.issues import inbox
from vedette.issues.actions import archive, assign, reopen
from vedette.issues.ageing import resolve_by_age
from vedette.issues.assignees import of_user
from vedette.issues.deletion import give_up
from vedette.issues.history import Change, change_of, record
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupHistory,
    GroupInbox,
    GroupStatus,
    GroupSubscription,
    GroupSubStatus,
    HistoryStatus,
    InboxReason,
    SubscriptionReason,
)
from vedette.issues.resolve import resolve
from vedette.projects import options
from vedette.projects.options import set_option

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(project, take):
    [pk] = take(an_event(project, release="web@1.0.0"))
    return Group.objects.select_related("project").get(pk=pk)


@pytest.fixture
def ann(project):
    return a_member(project.organization, name="Ann")


def waits_for():
    return list(GroupInbox.objects.order_by("group_id").values_list("group_id", "reason"))


def kinds():
    return list(GroupHistory.objects.order_by("pk").values_list("status", flat=True))


def test_a_new_issue_waits_and_has_no_history_yet(group):
    row = GroupInbox.objects.get()

    assert (row.group_id, row.reason, row.reason_details) == (group.pk, InboxReason.NEW, None)
    assert (row.project_id, row.organization_id) == (group.project_id, group.project.organization_id)
    assert kinds() == []


def test_an_issue_that_comes_back_waits_and_remembers_when_it_was_resolved(project, take, group, ann):
    resolve([group], ann, now=NOON + timedelta(hours=1))
    assert waits_for() == []

    take(an_event(project, release="web@1.1.0", timestamp=NOON + timedelta(hours=2)))

    resolved, back = GroupHistory.objects.order_by("pk")
    assert waits_for() == [(group.pk, InboxReason.REGRESSION)]
    assert (resolved.status, resolved.user_id, resolved.date_added) == (
        HistoryStatus.RESOLVED,
        ann.pk,
        NOON + timedelta(hours=1),
    )
    assert (back.status, back.user_id, back.release.version) == (HistoryStatus.REGRESSED, None, "web@1.1.0")
    assert (back.prev_history_id, back.prev_history_date) == (resolved.pk, resolved.date_added)


def test_new_issues_cost_no_statement_each(project, take):
    with CaptureQueriesContext(connection) as few:
        take(*(an_event(project, f"A{n}: x") for n in range(2)))
    with CaptureQueriesContext(connection) as many:
        take(*(an_event(project, f"B{n}: x") for n in range(40)))

    assert GroupInbox.objects.count() == 42
    assert len(many) <= len(few)


def test_an_issue_that_waits_goes_on_waiting_for_the_same(project, take, group):
    since = GroupInbox.objects.get().date_added
    Group.objects.update(status=GroupStatus.RESOLVED, resolved_at=NOON)

    take(an_event(project, timestamp=NOON + timedelta(hours=1)))
    inbox.put_in([group])

    assert waits_for() == [(group.pk, InboxReason.NEW)]
    assert GroupInbox.objects.get().date_added == since


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda group: resolve([group], None), id="resolved"),
        pytest.param(lambda group: archive([group], None), id="archived"),
        pytest.param(lambda group: inbox.review([group], None), id="reviewed"),
        pytest.param(lambda group: give_up([group], None), id="deleted"),
    ],
)
def test_what_was_dealt_with_waits_no_longer(group, act):
    act(group)

    assert waits_for() == []


def test_what_only_its_age_resolves_waits_no_longer(project, take):
    set_option(project, options.RESOLVE_AGE, 24)
    now = clock.now()
    [pk, _] = take(an_event(project, timestamp=now - timedelta(hours=30)), an_event(project, "B: x", timestamp=now))

    resolve_by_age(now)

    assert pk not in dict(waits_for())
    assert list(GroupHistory.objects.values_list("group_id", "status")) == [(pk, HistoryStatus.AUTO_RESOLVED)]


def test_reviewing_tells_who_looked_and_lets_the_issue_go_on(group, ann):
    assert inbox.review([group], ann, NOON) == [group.pk]
    assert inbox.review([group], ann, NOON) == []

    entries = Activity.objects.order_by("pk")
    assert [(entry.type, entry.user_id, entry.data) for entry in entries] == [
        (ActivityType.MARK_REVIEWED, ann.pk, {}),
        (ActivityType.AUTO_SET_ONGOING, ann.pk, {"manually": True}),
    ]
    assert kinds() == [HistoryStatus.REVIEWED, HistoryStatus.UNRESOLVED]
    assert Group.objects.get().substatus == group.substatus == GroupSubStatus.ONGOING


def test_reviewing_a_resolved_issue_leaves_it_resolved(group, ann):
    resolve([group], ann)
    inbox.put_in([group])

    assert inbox.review([group], ann) == [group.pk]

    assert Group.objects.get().status == GroupStatus.RESOLVED


def test_nobody_waits_longer_than_a_week(group, take, project):
    take(an_event(project, "Young: x"))
    GroupInbox.objects.filter(group=group).update(date_added=NOON - timedelta(days=8))

    assert (inbox.clean_up(NOON), inbox.clean_up(NOON)) == (1, 0)
    assert group.pk not in dict(waits_for())


def test_each_action_writes_its_kind(group, ann):
    assign([group], of_user(ann), ann)
    assign([group], None, ann)
    archive([group], ann)
    archive([group], ann, GroupSubStatus.ARCHIVED_UNTIL_ESCALATING)
    resolve([group], ann)
    reopen([group], ann)

    assert kinds() == [
        HistoryStatus.ASSIGNED,
        HistoryStatus.UNASSIGNED,
        HistoryStatus.ARCHIVED_FOREVER,
        HistoryStatus.ARCHIVED_UNTIL_ESCALATING,
        HistoryStatus.RESOLVED,
        HistoryStatus.REGRESSED,
    ]


@pytest.mark.parametrize(
    ("before", "after", "is_remembered"),
    [
        (HistoryStatus.REGRESSED, HistoryStatus.RESOLVED, True),
        (HistoryStatus.ESCALATING, HistoryStatus.SET_RESOLVED_IN_RELEASE, True),
        (HistoryStatus.RESOLVED, HistoryStatus.SET_RESOLVED_IN_COMMIT, False),
        (HistoryStatus.AUTO_RESOLVED, HistoryStatus.REGRESSED, True),
        (HistoryStatus.ASSIGNED, HistoryStatus.UNASSIGNED, True),
        (HistoryStatus.ARCHIVED_UNTIL_ESCALATING, HistoryStatus.ESCALATING, True),
        (HistoryStatus.ARCHIVED_FOREVER, HistoryStatus.ESCALATING, False),
        (HistoryStatus.REGRESSED, HistoryStatus.UNRESOLVED, True),
        (HistoryStatus.RESOLVED, HistoryStatus.REVIEWED, False),
    ],
)
def test_a_change_remembers_the_newest_one_of_an_opposite_kind(group, before, after, is_remembered):
    for hours in (1, 2):
        record([change_of(group, before)], NOON + timedelta(hours=hours))

    record([change_of(group, after)], NOON + timedelta(hours=3))

    row = GroupHistory.objects.order_by("pk").last()
    assert row.prev_history_date == (NOON + timedelta(hours=2) if is_remembered else None)


def test_changes_of_many_issues_cost_no_statement_each(project, take, django_assert_max_num_queries):
    pks = take(*(an_event(project, f"A{n}: x") for n in range(30)))
    changes = [Change(project.organization_id, project.pk, pk, HistoryStatus.RESOLVED) for pk in pks]

    with django_assert_max_num_queries(3):  # one of them asks whether anybody wants to be told
        record(changes, NOON)

    assert GroupHistory.objects.count() == 30


def test_whoever_changes_one_issue_is_told_about_it_unless_they_said_no(project, take, group, ann):
    bob = a_member(project.organization, "bob@example.com")
    GroupSubscription.objects.create(project=project, group=group, user_id=bob.pk, is_active=False)

    archive([group], ann)
    reopen([group], bob)
    resolve([group], bob)

    rows = GroupSubscription.objects.order_by("user_id").values_list("user_id", "is_active", "reason")
    assert list(rows) == [
        (ann.pk, True, SubscriptionReason.STATUS_CHANGE),
        (bob.pk, False, SubscriptionReason.UNKNOWN),
    ]


def test_archiving_forgets_nothing_when_many_are_archived_at_once(project, take, ann):
    groups = list(Group.objects.filter(pk__in=take(an_event(project), an_event(project, "B: x"))))

    archive(groups, ann)

    assert kinds() == [HistoryStatus.ARCHIVED_FOREVER] * 2
    assert not GroupSubscription.objects.exists()
