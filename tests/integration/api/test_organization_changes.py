"""Saving an organization's settings, and the audit log of it (release specification, 20)."""

from datetime import timedelta

import pytest
from django.test import Client

from tests.integration.api.client import Api
from tests.support.factories import a_member, an_organization
from tests.support.factors import an_app
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.orgs import options
from vedette.orgs.audit import AuditEvent, record, sentence_of, word_of
from vedette.orgs.changes import FLAGS, change_organization
from vedette.orgs.models import (
    AuditLogEntry,
    Organization,
    OrganizationFlags,
    OrganizationOption,
    OrganizationSlugReservation,
    OrganizationStatus,
)
from vedette.orgs.services import create_organization
from vedette.orgs.tokens import create_org_token

URL = "/organizations/acme/"
LOGS = f"{URL}audit-logs/"
A_KEY, ANOTHER_KEY = "A" * 43, "B" * 42 + "A"

# Field, another value than the default, and what the audit log says.
OPTIONS = [
    ("projectRateLimit", 50, "to 50"),
    ("accountRateLimit", 1000, "to 1000"),
    ("dataScrubber", True, "to True"),
    ("sensitiveFields", ["pin"], "to ('pin',)"),
    ("safeFields", ["id"], "to ('id',)"),
    ("scrapeJavaScript", False, "to False"),
    ("dataScrubberDefaults", True, "to True"),
    ("storeCrashReports", 5, "to 5"),
    ("attachmentsRole", "owner", "to owner"),
    ("debugFilesRole", "manager", "to manager"),
    ("eventsMemberAdmin", False, "to False"),
    ("alertsMemberWrite", False, "to False"),
    ("allowMemberInvite", False, "to False"),
    ("scrubIPAddresses", True, "to True"),
    ("allowJoinRequests", False, "to False"),
    ("apdexThreshold", 500, "to 500"),
    ("aiSuggestedSolution", False, "to False"),
    ("githubPRBot", False, "to False"),
    ("githubOpenPRBot", False, "to False"),
    ("githubNudgeInvite", False, "to False"),
    ("aggregatedDataConsent", True, "to True"),
    ("genAIConsent", True, "to True"),
]


def told():
    """The data of the entries about the organization's settings."""
    return list(AuditLogEntry.objects.filter(event=AuditEvent.ORG_EDIT).order_by("pk").values_list("data", flat=True))


@pytest.mark.parametrize(("field", "value", "said"), OPTIONS, ids=[row[0] for row in OPTIONS])
def test_an_option_is_kept_typed_and_told(api, acme, field, value, said):
    before = next(option.default for option in options.OPTIONS if option.field == field)
    before = list(before) if isinstance(before, tuple) else before

    changed = api.put(URL, {field: value})
    again = api.put(URL, {field: value})
    back = api.put(URL, {field: before})

    if field not in ("projectRateLimit", "accountRateLimit", "allowMemberInvite"):
        assert (changed.body[field], again.body[field], back.body[field]) == (value, value, before)
    first, *rest = told()
    assert first == {field: said}
    assert len(rest) == 1
    assert rest[0][field].startswith("from ")
    assert OrganizationOption.objects.count() == 1


@pytest.mark.parametrize("field", [field for field in FLAGS if not field.startswith("require")])
def test_a_switch_is_kept_and_told_under_the_name_of_its_flag(api, acme, field):
    before = api.get(URL).body[field]

    changed = api.put(URL, {field: not before})

    assert changed.body[field] is not before
    bit, negated = FLAGS[field]
    assert told() == [{bit.name.lower(): f"to {before if negated else not before}"}]


class TestRequiringASecondFactor:
    def test_whoever_has_one_may_switch_it_on_and_off(self, api, acme, owner):
        an_app(owner)

        assert api.put(URL, {"require2FA": True}).body["require2FA"] is True
        assert api.put(URL, {"require2FA": False}).body["require2FA"] is False
        assert told() == [{"require_2fa": "to True"}, {"require_2fa": "to False"}]

    def test_nobody_locks_themselves_out_first(self, api, acme):
        answer = api.put(URL, {"require2FA": True})

        assert (answer.status, list(answer.body)) == (400, ["require2FA"])
        assert told() == []

    def test_a_token_of_nobody_does_not_require_it(self, acme):
        with pytest.raises(RuleBroken, match="Set up an authenticator app"):
            change_organization(acme, {"require2FA": True}, label="CI")

    def test_what_was_required_before_stays_so_and_can_be_switched_off(self, api, acme):
        acme.flags |= OrganizationFlags.REQUIRE_2FA
        acme.save()

        assert api.put(URL, {"require2FA": True}).status == 200
        assert api.put(URL, {"require2FA": False}).body["require2FA"] is False

    def test_a_browser_without_one_is_refused_and_a_token_goes_on(self, api, acme, owner):
        acme.flags |= OrganizationFlags.REQUIRE_2FA
        acme.save()
        browser = Client()
        browser.force_login(owner)

        refused = browser.get(f"/api/0{URL}")
        assert (refused.status_code, refused.json()["detail"]["code"]) == (401, "2fa-required")
        assert api.get(URL).status == 200
        an_app(owner)
        assert browser.get(f"/api/0{URL}").status_code == 200


def test_one_wrong_value_changes_nothing(api, acme):
    answer = api.put(URL, {"slug": "emca", "dataScrubber": True, "openMembership": False, "attachmentsRole": "king"})

    assert answer.status == 400
    assert not OrganizationOption.objects.exists()
    assert api.get(URL).body["openMembership"] is True
    assert told() == []


def test_long_values_are_cut_in_the_log(api, acme):
    api.put(URL, {"sensitiveFields": [f"{number:0200}" for number in range(9)]})

    assert len(told()[0]["sensitiveFields"]) == 200


# ---------------------------------------------------------------- the slug


@pytest.fixture
def reserved(acme):
    OrganizationSlugReservation.objects.create(slug="acme", organization_id=acme.pk)


def test_a_new_slug_is_told_and_the_one_before_leads_to_it(api, acme, reserved):
    token = create_org_token(acme, "https://vedette.example.com", name="CI", by=None)[1]

    answer = api.put(URL, {"slug": "emca"})

    assert (answer.status, answer.body["slug"]) == (200, "emca")
    assert told() == [{"slug": "from acme to emca"}]
    assert Api(token).get("/organizations/acme/releases/").status == 200  # its text names the slug of its day
    rows = OrganizationSlugReservation.objects.order_by("slug").values_list("slug", "reservation_type")
    assert list(rows) == [("acme", 1), ("emca", 0)]


def test_a_slug_comes_back_to_whoever_had_it(api, acme, reserved):
    api.put(URL, {"slug": "emca"})

    assert api.put("/organizations/emca/", {"slug": "acme"}).body["slug"] == "acme"
    rows = OrganizationSlugReservation.objects.order_by("slug").values_list("slug", "reservation_type")
    assert list(rows) == [("acme", 0), ("emca", 1)]


@pytest.mark.parametrize("slug", ["other", "former", "unreserved"])
def test_a_slug_of_another_organization_is_a_conflict(api, acme, slug):
    other = create_organization("Other", "other")
    OrganizationSlugReservation.objects.create(slug="former", organization_id=other.pk, reservation_type=1)
    an_organization("unreserved")

    answer = api.put(URL, {"slug": slug, "name": "New"})

    assert (answer.status, answer.body) == (409, {"slug": ["An organization with this slug already exists."]})
    assert Organization.objects.get(pk=acme.pk).name == "Acme"
    assert told() == []


def test_a_former_slug_lets_nobody_in_who_was_not(acme, reserved, api, token_of):
    api.put(URL, {"slug": "emca"})
    stranger = a_member(an_organization("other"), "stranger@example.com", "owner")

    assert token_of(stranger).get(URL).status == 404


# ---------------------------------------------------------------- relays


def a_relay(key=A_KEY, name="Edge", **fields):
    return {"publicKey": key, "name": name, "description": "In front", **fields}


def test_relays_keep_the_moment_they_came(api, acme):
    first = api.put(URL, {"trustedRelays": [a_relay()]}).body["trustedRelays"]
    same = api.put(URL, {"trustedRelays": [a_relay()]}).body["trustedRelays"]
    renamed = api.put(URL, {"trustedRelays": [a_relay(name="Rim"), a_relay(ANOTHER_KEY)]}).body["trustedRelays"]
    fewer = api.put(URL, {"trustedRelays": [a_relay(ANOTHER_KEY)]}).body["trustedRelays"]

    assert first == same
    assert first[0]["created"] == first[0]["lastModified"] == renamed[0]["created"] < renamed[0]["lastModified"]
    assert fewer == renamed[1:]
    assert [entry["trustedRelays"] for entry in told()] == [
        f"to [Edge ({A_KEY})]",
        f"from [Edge ({A_KEY})] to [Rim ({A_KEY}), Edge ({ANOTHER_KEY})]",
        f"from [Rim ({A_KEY}), Edge ({ANOTHER_KEY})] to [Edge ({ANOTHER_KEY})]",
    ]


@pytest.mark.parametrize(
    "relays",
    [
        "x",
        [1],
        [{}],
        [a_relay("short")],
        [a_relay("é" * 43)],
        [a_relay(None)],
        [a_relay(name="")],
        [a_relay(name="x" * 65)],
        [a_relay(description=[])],
        [a_relay(), a_relay(name="Twice")],
        [a_relay()] * 101,
    ],
    ids=["text", "number", "empty", "short", "odd", "null", "no name", "long name", "list", "twice", "too many"],
)
def test_relays_that_are_none_are_refused(api, acme, relays):
    answer = api.put(URL, {"trustedRelays": relays})

    assert (answer.status, list(answer.body)) == (400, ["trustedRelays"])
    assert not OrganizationOption.objects.exists()


# ---------------------------------------------------------------- giving up, and not


@pytest.fixture
def given_up(api, acme):
    assert api.delete(URL).status == 202


def test_an_owner_takes_the_end_back(api, acme, web, given_up):
    answer = api.put(URL, {"cancelDeletion": True})

    assert (answer.status, answer.body["status"]["id"]) == (200, "active")
    assert api.get("/projects/acme/web/").status == 200
    assert list(AuditLogEntry.objects.order_by("pk").values_list("event", flat=True)) == [
        AuditEvent.ORG_REMOVE,
        AuditEvent.ORG_RESTORE,
    ]


@pytest.mark.parametrize("body", [{}, {"name": "New"}, {"cancelDeletion": False}], ids=str)
def test_an_organization_that_was_given_up_is_changed_in_no_other_way(api, acme, given_up, body):
    assert api.put(URL, body).status == 404
    assert Organization.objects.get().name == "Acme"


def test_only_who_may_end_it_may_take_that_back(api, acme, owner, given_up, token_of):
    manager = token_of(a_member(acme, "manager@example.com", "manager"))
    stranger = token_of(a_member(an_organization("other"), "stranger@example.com", "owner"))
    ci = Api(create_org_token(acme, "https://vedette.example.com", name="CI", by=None)[1])

    for caller in (manager, stranger, token_of(owner, "org:write"), ci):
        assert caller.put(URL, {"cancelDeletion": True}).status == 404
    assert Organization.objects.get(pk=acme.pk).status == OrganizationStatus.PENDING_DELETION


def test_what_is_being_deleted_does_not_come_back(api, acme, given_up):
    Organization.objects.update(status=OrganizationStatus.DELETION_IN_PROGRESS)

    assert api.put(URL, {"cancelDeletion": True}).status == 404


def test_taking_back_what_did_not_end_changes_nothing(api, acme):
    assert api.put(URL, {"cancelDeletion": True}).status == 200
    assert not AuditLogEntry.objects.exists()


# ---------------------------------------------------------------- the log


def test_the_log_tells_who_did_what_newest_first(api, acme, owner, web):
    ci = Api(create_org_token(acme, "https://vedette.example.com", name="CI", by=None)[1])
    ci.post(f"{URL}releases/", {"version": "1.0", "projects": ["web"]}, User_Agent="sentry-cli/3.8.0")
    ci.post(f"{URL}releases/1.0/deploys/", {"environment": "production"})
    api.put(f"{URL}releases/1.0/", {"status": "archived"})
    api.put(URL, {"name": "Acme Ltd", "dataScrubber": True})

    log = api.get(LOGS).body

    assert [(row["event"], row["actor"]["name"], row["note"]) for row in log["rows"]] == [
        (
            "org.edit",
            "Olive Owner",
            "edited the organization setting: dataScrubber to True, name from Acme to Acme Ltd",
        ),
        ("release.archive", "Olive Owner", "archived the release 1.0"),
        ("deploy.create", "CI", "deployed 1.0 to production"),
        ("release.create", "CI", "created the release 1.0"),
    ]
    assert log["rows"][0]["actor"]["id"] == str(owner.pk)
    assert log["rows"][0]["ipAddress"] == "127.0.0.1"
    assert "release.create" in log["options"]


def test_the_log_is_narrowed_and_paged(api, acme, owner, token_of):
    other = a_member(acme, "ann@example.com", "owner")
    for number in range(3):
        record(AuditEvent.TEAM_CREATE, acme, by=other, data={"slug": f"t{number}"})
    old = record(AuditEvent.ORG_EDIT, acme, by=owner)
    AuditLogEntry.objects.filter(pk=old.pk).update(datetime=clock.now() - timedelta(days=3))

    assert [row["note"] for row in api.get(f"{LOGS}?event=team.create").body["rows"]] == [
        f"created the team t{number}" for number in (2, 1, 0)
    ]
    assert len(api.get(f"{LOGS}?actor={owner.pk}").body["rows"]) == 1
    assert len(api.get(f"{LOGS}?statsPeriod=1d").body["rows"]) == 3
    assert api.get(f"{LOGS}?actor=nobody").body["rows"] == []
    page = api.get(f"{LOGS}?per_page=3")
    assert len(page.body["rows"]) == 3
    assert 'rel="next"; results="true"' in page.headers["Link"]
    assert (refused := api.get(f"{LOGS}?event=nothing")).status == 400
    assert list(refused.body) == ["event"]


def test_the_log_of_one_organization_has_nothing_of_another(api, acme):
    record(AuditEvent.ORG_EDIT, an_organization("other"), data={"name": "secret"})

    assert api.get(LOGS).body["rows"] == []


def test_a_member_reads_no_log(acme, token_of):
    assert token_of(a_member(acme, "ann@example.com")).get(LOGS).status == 403


@pytest.mark.parametrize("event", AuditEvent, ids=lambda event: event.word)
def test_every_event_has_a_sentence_whatever_its_data(event):
    assert sentence_of(event, {})


def test_an_event_that_nobody_knows_is_told_by_its_number():
    assert (word_of(999), sentence_of(999, {})) == ("event.999", "event.999")
