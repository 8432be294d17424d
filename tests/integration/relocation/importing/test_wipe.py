"""A Global import onto an instance that is in use."""

import pytest

from tests.support.exports import organization, project, row, team, user
from vedette.accounts.models import User
from vedette.issues.models import Group, GroupEnvironment, GroupHash
from vedette.orgs.models import Organization, OrganizationSlugReservation, Team
from vedette.projects.models import Environment, Project, ProjectKey
from vedette.relocation.importing import writing
from vedette.relocation.importing.batches import Batches
from vedette.relocation.importing.failures import ImportFailed
from vedette.relocation.models import PreservedRegionRow

pytestmark = pytest.mark.django_db

FILE = [organization(1, "fresh"), team(1), user(1, "ada"), project(1)]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """The projects of which events would be deleted; there is no event store."""
    found = []
    monkeypatch.setattr(writing, "forget_events", lambda projects: found.extend(projects) or True)
    return found


@pytest.fixture
def in_use():
    """An instance with an organization, a project and what is in it."""
    owner = User.objects.create(username="old")
    org = Organization.objects.create(name="old", slug="old")
    OrganizationSlugReservation.objects.create(slug="old", organization_id=org.pk)
    shop = Project.objects.create(organization=org, name="old", slug="old")
    ProjectKey.objects.create(project=shop)
    PreservedRegionRow.objects.create(model="sentry.rule", organization=org, project=shop, fields={"label": "old"})
    return owner, org, shop


def test_it_is_refused_without_being_told(imports, in_use):
    with pytest.raises(ImportFailed, match="takes the place of"):
        imports(FILE, "Global")

    assert Organization.objects.get().slug == "old"


def test_told_so_it_takes_the_place_of_what_was_there_and_of_what_hung_on_it(imports, in_use, forgotten):
    imports(FILE, "Global", wipe=True)

    assert set(Organization.objects.values_list("slug", flat=True)) == {"fresh"}
    assert set(User.objects.values_list("username", flat=True)) == {"ada"}
    assert not ProjectKey.objects.exists()
    assert not PreservedRegionRow.objects.exists()
    assert set(OrganizationSlugReservation.objects.values_list("slug", flat=True)) == {"fresh"}
    assert forgotten == [in_use[2].pk]


def test_only_models_of_the_file_are_replaced(imports, in_use):
    imports([row("option", 1, key="a", value=1)], "Global", wipe=True)

    assert Organization.objects.get().slug == "old"
    assert PreservedRegionRow.objects.count() == 2


def test_a_dry_run_of_it_leaves_everything(imports, in_use, forgotten):
    result = imports(FILE, "Global", wipe=True, dry_run=True)

    assert result.plan["sentry.user"].inserted == 1
    assert Organization.objects.get().slug == "old"
    assert ProjectKey.objects.exists()
    assert forgotten == []


def test_it_is_wiped_once_however_often_it_is_gone_on_with(imports, in_use, monkeypatch):
    write, count = Batches._written, iter(range(100))

    def dying(self, rows):
        if next(count) == 2:
            raise OSError("no space left")
        return write(self, rows)

    with monkeypatch.context() as patched:
        patched.setattr(Batches, "_written", dying)
        with pytest.raises(ImportFailed):
            imports(FILE, "Global", wipe=True, in_batches=True, import_uuid="f" * 32)
    first = Organization.objects.get()
    assert first.slug == "fresh"

    imports(FILE, "Global", wipe=True, in_batches=True, import_uuid="f" * 32)

    assert Organization.objects.get() == first
    assert Team.objects.get().organization == first


def test_issues_go_with_their_projects_and_what_hangs_on_them(imports, in_use):
    _, org, shop = in_use
    group = Group.objects.create(project=shop, short_id=1)
    GroupEnvironment.objects.create(group=group, environment=Environment.objects.create(organization_id=org.pk))
    GroupHash.objects.create(project_id=shop.pk, group=group, hash="a" * 32)

    imports(FILE, "Global", wipe=True)

    assert not Group.objects.exists()
    assert not GroupEnvironment.objects.exists()
    assert not GroupHash.objects.exists()
