"""What imports come to: the outcomes that the specification pins, for sample files and single models (5.7, 10.1)."""

import base64
import json
import re
import uuid
from contextlib import nullcontext

import pytest
from django.apps import apps

from tests.integration.relocation.rows import (
    DAY,
    a_key,
    a_membership,
    a_project_row,
    a_row,
    a_user,
    an_option,
    an_org_token,
    an_organization_row,
)
from tests.integration.relocation.seen import SUFFIX, chunk_of, kinds_of, preserved
from vedette.accounts.models import ApiToken, Email, User, UserEmail
from vedette.accounts.tokens import find_user_token, hash_token
from vedette.accounts.users import create_user
from vedette.orgs.models import Organization, OrganizationMember, OrgAuthToken
from vedette.orgs.services import create_organization
from vedette.orgs.tokens import create_org_token, find_org_token
from vedette.projects.services import create_project
from vedette.relocation.files.findings import FindingKind
from vedette.relocation.importing.failures import ImportFailed

pytestmark = pytest.mark.django_db

SCOPES = ("User", "Organization", "Config", "Global")
DUPLICATES = "duplicate-username-and-organization-slug"


class TestSampleFiles:
    @pytest.mark.parametrize("scope", SCOPES)
    def test_two_accounts_of_one_name_become_two_that_share_an_address(self, imports, scope):
        imports(DUPLICATES, scope)

        first, second = User.objects.order_by("pk")
        assert first.username == "testing@example.com"
        assert re.fullmatch(rf"testing@example\.com{SUFFIX}", second.username)
        assert first.email == second.email == "testing@example.com"
        assert Email.objects.count() == 1
        assert UserEmail.objects.count() == 2

    @pytest.mark.parametrize("scope", ["Organization", "Global"])
    def test_two_organizations_of_one_slug_become_two_with_a_member_each(self, imports, scope):
        result = imports(DUPLICATES, scope)

        first, second = Organization.objects.order_by("pk")
        assert first.slug == "testing"
        assert re.fullmatch(rf"testing{SUFFIX}", second.slug)
        assert [one.members.count() for one in (first, second)] == [1, 1]
        assert [(one.old, one.new) for one in result.renames if one.model == "sentry.organization"] == [
            ("testing", second.slug)
        ]

    @pytest.mark.parametrize("scope", ["Organization", "Global"])
    def test_merged_they_are_one_account_that_is_a_member_of_both(self, imports, scope):
        result = imports(DUPLICATES, scope, merge_users=True)

        user = User.objects.get()
        assert OrganizationMember.objects.filter(user_id=user.pk).count() == 2
        assert (
            result.plan["sentry.user"].as_dict() | {"inserted": 1, "existing": 1}
            == result.plan["sentry.user"].as_dict()
        )


class TestTokensOfUsers:
    @pytest.mark.parametrize("scope", ["Config", "Global"])
    def test_a_token_goes_on_working_and_only_its_hash_is_kept(self, imports, scope):
        rows = [
            a_user(1, "ann"),
            a_row("apitoken", 1, user=1, token="sntryu_plain", scope_list="['org:read']", scopes="0", date_added=DAY),
            a_row("apitoken", 2, user=1, token=None, hashed_token=hash_token("other"), scope_list="[]", name="ci"),
        ]

        result = imports(rows, scope)

        plain, hashed = find_user_token("sntryu_plain"), find_user_token("other")
        assert (plain.token, plain.token_last_characters, plain.scope_list) == (None, "lain", ["org:read"])
        assert hashed.name == "ci"
        assert result.secrets == []

    def test_where_one_is_taken_both_secrets_are_made_anew_and_told_once(self, imports):
        ann = create_user("ann", None)
        old = [ApiToken.objects.create(user=ann, **hashes) for hashes in TAKEN]
        before = list(ApiToken.objects.order_by("pk").values())
        rows = [a_user(1, "bob")]
        rows += [
            a_row("apitoken", 1, user=1, token="token-1", refresh_token="refresh-1", expires_at=DAY),
            a_row("apitoken", 2, user=1, token="token-2", refresh_token="new-2", expires_at=DAY),
            a_row("apitoken", 3, user=1, token="new-3", refresh_token="refresh-3", expires_at=None),
            a_row("apitoken", 4, user=1, token="token-4", refresh_token=None, expires_at=None),
        ]

        result = imports(rows, "Config")

        assert list(ApiToken.objects.filter(pk__in=[one.pk for one in old]).order_by("pk").values()) == before
        new = ApiToken.objects.exclude(pk__in=[one.pk for one in old]).order_by("pk")
        assert len(new) == 4
        assert [one.hashed_refresh_token is None for one in new] == [False, False, False, True]
        assert [one.expires_at is None for one in new] == [False, False, True, True]
        assert all(one.expires_at.year >= 2026 for one in new if one.expires_at)
        told = [one.secret for one in result.secrets if one.label == "token"]
        assert [find_user_token(text).pk for text in told] == [one.pk for one in new]
        assert FindingKind.MINTED_TOKEN in kinds_of(result)

    def test_one_of_a_merged_account_opens_that_and_this_is_told(self, imports):
        ann = create_user("ann", None)

        result = imports([a_user(1, "ann"), a_row("apitoken", 1, user=1, token="hers")], "Config", merge_users=True)

        assert find_user_token("hers").user == ann
        assert any(one.model == "sentry.apitoken" and one.kind == FindingKind.MERGED for one in result.findings)

    def test_one_of_an_application_is_bound_to_its_instance(self, imports):
        rows = [
            a_user(1, "ann"),
            a_row("apiapplication", 1, client_id="c", client_secret="s", owner=1, name="app", status=0),
            a_row("apitoken", 1, user=1, application=1, token="of an app"),
            a_row("apitoken", 2, user=1, application=None, token="plain"),
        ]

        imports(rows, "Config")
        assert [find_user_token(text) is not None for text in ("plain", "of an app")] == [True, False]

    def test_one_for_an_organization_that_stays_behind_is_dropped_and_not_made_wider(self, imports):
        rows = [a_user(1, "ann"), a_row("apitoken", 1, user=1, scoping_organization_id=9, token="narrow")]

        result = imports(rows, "Global")

        assert not ApiToken.objects.exists()
        assert result.plan["sentry.apitoken"].dropped == 1


TAKEN = [
    {"hashed_token": hash_token("token-1"), "hashed_refresh_token": hash_token("refresh-1")},
    {"hashed_token": hash_token("token-2"), "hashed_refresh_token": None},
    {"hashed_token": hash_token("token-3"), "hashed_refresh_token": hash_token("refresh-3")},
    {"hashed_token": hash_token("token-4"), "hashed_refresh_token": None},
]


class TestTokensOfOrganizations:
    def test_one_that_nobody_has_goes_on_working(self, imports):
        rows = [an_organization_row(1, "acme"), an_org_token(1, hash_token("sntrys_old"), name="ci")]

        result = imports(rows)

        assert find_org_token("sntrys_old").organization_id == Organization.objects.get().pk
        assert result.secrets == []

    @pytest.mark.parametrize("hashed", ["taken", "", None])
    def test_one_that_is_taken_or_missing_is_made_anew_for_the_final_slug(self, imports, hashed):
        here = create_organization("Acme", "acme")
        row, text = create_org_token(here, "https://vedette.example.com", name="here", by=None)
        rows = [
            an_org_token(1, row.token_hashed if hashed else hashed, created_by=7),
            an_organization_row(1, "acme"),
        ]

        result = imports(rows)

        assert find_org_token(text) == row
        new = OrgAuthToken.objects.exclude(pk=row.pk).get()
        organization = Organization.objects.exclude(pk=here.pk).get()
        [secret] = result.secrets
        assert find_org_token(secret.secret) == new
        assert (new.organization_id, new.created_by_id) == (organization.pk, None)
        assert new.token_last_characters == secret.secret[-4:]
        assert secret.secret not in "".join(finding.reason for finding in result.findings)
        payload = json.loads(base64.b64decode(secret.secret.split("_")[1]))
        assert payload["org"] == organization.slug


CONFIG_ROWS = {
    "option": {"key": "system.url-prefix", "value": an_option("old")},
    "controloption": {"key": "auth.allow", "value": an_option("old")},
    "relay": {"relay_id": "r-1", "public_key": "old", "is_internal": True},
    "relayusage": {"relay_id": "r-1", "version": "1", "public_key": "old"},
    "userrole": {"name": "admins", "permissions": '["old"]'},
}


@pytest.mark.parametrize("overwrite", [True, False], ids=["overwriting", "keeping"])
@pytest.mark.parametrize("model", CONFIG_ROWS)
def test_configuration_is_overwritten_on_request_and_kept_otherwise(imports, model, overwrite):
    old = CONFIG_ROWS[model]
    changed = {name: value.replace("old", "new") if isinstance(value, str) else value for name, value in old.items()}
    imports([a_row(model, 1, **old)], "Config")

    imports([a_row(model, 9, **changed)], "Config", overwrite_configs=overwrite)

    assert preserved(model) == [changed if overwrite else old]
    chunk = chunk_of(model)
    assert [len(one) for one in (chunk.overwrite_map, chunk.existing_map)] == ([1, 0] if overwrite else [0, 1])
    assert chunk.inserted_map == {}


class TestWhatIsKept:
    @pytest.mark.parametrize(("scope", "names"), [("Organization", ["own"]), ("Global", ["own", "for all"])])
    def test_a_search_for_everybody_comes_along_with_everything_only(self, imports, scope, names):
        rows = [
            an_organization_row(1, "acme"),
            a_row("savedsearch", 1, organization=1, owner_id=None, name="own", query="a", is_global=False, type=0),
            a_row("savedsearch", 2, organization=None, owner_id=None, name="for all", is_global=True, type=0),
        ]

        imports(rows, scope)

        assert [one["name"] for one in preserved("savedsearch")] == names

    def test_rows_of_one_model_may_be_of_several_scopes(self, imports):
        rows = [
            a_user(1, "ann"),
            an_organization_row(1, "acme"),
            a_membership(1, 1, 1),
            a_project_row(1, 1, "web"),
            a_row("integration", 1, provider="slack", external_id="T1", name="slack"),
            a_row("notificationaction", 1, organization=1, integration_id=1, sentry_app_id=None),
            a_row("notificationaction", 2, organization=1, integration_id=None, sentry_app_id=None),
            *(a_row("notificationactionproject", pk, action=pk, project=1) for pk in (1, 2)),
        ]

        result = imports(rows, "Organization", strict=True)

        for model in ("notificationaction", "notificationactionproject"):
            counts = result.plan[f"sentry.{model}"]
            assert (counts.preserved, counts.out_of_scope, counts.dropped) == (1, 1, 0)

    @pytest.mark.parametrize(
        ("model", "field", "value", "fields"),
        [
            ("monitor", "guid", str(uuid.UUID(int=7, version=4)), {"organization_id": 1, "project_id": 1}),
            ("incident", "detection_uuid", str(uuid.UUID(int=8, version=4)), {"organization": 1, "alert_rule": 1}),
        ],
    )
    def test_what_names_a_row_on_one_instance_is_drawn_anew(self, imports, model, field, value, fields):
        rows = [
            an_organization_row(1, "acme"),
            a_project_row(1, 1, "web"),
            a_row("alertrule", 1, organization=1, name="rule"),
            a_row(model, 1, **fields, **{field: value}),
        ]

        imports(rows, "Global")

        [row] = preserved(model)
        assert uuid.UUID(row[field]).version == 4
        assert row[field] != value

    def test_a_subscription_gets_an_id_of_the_same_kind(self, imports):
        rows = [
            an_organization_row(1, "acme"),
            a_project_row(1, 1, "web"),
            a_row("querysubscription", 1, project=1, subscription_id=f"3/{'a' * 32}", query_extra="environment:x"),
            a_row("querysubscription", 2, project=1, subscription_id=None),
        ]

        imports(rows)

        first, second = preserved("querysubscription")
        assert re.fullmatch(r"3/[0-9a-f]{32}", first["subscription_id"])
        assert first["subscription_id"] != f"3/{'a' * 32}"
        assert first["query_extra"] == "environment:x"
        assert second["subscription_id"] is None

    def test_a_snooze_for_one_person_is_dropped_without_that_person(self, imports):
        rows = [
            a_user(1, "ann"),
            an_organization_row(1, "acme"),
            a_project_row(1, 1, "web"),
            a_row("rule", 1, project=1, label="rule", data="{}"),
            a_row("rulesnooze", 1, rule=1, user_id=9, alert_rule=None, owner_id=None),
            a_row("rulesnooze", 2, rule=1, user_id=1, alert_rule=None, owner_id=9),
        ]

        result = imports(rows)

        assert [row["owner_id"] for row in preserved("rulesnooze")] == [None]
        assert result.plan["sentry.rulesnooze"].dropped == 1


class TestDryRuns:
    def test_all_collisions_are_told_before_anything_is_written(self, imports):
        ann, bob = create_user("ann", None), create_user("bob", None)
        here = create_organization("Acme", "acme", ann)
        web = create_project(here, "Web")
        key = web.keys.get()
        rows = [
            a_user(1, "Ann"),
            a_user(2, "robert"),
            an_organization_row(1, "acme"),
            a_membership(1, 1, 1),
            a_membership(2, 1, 2),
            a_project_row(web.pk, 1, "web"),
            a_key(1, web.pk, key.public_key, "f" * 32),
            an_org_token(1, None),
        ]
        before = _everything()

        result = imports(rows, map_users={"robert": bob.username}, dry_run=True)

        assert _everything() == before
        assert result.dry_run
        assert result.secrets == []
        assert [(one.model, one.old) for one in result.renames] == [
            ("sentry.organization", "acme"),
            ("sentry.user", "Ann"),
        ]
        assert kinds_of(result) >= {
            FindingKind.RENAMED,
            FindingKind.MERGED,
            FindingKind.ALIASED_PROJECT,
            FindingKind.MINTED_TOKEN,
        }
        assert (result.plan["sentry.user"].inserted, result.plan["sentry.user"].existing) == (1, 1)
        assert not result.findings.count("error")


def _everything():
    """How many rows there are of all that an import writes."""
    tables = [table for table in apps.get_models() if table.__module__.startswith("vedette.")]
    return {table: table._base_manager.count() for table in tables}


class TestEmptyFiles:
    @pytest.mark.parametrize("scope", ["User", "Organization", "Config"])
    def test_an_empty_file_changes_nothing(self, imports, scope):
        create_organization("Acme", "acme", create_user("ann", None))

        imports([], scope)

        assert User.objects.count() == Organization.objects.count() == 1

    @pytest.mark.parametrize("wipe", [False, True])
    def test_everything_is_replaced_on_request_only_and_by_something_only(self, imports, wipe):
        create_organization("Acme", "acme", create_user("ann", None))

        with nullcontext() if wipe else pytest.raises(ImportFailed):
            imports([a_user(1, "bob")], "Global", wipe=wipe)

        assert User.objects.get().username == ("bob" if wipe else "ann")
        assert Organization.objects.count() == 1
