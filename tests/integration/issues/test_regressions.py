"""Issues that come back, and issues that are resolved by age, on the real database."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from tests.support.factories import NOON, a_project, an_event
from vedette.core import clock
from vedette.issues.ageing import resolve_by_age
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupHistory,
    GroupInbox,
    GroupResolution,
    GroupStatus,
    GroupSubStatus,
    HistoryStatus,
    ResolutionStatus,
    ResolutionType,
)
from vedette.projects import options
from vedette.projects.models import ObjectStatus
from vedette.projects.options import set_option
from vedette.releases.models import Release

pytestmark = pytest.mark.django_db
RESOLVED_AT = NOON + timedelta(hours=1)


@pytest.fixture
def resolved(project, take):
    """An issue that is resolved, and how: plainly without arguments, else by a resolution row."""

    def _resolved(version=None, current=None, is_next=False, said=""):
        first = an_event(project, release="shop@1.0.0", timestamp=NOON)
        for day, name in enumerate(("shop@1.0.0", "shop@1.1.0", "shop@2.0.0")):
            take(an_event(project, "Other: one", release=name, timestamp=NOON - timedelta(days=9 - day)))
        [pk] = take(first)
        Group.objects.filter(pk=pk).update(status=GroupStatus.RESOLVED, substatus=None, resolved_at=RESOLVED_AT)
        if version:
            row = GroupResolution.objects.create(
                group_id=pk,
                release=Release.objects.get(version=version),
                type=ResolutionType.IN_NEXT_RELEASE if is_next else ResolutionType.IN_RELEASE,
                status=ResolutionStatus.PENDING if is_next else ResolutionStatus.RESOLVED,
                current_release_version=current,
            )
            Activity.objects.create(
                project=project,
                group_id=pk,
                type=ActivityType.SET_RESOLVED_IN_RELEASE,
                ident=str(row.pk),
                datetime=RESOLVED_AT,
                data={"version": said},
            )
        return Group.objects.get(pk=pk)

    return _resolved


def back(project, hours=2, **fields):
    return an_event(project, timestamp=NOON + timedelta(hours=hours), **fields)


def came_back(group):
    group.refresh_from_db()
    return (group.status, group.substatus) == (GroupStatus.UNRESOLVED, GroupSubStatus.REGRESSED)


@pytest.mark.parametrize(
    ("how", "release", "hours", "expected"),
    [
        pytest.param({}, "", 2, True, id="plainly, event without release"),
        pytest.param({}, "shop@1.0.0", 2, True, id="plainly, any release"),
        pytest.param({}, "shop@1.0.0", 0.5, False, id="plainly, an event from before"),
        pytest.param({"version": "shop@1.1.0"}, "", 2, False, id="in release, event without release"),
        pytest.param({"version": "shop@1.1.0"}, "shop@1.0.0", 2, False, id="in release, an older one"),
        pytest.param({"version": "shop@1.1.0"}, "shop@1.1.0", 2, True, id="in release, the same"),
        pytest.param({"version": "shop@1.1.0"}, "shop@1.1.0", 0.5, True, id="in release, the same, from before"),
        pytest.param({"version": "shop@1.1.0"}, "shop@2.0.0", 2, True, id="in release, a newer one"),
        pytest.param({"version": "shop@2.0.0", "current": "shop@2.0.0"}, "shop@2.0.0", 2, False, id="next, current"),
        pytest.param({"version": "shop@2.0.0", "current": "shop@2.0.0"}, "shop@2.0.1", 2, True, id="next, next"),
        pytest.param({"version": "shop@2.0.0", "is_next": True}, "shop@1.1.0", 2, False, id="pending, an older one"),
    ],
)
def test_a_resolved_issue_gets_an_event(project, take, resolved, how, release, hours, expected):
    group = resolved(**how)

    take(back(project, hours, release=release))

    assert came_back(group) is expected
    assert group.times_seen == 2
    assert GroupResolution.objects.exists() is (bool(how) and not expected)
    assert Activity.objects.filter(type=ActivityType.SET_REGRESSION).count() == expected


def test_dates_decide_where_a_project_says_so(project, take, resolved):
    set_option(project, options.RELEASE_ORDERING, "date")
    group = resolved(version="shop@1.1.0")
    Release.objects.filter(version="shop@2.0.0").update(date_released=NOON - timedelta(days=30))

    take(back(project, release="shop@2.0.0"))

    assert not came_back(group)


def test_a_regression_is_told_with_what_was_said_before(project, take, resolved):
    group = resolved(version="shop@2.0.0", current="shop@2.0.0", is_next=True, said="")
    newest = back(project, 3, release="shop@2.1.0")

    take(back(project, 2, release="shop@2.0.1"), newest, back(project, 4, release="shop@1.0.0"))

    assert came_back(group)
    assert group.active_at == NOON + timedelta(hours=3)
    assert group.last_seen == NOON + timedelta(hours=4)
    entries = dict(Activity.objects.filter(group=group).values_list("type", "data"))
    assert entries[ActivityType.SET_RESOLVED_IN_RELEASE] == {"version": "shop@2.1.0"}
    assert entries[ActivityType.SET_REGRESSION] == {
        "event_id": newest.event_id,
        "version": "shop@2.1.0",
        "follows_semver": True,
        "resolved_in_version": "shop@2.1.0",
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", [{}, {"version": "shop@1.1.0"}], ids=["plainly", "in a release"])
def test_of_nodes_that_digest_regressing_events_at_once_one_tells_it(project, take, resolved, how):
    group = resolved(**how)
    barrier = threading.Barrier(3)

    def digest(minute):
        event = an_event(project, release="shop@2.0.0", timestamp=NOON + timedelta(hours=2, minutes=minute))
        barrier.wait()
        take(event)
        connection.close()

    threads = [threading.Thread(target=digest, args=(minute,)) for minute in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert came_back(group)
    assert group.times_seen == 4
    assert Activity.objects.filter(type=ActivityType.SET_REGRESSION).count() == 1
    assert GroupHistory.objects.filter(status=HistoryStatus.REGRESSED).count() == 1
    assert GroupInbox.objects.filter(group=group).count() == 1
    assert not GroupResolution.objects.exists()


def test_an_event_that_is_not_counted_brings_nothing_back(project, take, resolved):
    group = resolved()
    Group.objects.update(status=GroupStatus.IGNORED)

    take(back(project))

    group.refresh_from_db()
    assert group.status == GroupStatus.IGNORED


@pytest.fixture
def aging(project):
    set_option(project, options.RESOLVE_AGE, 24)
    return project


def test_an_issue_older_than_its_project_allows_counts_as_resolved_when_an_event_comes(aging, take):
    now = clock.now()
    [old] = take(an_event(aging, timestamp=now - timedelta(hours=30)))
    [young] = take(an_event(aging, "Other: one", timestamp=now - timedelta(hours=3)))

    take(an_event(aging, timestamp=now), an_event(aging, "Other: one", timestamp=now))

    assert came_back(Group.objects.get(pk=old))
    assert not came_back(Group.objects.get(pk=young))
    assert Activity.objects.get().group_id == old


def test_silence_resolves_issues_once_and_says_so(aging, take):
    now = clock.now()
    elsewhere = a_project(aging.organization, "elsewhere")
    gone = a_project(aging.organization, "gone")
    set_option(gone, options.RESOLVE_AGE, 24)
    old = now - timedelta(hours=25)
    [pk, _, archived, _, _] = take(
        an_event(aging, timestamp=old),
        an_event(aging, "Young: one", timestamp=now - timedelta(hours=23)),
        an_event(aging, "Archived: one", timestamp=old),
        an_event(elsewhere, timestamp=old),
        an_event(gone, timestamp=old),
    )
    Group.objects.filter(pk=archived).update(status=GroupStatus.IGNORED)
    type(gone).objects.filter(pk=gone.pk).update(status=ObjectStatus.PENDING_DELETION)

    assert (resolve_by_age(now), resolve_by_age(now)) == (1, 0)

    group = Group.objects.get(status=GroupStatus.RESOLVED)
    assert (group.pk, group.substatus, group.resolved_at) == (pk, None, now)
    entry = Activity.objects.get()
    assert (entry.type, entry.group_id, entry.data) == (ActivityType.SET_RESOLVED_BY_AGE, pk, {"age": 24})


def test_a_late_event_reopens_what_only_its_age_resolved(aging, take):
    now = clock.now()
    [pk] = take(an_event(aging, timestamp=now - timedelta(hours=30)))
    resolve_by_age(now)

    take(an_event(aging, timestamp=now - timedelta(hours=1)))

    assert came_back(Group.objects.get(pk=pk))


def test_short_ids_go_on_behind_rows_that_were_imported(project, take):
    [pk] = take(an_event(project))
    Group.objects.filter(pk=pk).update(short_id=41)

    [other] = take(an_event(project, "Other: one"))

    assert Group.objects.get(pk=other).short_id == 42
