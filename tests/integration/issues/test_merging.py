"""Issues that become one: at once for those who look, with everything in the end, and whatever comes in between."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from tests.support.factories import NOON, a_member, a_project, a_release, an_event, an_organization
from vedette.core import clock
from vedette.core.files import FileStore
from vedette.digest.batch import sort_out
from vedette.digest.models import DigestBatch
from vedette.digest.relate import look_up, relate
from vedette.events import queries
from vedette.events.rows import Window
from vedette.issues.actions import archive, assign
from vedette.issues.assignees import assignee_of, of_user
from vedette.issues.deletion import delete_given_up, give_up
from vedette.issues.lookup import find_group
from vedette.issues.marks import set_bookmarked
from vedette.issues.merging import STAYS_RESOLVED, merge, move_merged
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupBookmark,
    GroupInbox,
    GroupRedirect,
    GroupRelease,
    GroupStatus,
)
from vedette.issues.notes import add_note
from vedette.issues.resolve import resolve
from vedette.orgs.access import access_of_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(project):
    return a_member(project.organization, role="owner")


@pytest.fixture
def groups(project, digest):
    """Three issues: C of three events, then B of two, then A of one. A was first, in the older release."""
    a_release("web@1.0", project, date_added=NOON - timedelta(days=2))
    a_release("web@2.0", project, date_added=NOON - timedelta(days=1))
    digest(
        an_event(project, "A: x", release="web@1.0", timestamp=NOON - timedelta(hours=5)),
        *(an_event(project, "B: x", release="web@2.0", timestamp=NOON - timedelta(hours=n)) for n in (1, 2)),
        *(an_event(project, "C: x", release="web@2.0", timestamp=NOON - timedelta(hours=n)) for n in (2, 3, 4)),
    )
    return list(Group.objects.select_related("project").order_by("-times_seen"))


def events_of(store, project, *groups):
    now = clock.now()
    window = Window((project.pk,), now - timedelta(days=30), now)
    return {pk: one.count for pk, one in queries.issue_stats(store, window, [group.pk for group in groups]).items()}


def access(organization, user):
    return access_of_user(user, organization)


def test_three_issues_become_one_with_everything(project, events, digest, groups, ann):
    c, b, a = groups
    bob = a_member(project.organization, "bob@example.com")
    assign([a], of_user(bob), ann)
    assign([b], of_user(ann), ann)
    add_note(a, ann, "Looks like the others")
    for group in groups:
        set_bookmarked([group], ann, wanted=True)

    merged = merge(groups, ann)
    hidden = Group.objects.filter(status=GroupStatus.PENDING_MERGE).count()
    [landed] = digest(an_event(project, "A: x", timestamp=NOON))
    done = (move_merged(events, clock.now()), move_merged(events, clock.now()))

    assert (merged.parent, set(merged.children), merged.warnings) == (c.pk, {a.pk, b.pk}, ())
    assert (hidden, landed, done) == (2, c.pk, (2, 0))
    one = Group.objects.get()
    assert (one.pk, one.times_seen, one.num_comments) == (c.pk, 7, 1)
    assert (one.first_seen, one.last_seen) == (NOON - timedelta(hours=5), NOON)
    assert one.first_release.version == "web@1.0"
    assert events_of(events, project, a, b, c) == {c.pk: 7}
    assert assignee_of(one).id in (ann.pk, bob.pk)
    assert GroupBookmark.objects.get().group_id == c.pk
    assert set(GroupRelease.objects.values_list("group_id", "release__version")) == {
        (c.pk, "web@1.0"),
        (c.pk, "web@2.0"),
    }
    assert [entry.group_id for entry in Activity.objects.filter(type=ActivityType.NOTE)] == [c.pk]
    told = Activity.objects.get(type=ActivityType.MERGE)
    assert (told.group_id, told.user_id) == (c.pk, ann.pk)
    assert {issue["id"] for issue in told.data["issues"]} == {str(a.pk), str(b.pk)}
    assert GroupInbox.objects.get().group_id == c.pk

    mine = access(project.organization, ann)
    for old in (a, b):
        assert find_group(mine, str(old.pk)) == one
        assert find_group(mine, f"web-{old.short_id}") == one


def test_old_names_of_merged_issues_are_known_in_their_organization_only(project, take, ann):
    groups = list(Group.objects.filter(pk__in=take(an_event(project), an_event(project, "B: x"))))
    merged = merge(groups, ann)
    other = an_organization("other")
    a_project(other, "web")
    spy = a_member(other, "spy@example.com", role="owner")

    assert find_group(access(other, spy), str(merged.children[0])) is None
    assert find_group(access(other, spy), "web-1") is None
    assert find_group(access(project.organization, ann), str(merged.children[0])).pk == merged.parent


def test_an_issue_that_was_merged_before_leads_on(project, events, groups, ann):
    c, b, a = groups
    merge([a, b], ann)
    merge([b, c], ann)

    move_merged(events, clock.now())

    assert Group.objects.get().pk == c.pk
    assert set(GroupRedirect.objects.values_list("previous_group_id", "group_id")) == {(a.pk, c.pk), (b.pk, c.pk)}
    assert Group.objects.get().times_seen == 6
    assert sum(events_of(events, project, a, b, c).values()) == 6


def test_events_that_were_under_way_are_moved_by_a_second_look(project, events, tmp_path, groups, ann):
    from vedette.digest.store import store

    c, b, _ = groups
    mark = DigestBatch.objects.create(stream="late", first_position=1, last_position=1)
    batch = sort_out((an_event(project, "B: x", timestamp=NOON),))
    related = relate(mark, batch, (), {}, FileStore(tmp_path))
    merge([b, c], ann)
    now = clock.now()
    move_merged(events, now)
    store(events, mark, batch, related, (), pytest.fail)
    strayed = events_of(events, project, b, c)

    replayed = look_up(mark, batch)
    move_merged(events, now + timedelta(hours=2))

    assert (related, replayed) == ([b.pk], [c.pk])
    assert strayed == {b.pk: 1, c.pk: 5}
    assert events_of(events, project, b, c) == {c.pk: 6}
    assert Group.objects.get(pk=c.pk).times_seen == 6


def test_the_state_of_the_one_that_takes_in_stays_and_says_so(groups, ann):
    c, b, a = groups
    resolve([c], ann)
    archive([a], ann)

    merged = merge([a, b, c], ann)

    assert merged.warnings == (STAYS_RESOLVED,)
    assert Group.objects.get(pk=c.pk).status == GroupStatus.RESOLVED
    assert merge([a, b], ann) is None  # they are on their way


def test_issues_whose_new_home_is_deleted_go_with_it(project, events, tmp_path, groups, ann):
    c, b, a = groups
    merge([b, c], ann)
    give_up([c], ann)
    files, now = FileStore(tmp_path), clock.now()

    move_merged(events, now)
    delete_given_up(events, files, now)
    move_merged(events, now)
    delete_given_up(events, files, now)

    assert list(Group.objects.all()) == [a]
    assert events_of(events, project, a, b, c) == {a.pk: 1}


@pytest.mark.django_db(transaction=True)
def test_two_who_merge_the_same_at_once_merge_it_once(project, take):
    ids = take(*(an_event(project, f"{name}: x") for name in "ABC"))
    found = []
    barrier = threading.Barrier(3)

    def press():
        mine = list(Group.objects.select_related("project").filter(pk__in=ids))
        barrier.wait()
        found.append(merge(mine, None))
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(one is not None for one in found) == 1
    assert GroupRedirect.objects.count() == 2
    assert Activity.objects.filter(type=ActivityType.MERGE).count() == 1
