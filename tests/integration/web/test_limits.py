"""The pages of filters, limits and scrubbing: what they save, refuse and tell the audit log."""

import pytest

from tests.support.factories import a_member
from vedette.core import clock
from vedette.digest.models import OutcomeCount
from vedette.orgs import options as org_options
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AuditLogEntry
from vedette.projects import options
from vedette.projects.services import create_key
from vedette.wire.outcomes import Category, Outcome

pytestmark = pytest.mark.django_db
FILTERS = "/organizations/acme/projects/web/filters/"
SCRUBBING = "/organizations/acme/projects/web/scrubbing/"
LIMITS = "/organizations/acme/settings/limits/"
EVERYWHERE = "/organizations/acme/settings/scrubbing/"
SENT = {"spikes": "inherit"}


@pytest.fixture
def member(organization, team):
    from vedette.orgs.models import OrganizationMember, OrganizationMemberTeam

    user = a_member(organization, "mel@example.com", "member")
    row = OrganizationMember.objects.get(user_id=user.pk)
    OrganizationMemberTeam.objects.create(team=team, organizationmember=row)
    return user


def values_of(project):
    return options.options_of([project.pk])[project.pk]


def test_filters_are_saved_and_written_into_the_audit_log(visit, ann, project):
    sent = {
        **SENT,
        "filters:localhost": "on",
        "filters:releases": "shop@1.*\nshop@2.0\n",
        "filters:blacklisted_ips": "10.0.0.0/8",
        "limits:errors": "50",
        "browsers": ["ie", "safari"],
        "spikes": "on",
    }

    answer = visit(ann).post(FILTERS, sent, follow=True)

    assert "The filters and limits are saved" in answer.text
    found = values_of(project)
    assert found["filters:localhost"] is True
    assert found["filters:filtered-transaction"] is False
    assert found["filters:releases"] == ("shop@1.*", "shop@2.0")
    assert found["filters:legacy-browsers"] == ("ie", "safari")
    assert (found["limits:errors"], found["limits:sessions"]) == (50, 0)
    assert found["limits:spike_protection"] == "on"
    entry = AuditLogEntry.objects.get(event=AuditEvent.PROJECT_EDIT)
    assert entry.actor_id == ann.pk
    assert "filters:releases" in entry.data["changed"]
    page = visit(ann).get(FILTERS).text
    assert "shop@1.*\nshop@2.0" in page
    assert "limits:errors" in page


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("filters:blacklisted_ips", "10.0.0.0/8\n10.0.0.0/99", "is no address and no CIDR range"),
        ("filters:releases", "shop@[1", "is no pattern"),
        ("filters:error_messages", "x" * 300, "is longer than 256 characters"),
        ("limits:errors", "-1", "greater than or equal to 0"),
        ("limits:errors", "2000000", "between 0 and 1000000"),
        ("browsers", "netscape", "Select a valid choice"),
        ("spikes", "perhaps", "Select a valid choice"),
    ],
)
def test_what_makes_no_sense_is_told_next_to_its_field_and_nothing_is_saved(visit, ann, project, name, value, sentence):
    answer = visit(ann).post(FILTERS, {**SENT, "filters:localhost": "on", name: value})

    assert answer.status_code == 400
    assert sentence in answer.text
    assert "Nothing is saved yet" in answer.text
    assert values_of(project)["filters:localhost"] is False


def test_the_page_says_how_much_each_filter_kept_out_and_what_a_spike_is(visit, ann, project):
    for outcome, reason, quantity in (
        (Outcome.FILTERED, "localhost", 1234),
        (Outcome.RATE_LIMITED, "spike_protection", 99),
    ):
        OutcomeCount.objects.create(
            organization_id=project.organization_id,
            project_id=project.pk,
            outcome=outcome,
            category=Category.ERROR,
            reason=reason,
            hour=clock.now(),
            quantity=quantity,
        )

    page = visit(ann).get(FILTERS).text

    assert "1,234 in 7 days" in page
    assert "99 errors were cut off by spike protection" in page
    assert "Too little is known about this project" in page


def test_a_key_is_limited_and_set_free(visit, ann, project):
    key = create_key(project, "Mobile")
    address = f"{FILTERS}keys/{key.pk}/"

    visit(ann).post(address, {f"key-{key.pk}-count": "500", f"key-{key.pk}-window": "3600"})
    key.refresh_from_db()
    assert (key.rate_limit_count, key.rate_limit_window) == (500, 3600)
    assert 'value="500"' in visit(ann).get(FILTERS).text

    visit(ann).post(address, {f"key-{key.pk}-count": "", f"key-{key.pk}-window": "3600"})
    key.refresh_from_db()
    assert (key.rate_limit_count, key.rate_limit_window) == (None, None)
    assert AuditLogEntry.objects.filter(event=AuditEvent.PROJECTKEY_EDIT).count() == 2


@pytest.mark.parametrize(("count", "window"), [("-1", "60"), ("2000000", "60"), ("5", "7")])
def test_a_limit_of_a_key_that_makes_no_sense_is_refused(visit, ann, project, count, window):
    key = create_key(project, "Mobile")

    answer = visit(ann).post(f"{FILTERS}keys/{key.pk}/", {f"key-{key.pk}-count": count, f"key-{key.pk}-window": window})

    assert answer.status_code == 400
    assert 'class="wrong"' in answer.text
    key.refresh_from_db()
    assert key.rate_limit_count is None


def test_a_window_that_the_api_set_stays_a_choice(visit, ann, project):
    key = create_key(project, "Mobile", rate_limit=(5, 7))

    assert "7 seconds" in visit(ann).get(FILTERS).text
    visit(ann).post(f"{FILTERS}keys/{key.pk}/", {f"key-{key.pk}-count": "6", f"key-{key.pk}-window": "7"})
    key.refresh_from_db()
    assert (key.rate_limit_count, key.rate_limit_window) == (6, 7)


def test_scrubbing_is_saved(visit, ann, project):
    visit(ann).post(SCRUBBING, {"dataScrubber": "on", "scrubIPAddresses": "on", "sensitiveFields": "tax\niban_no"})

    found = values_of(project)
    assert (found["dataScrubber"], found["dataScrubberDefaults"], found["scrubIPAddresses"]) == (True, False, True)
    assert found["sensitiveFields"] == ("tax", "iban_no")
    assert sorted(AuditLogEntry.objects.get(event=AuditEvent.PROJECT_EDIT).data["changed"]) == [
        "dataScrubberDefaults",
        "scrubIPAddresses",
        "sensitiveFields",
    ]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [("x" * 257, "is longer than 256 characters."), ("\n".join(map(str, range(501))), "501 entries, 500 are allowed.")],
)
def test_too_long_a_list_is_told_next_to_its_field(visit, ann, project, value, sentence):
    answer = visit(ann).post(SCRUBBING, {"sensitiveFields": value})

    assert answer.status_code == 400
    assert sentence in answer.text
    assert values_of(project)["sensitiveFields"] == ()


def test_what_the_organization_forces_is_said_on_the_projects_page(visit, ann, project, organization):
    visit(ann).post(EVERYWHERE, {"dataScrubber": "on", "sensitiveFields": "<i>salary</i>"})

    shared = org_options.options_of([organization.pk])[organization.pk]
    assert (shared["dataScrubber"], shared["sensitiveFields"]) == (True, ("<i>salary</i>",))
    page = visit(ann).get(SCRUBBING).text
    assert "The organization scrubs in every project" in page
    assert "&lt;i&gt;salary&lt;/i&gt;" in page
    assert AuditLogEntry.objects.filter(event=AuditEvent.ORG_EDIT).count() == 1


def test_limits_of_the_organization_are_saved_or_refused(visit, ann, organization):
    sent = {"accountRateLimit": "1000", "projectRateLimit": "50", "errorLimit": "20", "spikeProtection": "on"}
    assert "The limits are saved" in visit(ann).post(LIMITS, sent, follow=True).text

    refused = visit(ann).post(LIMITS, {**sent, "projectRateLimit": "101"})

    shared = org_options.options_of([organization.pk])[organization.pk]
    assert (shared["accountRateLimit"], shared["projectRateLimit"], shared["errorLimit"]) == (1000, 50, 20)
    assert shared["spikeProtection"] is True
    assert refused.status_code == 400
    assert "between 0 and 100" in refused.text


@pytest.mark.parametrize("path", [FILTERS, SCRUBBING])
def test_a_member_may_look_at_a_projects_settings_and_not_change_them(visit, member, project, path):
    page = visit(member).get(path)

    assert page.status_code == 200
    assert "You may look at these settings and not change them" in page.text
    assert visit(member).post(path, SENT).status_code == 403


@pytest.mark.parametrize("path", [LIMITS, EVERYWHERE])
def test_a_member_has_no_business_with_the_organizations_settings(visit, member, path):
    assert visit(member).get(path).status_code == 403
    assert visit(member).post(path, {}).status_code == 403


@pytest.mark.parametrize("path", [FILTERS, SCRUBBING, LIMITS, EVERYWHERE])
def test_a_stranger_finds_nothing(visit, stranger, project, path):
    assert visit(stranger).get(path).status_code == 404
    assert visit(stranger).post(path, SENT).status_code == 404


def test_the_key_of_another_project_is_not_there(visit, ann, stranger, project):
    from tests.support.factories import a_project

    foreign = create_key(a_project(project.organization, "else"), "Mobile")

    sent = {f"key-{foreign.pk}-count": "1", f"key-{foreign.pk}-window": "60"}
    assert visit(ann).post(f"{FILTERS}keys/{foreign.pk}/", sent).status_code == 404
    assert visit(stranger).post(f"{FILTERS}keys/{foreign.pk}/", sent).status_code == 404
