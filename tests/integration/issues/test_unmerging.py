"""Issues that are split again: the same sums as before they were merged, whoever is killed when and whatever comes."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Q

from tests.support.factories import NOON, a_member, a_release, an_event, hash_of
from vedette.core import clock, json
from vedette.core.errors import RuleBroken
from vedette.core.files import FileStore
from vedette.digest.batch import sort_out
from vedette.digest.models import DigestBatch
from vedette.digest.relate import relate
from vedette.digest.store import store
from vedette.events import queries
from vedette.events.rows import Window
from vedette.issues import arrivals, unmerged
from vedette.issues.actions import archive, assign
from vedette.issues.assignees import assignee_of, of_user
from vedette.issues.deletion import delete_given_up, give_up
from vedette.issues.lookup import feed, find_group
from vedette.issues.merging import merge, move_merged
from vedette.issues.models import (
    Activity,
    ActivityType,
    EventAttachment,
    Group,
    GroupEnvironment,
    GroupHash,
    GroupRelease,
    GroupSnooze,
    GroupSplit,
    GroupStatus,
    GroupSubStatus,
    UserReport,
)
from vedette.issues.snoozes import Until
from vedette.issues.unmerging import NOTHING_LEFT, NOTHING_THERE, fingerprints_of, unmerge
from vedette.orgs.access import access_of_user
from vedette.releases.models import ReleaseProject

pytestmark = pytest.mark.django_db
A, B = hash_of("A: x"), hash_of("B: x")


def nothing_in_hand():
    return ()


@pytest.fixture
def ann(project):
    return a_member(project.organization, role="owner")


@pytest.fixture
def one(project, digest, events):
    """An issue of B (three events, the newest) and A (four, the oldest), and what each of them was before."""
    a_release("web@1.0", project, date_added=NOON - timedelta(days=2))
    a_release("web@2.0", project, date_added=NOON - timedelta(days=1))

    def at(title, hours, release, environment):
        moment = NOON - timedelta(hours=hours)
        return an_event(project, title, release=release, environment=environment, timestamp=moment)

    digest(
        *(at("A: x", n, "web@1.0", "production") for n in (9, 7, 5)),
        at("A: x", 3, "web@2.0", "staging"),
        *(at("B: x", n, "web@2.0", "production") for n in (8, 6, 1)),
    )
    before = {title: told(Group.objects.get(title=title)) for title in ("A: x", "B: x")}
    merge(list(Group.objects.select_related("project")), None)
    move_merged(events, clock.now())
    return Group.objects.select_related("project__organization").get(), before


def told(group):
    """What is known of an issue but its name: its columns and its rows."""
    columns = "title culprit level message times_seen first_seen last_seen first_release_id priority platform".split()
    rows = GroupRelease.objects.filter(group=group).order_by("release", "environment")
    places = GroupEnvironment.objects.filter(group=group).order_by("environment")
    return (
        {name: getattr(group, name) for name in columns},
        list(rows.values_list("release__version", "environment", "first_seen", "last_seen")),
        list(places.values_list("environment", "first_release", "first_seen")),
    )


def counted(events, project):
    """How many events each issue has in the event store."""
    now = clock.now()
    groups = list(Group.objects.values_list("pk", flat=True))
    stats = queries.issue_stats(events, Window((project.pk,), now - timedelta(days=30), now), groups)
    return {pk: found.count for pk, found in stats.items()}


def run(events, in_hand=nothing_in_hand, now=None):
    return unmerged.move_unmerged(events, in_hand, now or clock.now())


def test_what_was_merged_and_split_again_is_what_it_was_before(project, events, one, ann):
    merged, before = one
    brought = list(ReleaseProject.objects.order_by("release").values_list("new_groups", flat=True))
    assert merged.times_seen == 7

    made = unmerge(events, merged, [B], ann)
    done = (run(events), run(events))

    merged.refresh_from_db()
    made.refresh_from_db()
    assert (told(merged), told(made)) == (before["A: x"], before["B: x"])
    assert merged.metadata["title"] == "A: x"
    assert counted(events, project) == {merged.pk: 4, made.pk: 3}
    assert done == (1, 0)
    assert (made.status, made.substatus) == (GroupStatus.UNRESOLVED, GroupSubStatus.ONGOING)
    assert made.short_id > merged.short_id
    assert made.active_at == made.first_seen
    assert list(GroupHash.objects.order_by("pk").values_list("hash", "group", "state")) == [
        (A, merged.pk, None),
        (B, made.pk, None),
    ]
    assert list(ReleaseProject.objects.order_by("release").values_list("new_groups", flat=True)) == brought


def test_three_issues_with_assignees_merged_found_by_their_old_names_and_split(project, events, digest, ann):
    bob = a_member(project.organization, "bob@example.com")
    digest(*(an_event(project, f"{name}: x", timestamp=NOON) for name in "ABBCCC"))
    c, b, a = groups = list(Group.objects.select_related("project").order_by("-times_seen"))
    assign([a], of_user(bob), ann)
    assign([b], of_user(ann), ann)
    merge(groups, ann)
    move_merged(events, clock.now())
    mine = access_of_user(ann, project.organization)
    named = [str(old.pk) for old in groups] + [f"web-{old.short_id}" for old in groups]
    found = [find_group(mine, name) for name in named]

    made = unmerge(events, find_group(mine, str(a.pk)), [A], ann)
    run(events)

    c = Group.objects.get(pk=c.pk)
    assert found == [c] * 6
    assert [find_group(mine, name) for name in named] == [c] * 6  # the new one has a name of its own
    assert assignee_of(c).id in (ann.pk, bob.pk)
    assert assignee_of(made) is None
    assert counted(events, project) == {c.pk: 5, made.pk: 1}
    assert Group.objects.get(pk=made.pk).times_seen == 1
    assert c.times_seen == 5


def test_both_histories_name_the_other_issue(events, one, ann):
    merged, _ = one

    made = unmerge(events, merged, [B], ann)

    out = Activity.objects.get(type=ActivityType.UNMERGE_SOURCE)
    back = Activity.objects.get(type=ActivityType.UNMERGE_DESTINATION)
    assert (out.group_id, out.user_id, out.data) == (
        merged.pk,
        ann.pk,
        {"fingerprints": [B], "destination_id": made.pk},
    )
    assert (back.group_id, back.data) == (made.pk, {"fingerprints": [B], "source_id": merged.pk})
    assert [entry.type for entry in feed(made)] == [ActivityType.UNMERGE_DESTINATION, ActivityType.FIRST_SEEN]


@pytest.mark.parametrize("seam", ["counted", "moved", "summed", "rows", "recounted"])
def test_whoever_is_killed_in_the_middle_the_sums_are_the_same(seam, project, events, one, monkeypatch):
    merged, before = one
    made = unmerge(events, merged, [B], None)

    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    def after(work):
        def work_and_die(*arguments, **named):
            work(*arguments, **named)
            raise Killed

        return work_and_die

    with monkeypatch.context() as patch:
        name, stand_in = {
            "counted": ("move_hashes", die),
            "moved": ("_end_turn", die),
            "summed": ("_end_turn", after(unmerged._end_turn)),
            "rows": ("recount", die),
            "recounted": ("_settle", die),
        }[seam]
        patch.setattr(unmerged, name, stand_in)
        with pytest.raises(Killed):
            run(events)
    assert run(events) == 1

    merged.refresh_from_db()
    made.refresh_from_db()
    assert (told(merged), told(made)) == (before["A: x"], before["B: x"])
    assert counted(events, project) == {merged.pk: 4, made.pk: 3}
    assert GroupSplit.objects.get().moved == 3


def test_two_nodes_that_move_the_same_count_it_once(project, events, one, monkeypatch):
    merged, before = one
    made = unmerge(events, merged, [B], None)
    moving = unmerged.move_hashes
    entered = []

    def meanwhile(*arguments):
        moved = moving(*arguments)
        if not entered:
            entered.append(True)
            run(events)  # the other node, from the middle of this one's turn on
        return moved

    monkeypatch.setattr(unmerged, "move_hashes", meanwhile)
    run(events)

    merged.refresh_from_db()
    made.refresh_from_db()
    assert (told(merged), told(made)) == (before["A: x"], before["B: x"])
    assert (GroupSplit.objects.get().moved, counted(events, project)) == (3, {merged.pk: 4, made.pk: 3})


def test_events_that_arrive_meanwhile_go_to_the_new_issue(project, events, digest, one):
    merged, _ = one

    made = unmerge(events, merged, [B], None)
    landed = digest(
        an_event(project, "B: x", timestamp=NOON),
        an_event(project, "A: x", timestamp=NOON - timedelta(minutes=30)),
    )
    run(events)

    merged.refresh_from_db()
    made.refresh_from_db()
    assert landed == [made.pk, merged.pk]
    assert (merged.times_seen, made.times_seen) == (5, 4)
    assert counted(events, project) == {merged.pk: 5, made.pk: 4}
    assert made.last_seen == NOON


def test_events_of_a_batch_that_was_in_hand_follow_when_it_is_done(project, events, one, tmp_path):
    merged, _ = one
    mark = DigestBatch.objects.create(stream="late", first_position=1, last_position=1)
    batch = sort_out((an_event(project, "B: x", timestamp=NOON),))
    related = relate(mark, batch, (), {}, FileStore(tmp_path))
    made = unmerge(events, merged, [B], None)

    first = run(events, lambda: [mark.pk])
    store(events, mark, batch, related, (), pytest.fail)
    still = run(events, lambda: [mark.pk, mark.pk + 1])
    between = counted(events, project)
    locked = GroupHash.objects.get(hash=B).state
    last = run(events, nothing_in_hand)

    merged.refresh_from_db()
    made.refresh_from_db()
    assert (first, still, last) == (0, 0, 1)
    assert between == {merged.pk: 5, made.pk: 3}
    assert (locked, GroupHash.objects.get(hash=B).state) == (1, None)
    assert counted(events, project) == {merged.pk: 4, made.pk: 4}
    assert (merged.times_seen, made.times_seen) == (4, 4)


def test_a_node_that_stays_away_is_not_waited_for_longer_than_an_hour(events, one):
    merged, _ = one
    unmerge(events, merged, [B], None)

    waits = run(events, lambda: [10**6])
    goes_on = run(events, lambda: [10**6], clock.now() + timedelta(hours=2))

    assert (waits, goes_on) == (0, 1)


def test_a_batch_that_read_the_fingerprints_before_is_tried_again(project, events, one, take, monkeypatch):
    merged, _ = one
    count, made = arrivals._count, []

    def split_first(*arguments):
        if not made:
            made.append(unmerge(events, merged, [B], None))
        count(*arguments)

    monkeypatch.setattr(arrivals, "_count", split_first)
    with pytest.raises(arrivals.IssueGone, match="split"):
        take(an_event(project, "B: x", timestamp=NOON))
    monkeypatch.setattr(arrivals, "_count", count)

    assert not GroupSplit.objects.exists()  # here both were one transaction: nothing of it was kept


def test_other_events_of_an_issue_that_is_being_split_are_not_held_up(project, events, one, take):
    merged, _ = one
    made = unmerge(events, merged, [B], None)

    assert take(an_event(project, "A: x"), an_event(project, "B: x"), an_event(project, "New: x"))[:2] == [
        merged.pk,
        made.pk,
    ]


def test_one_fingerprint_at_least_stays(events, one):
    merged, _ = one

    with pytest.raises(RuleBroken, match=NOTHING_LEFT):
        unmerge(events, merged, [A, B], None)

    assert Group.objects.count() == 1
    assert not GroupSplit.objects.exists()
    assert set(GroupHash.objects.values_list("group", "state")) == {(merged.pk, None)}


def test_a_fingerprint_without_events_is_not_split_off(events, one):
    merged, _ = one
    GroupHash.objects.create(project=merged.project, hash="0" * 32, group=merged)

    with pytest.raises(RuleBroken, match=NOTHING_THERE):
        unmerge(events, merged, ["0" * 32], None)


def test_what_is_being_split_off_or_is_of_another_issue_is_not_split(project, events, one, take):
    merged, _ = one
    made = unmerge(events, merged, [B], None)
    take(an_event(project, "Else: x"))

    answers = [unmerge(events, group, [B], None) for group in (merged, made)]
    answers.append(unmerge(events, merged, [hash_of("Else: x"), "f" * 32], None))

    assert answers == [None, None, None]
    assert GroupSplit.objects.count() == 1


def test_hashes_that_only_such_events_have_go_with_them(project, events, digest):
    shared, own = hash_of("shared"), hash_of("own")

    def an_event_with(title, *others):
        hashes = (hash_of(title), *others)
        variants = {str(place): {"component": "x", "hash": value} for place, value in enumerate(hashes)}
        return an_event(project, title, hashes=hashes, payload=json.dumps({"grouping": {"variants": variants}}))

    digest(an_event_with("A: x", shared))
    digest(an_event_with("B: x", shared, own))
    merged = Group.objects.select_related("project").get()

    made = unmerge(events, merged, [B], None)

    assert dict(GroupHash.objects.values_list("hash", "group")) == {
        A: merged.pk,
        shared: merged.pk,
        B: made.pk,
        own: made.pk,
    }
    assert Activity.objects.get(type=ActivityType.UNMERGE_SOURCE).data["fingerprints"] == [B]


def test_files_and_reports_follow_their_events(project, events, digest):
    first, second = an_event(project, "A: x"), an_event(project, "B: x")
    digest(first, second)
    merged = list(Group.objects.select_related("project").order_by("pk"))
    merge(merged, None)
    move_merged(events, clock.now())
    one = Group.objects.select_related("project").get()
    for event in (first, second):
        UserReport.objects.create(project=project, event_id=event.event_id, group=one)
        EventAttachment.objects.create(
            project=project, event_id=event.event_id, group=one, name="x", content_type="x/y", size=1, sha1="0" * 40
        )

    made = unmerge(events, one, [B], None)
    run(events)

    for model in (UserReport, EventAttachment):
        assert dict(model.objects.values_list("event_id", "group")) == {
            first.event_id: one.pk,
            second.event_id: made.pk,
        }


def test_an_archive_until_so_many_events_does_not_wait_for_those_that_left(events, one):
    merged, _ = one
    archive([merged], None, GroupSubStatus.ARCHIVED_UNTIL_CONDITION_MET, until=Until(count=10))

    unmerge(events, merged, [B], None)
    run(events)

    assert GroupSnooze.objects.get().state == {"times_seen": 4}


def test_what_is_older_than_all_kept_events_stays_with_the_issue(events, one):
    merged, _ = one
    long_ago = NOON - timedelta(days=100)
    Group.objects.filter(pk=merged.pk).update(first_seen=long_ago, times_seen=1000)
    GroupRelease.objects.filter(release__version="web@2.0", environment="production").update(first_seen=long_ago)

    made = unmerge(events, merged, [B], None)
    run(events)

    merged.refresh_from_db()
    made.refresh_from_db()
    assert (merged.first_seen, merged.times_seen, made.times_seen) == (long_ago, 997, 3)
    kept = GroupRelease.objects.filter(Q(group=merged), release__version="web@2.0", environment="production")
    assert kept.get().first_seen == long_ago


def test_an_issue_that_is_deleted_while_it_is_split_keeps_nothing_of_the_new_one(project, events, one, tmp_path):
    merged, _ = one
    made = unmerge(events, merged, [B], None)
    give_up([merged], None)
    files, now = FileStore(tmp_path), clock.now()

    waited = delete_given_up(events, files, now).events
    run(events)
    delete_given_up(events, files, now)

    assert waited == 0
    assert counted(events, project) == {made.pk: 3}
    assert Group.objects.get().times_seen == 3


def test_an_issue_that_is_merged_back_while_it_is_split_has_all_of_them(project, events, one):
    merged, _ = one
    made = unmerge(events, merged, [B], None)
    both = list(Group.objects.select_related("project"))
    merge(both, None)

    waited = move_merged(events, clock.now())
    run(events)
    move_merged(events, clock.now())

    left = Group.objects.get()
    assert waited == 0
    assert left.pk in (merged.pk, made.pk)
    assert left.times_seen == 7
    assert counted(events, project) == {left.pk: 7}


def test_the_fingerprints_of_an_issue_those_of_the_newest_events_first(events, one):
    merged, _ = one
    GroupHash.objects.create(project=merged.project, hash="0" * 32, group=merged)

    found = fingerprints_of(events, merged)

    assert [(each.hash, each.events and each.events.count) for each in found] == [(B, 3), (A, 4), ("0" * 32, None)]
    assert not any(each.is_locked for each in found)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_split_everything_off_at_once_one_is_refused(project, events, digest):
    digest(an_event(project, "A: x"), an_event(project, "B: x"))
    merge(list(Group.objects.select_related("project")), None)
    move_merged(events, clock.now())
    barrier, answers = threading.Barrier(2), []

    def press(value):
        mine = Group.objects.select_related("project__organization").get()
        barrier.wait()
        try:
            answers.append(unmerge(events, mine, [value], None))
        except RuleBroken as refused:
            answers.append(str(refused))
        connection.close()

    threads = [threading.Thread(target=press, args=(value,)) for value in (A, B)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(isinstance(answer, Group) for answer in answers) == [False, True]
    assert Group.objects.count() == 2
    assert GroupSplit.objects.count() == 1
