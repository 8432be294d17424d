"""The hourly look at which releases are used (release health specification, 6.5)."""

from datetime import timedelta

import pytest

from tests.support.factories import a_project, an_organization
from tests.support.sessions import hours_ago, some_sessions
from vedette.core import clock
from vedette.core.files import FileStore
from vedette.digest.batch import sort_out
from vedette.digest.models import DigestBatch
from vedette.digest.relate import relate
from vedette.digest.store import store
from vedette.projects.models import Project, ProjectFlags, ProjectOption
from vedette.projects.options import AUTO_RELEASE_CREATION
from vedette.releases.adoption import Stage, note_adoption, stage_of
from vedette.releases.health import HealthQuestion, breakdown
from vedette.releases.models import Release, ReleaseProject, ReleaseProjectEnvironment

NOW = clock.now()


@pytest.fixture
def web(db):
    return a_project(an_organization("acme"), "web")


@pytest.fixture
def digest(events, tmp_path):
    def _digest(*values):
        mark = DigestBatch.objects.create(stream=clock.now().isoformat(), first_position=1, last_position=1)
        batch = sort_out(values)
        store(events, mark, batch, relate(mark, batch, [], {}, FileStore(tmp_path)), [], pytest.fail)

    return _digest


def rows():
    found = ReleaseProjectEnvironment.objects.select_related("release", "environment", "project")
    return {
        (row.project.slug, row.environment.name, row.release.version): stage_of(row.adopted, row.unadopted)
        for row in found
    }


def used(project, version, sessions, hours=1, environment="prod"):
    return some_sessions(project, hours_ago(hours), exited=sessions, release=version, environment=environment)


def test_a_release_with_a_tenth_of_an_even_share_is_adopted(events, web, digest):
    digest(used(web, "shop@1", 950), used(web, "shop@2", 50), used(web, "shop@3", 33), used(web, "shop@4", 10))
    # 1043 sessions of four releases: a tenth of a fourth is 26.1.

    assert note_adoption(events, NOW) == 3

    assert rows() == {("web", "prod", f"shop@{n}"): Stage.ADOPTED for n in (1, 2, 3)}


def test_the_share_is_met_exactly(events, web, digest):
    digest(used(web, "shop@1", 95), used(web, "shop@2", 5))  # 0.1 / 2 of 100

    assert note_adoption(events, NOW) == 2


def test_missing_releases_links_and_rows_are_made_as_old_as_their_sessions(events, web, digest):
    digest(used(web, "shop@1", 1, hours=4), used(web, "shop@1", 1, hours=2, environment="dev"))

    note_adoption(events, NOW)

    release = Release.objects.get()
    assert release.date_added == hours_ago(4)
    assert ReleaseProject.objects.filter(release=release, project=web).exists()
    assert rows() == {("web", "prod", "shop@1"): Stage.ADOPTED, ("web", "dev", "shop@1"): Stage.ADOPTED}
    assert set(ReleaseProjectEnvironment.objects.values_list("adopted", flat=True)) == {NOW}


def test_nobody_adopts_no_environment_and_old_sessions_do_not_count(events, web, digest):
    digest(used(web, "shop@1", 9, environment=""), used(web, "shop@2", 9, hours=7))

    assert note_adoption(events, NOW) == 0
    assert rows() == {}


def test_another_run_changes_nothing(events, web, digest):
    digest(used(web, "shop@1", 1))
    note_adoption(events, NOW)

    note_adoption(events, NOW + timedelta(hours=1))

    row = ReleaseProjectEnvironment.objects.get()
    assert (row.adopted, row.unadopted) == (NOW, None)


def test_what_is_used_no_more_is_replaced_and_may_come_back(events, web, digest):
    digest(used(web, "shop@1", 1, hours=5))
    note_adoption(events, NOW)
    digest(used(web, "shop@2", 1, hours=1))
    later = NOW + timedelta(hours=3)

    note_adoption(events, later)

    assert rows() == {("web", "prod", "shop@1"): Stage.REPLACED, ("web", "prod", "shop@2"): Stage.ADOPTED}
    assert ReleaseProjectEnvironment.objects.get(release__version="shop@1").unadopted == later

    digest(used(web, "shop@1", 1, hours=1))
    note_adoption(events, later + timedelta(minutes=1))

    row = ReleaseProjectEnvironment.objects.get(release__version="shop@1")
    assert (row.adopted, row.unadopted) == (NOW, None)


def test_projects_without_sessions_lately_are_left_alone(events, web, digest):
    digest(used(web, "shop@1", 1, hours=5))
    note_adoption(events, NOW)

    note_adoption(events, NOW + timedelta(hours=9))

    assert rows() == {("web", "prod", "shop@1"): Stage.ADOPTED}


def test_projects_are_judged_by_themselves_and_flagged(events, web, digest):
    shop = a_project(web.organization, "shop")
    gone = a_project(web.organization, "gone")
    digest(used(web, "shop@1", 1000), used(shop, "shop@2", 1), used(gone, "shop@3", 1))
    Project.objects.update(flags=0)
    Project.objects.filter(pk=gone.pk).update(status=2)

    note_adoption(events, NOW)

    assert rows() == {("web", "prod", "shop@1"): Stage.ADOPTED, ("shop", "prod", "shop@2"): Stage.ADOPTED}
    flagged = {project.slug: bool(project.flags & ProjectFlags.HAS_SESSIONS) for project in Project.objects.all()}
    assert flagged == {"web": True, "shop": True, "gone": False}


def test_a_project_that_makes_no_releases_of_telemetry_makes_none(events, web, digest):
    ProjectOption.objects.create(project=web, key=AUTO_RELEASE_CREATION.key, value=False)
    digest(used(web, "shop@1", 1))

    assert note_adoption(events, NOW) == 0
    assert not Release.objects.exists()


@pytest.mark.parametrize(
    ("adopted", "unadopted", "stage"),
    [(None, None, "low_adoption"), (NOW, None, "adopted"), (NOW, NOW, "replaced"), (None, NOW, "low_adoption")],
)
def test_6_6_stages_are_read_off_a_row(adopted, unadopted, stage):
    assert stage_of(adopted, unadopted).value == stage


class TestBreakdown:
    def test_a_release_is_told_at_milestones_since_its_first_session(self, events, web, digest):
        digest(
            some_sessions(web, hours_ago(24 * 10), exited=8, crashed=2),
            some_sessions(web, hours_ago(24 * 9 - 2), exited=10),  # a day and two hours in
            some_sessions(web, hours_ago(24 * 5), crashed=5, did="ann"),
            some_sessions(web, hours_ago(1), exited=5, did="bob"),
        )

        found = breakdown(events, HealthQuestion((web.pk,), (), NOW), "shop@1.0")

        first = hours_ago(24 * 10).replace(minute=0)
        days = [(one.date - first) / timedelta(days=1) for one in found]
        assert days[:3] == [1, 2, 7]
        assert 10 <= days[3] <= 10.1  # it is younger than 14 days: until now
        assert [one.totals.sessions for one in found] == [10, 20, 25, 30]
        assert [one.crash_free_sessions for one in found] == pytest.approx([80, 90, 72, 100 - 7 / 30 * 100])
        assert [one.crash_free_users for one in found] == [None, None, 0, 50]

    def test_6_2_after_a_month_there_are_five_milestones_and_no_now(self, events, web, digest):
        digest(
            some_sessions(web, hours_ago(24 * 40), exited=10),
            some_sessions(web, hours_ago(24 * 30), crashed=10),  # ten days in
            some_sessions(web, hours_ago(24 * 20), exited=20),  # twenty days in
            some_sessions(web, hours_ago(1), crashed=5),  # after the last
        )

        found = breakdown(events, HealthQuestion((web.pk,), (), NOW), "shop@1.0")

        first = hours_ago(24 * 40).replace(minute=0)
        assert [(one.date - first) / timedelta(days=1) for one in found] == [1, 2, 7, 14, 30]
        assert [one.totals.sessions for one in found] == [10, 10, 10, 20, 40]
        assert [one.crash_free_sessions for one in found] == [100, 100, 100, 50, 75]

    def test_a_release_without_sessions_has_none(self, events, web):
        assert breakdown(events, HealthQuestion((web.pk,), (), NOW), "shop@1.0") == []
