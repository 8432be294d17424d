"""What an archive carries arrives, whole, once, and in nobody else's hands."""

import orjson
import pytest

from tests.support.companion import FullOrganization, members_of, rows_in, tables
from tests.support.factories import a_project, an_organization
from tests.support.moving import wipe
from vedette.accounts.models import User, UserAvatar
from vedette.core.relocation import RelocationScope
from vedette.hooks.models import Webhook
from vedette.issues.models import Activity, Group, GroupHash, GroupRedirect
from vedette.orgs.models import AuditLogEntry, Organization
from vedette.projects.models import Project, ProjectCounter
from vedette.releases.models import Release
from vedette.relocation.companion.declarations import TRAVELS, in_order
from vedette.relocation.exporting.options import ExportFailed
from vedette.relocation.files.findings import FindingKind
from vedette.relocation.importing.options import ImportScope

pytestmark = pytest.mark.django_db
NEW = {  # made anew, or on arrival only
    ("hooks.webhook", "guid"),
    ("hooks.webhook", "is_active"),
    ("issues.groupredirect", "previous_group_id"),
    ("issues.grouptombstone", "previous_group_id"),
}
IN_TEXTS = {  # ids that the tests below look at
    ("issues.activity", "ident"),
    ("issues.activity", "data"),
    ("issues.grouplink", "linked_id"),
    ("orgs.auditlogentry", "target_object"),
    ("releases.release", "authors"),
}


@pytest.fixture
def full(carrier):
    return FullOrganization(carrier.files, an_organization())


def content(archive):
    """The rows of an archive by model, every key replaced by the place of its target among the rows of that model.

    Without the aliases of projects that imports make.
    """
    places = {}
    for row in orjson.loads(members_of(archive)["export.json"]):
        places.setdefault(row["model"], []).append(row["pk"])
    rows = {one.label: rows_in(archive, one.label) for one in in_order()}
    for label, some in rows.items():
        places[label] = [row["pk"] for row in some]

    def place(target, pk):
        wire = f"sentry.{target.partition('.')[2]}"
        wire = wire if wire in places else target
        return pk and (target, places[wire].index(pk))

    return {
        one.label: [
            {
                name: place(one.targets()[name], value) if name in one.targets() else value
                for name, value in row.items()
                if name != "pk" and (one.label, name) not in NEW | IN_TEXTS
            }
            for row in rows[one.label]
            if row.get("old_id", 4711) == 4711
        ]
        for one in in_order()
    }


def counts():
    return {table._meta.label_lower: table.objects.count() for table in tables()}


def test_every_column_of_every_model_comes_through(carrier, full):
    first = carrier.exports(with_events=False)
    wipe()

    result = carrier.imports(first)

    assert content(carrier.exports()) == content(first)
    expected = {one.label for one in TRAVELS if not one.with_events}
    assert {label for label, rows in content(first).items() if rows} == expected
    assert {label for label, done in result.plan.items() if done.inserted == 1} == expected
    kinds = {finding.kind for finding in result.findings}
    assert kinds <= {FindingKind.MINTED_TOKEN, FindingKind.ALIASED_PROJECT, FindingKind.RENAMED}


def test_ids_in_texts_and_json_are_followed(carrier, full):
    archive = carrier.exports()
    wipe()

    carrier.imports(archive)

    group, entry, release = Group.objects.get(), Activity.objects.get(), Release.objects.get()
    commit = release.commit_links.get().commit
    user = User.objects.get()
    assert entry.ident == str(commit.pk)
    assert entry.data["commit"] == commit.pk == group.links.get().linked_id
    assert entry.data["issues"] == [{"id": str(group.pk)}]
    assert (entry.data["destination_id"], entry.data["source_id"]) == (group.pk, group.pk)
    assert (entry.data["assignee"], entry.data["text"]) == (str(user.pk), "ü")
    assert release.authors == [str(commit.author_id)]
    assert release.last_deploy_id == release.deploys.get().pk
    assert AuditLogEntry.objects.get(event=10000).target_object == release.pk
    assert group.history.get().prev_history_id == group.history.get().pk
    assert not Group.objects.filter(pk=GroupRedirect.objects.get().previous_group_id).exists()


def test_an_issue_keeps_its_short_id_and_no_other_one_gets_it(carrier, full):
    known_as = full["issues.group"].qualified_short_id
    archive = carrier.exports()
    wipe()

    carrier.imports(archive)

    group = Group.objects.get()
    assert group.qualified_short_id == known_as
    assert ProjectCounter.objects.get(project_id=group.project_id).value >= group.short_id


def test_the_same_archive_again_changes_nothing(carrier, full):
    archive = carrier.exports()
    wipe()
    carrier.imports(archive)
    before, rows = counts(), content(carrier.exports())

    result = carrier.imports(archive)

    assert counts() == before
    assert content(carrier.exports()) == rows
    assert {done.inserted for done in result.plan.values()} == {0}
    assert Organization.objects.count() == 1


@pytest.mark.parametrize("stop", ["releases.release", "issues.group", "issues.activity"])
def test_an_import_that_was_broken_off_is_completed(carrier, full, monkeypatch, stop):
    archive = carrier.exports()
    first = content(archive)
    wipe()
    importing = "vedette.relocation.companion.importing._Importing._import_model"
    go_on = __import__("vedette.relocation.companion.importing", fromlist=["_Importing"])._Importing._import_model

    def broken(self, one):
        if one.label == stop:
            raise KeyboardInterrupt
        go_on(self, one)

    monkeypatch.setattr(importing, broken)
    with pytest.raises(KeyboardInterrupt):
        carrier.imports(archive)
    monkeypatch.undo()
    carrier.imports(archive)

    assert content(carrier.exports()) == first


def test_a_dry_run_counts_and_writes_nothing(carrier, full):
    archive = carrier.exports()
    wipe()

    result = carrier.imports(archive, dry_run=True)

    assert result.plan["issues.group"].inserted == 1
    assert result.files == 1
    assert set(counts().values()) == {0}
    assert not Organization.objects.exists()


def test_a_picture_keeps_its_address(carrier, full):
    ident = full["accounts.useravatar"].ident
    User.objects.update(avatar_type=1, avatar_url=f"/avatar/{ident}/")
    archive = carrier.exports()
    wipe()

    carrier.imports(archive)

    assert UserAvatar.objects.get().ident == ident
    assert User.objects.get().avatar_url == f"/avatar/{ident}/"


def test_a_webhook_comes_without_its_secret_and_off(carrier, full):
    archive = carrier.exports()
    assert b"secret" not in b"".join(zstd_of(archive, "hooks.webhook"))
    wipe()

    carrier.imports(archive)

    hook = Webhook.objects.get()
    assert (hook.secret, hook.is_active) == ("", False)
    assert hook.guid != full["hooks.webhook"].guid


def zstd_of(archive, label):
    return [orjson.dumps(row) for row in rows_in(archive, label)]


def test_files_come_along_and_are_not_read_whole(carrier, full, tmp_path):
    archive = carrier.exports()
    name = full["releases.releasefile"].sha1
    carrier.files.remove(name)
    wipe()

    carrier.imports(archive)

    assert carrier.files.path(name).read_bytes() == b"content"


def test_other_organizations_stay_where_they_are(carrier, full):
    stranger = a_project(an_organization("stranger"), "theirs")
    Group.objects.create(project=stranger, short_id=1, title="secret")
    Release.objects.create(organization=stranger.organization, version="secret")

    archive = carrier.exports(org_slugs=frozenset({"acme"}))

    assert len(rows_in(archive, "issues.group")) == len(rows_in(archive, "releases.release")) == 1
    assert b"secret" not in b"".join(zstd_of(archive, "issues.group") + zstd_of(archive, "releases.release"))


def test_only_the_chosen_projects_come(carrier, full):
    other = a_project(full.organization, "other")
    Group.objects.create(project=other, short_id=1, title="other")
    Release.objects.create(organization=full.organization, version="other")

    archive = carrier.exports(project_slugs=frozenset({"web"}))

    assert [row["short_id"] for row in rows_in(archive, "issues.group")] == [3]
    assert len(rows_in(archive, "releases.release")) == 1


def test_an_archive_can_be_imported_beside_what_it_was_made_of(carrier, full):
    archive = carrier.exports()

    carrier.imports(archive)

    assert Organization.objects.count() == Group.objects.count() == GroupHash.objects.count() == 2
    first, second = Group.objects.order_by("pk")
    assert first.project_id != second.project_id
    assert Project.objects.get(pk=second.project_id).organization_id != full.organization.pk
    for table in tables():
        for row in table.objects.all():
            owner = getattr(row, "organization_id", None)
            group = getattr(row, "group_id", None)
            if owner and group:
                assert Group.objects.get(pk=group).project.organization_id == owner


def test_everything_comes_back_into_an_empty_installation(carrier, full):
    archive = carrier.exports(scope=RelocationScope.GLOBAL)
    assert rows_in(archive, "releases.repository") == []  # it is in Sentry's part
    wipe()

    carrier.imports(archive, scope=ImportScope.GLOBAL)

    assert content(carrier.exports(scope=RelocationScope.GLOBAL)) == content(archive)


def test_a_scope_without_organizations_makes_no_archive(carrier):
    with pytest.raises(ExportFailed):
        carrier.exports(scope=RelocationScope.USER)
