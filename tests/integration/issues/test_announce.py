"""Whoever listens is told of changed statuses: in the transaction, and after its commit."""

from datetime import timedelta

import pytest
from django.db import transaction

from tests.support.factories import NOON, a_member, a_release, an_event
from tests.support.racing import at_once
from vedette.health import metrics
from vedette.issues import announce, inbox
from vedette.issues.actions import archive, assign, reopen
from vedette.issues.assignees import of_user
from vedette.issues.models import Group, GroupStatus, GroupSubStatus
from vedette.issues.resolve import InRelease, resolve
from vedette.issues.resolvedcounts import on_changes, resolved_counts

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(project, take):
    [pk] = take(an_event(project, timestamp=NOON))
    return Group.objects.select_related("project").get(pk=pk)


@pytest.fixture
def heard():
    """What listeners hear, as (when, kind, status, user)."""
    told = []

    def during(changes, **_):
        told.extend(("in", change.kind, change.status, change.user_id) for change in changes)

    def after(changes, **_):
        told.extend(("after", change.kind, change.status, change.user_id) for change in changes)

    announce.changing.connect(during)
    announce.changed.connect(after)
    yield told
    announce.changing.disconnect(during)
    announce.changed.disconnect(after)


def test_each_change_of_status_is_told_in_the_transaction_and_after_it(
    project, take, group, heard, django_capture_on_commit_callbacks
):
    ann = a_member(project.organization)

    with django_capture_on_commit_callbacks(execute=True):
        resolve([group], ann, now=NOON + timedelta(hours=1))
        resolve([group], ann, now=NOON + timedelta(hours=1))
        take(an_event(project, timestamp=NOON + timedelta(hours=2)))
        group.refresh_from_db()
        archive([group], ann, GroupSubStatus.ARCHIVED_UNTIL_ESCALATING)
        reopen([group], None)
        assign([group], of_user(ann), ann)
        inbox.put_in([group])

    wanted = [
        ("now", GroupStatus.RESOLVED, ann.pk),
        ("regressed", GroupStatus.UNRESOLVED, None),
        ("until_escalating", GroupStatus.IGNORED, ann.pk),
        ("unresolved", GroupStatus.UNRESOLVED, None),
    ]
    assert heard == [("in", *one) for one in wanted] + [("after", *one) for one in wanted]


def test_nothing_is_told_of_what_was_rolled_back(group, heard, django_capture_on_commit_callbacks):
    def resolve_and_fail():
        with transaction.atomic():
            resolve([group], None)
            raise ZeroDivisionError

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(ZeroDivisionError):
        resolve_and_fail()

    assert [when for when, *_ in heard] == ["in"]


def test_a_listener_that_fails_after_the_commit_disturbs_nobody(group, heard, django_capture_on_commit_callbacks):
    def fails(changes, **_):
        raise ZeroDivisionError

    announce.changed.connect(fails)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            resolve([group], None)
    finally:
        announce.changed.disconnect(fails)

    assert ("after", "now", GroupStatus.RESOLVED, None) in heard


def test_resolved_issues_are_counted_by_how_after_the_commit(group, django_capture_on_commit_callbacks):
    ann = a_member(group.project.organization)

    with django_capture_on_commit_callbacks(execute=True):
        resolve([group], ann)
        resolve([group], ann)
        reopen([group], ann)
        resolve([group], ann)
        resolve([group], ann, InRelease(a_release("1.0", group.project)))
        assert resolved_counts() == {}

    assert resolved_counts() == {"in_release": 1, "now": 2}
    told = metrics.render(None).decode()
    assert 'vedette_issues_resolved_total{kind="now"} 2.0' in told


def test_what_was_not_kept_is_not_counted(group, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        resolve([group], None)
        transaction.set_rollback(True)

    assert resolved_counts() == {}


@pytest.mark.django_db(transaction=True)
def test_nodes_that_resolve_at_once_lose_no_count(project):
    def counting():
        change = announce.IssueStatusChanged(1, project.pk, 1, GroupStatus.RESOLVED, "with_commit", NOON)
        for _ in range(5):
            on_changes([change, change])

    assert at_once(*[counting] * 4) == [None] * 4
    assert resolved_counts() == {"with_commit": 40}
