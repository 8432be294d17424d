import os
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session

from tests.integration.events.factories import a_transaction, an_error
from tests.support.factories import a_project, an_organization
from vedette.cli.retention import Kept, sweep
from vedette.core.files import FileStore
from vedette.digest.models import OutcomeCount
from vedette.events.writer import write_errors, write_transactions
from vedette.issues.deletion import delete_given_up
from vedette.issues.models import EventAttachment, Group, GroupHash, GroupStatus, UserReport
from vedette.orgs.models import AnalyticsFact
from vedette.orgs.options import ATTACHMENT_RETENTION_DAYS, RETENTION_DAYS, set_option
from vedette.projects.models import Environment, EnvironmentProject
from vedette.releases import bounds
from vedette.releases.models import ArtifactBundle, ArtifactBundleProject, Release
from vedette.releases.sightings import Sighting, record

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OLD = NOON - timedelta(days=100)
MIDDLE = NOON - timedelta(days=20)
YOUNG = NOON - timedelta(days=1)
SERVER = Kept(90, 30)

pytestmark = pytest.mark.django_db


@pytest.fixture
def files(tmp_path):
    return FileStore(tmp_path / "files")


@pytest.fixture
def swept(events, files):
    return lambda **options: sweep(events, files, NOON, SERVER, **options)


def settle(path):
    os.utime(path, (time.time() - 86_400,) * 2)
    return path


def attach(project, files, content, date_added, *, settled=True):
    name = files.put(content)
    if settled:
        settle(files.path(name))
    EventAttachment.objects.create(
        project=project,
        event_id=uuid4().hex,
        name="log.txt",
        content_type="text/plain",
        size=len(content),
        sha1=name,
        date_added=date_added,
    )
    return files.path(name)


def everything(project, files):
    attach(project, files, b"old", OLD)
    for at in (OLD, YOUNG):
        UserReport.objects.create(project=project, event_id=uuid4().hex, date_added=at)
        OutcomeCount.objects.create(
            organization_id=project.organization_id, project_id=project.pk, outcome=0, category=1, hour=at, quantity=1
        )
    Session.objects.create(session_key="old", session_data="", expire_date=NOON - timedelta(minutes=1))
    Session.objects.create(session_key="new", session_data="", expire_date=NOON + timedelta(days=1))


def send(store, project, *moments):
    write_transactions(store, [a_transaction(project_id=project.pk, timestamp=at) for at in moments], uuid4().hex)
    write_errors(store, [an_error(project_id=project.pk, timestamp=at) for at in moments], uuid4().hex)


def kept_rows(store, project):
    question = "SELECT (SELECT count() FROM errors WHERE project_id = {p:UInt64}), count() FROM transactions"
    return store.rows(f"{question} WHERE project_id = {{p:UInt64}}", {"p": project.pk})[0]


def test_what_is_old_goes_and_what_is_young_stays(events, files, swept):
    project = a_project()
    everything(project, files)
    send(events, project, OLD, YOUNG)

    found = swept()

    acme = found.organizations[0]
    assert found.weeks == ("errors/20251117", "transactions/20251117")
    assert (acme.slug, acme.rows, acme.attachments, acme.reports, acme.outcomes) == ("acme", 0, 1, 1, 1)
    assert (found.files, found.sign_ins) == (1, 1)
    assert kept_rows(events, project) == (1, 1)
    assert UserReport.objects.get().date_added == YOUNG
    assert OutcomeCount.objects.get().hour == YOUNG
    assert Session.objects.get().session_key == "new"
    assert not swept()


def test_bundles_of_artifacts_go_with_their_bytes_when_nobody_needs_them(files, swept):
    organization = an_organization()
    names = [files.put(content) for content in (b"old", b"young")]
    for name in names:
        settle(files.path(name))
    for name, days in zip(names, (91, 89), strict=True):
        at = NOON - timedelta(days=days)
        row = {"sha1": name, "size": 3, "file_count": 1, "date_added": at, "date_uploaded": at}
        bundle = ArtifactBundle.objects.create(organization=organization, bundle_id=uuid4(), **row)
        ArtifactBundleProject.objects.create(bundle=bundle, project=a_project(organization, f"web-{days}"))

    tried, found = swept(dry_run=True), swept()

    assert (tried.bundles, found.bundles) == (1, 1)
    assert (files.path(names[0]).exists(), files.path(names[1]).exists()) == (False, True)
    assert not swept()


def test_a_dry_run_counts_the_same_and_deletes_nothing(events, files, swept):
    project = a_project()
    everything(project, files)
    set_option(project.organization, RETENTION_DAYS, 7)
    a_project(an_organization("other"))
    send(events, project, OLD, MIDDLE)
    Group.objects.create(project=project, short_id=1, last_seen=OLD)

    dry = swept(dry_run=True)

    assert dry
    assert swept(dry_run=True) == dry
    assert kept_rows(events, project) == (2, 2)
    assert Group.objects.get().status == GroupStatus.UNRESOLVED
    # What goes with a whole week is a row by itself only as long as the week stands.
    wet = swept()
    assert wet.weeks == dry.weeks
    assert (wet.organizations[0].issues, wet.files) == (dry.organizations[0].issues, dry.files)


def test_an_organization_that_keeps_less_loses_rows_and_one_that_keeps_more_keeps_its_weeks(events, swept):
    little, much, usual = (a_project(an_organization(name)) for name in ("little", "much", "usual"))
    set_option(little.organization, RETENTION_DAYS, 7)
    set_option(much.organization, RETENTION_DAYS, 365)
    for project in (little, much, usual):
        send(events, project, OLD, MIDDLE, YOUNG)

    found = swept()

    assert found.weeks == ()
    assert {one.slug: one.rows for one in found.organizations} == {"little": 4, "much": 0, "usual": 2}
    assert [kept_rows(events, one) for one in (little, much, usual)] == [(1, 1), (3, 3), (2, 2)]
    assert not swept()


def test_attachments_have_a_retention_of_their_own_and_never_outlive_their_events(files, swept):
    usual, long, short = (a_project(an_organization(name)) for name in ("usual", "long", "short"))
    set_option(long.organization, ATTACHMENT_RETENTION_DAYS, 80)
    set_option(short.organization, RETENTION_DAYS, 7)
    at = NOON - timedelta(days=40)
    paths = [attach(project, files, project.organization.slug.encode(), at) for project in (usual, long)]
    paths.append(attach(short, files, b"short", MIDDLE))

    swept()

    assert [path.exists() for path in paths] == [False, True, False]


def test_an_issue_goes_a_week_after_the_last_of_its_events(events, files, swept):
    project = a_project()
    gone = Group.objects.create(project=project, short_id=1, last_seen=OLD)
    Group.objects.create(project=project, short_id=2, last_seen=NOON - timedelta(days=91))
    GroupHash.objects.create(project=project, group=gone, hash="a" * 32)

    assert swept().organizations[0].issues == 1
    assert not GroupHash.objects.exists()
    delete_given_up(events, files, NOON)

    assert Group.objects.get().short_id == 2


def test_a_file_that_a_young_attachment_names_stays(files, swept):
    project = a_project()
    path = attach(project, files, b"the same", OLD)
    attach(project, files, b"the same", YOUNG)

    found = swept()

    assert (found.organizations[0].attachments, found.files) == (1, 0)
    assert path.exists()


def test_a_file_that_is_new_stays_and_goes_when_no_row_came_for_it(files, swept):
    path = attach(a_project(), files, b"again", OLD, settled=False)
    left_by_a_kill = files.path(files.put(b"nobody's"))

    assert swept().files == 0
    assert path.exists()
    settle(path)
    settle(left_by_a_kill)

    assert swept(dry_run=True).files == 2
    assert swept().files == 2
    assert not path.exists()
    assert not left_by_a_kill.exists()


@pytest.mark.parametrize(("room", "left"), [(4, {"used", "named", "new"}), (100, {"used", "named", "new", "old"})])
def test_made_up_releases_and_environments_go_where_room_is_short(events, swept, monkeypatch, room, left):
    monkeypatch.setattr(bounds, "MAX_ENVIRONMENTS", room)
    monkeypatch.setattr(bounds, "MAX_RELEASES", room)
    project = a_project()
    names = ["used", "named", "old", "new"]
    for name in names:
        moment = YOUNG if name == "new" else OLD
        record([Sighting(project.organization_id, project.pk, name, "", name, moment)])
    Environment.objects.exclude(name="new").update(date_added=OLD)
    Release.objects.exclude(version="new").update(date_added=OLD)
    EnvironmentProject.objects.filter(environment__name="named").update(is_hidden=True)
    Release.objects.filter(version="named").update(date_released=OLD)
    Release.objects.filter(version="new").update(date_added=YOUNG)
    used = an_error(project_id=project.pk, timestamp=YOUNG, release="used", environment="used")
    write_errors(events, [used], "names")

    swept()

    assert set(Release.objects.values_list("version", flat=True)) == left
    assert set(Environment.objects.values_list("name", flat=True)) == left


def test_facts_about_use_go_with_the_events_of_their_time(events, swept):
    acme = an_organization("facts")
    for at in (OLD, YOUNG):
        AnalyticsFact.objects.create(name="release.created", organization=acme, datetime=at)

    swept(dry_run=True)
    before = AnalyticsFact.objects.count()
    swept()

    assert before == 2
    assert [fact.datetime for fact in AnalyticsFact.objects.all()] == [YOUNG]
