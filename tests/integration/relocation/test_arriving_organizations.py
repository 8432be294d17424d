"""Organizations, members, projects and keys on their way in (relocation specification, 4.6, 5.5, 5.7 and 9)."""

import base64
import re

import pytest

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
from tests.integration.relocation.seen import SUFFIX, chunk_of, kinds_of
from tests.support.factories import a_project, an_organization
from vedette.accounts.models import User
from vedette.orgs import reservations
from vedette.orgs.models import (
    Organization,
    OrganizationMember,
    OrganizationSlugReservation,
    ReservationType,
)
from vedette.orgs.services import create_organization
from vedette.projects.models import Project, ProjectAlias, ProjectKey
from vedette.relocation.files.findings import FindingKind
from vedette.relocation.importing.failures import ImportFailed
from vedette.relocation.importing.rules.organizations import Organizations

pytestmark = pytest.mark.django_db


class TestSlugs:
    def test_a_taken_slug_gets_a_suffix_everywhere(self, imports):
        here = create_organization("Acme", "acme")

        result = imports([an_organization_row(here.pk, "acme")])

        new = Organization.objects.exclude(pk=here.pk).get()
        assert re.fullmatch(rf"acme{SUFFIX}", new.slug)
        assert chunk_of("organization").inserted_identifiers == {str(here.pk): new.slug}
        reservation = OrganizationSlugReservation.objects.get(organization_id=new.pk)
        assert (reservation.slug, reservation.reservation_type) == (new.slug, ReservationType.PRIMARY)
        assert [(one.old, one.new) for one in result.renames] == [("acme", new.slug)]

    @pytest.mark.parametrize(
        ("slug", "becomes"),
        [
            ("acme", r"acme"),
            ("sentry", r"sentry"),
            ("a" * 45, "a{45}"),
            ("Acme_Corp", r"acme_corp"),
            ("admin", rf"admin{SUFFIX}"),
            ("1234", r"org-[0-9a-f]{6}"),
            ("", r"org-[0-9a-f]{6}"),
        ],
    )
    def test_a_slug_is_kept_where_it_can_be(self, imports, slug, becomes):
        imports([an_organization_row(1, slug)])

        assert re.fullmatch(becomes, Organization.objects.get().slug)

    def test_an_organization_can_be_renamed_on_the_way(self, imports):
        result = imports([an_organization_row(1, "acme"), an_organization_row(2, "beta")], rename_orgs={"acme": "apex"})

        assert set(Organization.objects.values_list("slug", flat=True)) == {"apex", "beta"}
        assert [(one.old, one.new) for one in result.renames] == [("acme", "apex")]

    @pytest.mark.parametrize("target", ["taken", "admin"])
    def test_it_cannot_be_renamed_to_what_is_somebodys(self, imports, target):
        create_organization("Taken", "taken")

        with pytest.raises(ImportFailed) as failed:
            imports([an_organization_row(1, "acme")], rename_orgs={"acme": target})

        assert failed.value.finding.field == "slug"
        assert Organization.objects.count() == 1

    def test_an_organization_keeps_its_id_where_that_is_free(self, imports):
        here = an_organization("here")
        rows = [an_organization_row(77, "acme"), an_organization_row(here.pk, "beta"), an_organization_row(2**60, "c")]

        imports(rows)

        assert Organization.objects.get(slug="acme").pk == 77
        assert Organization.objects.get(slug="beta").pk != here.pk
        assert Organization.objects.get(slug="c").pk < 2**53

    def test_of_two_that_found_a_slug_free_at_once_the_later_is_renamed_at_the_end(self, imports, monkeypatch):
        write = Organizations.write

        def overtaken(rule, batch, context):
            written = write(rule, batch, context)
            reservations.claim("acme", 99)
            return written

        monkeypatch.setattr(Organizations, "write", overtaken)

        result = imports([an_organization_row(1, "acme"), an_org_token(1)])

        organization = Organization.objects.get()
        assert re.fullmatch(rf"acme{SUFFIX}", organization.slug)
        assert reservations.organization_with(organization.slug) == organization.pk
        assert [(one.old, one.new) for one in result.renames] == [("acme", organization.slug)]
        assert organization.slug in base64.b64decode(result.secrets[0].secret.split("_")[1]).decode()

    @pytest.mark.parametrize(("hide", "status"), [(False, 0), (True, 3)])
    def test_organizations_are_hidden_on_request(self, imports, hide, status):
        imports([an_organization_row(1, "acme")], hide_organizations=hide)

        assert Organization.objects.get().status == status


class TestMembers:
    def test_of_two_with_one_token_the_imported_one_has_none(self, imports):
        here = create_organization("Acme", "acme")
        OrganizationMember.objects.create(organization=here, email="a@example.com", token="t" * 32)
        rows = [
            an_organization_row(1, "beta"),
            a_membership(1, 1, None, email="b@example.com", token="t" * 32, token_expires_at=DAY),
            a_membership(2, 1, None, email="c@example.com", token="u" * 32),
        ]

        imports(rows)

        tokens = dict(OrganizationMember.objects.values_list("email", "token"))
        assert tokens == {"a@example.com": "t" * 32, "b@example.com": None, "c@example.com": "u" * 32}
        assert OrganizationMember.objects.get(email="b@example.com").token_expires_at is None

    def test_who_invited_is_forgotten_only_where_they_stay_behind(self, imports):
        rows = [
            a_user(1, "ann"),
            a_user(2, "bob"),
            an_organization_row(1, "acme"),
            an_organization_row(2, "beta"),
            a_membership(1, 1, 1),
            a_membership(2, 2, 2),
            a_membership(3, 1, None, email="in@example.com", inviter_id=1),
            a_membership(4, 1, None, email="out@example.com", inviter_id=2, invite_status=1),
        ]

        imports(rows, org_slugs=frozenset({"acme"}))

        ann = User.objects.get()
        inviters = dict(OrganizationMember.objects.values_list("email", "inviter_id"))
        assert inviters == {None: None, "in@example.com": ann.pk, "out@example.com": None}


class TestProjects:
    @pytest.mark.parametrize("scope", ["Organization", "Global"])
    def test_sparse_ids_are_kept_in_every_scope(self, imports, scope):
        imports([an_organization_row(1, "acme"), *(a_project_row(pk, 1, f"p{pk}") for pk in (3, 70, 4_000))], scope)

        assert list(Project.objects.order_by("pk").values_list("pk", flat=True)) == [3, 70, 4_000]
        assert not ProjectAlias.objects.exists()

    def test_an_id_that_is_taken_becomes_an_alias(self, imports):
        here = a_project()

        result = imports([an_organization_row(1, "beta"), a_project_row(here.pk, 1, "web")])

        new = Project.objects.get(organization__slug="beta")
        assert new.pk != here.pk
        assert (ProjectAlias.objects.get().old_id, ProjectAlias.objects.get().project) == (here.pk, new)
        assert FindingKind.ALIASED_PROJECT in kinds_of(result)

    def test_all_keys_of_a_project_are_kept_and_none_is_added(self, imports):
        rows = [an_organization_row(1, "acme"), a_project_row(5, 1, "web"), a_project_row(6, 1, "none")]
        rows += [a_key(pk, 5, f"{pk:032x}", f"{pk + 100:032x}", label=f"Key {pk}") for pk in range(1, 6)]

        imports(rows)

        keys = ProjectKey.objects.order_by("pk")
        assert [key.public_key for key in keys] == [f"{pk:032x}" for pk in range(1, 6)]
        assert {key.project_id for key in keys} == {5}

    def test_a_key_that_is_in_use_is_made_anew_and_the_other_one_stays(self, imports):
        old = ProjectKey.objects.create(project=a_project(), public_key="a" * 32, secret_key="b" * 32)
        rows = [
            an_organization_row(1, "beta"),
            a_project_row(5, 1, "web"),
            a_key(1, 5, "a" * 32, "c" * 32),
            a_key(2, 5, "d" * 32, "b" * 32),
            a_key(3, 5, "", "e" * 32, label=None),
        ]

        result = imports(rows)

        old.refresh_from_db()
        assert (old.public_key, old.secret_key) == ("a" * 32, "b" * 32)
        first, second, third = ProjectKey.objects.exclude(pk=old.pk).order_by("pk")
        assert (first.public_key != "a" * 32, first.secret_key) == (True, "c" * 32)
        assert (second.public_key, second.secret_key != "b" * 32) == ("d" * 32, True)
        assert (len(third.public_key), third.label) == (32, "")
        assert sum(finding.kind == FindingKind.MINTED_TOKEN for finding in result.findings) == 3

    def test_of_two_values_of_one_option_the_latter_stays(self, imports):
        rows = [an_organization_row(1, "acme"), a_project_row(5, 1, "web")]
        rows += [a_row("projectoption", pk, project=5, key="sentry:origins", value=an_option([pk])) for pk in (1, 2)]

        imports(rows)

        assert list(Project.objects.get().options.values_list("key", "value")) == [("sentry:origins", [2])]
