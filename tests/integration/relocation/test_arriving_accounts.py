"""Accounts on their way in: names, powers, passwords, addresses (relocation specification, 4.8, 5.5, 5.7)."""

import json
import re

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import cache

from tests.integration.relocation.rows import (
    DAY,
    a_membership,
    a_row,
    a_user,
    an_option,
    an_organization_row,
    its_address,
)
from tests.integration.relocation.seen import SUFFIX, chunk_of, kinds_of, preserved
from tests.support.factors import BASE32, a_code
from vedette.accounts.models import Authenticator, Email, LostPasswordHash, User, UserEmail
from vedette.accounts.users import create_user
from vedette.orgs.models import Organization, OrganizationMember
from vedette.orgs.services import create_organization
from vedette.relocation.files.findings import FindingKind
from vedette.relocation.importing.failures import ImportFailed

pytestmark = pytest.mark.django_db

MINIMAL = "user-with-minimum-privileges"
DUPLICATES = "duplicate-username-and-organization-slug"
POWERS = ("is_staff", "is_superuser", "is_managed")


class TestTakenUserNames:
    def test_without_merging_every_import_adds_one_more_with_a_suffix(self, imports):
        create_user("min_user", None)
        User.objects.update(email="other@example.com")

        for number in (1, 2):
            result = imports(MINIMAL, "User")
            new = User.objects.order_by("pk").last()
            assert re.fullmatch(rf"min_user{SUFFIX}", new.username)
            assert User.objects.count() == 1 + number
            assert list(chunk_of("user", result.import_uuid).inserted_map.values()) == [new.pk]
            assert new.is_unclaimed
            assert LostPasswordHash.objects.filter(user=new).count() == 1
            assert kinds_of(result) >= {FindingKind.RENAMED}
        assert set(Email.objects.values_list("email", flat=True)) == {"min_user", "testing@example.com"}

    @pytest.mark.parametrize("scope", ["User", "Organization", "Config"])
    def test_merged_the_account_that_is_here_stays_as_it_is(self, imports, scope):
        existing = create_user("min_user", "a password of old")
        User.objects.update(email="other@example.com")

        result = imports(MINIMAL, scope, merge_users=True)

        user = User.objects.get()
        assert user.check_password("a password of old")
        assert (user.email, user.is_unclaimed) == ("other@example.com", False)
        assert chunk_of("user").existing_map == {"2": existing.pk}
        assert chunk_of("user").inserted_map == {}
        assert chunk_of("useremail") is chunk_of("userpermission") is None
        assert not UserEmail.objects.filter(email="testing@example.com").exists()
        assert Email.objects.filter(email="testing@example.com").exists()
        assert not user.options.exists()
        assert not LostPasswordHash.objects.exists()
        assert FindingKind.MERGED in kinds_of(result)

    def test_a_merged_member_belongs_to_the_imported_organization_as_well(self, imports):
        existing = create_user("testing@example.com", None)
        here = create_organization("Testing", "testing", existing)

        imports(DUPLICATES, merge_users=True)

        assert User.objects.get() == existing
        new = Organization.objects.exclude(pk=here.pk)
        assert all(re.fullmatch(rf"testing{SUFFIX}", one.slug) for one in new)
        assert OrganizationMember.objects.filter(user_id=existing.pk).count() == 3

    def test_a_name_in_other_letters_is_taken_too(self, imports):
        create_user("owner", None)

        imports([a_user(1, "Owner"), a_user(2, "OWNER")], "User")

        names = sorted(User.objects.values_list("username", flat=True), key=len)
        assert names[0] == "owner"
        assert {name.partition("-")[0] for name in names[1:]} == {"Owner", "OWNER"}
        assert all(re.fullmatch(rf"\w+{SUFFIX}", name) for name in names[1:])

    def test_an_account_can_be_mapped_by_hand_to_one_that_is_called_otherwise(self, imports):
        ann = create_user("ann", None)

        imports(
            [a_user(1, "ann.old"), an_organization_row(1, "acme"), a_membership(1, 1, 1)], map_users={"ann.old": "ann"}
        )

        assert User.objects.get() == ann
        assert OrganizationMember.objects.get().user_id == ann.pk

    def test_an_account_cannot_be_mapped_to_nobody(self, imports):
        with pytest.raises(ImportFailed) as failed:
            imports([a_user(1, "ann.old")], "User", map_users={"ann.old": "ann"})

        assert (failed.value.finding.model, failed.value.finding.field) == ("sentry.user", "username")
        assert not User.objects.exists()


def everybody():
    """Four accounts: one with all privileges, one staff, one superuser, one plain."""
    names = {"everything": 1, "staff": 2, "root": 3, "plain": 4}
    powers = {
        "everything": {"is_staff": True, "is_superuser": True, "is_managed": True},
        "staff": {"is_staff": True},
        "root": {"is_superuser": True},
        "plain": {},
    }
    rows = [a_user(pk, name, **powers[name]) for name, pk in names.items()]
    rows += [a_row("email", pk, email=f"{name}@example.com", date_added=DAY) for name, pk in names.items()]
    rows += [its_address(pk, pk, f"{name}@example.com") for name, pk in names.items()]
    rows += [
        a_row("authenticator", pk, user=pk, type=1, created_at=DAY, config=an_option({"secret": f"S{pk}"}))
        for pk in names.values()
    ]
    rows += [a_row("userpermission", pk, user=1, permission=f"users.{pk}") for pk in (1, 2)]
    rows += [a_row("userrole", 1, name="admins", permissions="['users.admin']", date_added=DAY, date_updated=DAY)]
    return rows + [a_row("userroleuser", pk, user=pk, role=1, date_added=DAY, date_updated=DAY) for pk in (1, 2)]


@pytest.mark.parametrize(
    ("scope", "unclaimed", "powers", "roles", "authenticators", "verified"),
    [
        ("User", 4, (0, 0, 0), (0, 0, 0), 0, 0),
        ("Organization", 4, (0, 0, 0), (0, 0, 0), 0, 0),
        ("Config", 4, (2, 2, 1), (2, 1, 2), 0, 0),
        ("Global", 0, (2, 2, 1), (2, 1, 2), 4, 4),
    ],
)
def test_what_accounts_bring_is_what_the_scope_lets_in(
    imports, scope, unclaimed, powers, roles, authenticators, verified
):
    imports(everybody(), scope)

    assert User.objects.count() == 4
    assert User.objects.filter(is_unclaimed=True).count() == LostPasswordHash.objects.count() == unclaimed
    assert powers == tuple(User.objects.filter(**{flag: True}).count() for flag in POWERS)
    assert roles == tuple(len(preserved(model)) for model in ("userpermission", "userrole", "userroleuser"))
    assert Authenticator.objects.count() == authenticators
    assert UserEmail.objects.filter(is_verified=True).count() == verified
    assert UserEmail.objects.filter(validation_hash="v" * 32).count() == verified
    assert Email.objects.filter(date_added__year=2023).count() == 4


class TestSecretsOfAccounts:
    def test_passwords_go_on_working_after_a_global_import_and_get_stronger(self, imports, settings, monkeypatch):
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
        monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 2000)
        imports([a_user(1, "ann")], "Global")

        user = authenticate(username="ann", password="correct horse")

        assert user is not None
        assert User.objects.get().password.startswith("pbkdf2_sha256$2000$")
        assert authenticate(username="ann", password="wrong") is None

    @pytest.mark.parametrize("scope", ["User", "Organization", "Config"])
    def test_they_do_not_elsewhere(self, imports, scope):
        imports([a_user(1, "ann", is_staff=True), an_organization_row(1, "acme"), a_membership(1, 1, 1)], scope)

        user = User.objects.get()
        assert not user.check_password("correct horse")
        assert not user.is_password_expired
        assert user.last_password_change.year >= 2026

    def test_who_was_unclaimed_there_is_unclaimed_here(self, imports):
        imports([a_user(1, "ann", is_unclaimed=True)], "Global")

        assert User.objects.get().is_unclaimed
        assert LostPasswordHash.objects.count() == 1

    def test_nobody_can_claim_a_bot(self, imports):
        imports([a_user(1, "bot", is_sentry_app=True, password="")], "User")

        assert User.objects.get().is_sentry_app
        assert not LostPasswordHash.objects.exists()

    def test_a_password_that_cannot_be_checked_here_has_to_be_chosen_anew(self, imports):
        result = imports([a_user(1, "ann", password="bcrypt$$2b$12$abc")], "Global")

        assert User.objects.get().is_unclaimed
        assert "bcrypt" not in User.objects.get().password
        assert FindingKind.BAD_VALUE in kinds_of(result)

    def test_second_factors_keep_their_secrets(self, imports):
        rows = [a_user(1, "ann"), a_row("authenticator", 5, user=1, type=1, config=an_option({"secret": "JBSWY3DP"}))]

        result = imports(rows, "Global")

        assert Authenticator.objects.get().config == {"secret": "JBSWY3DP"}
        assert any("recovery codes, text messages and security keys" in one.reason for one in result.findings)

    def test_whoever_had_an_authenticator_app_signs_in_with_password_and_code(
        self, imports, client, settings, monkeypatch
    ):
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
        monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 2000)
        cache.clear()
        config = json.dumps({"secret": BASE32})
        imports([a_user(1, "ann"), a_row("authenticator", 5, user=1, type=1, config=config)], "Global")

        first = client.post("/auth/login/", {"username": "ann", "password": "correct horse"})
        assert first["Location"] == "/auth/login/code/"
        assert client.get("/settings/account/details/").status_code == 302

        assert client.post("/auth/login/code/", {"code": a_code()}).status_code == 302
        assert client.get("/settings/account/details/").status_code == 200

    def test_a_merged_account_gets_no_second_factor_of_somebody_else(self, imports):
        rows = [a_user(1, "ann"), a_user(2, "Ann", email="eve@example.com")]
        rows += [a_row("authenticator", pk, user=pk, type=1, config=an_option({"secret": f"S{pk}"})) for pk in (1, 2)]

        imports(rows, "Global", merge_users=True)

        assert User.objects.get().email == "ann@example.com"
        assert Authenticator.objects.get().config == {"secret": "S1"}

    def test_an_empty_validation_hash_stays_empty_in_a_global_import(self, imports):
        imports([a_user(1, "ann"), its_address(1, 1, "ann@example.com", validation_hash="")], "Global")

        assert UserEmail.objects.get().validation_hash == ""

    def test_addresses_come_along_without_rows_of_their_own(self, imports):
        rows = [a_user(1, "ann"), its_address(1, 1, "a@example.com"), its_address(2, 1, "b@example.com")]

        imports(rows, "User")

        addresses = {"a@example.com", "b@example.com", "ann@example.com"}
        assert set(UserEmail.objects.values_list("email", flat=True)) == addresses
        assert set(Email.objects.values_list("email", flat=True)) == addresses


class TestBadFields:
    @pytest.mark.parametrize(
        ("row", "model", "field"),
        [
            (a_user(2, "x" * 129), "sentry.user", "username"),
            (a_user(2, ""), "sentry.user", "username"),
            (a_row("userip", 2, user=1, ip_address="127.0.0.256"), "sentry.userip", "ip_address"),
            (a_row("useroption", 2, user=1, key="timezone", value=an_option("Mars")), "sentry.useroption", "value"),
            (a_row("authenticator", 2, user=1, config=an_option({})), "sentry.authenticator", "type"),
        ],
        ids=["long name", "no name", "address", "time zone", "no kind"],
    )
    def test_a_value_that_account_settings_would_refuse_ends_the_import(self, imports, row, model, field):
        with pytest.raises(ImportFailed) as failed:
            imports([a_user(1, "ann"), row], "Global")

        finding = failed.value.finding
        assert (finding.kind, finding.model, finding.field) == (FindingKind.VALIDATION_ERROR, model, field)
        assert finding.left_pk == 2
        assert not User.objects.exists()
