"""Storms: every event is counted, a sample keeps its body, and a replay writes the same rows."""

from collections import Counter
from datetime import timedelta

import pytest

from tests.support.factories import NOON, a_project, an_event, an_organization
from vedette.core import clock, json
from vedette.core.files import FileStore
from vedette.digest.batch import sort_out
from vedette.digest.models import DigestBatch
from vedette.digest.relate import look_up, relate
from vedette.digest.store import store
from vedette.digest.storm import is_sampled
from vedette.events import queries
from vedette.issues.models import Activity, ActivityType, Group, GroupStorm
from vedette.issues.storms import QUIET, Gust, end_quiet, notice
from vedette.orgs.options import STORM_EVENTS_PER_MINUTE, set_option
from vedette.projects import options as project_options

pytestmark = pytest.mark.django_db
TITLE = "ValueError: bad"


@pytest.fixture
def quick(project):
    """A project whose issues are in a storm beyond 100 events in a minute."""
    set_option(project.organization, STORM_EVENTS_PER_MINUTE, 100)
    return project


@pytest.fixture
def take(events, tmp_path):
    """Digest a batch; gives what a replay of it needs."""

    def _take(prepared, *, crash=False):
        mark = DigestBatch.objects.create(stream=clock.now().isoformat(), first_position=1, last_position=1)
        batch = sort_out(prepared)
        groups = relate(mark, batch, [], {}, FileStore(tmp_path))
        if not crash:
            store(events, mark, batch, groups, [], pytest.fail)
        return mark, batch

    return _take


def gusty(project, count, at=NOON, title=TITLE, **fields):
    """Events of one issue that were received within a second."""
    moments = [at + timedelta(milliseconds=n) for n in range(count)]
    return [an_event(project, title, timestamp=moment, **fields) for moment in moments]


def bodies(events):
    return Counter(dict(events.rows("SELECT has_body, count() FROM errors GROUP BY has_body")))


def activities():
    return list(Activity.objects.order_by("pk").values_list("type", "data"))


def test_a_storm_keeps_a_sample_of_bodies_and_counts_everything(quick, take, events):
    first, second = gusty(quick, 100), gusty(quick, 200, NOON + timedelta(seconds=2), tags=(("server", "a"),))

    take(first)
    assert bodies(events) == {True: 100}
    take(second)

    newest = second[-1].event_id
    kept = {event.event_id for event in second if is_sampled(event.event_id)} | {second[0].event_id, newest}
    assert bodies(events) == {True: 100 + len(kept), False: 200 - len(kept)}
    with_body = events.rows("SELECT event_id FROM errors WHERE has_body AND tags['server'] = 'a'")
    assert {event_id.hex for (event_id,) in with_body} == kept
    assert events.value("SELECT countIf(payload = '') FROM errors") == 200 - len(kept)
    assert Group.objects.get().times_seen == 300
    storm = GroupStorm.objects.get()
    assert (storm.lasts, storm.events, storm.bodies) == (True, 200, len(kept))
    assert activities() == [(ActivityType.STORM_BEGAN, {"perMinute": 100})]
    assert queries.edge_event(events, [quick.pk], Group.objects.get().pk).summary.event_id == newest


def test_a_replay_keeps_the_same_bodies_whatever_became_of_the_storm(quick, take, events):
    take(gusty(quick, 101))
    mark, batch = take(gusty(quick, 50, NOON + timedelta(seconds=2)), crash=True)
    GroupStorm.objects.update(ended_at=NOON)

    mark.refresh_from_db()
    store(events, mark, batch, look_up(mark, batch), [], pytest.fail, replayed=True)
    once = events.rows("SELECT event_id, has_body FROM errors ORDER BY event_id")
    store(events, mark, batch, look_up(mark, batch), [], pytest.fail, replayed=True)

    assert events.rows("SELECT event_id, has_body FROM errors ORDER BY event_id") == once
    assert 1 <= sum(has_body for event_id, has_body in once if event_id.hex in {e.event_id for e in batch.events}) < 10


def test_what_comes_slowly_is_no_storm_and_costs_no_row(quick, take, events):
    take(gusty(quick, 1) + [an_event(quick, timestamp=NOON + timedelta(seconds=n * 10)) for n in range(60)])
    take(gusty(quick, 4))

    assert not GroupStorm.objects.exists()
    assert bodies(events) == {True: 65}


def test_events_that_waited_during_an_outage_are_no_storm(quick, take, events):
    for minute in range(3):
        take(gusty(quick, 90, NOON + timedelta(minutes=minute)))

    assert not GroupStorm.objects.get().lasts
    assert bodies(events) == {True: 270}


def test_one_batch_of_many_minutes_of_an_outage_is_no_storm(quick, take, events):
    set_option(quick.organization, STORM_EVENTS_PER_MINUTE, 250)
    moments = [NOON + timedelta(seconds=n * 0.3) for n in range(2000)]
    take([an_event(quick, TITLE, timestamp=moment) for moment in moments])

    assert not GroupStorm.objects.get().lasts
    assert bodies(events) == {True: 2000}


def test_of_the_minutes_of_a_batch_only_those_of_a_storm_are_thinned_out(quick, take, events):
    calm, stormy = gusty(quick, 90), gusty(quick, 150, NOON + timedelta(minutes=1))
    late = gusty(quick, 4, NOON + timedelta(minutes=2))
    take(calm + stormy + late)

    kept = sum(is_sampled(event.event_id) for event in stormy)
    assert bodies(events) == {True: 94 + kept, False: 150 - kept}
    storm = GroupStorm.objects.get()
    assert (storm.lasts, storm.events, storm.bodies) == (True, 150, kept)


def test_a_storm_that_a_backlog_tells_of_ends_where_it_ended(quick, take, events):
    stormy, later = gusty(quick, 150), gusty(quick, 90, NOON + timedelta(minutes=4))
    take(stormy)
    take(later)  # within a second of the first, as catching up goes

    kept = sum(is_sampled(event.event_id) for event in stormy[1:-1]) + 2
    assert bodies(events) == {True: 90 + kept, False: 150 - kept}
    storm = GroupStorm.objects.get()
    assert (storm.began_at, storm.ended_at) == (stormy[-1].received_at, NOON + timedelta(minutes=1))
    told = {"since": clock.as_z(storm.began_at), "events": 150, "bodies": kept}
    assert activities()[-1] == (ActivityType.STORM_ENDED, told)


@pytest.mark.parametrize(("pause", "lasts"), [(3, True), (4, False)])
def test_a_storm_lasts_over_two_quiet_minutes_of_receipt_and_not_over_three(quick, take, pause, lasts):
    take(gusty(quick, 150))
    take(gusty(quick, 40, NOON + timedelta(minutes=pause)))

    assert GroupStorm.objects.get().lasts is lasts


def test_what_was_received_before_a_storm_does_not_belong_to_it(quick, take, events):
    take(gusty(quick, 150, NOON + timedelta(minutes=5)))
    thinned = bodies(events)[False]
    began_at = GroupStorm.objects.get().began_at

    take(gusty(quick, 90))
    assert bodies(events)[False] == thinned
    take(gusty(quick, 150, NOON + timedelta(minutes=1)))
    assert bodies(events)[False] > thinned
    assert (GroupStorm.objects.get().began_at, len(activities())) == (began_at, 1)


def test_an_earlier_minute_does_not_bring_a_storm_back(quick):
    group = Group.objects.create(project=quick, short_id=1)
    later = NOON + timedelta(minutes=5)
    assert notice(Gust(quick.pk, group.pk, 150, later, 100), later)
    end_quiet(later + 2 * QUIET)

    assert not notice(Gust(quick.pk, group.pk, 30, NOON, 100), later + 2 * QUIET)


def test_another_issue_in_the_same_batch_keeps_its_bodies(quick, take, events):
    take(gusty(quick, 150) + gusty(quick, 3, title="Other: error"))

    other = Group.objects.get(title="Other: error")
    assert events.value("SELECT countIf(NOT has_body) FROM errors WHERE group_id = {g:UInt64}", {"g": other.pk}) == 0


@pytest.mark.parametrize(("of_organization", "of_project", "storms"), [(0, None, 0), (0, 100, 1), (100, 0, 0)])
def test_the_limit_is_the_projects_or_the_organizations(take, of_organization, of_project, storms):
    project = a_project(an_organization("limited"))
    set_option(project.organization, STORM_EVENTS_PER_MINUTE, of_organization)
    project_options.set_option(project, project_options.STORM_EVENTS_PER_MINUTE, of_project)

    take(gusty(project, 150))

    assert GroupStorm.objects.filter(began_at__isnull=False).count() == storms


def test_a_storm_ends_after_two_quiet_minutes_once(quick, take):
    take(gusty(quick, 150))
    last = GroupStorm.objects.get().noticed_at

    assert end_quiet(last + QUIET) == 0
    assert end_quiet(last + 2 * QUIET) == 1
    assert end_quiet(last + 3 * QUIET) == 0

    storm = GroupStorm.objects.get()
    assert storm.ended_at == last
    told = {"since": clock.as_z(storm.began_at), "events": 150, "bodies": storm.bodies}
    assert activities()[-1] == (ActivityType.STORM_ENDED, told)
    take(gusty(quick, 150, NOON + timedelta(hours=1)))
    assert (GroupStorm.objects.get().lasts, GroupStorm.objects.get().events) == (True, 150)


def test_nodes_that_see_a_part_each_count_together(quick):
    group = Group.objects.create(project=quick, short_id=1)
    noticed = [notice(Gust(quick.pk, group.pk, 40, NOON, 100), NOON) for _ in range(4)]

    assert noticed == [False, False, True, True]
    assert len(activities()) == 1


def test_an_event_without_a_body_is_shown_by_what_its_row_knows(quick, take, events):
    batch = gusty(quick, 150, release="1.0", environment="production", exception_types=("ValueError",))
    take(batch)
    bare = next(event for event in batch[1:-1] if not is_sampled(event.event_id))

    stored = queries.get_event(events, [quick.pk], bare.event_id)
    payload = json.loads(stored.payload)
    nearest = queries.nearest_with_body(events, stored.summary)

    assert not stored.summary.has_body
    assert (payload["event_id"], payload["title"], payload["release"]) == (bare.event_id, TITLE, "1.0")
    assert payload["exception"]["values"] == [{"type": "ValueError", "value": "bad", "mechanism": None}]
    assert "errors" not in payload
    assert queries.get_event(events, [quick.pk], nearest).summary.has_body
    assert queries.payloads(events, [stored.summary]) == {}
