"""How a project treats releases, and its build hook, as a page."""

import re

import pytest
from django.test import Client

from tests.support.factories import a_member
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AuditLogEntry, OrganizationMember, OrganizationMemberTeam
from vedette.projects.models import ProjectOption
from vedette.projects.options import options_of
from vedette.shipping.hooks import TOKEN_KEY

pytestmark = pytest.mark.django_db
PAGE = "/organizations/acme/projects/web/releases/"
ADDRESS = re.compile(r"/api/hooks/release/builtin/\d+/[0-9a-f]{64}/")


@pytest.fixture
def member(organization, team):
    user = a_member(organization, "mel@example.com", "member")
    row = OrganizationMember.objects.get(user_id=user.pk)
    OrganizationMemberTeam.objects.create(team=team, organizationmember=row)
    return user


def make(address):
    return Client().post(address, '{"version": "1.0"}', content_type="application/json").status_code


def test_what_is_set_is_saved_and_told(visit, ann, project):
    answer = visit(ann).post(PAGE, {"releaseOrdering": "semver", "releaseDateFromEvents": "on"}, follow=True)

    assert "The settings of releases are saved." in answer.text
    values = options_of([project.pk])[project.pk]
    names = ("releaseOrdering", "enableAutoReleaseCreation", "releaseDateFromEvents")
    assert [values[name] for name in names] == ["semver", False, True]
    entry = AuditLogEntry.objects.get(event=AuditEvent.PROJECT_EDIT)
    assert entry.data["changed"] == ["enableAutoReleaseCreation", "releaseOrdering"]


def test_an_ordering_that_there_is_not_is_refused(visit, ann, project):
    answer = visit(ann).post(PAGE, {"releaseOrdering": "luck"})

    assert (answer.status_code, "Select a valid choice" in answer.text) == (400, True)
    assert not AuditLogEntry.objects.exists()


def test_the_address_makes_releases_until_it_is_changed(visit, ann, project):
    browser = visit(ann)
    first = ADDRESS.search(browser.get(PAGE).text)[0]

    assert make(first) == 201
    answer = browser.post(f"{PAGE}hook/", follow=True)

    second = ADDRESS.search(answer.text)[0]
    assert "The build hook has another address" in answer.text
    assert (make(first), make(second)) == (403, 208)


def test_who_may_only_look_sees_no_address_and_changes_nothing(visit, member, project):
    browser = visit(member)

    page = browser.get(PAGE)

    assert (page.status_code, ADDRESS.search(page.text)) == (200, None)
    assert browser.post(PAGE, {"releaseOrdering": "date"}).status_code == 403
    assert browser.post(f"{PAGE}hook/").status_code == 403
    assert not ProjectOption.objects.filter(key=TOKEN_KEY).exists()
