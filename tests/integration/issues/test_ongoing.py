"""After a week an issue goes on, whatever it was before."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from tests.support.factories import NOON, an_event
from vedette.issues.models import (
    PRIORITY_HIGH,
    PRIORITY_MEDIUM,
    Activity,
    ActivityType,
    Group,
    GroupHistory,
    GroupInbox,
    GroupStatus,
    GroupSubStatus,
    HistoryStatus,
)
from vedette.issues.ongoing import go_on

pytestmark = pytest.mark.django_db
OLD, YOUNG = NOON - timedelta(days=7), NOON - timedelta(days=6, hours=23)
NEW, REGRESSED, ESCALATING = GroupSubStatus.NEW, GroupSubStatus.REGRESSED, GroupSubStatus.ESCALATING


@pytest.fixture
def a_group(project, take):
    """An issue with this substatus, first seen then; in its history the change that made it so, if it is told of."""

    def _a_group(title, substatus, first_seen=OLD, told_at=None, **fields):
        [pk] = take(an_event(project, title, timestamp=first_seen))
        Group.objects.filter(pk=pk).update(substatus=substatus, active_at=first_seen, **fields)
        if told_at:
            GroupHistory.objects.create(
                organization_id=project.organization_id,
                project=project,
                group_id=pk,
                status=HistoryStatus.REGRESSED if substatus == REGRESSED else HistoryStatus.ESCALATING,
                date_added=told_at,
            )
        return pk

    return _a_group


def test_what_was_new_or_back_or_escalating_for_a_week_goes_on(a_group):
    gone_on = {
        a_group("new: a week", NEW),
        a_group("back: a week", REGRESSED, told_at=OLD),
        a_group("back: nobody knows since when", REGRESSED),
        a_group("escalating: a week", ESCALATING, told_at=OLD, priority=PRIORITY_MEDIUM),
    }
    stay = {
        a_group("new: yesterday", NEW, YOUNG),
        a_group("back: yesterday", REGRESSED, told_at=YOUNG),
        a_group("escalating: again", ESCALATING, told_at=YOUNG),
        a_group("archived", GroupSubStatus.ARCHIVED_FOREVER, status=GroupStatus.IGNORED),
    }

    assert (go_on(NOON), go_on(NOON)) == (4, 0)

    ongoing = Group.objects.filter(substatus=GroupSubStatus.ONGOING)
    assert set(ongoing.values_list("pk", flat=True)) == gone_on
    assert set(GroupInbox.objects.values_list("group_id", flat=True)) == stay
    entries = Activity.objects.filter(type=ActivityType.AUTO_SET_ONGOING)
    assert {(entry.group_id, entry.data["after_days"]) for entry in entries} == {(pk, 7) for pk in gone_on}
    assert GroupHistory.objects.filter(status=HistoryStatus.UNRESOLVED).count() == 4
    (calmed,) = Activity.objects.filter(type=ActivityType.SET_PRIORITY)
    assert calmed.data == {"priority": "high", "reason": "ongoing"}
    assert ongoing.get(title="escalating: a week").priority == PRIORITY_HIGH


@pytest.mark.django_db(transaction=True)
def test_two_nodes_that_let_issues_go_on_tell_it_once(a_group):
    a_group("new: a week", NEW)
    done = []
    barrier = threading.Barrier(3)

    def run():
        barrier.wait()
        done.append(go_on(NOON))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(done) == [0, 0, 1]
    assert Activity.objects.count() == GroupHistory.objects.count() == 1
