"""Deleting and discarding issues, letting discarded ones in again, giving organizations up."""

from datetime import timedelta

import pytest

from tests.integration.api.factories import a_real_event
from tests.integration.events.factories import an_error
from tests.support.factories import a_member, a_prepared_attachment, a_project, an_organization
from vedette.cli.deletion import delete_what_was_given_up
from vedette.core import clock
from vedette.core.errors import TryAgain
from vedette.core.files import FileStore
from vedette.digest.models import OutcomeCount
from vedette.events.writer import write_errors
from vedette.issues import arrivals
from vedette.issues.deletion import SECOND_LOOK, give_up
from vedette.issues.models import Group, GroupDeletion, GroupHash, GroupStatus, GroupTombstone
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AuditLogEntry, Organization, OrganizationStatus
from vedette.orgs.options import EVENTS_MEMBER_ADMIN, set_option
from vedette.projects.models import ProjectTeam
from vedette.tasks.models import ScheduledJob
from vedette.tasks.names import DELETIONS
from vedette.wire.outcomes import Category, Outcome

ISSUES = "/organizations/acme/issues/"
TOMBSTONES = "/projects/acme/web/tombstones/"


@pytest.fixture
def stranger(db, token_of):
    return token_of(a_member(an_organization("other"), "eve@example.com", "owner"))


@pytest.fixture
def member(acme, team, token_of):
    """A member of an organization whose members may not delete."""
    set_option(acme, EVENTS_MEMBER_ADMIN, False)
    return token_of(a_member(acme, "bob@example.com"))


def an_event(project, title="ValueError: bad"):
    return a_real_event(project, title, timestamp=clock.now() - timedelta(minutes=5))


def audited():
    return list(AuditLogEntry.objects.values_list("event", "data"))


def test_a_deleted_issue_is_gone_at_once_and_its_next_event_makes_another(api, web, issue, digest):
    ScheduledJob.objects.create(name=DELETIONS, every_seconds=60, due_at=clock.now().replace(year=2999))

    assert api.delete(f"{ISSUES}{issue.pk}/").status == 202

    assert api.get(f"{ISSUES}{issue.pk}/").status == 404
    assert api.get(ISSUES).body == []
    assert api.delete(f"{ISSUES}{issue.pk}/").status == 404
    assert audited() == [(AuditEvent.ISSUE_DELETE, {"issue_id": issue.pk, "project_slug": "web", "discarded": False})]
    assert ScheduledJob.objects.get().due_at <= clock.now()
    digest(an_event(web))
    (again,) = api.get(ISSUES).body
    assert (again["shortId"], again["count"]) == ("WEB-2", "1")


def test_many_issues_are_deleted_by_id_or_by_query(api, web, digest):
    digest(*(an_event(web, f"E{n}: x") for n in range(4)))
    first, second, _, last = Group.objects.order_by("pk")

    assert api.delete(f"{ISSUES}?id={first.pk}&id=123456").status == 204
    assert api.delete(f"/projects/acme/web/issues/?id={second.pk}").status == 204
    assert api.delete(f"{ISSUES}?query=E2&statsPeriod=14d").status == 204
    assert api.delete(f"{ISSUES}?query=nothing").status == 204

    assert list(Group.objects.filter(status=GroupStatus.UNRESOLVED)) == [last]
    assert GroupDeletion.objects.count() == 3


def test_what_was_deleted_leaves_nothing(api, web, issue, digest, events, tmp_path):
    late = an_event(web)
    digest(late)
    digest(a_prepared_attachment(web, late.event_id))  # it comes after its event, and does not know the issue
    other = an_event(web, "Other: error")
    digest(other, a_prepared_attachment(web, other.event_id, b"stays"))
    files = FileStore(tmp_path)

    api.delete(f"{ISSUES}{issue.pk}/")
    done = delete_what_was_given_up(events, files, clock.now())

    kept = Group.objects.get()
    assert done.issues == 1
    assert kept.title == "Other: error"
    assert events.rows("SELECT DISTINCT group_id FROM errors") == [(kept.pk,)]
    assert web.eventattachment_set.get().event_id == other.event_id
    assert GroupHash.objects.get().group == kept
    assert delete_what_was_given_up(events, files, clock.now()).issues == 0


def test_a_discarded_issue_is_dropped_from_then_on_until_it_is_let_in_again(api, web, issue, digest):
    assert api.put(f"{ISSUES}{issue.pk}/", {"discard": True}).status == 204
    assert api.get(ISSUES).body == []
    (stone,) = api.get(TOMBSTONES).body
    assert (stone["level"], stone["type"], stone["actor"]["email"]) == ("error", "error", "owner@example.com")
    assert stone["metadata"]["value"] == "bad"

    event = an_event(web)
    digest(event, a_prepared_attachment(web, event.event_id))

    dropped = OutcomeCount.objects.filter(outcome=Outcome.FILTERED, reason="discarded-hash")
    assert set(dropped.values_list("category", flat=True)) == {Category.ERROR, Category.ATTACHMENT}
    assert not web.eventattachment_set.exists()
    assert api.get(ISSUES).body == []

    assert api.delete(f"{TOMBSTONES}{stone['id']}/").status == 204
    assert api.delete(f"{TOMBSTONES}{stone['id']}/").status == 404
    assert api.get(TOMBSTONES).body == []
    digest(an_event(web))
    assert [one["shortId"] for one in api.get(ISSUES).body] == ["WEB-2"]
    assert [event for event, _ in audited()] == [AuditEvent.ISSUE_DELETE, AuditEvent.TOMBSTONE_REMOVE]


def test_many_are_discarded_at_once_and_with_nothing_else(api, web, digest):
    digest(*(an_event(web, f"E{n}: x") for n in range(2)))

    refused = api.put(f"{ISSUES}?query=", {"discard": True, "status": "resolved"})
    done = api.put(f"{ISSUES}?query=", {"discard": True})

    assert refused.status == 400
    assert refused.body == {"non_field_errors": ["Other attributes cannot be updated when discarding"]}
    assert (done.status, GroupTombstone.objects.count()) == (204, 2)


def test_deleting_needs_event_admin(member, issue, web):
    ids = f"?id={issue.pk}"

    assert member.delete(f"{ISSUES}{issue.pk}/").status == 403
    assert member.delete(f"{ISSUES}{ids}").status == 403
    assert member.delete(f"/projects/acme/web/issues/{ids}").status == 403
    for path in (f"{ISSUES}{issue.pk}/", f"{ISSUES}{ids}"):
        refused = member.put(path, {"discard": True})
        assert (refused.status, refused.detail) == (403, "You do not have permission to discard events")
    stone = GroupTombstone.objects.create(previous_group_id=1, project=web)
    assert member.delete(f"{TOMBSTONES}{stone.pk}/").status == 403
    assert member.get(TOMBSTONES).status == 200
    assert Group.objects.get().status == GroupStatus.UNRESOLVED


def test_strangers_find_nothing_to_delete(stranger, acme, web, issue):
    stone = GroupTombstone.objects.create(previous_group_id=1, project=web)

    for path in (f"{ISSUES}{issue.pk}/", f"/issues/{issue.pk}/", f"{ISSUES}?id={issue.pk}", "/organizations/acme/"):
        assert stranger.delete(path).status == 404
    assert stranger.delete(f"/organizations/other/issues/?id={issue.pk}").status == 204
    assert stranger.get(TOMBSTONES).status == 404
    assert stranger.delete(f"{TOMBSTONES}{stone.pk}/").status == 404
    assert Group.objects.get().status == GroupStatus.UNRESOLVED
    assert Organization.objects.get(slug="acme").status == OrganizationStatus.ACTIVE


def test_a_tombstone_of_another_project_is_not_found(api, acme, web, team):
    other = a_project(acme, "other")
    ProjectTeam.objects.create(project=other, team=team)
    stone = GroupTombstone.objects.create(previous_group_id=1, project=other)

    assert api.delete(f"{TOMBSTONES}{stone.pk}/").status == 404


def test_an_organization_that_is_given_up_is_gone_at_once(api, acme, web):
    assert api.delete("/organizations/acme/").status == 202

    assert api.get("/organizations/acme/").status == 404
    assert api.get("/projects/acme/web/").status == 404
    assert [event for event, _ in audited()] == [AuditEvent.ORG_REMOVE]


def test_giving_an_organization_up_needs_org_admin(acme, owner, token_of):
    manager = token_of(a_member(acme, "max@example.com", "manager"))

    assert manager.delete("/organizations/acme/").status == 403
    assert token_of(owner, "org:read", "org:write").delete("/organizations/acme/").status == 403
    assert Organization.objects.get().status == OrganizationStatus.ACTIVE


def test_a_batch_that_had_found_an_issue_which_is_deleted_meanwhile_is_taken_again(
    web, issue, digest, owner, monkeypatch
):
    """What happens on another node between a batch's reading of the hashes and its counting."""
    counting = arrivals._count

    def deleted_first(*arguments):
        give_up([issue], owner)
        counting(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(arrivals, "_count", deleted_first)
        with pytest.raises(TryAgain):
            digest(an_event(web))
    assert Group.objects.get(pk=issue.pk).times_seen == 3


def test_events_that_were_on_their_way_go_with_the_second_look(api, web, issue, events, tmp_path):
    files, now = FileStore(tmp_path), clock.now()
    api.delete(f"{ISSUES}{issue.pk}/")
    delete_what_was_given_up(events, files, now)
    write_errors(events, [an_error(project_id=web.pk, group_id=issue.pk)], "late")

    delete_what_was_given_up(events, files, now + SECOND_LOOK / 2)
    assert events.value("SELECT count() FROM errors") == 1
    delete_what_was_given_up(events, files, now + SECOND_LOOK)

    assert events.value("SELECT count() FROM errors") == 0
    assert not GroupDeletion.objects.exists()


def test_an_issue_that_goes_and_still_has_a_hash_holds_up_nothing_for_long(web, issue, digest, events, tmp_path):
    Group.objects.filter(pk=issue.pk).update(status=GroupStatus.PENDING_DELETION)
    with pytest.raises(TryAgain):
        digest(an_event(web))

    assert delete_what_was_given_up(events, FileStore(tmp_path), clock.now()).issues == 1
    digest(an_event(web))

    assert Group.objects.get().short_id == 2
