"""Step two of a batch, on the real database: what is made, what is counted, what a repetition changes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from tests.support.factories import (
    NOON,
    a_prepared_attachment,
    a_prepared_transaction,
    a_project,
    a_user_report,
    an_event,
    an_organization,
    hash_of,
)
from vedette.core import clock
from vedette.core.files import FileStore
from vedette.digest.batch import sort_out
from vedette.digest.models import DigestBatch, OutcomeCount
from vedette.digest.relate import look_up, relate
from vedette.digest.values import Dropped, Reported
from vedette.events.rows import EventPlace, KnownEvent
from vedette.issues.models import (
    Activity,
    EventAttachment,
    Group,
    GroupEnvironment,
    GroupHash,
    GroupRelease,
    GroupStatus,
    GroupSubStatus,
    UserReport,
)
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AuditLogEntry, OrganizationStatus
from vedette.projects import options
from vedette.projects.models import Environment, ObjectStatus, Project, ProjectFlags
from vedette.projects.options import set_option
from vedette.releases.models import Distribution, Release, ReleaseEnvironment, ReleaseProject, ReleaseProjectEnvironment
from vedette.wire.outcomes import Category, Count, Outcome

pytestmark = pytest.mark.django_db


@pytest.fixture
def take(tmp_path):
    """Relate prepared values as one batch; gives the issues of its events."""

    def _take(*values, known=(), reported=None):
        mark = DigestBatch.objects.create(stream=clock.now().isoformat(), first_position=1, last_position=1)
        return relate(mark, sort_out(values), known, reported or {}, FileStore(tmp_path))

    return _take


def outcomes():
    rows = OutcomeCount.objects.order_by("outcome", "category", "reason")
    return [(Outcome(row.outcome).word, Category(row.category).word, row.reason, row.quantity) for row in rows]


def test_events_with_one_hash_are_one_issue_counted_exactly(take):
    project = a_project()

    groups = take(*[an_event(project, timestamp=NOON + timedelta(minutes=m)) for m in (5, 0, 9)])

    group = Group.objects.get()
    assert groups == [group.pk] * 3
    assert (group.times_seen, group.first_seen, group.last_seen) == (3, NOON, NOON + timedelta(minutes=9))
    assert (group.short_id, group.status, group.substatus) == (1, GroupStatus.UNRESOLVED, GroupSubStatus.NEW)
    assert outcomes() == [("accepted", "error", "", 3)]


def test_the_newest_event_gives_an_issue_its_title_whatever_comes_last(take):
    project = a_project()
    shared = (hash_of("same"),)

    take(an_event(project, "A: new", hashes=shared, timestamp=NOON, level="warning"))
    take(an_event(project, "A: old", hashes=shared, timestamp=NOON - timedelta(hours=1), level="fatal"))

    group = Group.objects.get()
    assert (group.title, group.level_word, group.metadata["value"]) == ("A: new", "warning", "new")
    assert (group.first_seen, group.last_seen, group.times_seen) == (NOON - timedelta(hours=1), NOON, 2)


def test_an_event_joins_an_issue_through_any_of_its_hashes_and_brings_the_others(take):
    project = a_project()

    [first] = take(an_event(project, hashes=(hash_of("app"), hash_of("system"))))
    [second] = take(an_event(project, hashes=(hash_of("other app"), hash_of("system"))))
    [third] = take(an_event(project, hashes=(hash_of("other app"),)))

    assert first == second == third
    assert GroupHash.objects.filter(group_id=first).count() == 3


def test_hashes_that_meet_within_one_batch_make_one_issue(take):
    project = a_project()

    groups = take(
        an_event(project, hashes=(hash_of("a"),)),
        an_event(project, hashes=(hash_of("b"), hash_of("a"))),
        an_event(project, hashes=(hash_of("b"),)),
    )

    assert len(set(groups)) == 1
    assert Group.objects.get().times_seen == 3


def test_short_ids_count_up_per_project_without_a_gap(take):
    web = a_project()
    shop = a_project(web.organization, "shop")

    take(*[an_event(web, f"E: {n}") for n in range(3)], an_event(shop, "E: 0"))
    take(an_event(web, "E: 3"))

    assert sorted(Group.objects.filter(project=web).values_list("short_id", flat=True)) == [1, 2, 3, 4]
    assert list(Group.objects.filter(project=shop).values_list("short_id", flat=True)) == [1]


def test_the_same_hash_in_another_project_is_another_issue(take):
    web = a_project()
    shop = a_project(an_organization("other"), "shop")

    take(an_event(web), an_event(shop))

    assert Group.objects.count() == 2


def test_a_release_is_made_linked_and_dated_by_its_earliest_event(take):
    project = a_project()
    event = {"release": "shop@1.4.0", "environment": "production", "dist": "42"}

    take(an_event(project, timestamp=NOON, **event))
    take(an_event(project, timestamp=NOON - timedelta(days=1), **event))
    take(an_event(project, timestamp=NOON + timedelta(days=1), **event))

    release = Release.objects.get()
    assert release.date_added == NOON - timedelta(days=1)
    assert (release.package, release.major, release.minor) == ("shop", 1, 4)
    assert ReleaseProject.objects.get().new_groups == 1
    assert Distribution.objects.get().name == "42"
    for row in (ReleaseEnvironment.objects.get(), ReleaseProjectEnvironment.objects.get(), GroupRelease.objects.get()):
        assert (row.first_seen, row.last_seen) == (NOON - timedelta(days=1), NOON + timedelta(days=1))
    assert ReleaseProjectEnvironment.objects.get().new_issues_count == 1
    project.refresh_from_db()
    assert project.flags & ProjectFlags.HAS_RELEASES
    assert Group.objects.get().first_release_id == release.pk


def test_a_release_name_that_is_none_leaves_the_event_without_a_release(take):
    take(an_event(a_project(), release="latest"))

    assert not Release.objects.exists()
    assert Group.objects.get().first_release_id is None


def test_a_project_may_keep_its_events_from_making_and_dating_releases(take):
    project = a_project()
    other = a_project(project.organization, "other")
    set_option(project, options.AUTO_RELEASE_CREATION, False)
    set_option(project, options.RELEASE_DATE_FROM_EVENTS, False)

    take(an_event(project, release="1.0"))
    assert not Release.objects.exists()
    take(an_event(other, release="1.0", timestamp=NOON))
    take(an_event(project, release="1.0", timestamp=NOON - timedelta(days=2)))

    assert Release.objects.get().date_added == NOON
    assert GroupRelease.objects.count() == 2


def test_environments_are_shared_by_an_organization_and_none_is_the_empty_one(take):
    web = a_project()
    shop = a_project(web.organization, "shop")

    take(an_event(web, environment="prod"), an_event(shop, environment="prod"), an_event(web, "E: 2"))

    assert sorted(Environment.objects.values_list("name", flat=True)) == ["", "prod"]
    assert GroupEnvironment.objects.count() == 3


def test_the_same_event_id_twice_in_a_batch_is_one_event_and_the_latest_wins(take):
    project = a_project()
    twice = {"event_id": "a" * 32, "hashes": (hash_of("same"),)}

    groups = take(an_event(project, "E: first", **twice), an_event(project, "E: second", **twice))

    group = Group.objects.get()
    assert groups == [group.pk]
    assert (group.times_seen, group.title) == (1, "E: second")
    assert outcomes() == [("accepted", "error", "", 1), ("invalid", "error", "duplicate", 1)]


def test_the_same_event_id_on_another_day_is_another_event(take):
    project = a_project()

    take(an_event(project, event_id="a" * 32), an_event(project, event_id="a" * 32, timestamp=NOON + timedelta(days=1)))

    assert Group.objects.get().times_seen == 2


def test_an_event_that_replaces_a_stored_one_of_its_issue_is_not_counted_again(take):
    project = a_project()
    event = an_event(project)
    [group] = take(event)

    take(event, known=[KnownEvent(project.pk, event.event_id, NOON.date().isoformat(), group, 1)])

    assert Group.objects.get().times_seen == 1


def test_an_event_that_replaces_a_stored_one_of_another_issue_moves_its_count(take):
    project = a_project()
    event = an_event(project, "Old: one")
    [old, _] = take(event, an_event(project, "Old: one"))

    [new] = take(
        an_event(project, "New: one", event_id=event.event_id),
        known=[KnownEvent(project.pk, event.event_id, NOON.date().isoformat(), old, 1)],
    )

    counts = dict(Group.objects.values_list("pk", "times_seen"))
    assert counts == {old: 1, new: 1}


def test_a_newer_event_reopens_a_resolved_issue_once_and_says_so(take):
    project = a_project()
    [pk] = take(an_event(project))
    Group.objects.update(status=GroupStatus.RESOLVED, substatus=None, resolved_at=NOON + timedelta(hours=1))

    back = an_event(project, timestamp=NOON + timedelta(hours=2), release="1.1")
    take(back, an_event(project, timestamp=NOON + timedelta(hours=1, minutes=30)))

    group = Group.objects.get(pk=pk)
    assert (group.status, group.substatus) == (GroupStatus.UNRESOLVED, GroupSubStatus.REGRESSED)
    assert Activity.objects.get().data == {"event_id": back.event_id, "version": "1.1"}


def test_an_event_from_before_the_resolution_reopens_nothing(take):
    project = a_project()
    take(an_event(project))
    Group.objects.update(status=GroupStatus.RESOLVED, substatus=None, resolved_at=NOON + timedelta(hours=1))

    take(an_event(project, timestamp=NOON + timedelta(minutes=59)))

    assert Group.objects.get().status == GroupStatus.RESOLVED
    assert Group.objects.get().times_seen == 2


def test_an_archived_issue_counts_and_stays_archived(take):
    project = a_project()
    take(an_event(project))
    Group.objects.update(status=GroupStatus.IGNORED, substatus=GroupSubStatus.ARCHIVED_FOREVER)

    take(an_event(project, timestamp=NOON + timedelta(days=1)))

    group = Group.objects.get()
    assert (group.status, group.times_seen) == (GroupStatus.IGNORED, 2)


def test_a_tombstone_discards_its_events(take):
    project = a_project()
    GroupHash.objects.create(project=project, hash=hash_of("E: gone"), group_tombstone_id=7)

    groups = take(an_event(project, "E: gone"))

    assert groups == [None]
    assert not Group.objects.exists()
    assert outcomes() == [("filtered", "error", "discarded-hash", 1)]


def test_events_of_a_project_that_is_gone_are_invalid_and_hold_up_nobody(take):
    gone = a_project(status=ObjectStatus.PENDING_DELETION)
    alive = a_project(gone.organization, "alive")

    groups = take(an_event(gone), an_event(alive))

    assert groups[0] is None
    assert Group.objects.get().project_id == alive.pk
    assert outcomes() == [("accepted", "error", "", 1), ("invalid", "error", "project_id", 1)]


def test_what_was_accepted_of_an_organization_that_is_gone_is_invalid_whatever_it_is(take):
    gone = a_project(an_organization(status=OrganizationStatus.PENDING_DELETION))
    event = an_event(gone)

    said = a_user_report(gone, event.event_id)
    groups = take(event, said, a_prepared_transaction(gone), a_prepared_attachment(gone, event.event_id, b"12345"))

    assert groups == [None]
    quantities = {"error": 1, "attachment": 5, "transaction": 1, "feedback": 1}
    assert set(outcomes()) == {("invalid", category, "project_id", number) for category, number in quantities.items()}
    assert not any(model.objects.exists() for model in (Group, UserReport, EventAttachment))


def test_14_13_the_stale_platform_of_an_issue_is_not_changed(take):
    project = a_project()

    take(an_event(project, platform="python"))
    take(an_event(project, platform="ruby", timestamp=NOON + timedelta(hours=1)))

    group = Group.objects.get()
    assert (group.platform, group.times_seen) == ("python", 2)
    assert group.last_seen == NOON + timedelta(hours=1)


def test_a_project_learns_its_platform_and_its_first_event(take):
    project = a_project()

    take(an_event(project, platform="python", timestamp=NOON), an_event(project, timestamp=NOON - timedelta(hours=1)))
    take(an_event(project, platform="ruby", timestamp=NOON - timedelta(days=3)))

    project.refresh_from_db()
    assert (project.platform, project.first_event) == ("python", NOON - timedelta(hours=1))


def test_the_audit_log_tells_which_event_gave_a_project_its_platform(take):
    project = a_project()

    take(an_event(project, platform="other"))
    take(first := an_event(project, platform="python"))
    take(an_event(project, platform="ruby"))

    entry = AuditLogEntry.objects.get()
    assert (entry.event, entry.target_object, entry.actor_id) == (AuditEvent.PROJECT_EDIT, project.pk, None)
    assert (entry.data["platform"], entry.data["event"]) == ("python", first.event_id)


@pytest.mark.parametrize(
    ("is_feedback", "flags"),
    [
        (False, ProjectFlags.HAS_FEEDBACKS),
        (True, ProjectFlags.HAS_FEEDBACKS | ProjectFlags.HAS_NEW_FEEDBACKS),
    ],
)
def test_a_project_learns_that_people_say_something(take, is_feedback, flags):
    project = a_project()

    take(replace(a_user_report(project, "e" * 32), is_feedback=is_feedback))

    both = ProjectFlags.HAS_FEEDBACKS | ProjectFlags.HAS_NEW_FEEDBACKS
    assert Project.objects.get(pk=project.pk).flags & both == flags


def test_an_attachment_lies_on_the_disk_and_learns_the_issue_of_its_event(take, tmp_path):
    project = a_project()
    event = an_event(project)

    take(a_prepared_attachment(project, event.event_id))
    [group] = take(event)

    row = EventAttachment.objects.get()
    assert row.group_id == group
    assert FileStore(tmp_path).path(row.sha1).read_bytes() == b"log line\n"
    assert ("accepted", "attachment", "", 9) in outcomes()
    assert ("accepted", "attachment_item", "", 1) in outcomes()


def test_rows_that_batches_share_are_locked_in_one_order(take, django_assert_max_num_queries):
    """Releases of events and transactions together and before issues; issues in the order of their ids, those that lose
    an event among them."""
    project = a_project()
    groups = take(*[an_event(project, f"Error: {n}", release=str(n)) for n in range(3)])
    event = an_event(project, "Error: 2", event_id="a" * 32, release="8")
    known = KnownEvent(project.pk, event.event_id, NOON.date().isoformat(), groups[0], 1)

    with django_assert_max_num_queries(200) as asked:
        take(event, a_prepared_transaction(project, release="9"), known=[known])

    statements = [query["sql"] for query in asked.captured_queries]
    of_releases = [n for n, one in enumerate(statements) if '"releases_' in one and not one.startswith("SELECT")]
    locking = ("UPDATE issues_group ", 'FROM "issues_group" WHERE "issues_group"."id" IN')
    of_issues = [
        n for n, one in enumerate(statements) if locking[0] in one or (locking[1] in one and "FOR UPDATE" in one)
    ]
    assert max(of_releases) < min(of_issues)
    if connection.features.has_select_for_update:
        first = statements[min(of_issues)]
        assert "FOR UPDATE" in first
        assert f"({groups[0]}, {groups[2]})" in first


def test_a_report_before_its_event_learns_the_issue_and_a_second_one_replaces_it(take):
    project = a_project()
    event = an_event(project)

    take(a_user_report(project, event.event_id, "first"))
    [group] = take(event)
    take(a_user_report(project, event.event_id, "second"), reported={(project.pk, event.event_id): EventPlace(group)})

    report = UserReport.objects.get()
    assert (report.group_id, report.comments) == (group, "second")


def test_what_prepare_dropped_and_clients_reported_is_counted_by_the_hour(take):
    project = a_project()
    who = (project.pk, project.organization_id, 1)

    take(
        Dropped(*who, Outcome.INVALID, Category.ERROR, "invalid_json", NOON),
        Dropped(*who, Outcome.FILTERED, Category.SESSION, "not_supported_yet", NOON),
        Reported(*who, (Count(Outcome.CLIENT_DISCARD, Category.ERROR, "queue_overflow", 23, NOON.timestamp()),)),
    )
    take(Dropped(*who, Outcome.INVALID, Category.ERROR, "invalid_json", NOON + timedelta(minutes=59)))

    assert outcomes() == [
        ("filtered", "session", "not_supported_yet", 1),
        ("invalid", "error", "invalid_json", 2),
        ("client_discard", "error", "queue_overflow", 23),
    ]


def test_a_reported_moment_that_cannot_be_is_counted_now(take):
    project = a_project()
    wild = Count(Outcome.CLIENT_DISCARD, Category.ERROR, "x", 1, 1e18)

    take(Reported(project.pk, project.organization_id, 1, (wild,)))

    assert abs(OutcomeCount.objects.get().hour - clock.now()) < timedelta(hours=2)


def test_nul_characters_never_stop_a_batch(take):
    project = a_project()

    take(an_event(project, "E: a\0b", environment="pr\0d", release="1\0", metadata={"value": "a\0b", "x": ["\0"]}))

    assert Group.objects.get().title == "E: a\ufffdb"


def test_a_replay_finds_the_issues_and_changes_nothing(take):
    project = a_project()
    events = [an_event(project, f"E: {n % 2}") for n in range(4)]
    groups = take(*events)

    assert look_up(DigestBatch.objects.get(), sort_out(events)) == groups
    assert sorted(Group.objects.values_list("times_seen", flat=True)) == [2, 2]


def test_a_replay_stores_what_was_counted_whatever_the_hashes_are_by_now(take):
    project = a_project()
    groups = take(an_event(project, "E: a", event_id="a" * 32), an_event(project, "E: b", event_id="b" * 32))
    by_now = [
        an_event(project, event_id="a" * 32, hashes=(hash_of("other"),)),
        an_event(project, event_id="c" * 32),  # was filtered when the batch was counted
        an_event(project, event_id="b" * 32, hashes=(hash_of("other"),)),
    ]

    assert look_up(DigestBatch.objects.get(), sort_out(by_now)) == [groups[0], None, groups[1]]
    assert Group.objects.count() == 2


def test_a_replay_leaves_out_events_of_an_issue_that_was_deleted_since(take):
    project = a_project()
    event = an_event(project)
    take(event)
    Group.objects.update(status=GroupStatus.PENDING_DELETION)

    assert look_up(DigestBatch.objects.get(), sort_out([event])) == [None]


@pytest.mark.parametrize("what", ["project", "organization"])
def test_a_replay_leaves_out_events_of_a_project_that_was_deleted_since(take, what):
    project, other = a_project(), a_project(an_organization("other"))
    events = [an_event(project), an_event(other)]
    groups = take(*events)
    owner = project if what == "project" else project.organization
    owner.status = ObjectStatus.PENDING_DELETION if what == "project" else OrganizationStatus.PENDING_DELETION
    owner.save()

    assert look_up(DigestBatch.objects.get(), sort_out(events)) == [None, groups[1]]


def test_an_empty_batch_is_related_too(take):
    assert take() == []


def test_one_batch_costs_a_bounded_number_of_statements(take, django_assert_max_num_queries):
    project = a_project()
    take(*[an_event(project, f"E: {n}", release="1.0", environment="prod") for n in range(100)])

    with django_assert_max_num_queries(45):
        take(*[an_event(project, f"E: {n}", release="1.0", environment="prod") for n in range(100)])


def test_the_data_of_a_newer_event_are_merged_into_those_of_the_issue(take):
    project = a_project()
    shared = {"hashes": (hash_of("same"),), "level": "warning", "sdk_name": "sentry.python.django"}

    take(an_event(project, metadata={"type": "A", "value": "old", "function": "f"}, **shared))
    Group.objects.update(data={**Group.objects.get().data, "kept": 1})
    take(an_event(project, metadata={"type": "A", "value": "new"}, timestamp=NOON + timedelta(minutes=1), **shared))
    take(an_event(project, metadata={"value": "late"}, timestamp=NOON - timedelta(minutes=1), **shared))

    data = Group.objects.get().data
    assert data["kept"] == 1
    assert data["metadata"] == {
        "type": "A",
        "value": "new",
        "function": "f",
        "initial_priority": 50,
        "sdk": {"name": "sentry.python.django", "name_normalized": "sentry.python"},
    }


@pytest.mark.parametrize(
    ("level", "priority"),
    [("fatal", 75), ("error", 75), ("warning", 50), ("info", 25), ("debug", 25), ("sample", 25)],
)
def test_the_priority_of_a_new_issue_follows_its_level(take, level, priority):
    take(an_event(a_project(), level=level))

    group = Group.objects.get()
    assert (group.priority, group.metadata["initial_priority"]) == (priority, priority)
