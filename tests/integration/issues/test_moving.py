"""Many issues are changed in pieces, at the cost of a few statements each, and one piece that fails harms no other."""

import threading

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from tests.support.factories import a_member, a_project, a_release
from vedette.issues import moving
from vedette.issues.actions import archive, assign, reopen
from vedette.issues.assignees import of_user
from vedette.issues.models import Activity, Group, GroupResolution, GroupStatus
from vedette.issues.priorities import set_priority
from vedette.issues.resolve import InNextRelease, InRelease, resolve

pytestmark = pytest.mark.django_db


@pytest.fixture
def many():
    """Makes issues of a project that have no events."""

    def _many(project, count):
        before = Group.objects.count()
        Group.objects.bulk_create(Group(project=project, short_id=before + n + 1) for n in range(count))
        return list(Group.objects.select_related("project").order_by("pk"))[before:]

    return _many


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda groups, ann, release: resolve(groups, ann), id="resolve"),
        pytest.param(lambda groups, ann, release: resolve(groups, ann, InRelease(release)), id="in a release"),
        pytest.param(lambda groups, ann, release: resolve(groups, ann, InNextRelease(release)), id="in the next"),
        pytest.param(lambda groups, ann, release: archive(groups, ann), id="archive"),
        pytest.param(lambda groups, ann, release: assign(groups, of_user(ann), ann), id="assign"),
        pytest.param(lambda groups, ann, release: set_priority(groups, 25, ann), id="priority"),
    ],
)
def test_a_piece_costs_a_few_statements_however_many_issues_it_has(project, many, act):
    ann = a_member(project.organization)
    release = a_release("web@1.0", project)
    few, full = many(project, 2), many(project, moving.AT_ONCE)

    with CaptureQueriesContext(connection) as small:
        assert len(act(few, ann, release)) == 2
    with CaptureQueriesContext(connection) as large:
        assert len(act(full, ann, release)) == moving.AT_ONCE

    assert len(large) < len(small) + 10  # SQLite takes only so many values in one


def test_a_piece_that_fails_leaves_the_others_done_and_is_told_at_the_end(project, many, monkeypatch):
    monkeypatch.setattr(moving, "AT_ONCE", 2)
    groups = many(project, 6)
    locked = moving._lock

    def fails_once(ids):
        if groups[2].pk in ids:
            raise OperationalError("deadlock detected")
        return locked(ids)

    monkeypatch.setattr(moving, "_lock", fails_once)

    with pytest.raises(OperationalError, match="deadlock"):
        resolve(groups, None)

    resolved = Group.objects.filter(status=GroupStatus.RESOLVED)
    assert list(resolved.order_by("pk")) == groups[:2] + groups[4:]
    assert Activity.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_people_who_change_the_same_issues_in_other_orders_do_not_stop_each_other(many):
    project = a_project()
    release = a_release("web@1.0", project)
    ids = [group.pk for group in many(project, 30)]
    changed = []
    barrier = threading.Barrier(3)

    def press(order, act):
        mine = sorted(Group.objects.select_related("project").filter(pk__in=ids), key=lambda group: order * group.pk)
        barrier.wait()
        changed.append(len(act(mine)))
        connection.close()

    acts = (
        (1, lambda groups: resolve(groups, None, InRelease(release))),
        (-1, lambda groups: archive(groups, None)),
        (-1, lambda groups: reopen(groups, None)),
    )
    threads = [threading.Thread(target=press, args=each) for each in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(changed) == 3
    (state,) = set(Group.objects.values_list("status", flat=True))
    assert GroupResolution.objects.count() == (30 if state == GroupStatus.RESOLVED else 0)
