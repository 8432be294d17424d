"""Who gets a project's issues by themselves, as clients of Sentry ask and say it; and the owners of issues."""

import pytest

from tests.support.factories import a_member
from vedette.core import clock
from vedette.core.clock import as_z
from vedette.issues.models import GroupOwner, OwnerType
from vedette.issues.owners import Suspected, suspect
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AuditLogEntry, OrganizationMember, Team

OWNERSHIP = "/projects/acme/web/ownership/"
OFF, SUSPECTS, OWNERS = "Turn off Auto-Assignment", "Auto Assign to Suspect Commits", "Auto Assign to Issue Owner"


def test_a_project_says_who_gets_issues(api, web):
    before = api.get(OWNERSHIP)

    after = api.put(
        OWNERSHIP, {"raw": "", "fallthrough": False, "autoAssignment": SUSPECTS, "codeownersAutoSync": True}
    )

    assert (before.status, before.body["autoAssignment"], before.body["raw"]) == (200, OFF, None)
    assert (after.status, after.body) == (200, {**before.body, "autoAssignment": SUSPECTS})
    assert api.get(OWNERSHIP).body == after.body
    assert api.get("/projects/acme/web/").body["autoAssignment"] == SUSPECTS
    assert AuditLogEntry.objects.get(event=AuditEvent.PROJECT_EDIT).data["changed"] == ["autoAssignment"]
    assert api.put(OWNERSHIP, {"autoAssignment": OWNERS}).body["autoAssignment"] == OWNERS
    assert api.put(OWNERSHIP, {"fallthrough": True}).body["autoAssignment"] == OWNERS


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"raw": "path:src/* #core", "autoAssignment": SUSPECTS}, {"raw": ["Ownership rules are not supported."]}),
        ({"autoAssignment": "everybody"}, {"autoAssignment": ['"everybody" is not a valid choice.']}),
        ({"fallthrough": "perhaps"}, {"fallthrough": ["Must be a valid boolean."]}),
    ],
    ids=["rules", "no choice", "no boolean"],
)
def test_what_makes_no_sense_or_would_do_nothing_is_refused(wish, expected, api, web):
    answer = api.put(OWNERSHIP, wish)

    assert (answer.status, answer.body) == (400, expected)
    assert api.get(OWNERSHIP).body["autoAssignment"] == OFF


def test_issues_tell_of_their_owners_when_they_are_asked(api, acme, issue):
    ann, gone = a_member(acme, "ann@example.com"), a_member(acme, "gone@example.com")
    now = clock.now()
    suspect(issue, [Suspected(ann.pk, 1), Suspected(gone.pk, 2)], now)
    OrganizationMember.objects.filter(user_id=gone.pk).delete()
    team = Team.objects.create(organization=acme, slug="owners", name="Owners")
    GroupOwner.objects.create(
        organization_id=acme.pk,
        project=issue.project,
        group=issue,
        type=OwnerType.CODEOWNERS,
        team=team,
        date_added=now,
    )

    listed = api.get("/organizations/acme/issues/?expand=owners&expand=inbox").body[0]
    one = api.get(f"/organizations/acme/issues/{issue.pk}/?expand=owners").body

    expected = [
        {"type": "suspectCommit", "owner": f"user:{ann.pk}", "date_added": as_z(now)},
        {"type": "codeowners", "owner": f"team:{team.pk}", "date_added": as_z(now)},
    ]
    assert (listed["owners"], one["owners"]) == (expected, expected)
    assert "owners" not in api.get(f"/organizations/acme/issues/{issue.pk}/").body
    assert "owners" not in api.get("/organizations/acme/issues/").body[0]
