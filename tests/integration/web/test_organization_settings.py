"""An organization's general settings and its audit log, as pages."""

import pytest

from tests.support.factories import a_member, an_organization
from tests.support.factors import an_app
from vedette.orgs import options
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.models import AuditLogEntry, Organization, OrganizationFlags, OrganizationSlugReservation

pytestmark = pytest.mark.django_db
SETTINGS = "/organizations/acme/settings/"
LOG = f"{SETTINGS}audit-log/"
SENT = {"name": "Acme", "slug": "acme", "defaultRole": "member", "attachmentsRole": "member", "openMembership": "on"}
SENT |= {"eventsMemberAdmin": "on", "allowMemberInvite": "on"}


@pytest.fixture
def manager(organization):
    return a_member(organization, "max@example.com", "manager")


def test_settings_are_saved_and_told_and_the_slug_before_leads_on(visit, ann, organization):
    OrganizationSlugReservation.objects.create(slug="acme", organization_id=organization.pk)
    sent = {**SENT, "name": "Acme Ltd", "slug": "emca", "defaultRole": "admin", "attachmentsRole": "owner"}
    del sent["openMembership"], sent["eventsMemberAdmin"], sent["allowMemberInvite"]
    browser = visit(ann)

    answer = browser.post(SETTINGS, sent, follow=True)

    assert "The settings are saved." in answer.text
    assert answer.redirect_chain == [("/organizations/emca/settings/", 302)]
    row = Organization.objects.get()
    assert (row.name, row.slug, row.default_role) == ("Acme Ltd", "emca", "admin")
    assert not row.has_flag(OrganizationFlags.ALLOW_JOINLEAVE)
    assert options.get_option(row, options.ATTACHMENTS_ROLE) == "owner"
    assert options.get_option(row, options.EVENTS_MEMBER_ADMIN) is False
    assert AuditLogEntry.objects.get().data == {
        "slug": "from acme to emca",
        "attachmentsRole": "to owner",
        "eventsMemberAdmin": "to False",
        "allowMemberInvite": "to False",
        "allow_joinleave": "to False",
        "name": "from Acme to Acme Ltd",
        "default_role": "from member to admin",
    }
    assert browser.get(SETTINGS)["Location"] == "/organizations/emca/settings/"


def test_saving_the_same_says_so_and_tells_nobody(visit, ann, organization):
    answer = visit(ann).post(SETTINGS, SENT, follow=True)

    assert "Nothing has changed." in answer.text
    assert not AuditLogEntry.objects.exists()


def test_a_second_factor_is_required_by_who_has_one(visit, ann, organization):
    browser = visit(ann)
    refused = browser.post(SETTINGS, {**SENT, "require2FA": "on"})
    assert refused.status_code == 400
    assert "Set up an authenticator app for yourself first." in refused.text

    an_app(ann)
    assert browser.post(SETTINGS, {**SENT, "require2FA": "on"}).status_code == 302

    organization.refresh_from_db()
    assert organization.has_flag(OrganizationFlags.REQUIRE_2FA)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"slug": "other"}, "An organization with this slug already exists."),
        ({"slug": "settings"}, "is reserved and not allowed"),
        ({"slug": "Ä"}, "Enter a valid slug"),
        ({"name": " "}, "This field is required."),
        ({"name": "x" * 65}, "at most 64 characters"),
        ({"defaultRole": "king"}, "Select a valid choice"),
    ],
    ids=["taken", "reserved", "bad", "no name", "long name", "role"],
)
def test_what_cannot_be_is_told_next_to_its_field(visit, ann, organization, changes, sentence):
    an_organization("other")

    answer = visit(ann).post(SETTINGS, {**SENT, **changes})

    assert (answer.status_code, sentence in answer.text) == (400, True)
    assert not AuditLogEntry.objects.exists()


def test_a_manager_sees_no_default_role_and_cannot_set_it(visit, manager, organization):
    browser = visit(manager)

    assert 'name="defaultRole"' not in browser.get(SETTINGS).text
    browser.post(SETTINGS, {**SENT, "defaultRole": "owner"})
    assert Organization.objects.get().default_role == "member"


def test_the_log_says_what_was_done_and_shows_no_markup_of_strangers(visit, ann, organization):
    record(AuditEvent.RELEASE_CREATE, organization, label="<b>CI</b>", data={"version": "<script>1.0"})
    record(AuditEvent.TEAM_CREATE, organization, by=ann, data={"slug": "crew"}, ip_address="203.0.113.9")
    record(AuditEvent.ORG_EDIT, an_organization("other"), data={"name": "secret"})

    page = visit(ann).get(LOG).text
    narrowed = visit(ann).get(f"{LOG}?event=team.create").text

    assert page.index("created the team crew") < page.index("created the release &lt;script&gt;1.0")
    assert "&lt;b&gt;CI&lt;/b&gt;" in page
    assert "203.0.113.9" in page
    assert "secret" not in page
    assert "created the release" not in narrowed
    assert "created the team crew" in narrowed


def test_an_empty_log_and_an_unknown_event_are_pages_too(visit, ann, organization):
    assert "Nothing of that kind was done yet." in visit(ann).get(LOG).text
    assert visit(ann).get(f"{LOG}?event=nothing&page=99").status_code == 200
