"""The pages of what is kept: retention, storms, discarded issues, and deleting."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.events.factories import an_error
from tests.support.factories import a_member
from vedette.core import clock
from vedette.events.writer import write_errors
from vedette.issues.models import Activity, ActivityType, Group, GroupHash, GroupStatus, GroupStorm, GroupTombstone
from vedette.orgs import options as org_options
from vedette.orgs.models import Organization, OrganizationStatus
from vedette.orgs.options import EVENTS_MEMBER_ADMIN, set_option
from vedette.projects import options
from vedette.projects.models import ObjectStatus, Project

pytestmark = pytest.mark.django_db
RETENTION = "/organizations/acme/settings/keeping/"
KEEPING = "/organizations/acme/projects/web/keeping/"
NOW = clock.now()


@pytest.fixture
def group(project):
    made = Group.objects.create(project=project, short_id=1, title="ValueError: bad", first_seen=NOW, last_seen=NOW)
    GroupHash.objects.create(project=project, group=made, hash="a" * 32)
    return made


def an_event(group, at=NOW):
    return an_error(project_id=group.project_id, group_id=group.pk, timestamp=at, received_at=at)


def test_an_organization_says_for_how_long_it_keeps_things(visit, ann, project):
    sent = {"retentionDays": "30", "attachmentRetentionDays": "7", "stormEventsPerMinute": ""}

    assert visit(ann).post(RETENTION, sent).status_code == 302

    values = org_options.options_of([project.organization_id])[project.organization_id]
    assert [values[name] for name in sent] == [30, 7, None]
    assert b'value="30"' in visit(ann).get(RETENTION).content


@pytest.mark.parametrize("days", ["0", "4000", "ever"])
def test_a_retention_that_cannot_be_is_refused(visit, ann, project, days):
    answer = visit(ann).post(RETENTION, {"retentionDays": days})

    assert answer.status_code == 400
    assert b"Nothing is saved yet" in answer.content


def test_an_organization_is_deleted_by_whoever_types_its_slug(visit, ann, organization, project):
    refused = visit(ann).post(f"{RETENTION}delete/", {"word": "Acme"})
    assert refused.status_code == 400
    assert b"nothing was deleted" in refused.content
    assert Organization.objects.get().status == OrganizationStatus.ACTIVE

    assert visit(ann).post(f"{RETENTION}delete/", {"word": "acme"}).status_code == 302
    assert Organization.objects.get().status == OrganizationStatus.PENDING_DELETION
    assert visit(ann).get("/organizations/acme/issues/").status_code == 404


def test_a_manager_may_set_the_retention_and_not_delete_the_organization(visit, organization, project):
    manager = a_member(organization, "max@example.com", "manager")

    assert b"Delete the organization" not in visit(manager).get(RETENTION).content
    assert visit(manager).post(f"{RETENTION}delete/", {"word": "acme"}).status_code == 403


def test_a_project_is_deleted_by_whoever_types_its_slug(visit, ann, project):
    assert visit(ann).post(f"{KEEPING}delete/", {"word": "acme"}).status_code == 400
    assert visit(ann).post(f"{KEEPING}delete/", {"word": "web"}).status_code == 302

    assert Project.objects.get().status == ObjectStatus.PENDING_DELETION
    assert visit(ann).get(KEEPING).status_code == 404


def test_a_project_says_what_a_storm_is(visit, ann, project):
    assert visit(ann).post(KEEPING, {"stormEventsPerMinute": "500"}).status_code == 302

    assert options.options_of([project.pk])[project.pk]["stormEventsPerMinute"] == 500


def test_a_member_sees_what_is_kept_and_changes_nothing(visit, organization, project):
    bob = a_member(organization, "bob@example.com")

    shown = visit(bob).get(KEEPING)

    assert (shown.status_code, b"Delete the project" in shown.content) == (200, False)
    assert visit(bob).post(KEEPING, {"stormEventsPerMinute": "5"}).status_code == 403
    assert visit(bob).post(f"{KEEPING}delete/", {"word": "web"}).status_code == 403


def test_an_issue_is_deleted_or_discarded_from_its_page(visit, ann, events, group):
    page = "/organizations/acme/issues/WEB-1/"
    assert b"Delete and discard" in visit(ann).get(page).content
    assert visit(ann).post(f"{page}delete/", {"do": "nothing"}).status_code == 404

    assert visit(ann).post(f"{page}delete/", {"do": "discard"}).status_code == 302

    group.refresh_from_db()
    assert group.status == GroupStatus.PENDING_DELETION
    assert visit(ann).get(page).status_code == 404
    assert b"ValueError: bad" in visit(ann).get(KEEPING).content
    stone = GroupTombstone.objects.get()
    assert visit(ann).post(f"{KEEPING}discarded/{stone.pk}/").status_code == 302
    assert not GroupTombstone.objects.exists()
    assert not GroupHash.objects.exists()
    assert visit(ann).post(f"{KEEPING}discarded/{stone.pk}/").status_code == 404


def test_without_event_admin_nobody_deletes(visit, organization, events, group):
    set_option(organization, EVENTS_MEMBER_ADMIN, False)
    bob = a_member(organization, "bob@example.com")
    stone = GroupTombstone.objects.create(previous_group_id=1, project=group.project)
    page = "/organizations/acme/issues/WEB-1/"

    assert b"Delete this issue" not in visit(bob).get(page).content
    assert visit(bob).post(f"{page}delete/", {"do": "delete"}).status_code == 403
    assert visit(bob).post(f"{KEEPING}discarded/{stone.pk}/").status_code == 403
    assert Group.objects.get().status == GroupStatus.UNRESOLVED


def test_the_pages_of_a_storm_say_what_is_kept(visit, ann, events, group):
    bare, whole = an_event(group), an_event(group, NOW - timedelta(seconds=5))
    bare = replace(bare, payload=b"", has_body=False)
    write_errors(events, [bare, whole], "storm")
    GroupStorm.objects.create(group=group, minute=NOW, began_at=NOW, events=12_000, bodies=130)
    for kind, data in (
        (ActivityType.STORM_BEGAN, {"perMinute": 6000}),
        (ActivityType.STORM_ENDED, {"events": 12_000, "bodies": 130}),
    ):
        Activity.objects.create(project=group.project, group=group, type=kind, data=data)

    page = visit(ann).get("/organizations/acme/issues/WEB-1/").content.decode()
    listed = visit(ann).get("/organizations/acme/issues/WEB-1/events/").content.decode()
    other = visit(ann).get(f"/organizations/acme/issues/WEB-1/events/{whole.event_id}/").content.decode()

    assert "130 of 12k bodies are kept" in page
    assert "A storm began: more than 6,000 events in a minute" in page
    assert "The storm ended: 130 of 12,000 bodies are kept" in page
    assert "This event has no body." in page
    assert f'/organizations/acme/issues/WEB-1/events/{whole.event_id}/">The nearest event with a body' in page
    assert listed.count(">no body<") == 1
    assert "This event has no body." not in other
