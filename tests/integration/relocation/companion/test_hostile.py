"""An archive may come from anybody: it cannot reach what is not its own, and what is broken changes nothing."""

import hashlib
import io
import tarfile
from typing import Any

import pytest

from tests.support.companion import Forger, FullOrganization, members_of
from tests.support.factories import an_organization
from vedette.issues.models import Activity, Group, GroupAssignee
from vedette.orgs.models import Organization
from vedette.releases.models import Release
from vedette.relocation.files.findings import FindingKind
from vedette.relocation.importing.failures import ImportFailed
from vedette.relocation.models import RegionImportChunk

pytestmark = pytest.mark.django_db


@pytest.fixture
def full(carrier):
    return FullOrganization(carrier.files, an_organization())


@pytest.fixture
def forge(carrier, full, tmp_path):
    """An archive of one organization whose rows were changed: `forge("issues.group", change)`."""

    def make(label: str, change: Any) -> bytes:
        forger = Forger(carrier.exports(org_slugs=frozenset({"acme"})), tmp_path)
        forger.change(label, change)
        return forger.archive()

    return make


def setting(**values):
    return lambda row: row.update(values)


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("issues.group", "project_id"),
        ("issues.activity", "group_id"),
        ("issues.groupassignee", "team_id"),
        ("releases.release", "organization_id"),
        ("hooks.webhook", "organization_id"),
    ],
)
def test_a_row_cannot_name_what_the_archive_does_not_hold(carrier, forge, label, key):
    victim = FullOrganization(carrier.files, an_organization("victim"), email="victim@example.com")
    target = getattr(victim[label], key)
    assert target
    before = type(victim[label]).objects.filter(**{key: target}).count()
    archive = forge(label, setting(**{key: target}))

    result = carrier.imports(archive)

    assert type(victim[label]).objects.filter(**{key: target}).count() == before
    told = {(finding.kind, finding.model, finding.field) for finding in result.findings}
    assert told & {(kind, label, key) for kind in (FindingKind.DROPPED_ROW, FindingKind.NULLED_REFERENCE)}


def test_texts_cannot_name_it_either(carrier, forge):
    victim = FullOrganization(carrier.files, an_organization("victim"), email="victim@example.com")
    commit, group = victim["releases.commit"].pk, victim["issues.group"].pk
    data = {"commit": commit, "issues": [{"id": str(group)}], "assignee": str(victim.user.pk), "assigneeType": "user"}

    carrier.imports(forge("issues.activity", setting(data=data, ident=str(commit))))

    entry = Activity.objects.latest("pk")
    assert entry.data == {"commit": None, "issues": [{"id": None}], "assignee": None, "assigneeType": "user"}
    assert entry.ident is None


@pytest.mark.parametrize(
    ("label", "change", "kind", "field"),
    [
        ("issues.group", {"title": "x" * 2000}, FindingKind.BAD_VALUE, "title"),
        ("issues.group", {"title": "a\0b"}, FindingKind.BAD_VALUE, "title"),
        ("issues.group", {"pk": -1}, FindingKind.MALFORMED_ROW, None),
    ],
)
def test_a_value_that_is_none_ends_the_import_before_anything_is_written(carrier, forge, label, change, kind, field):
    archive = forge(label, setting(**change))

    with pytest.raises(ImportFailed) as failed:
        carrier.imports(archive)

    finding = failed.value.finding
    assert (finding.kind, finding.model, finding.ordinal, finding.field) == (kind, label, 1, field)
    assert Organization.objects.count() == 1


def test_a_picture_that_is_none_is_left_out(carrier, forge):
    result = carrier.imports(forge("orgs.organizationavatar", setting(photo="aGVsbG8=")))

    assert result.plan["orgs.organizationavatar"].dropped == 1


def test_an_assignee_who_did_not_come_leaves_the_issue_to_nobody(carrier, forge):
    result = carrier.imports(forge("issues.groupassignee", setting(team_id=None, user_id=4711)))

    assert result.plan["issues.groupassignee"].dropped == 1
    assert GroupAssignee.objects.count() == 1


def test_rows_that_contradict_each_other_are_left_out_one_by_one(carrier, full, tmp_path):
    second = Group.objects.create(project=full.project, short_id=4, title="second")
    forger = Forger(carrier.exports(), tmp_path)
    forger.change("issues.group", setting(short_id=3))

    result = carrier.imports(forger.archive())

    assert (result.plan["issues.group"].inserted, result.plan["issues.group"].dropped) == (1, 1)
    assert Group.objects.filter(title=second.title).count() == 1


def test_strictly_nothing_is_dropped(carrier, forge):
    with pytest.raises(ImportFailed) as failed:
        carrier.imports(forge("issues.activity", setting(group_id=4711)), strict=True)

    assert failed.value.finding.kind == FindingKind.DROPPED_ROW
    assert Activity.objects.count() == 1
    assert Organization.objects.count() == Group.objects.count() == 1  # neither the batches before, nor Sentry's part
    assert not RegionImportChunk.objects.exists()


def test_strictly_in_batches_what_was_written_before_a_drop_stays(carrier, forge):
    with pytest.raises(ImportFailed):
        carrier.imports(forge("issues.activity", setting(group_id=4711)), strict=True, in_batches=True)

    assert (Organization.objects.count(), Group.objects.count(), Activity.objects.count()) == (2, 2, 1)


def test_strictly_what_is_whole_is_imported(carrier, full):
    archive = carrier.exports()

    carrier.imports(archive, strict=True)

    assert (Organization.objects.count(), Group.objects.count()) == (2, 2)


def reseal(members):
    """The members put together again, without making them look whole."""
    stream = io.BytesIO()
    for name, content in members.items():
        if content is not None:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            stream.write(info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512))
    return stream.getvalue() + bytes(1024)


@pytest.mark.parametrize(
    "change",
    [
        {"export.json": None},
        {"export.json": b"[ ]"},
        {"contents.json": None},
        {"contents.json": b"{}"},
        {"manifest.json": None},
        {"files/" + hashlib.sha1(b"content").hexdigest(): None},
        {"files/" + hashlib.sha1(b"content").hexdigest(): b"another"},
        {"events/errors/0001.jsonl.zst": b"x"},
    ],
    ids=str,
)
def test_an_archive_whose_parts_are_not_what_they_were_is_refused(carrier, full, tmp_path, change):
    members = members_of(carrier.exports())
    contents = members.pop("contents.json")
    members |= {name: content for name, content in change.items() if name != "contents.json"}
    members["contents.json"] = change.get("contents.json", contents)

    with pytest.raises(ImportFailed):
        carrier.imports(reseal(members))

    assert Organization.objects.count() == 1


def test_an_archive_that_is_cut_off_anywhere_changes_nothing(carrier, full):
    archive = carrier.exports()

    for length in range(0, len(archive) - 1100, len(archive) // 15):  # the last kilobyte is the end of any tar
        with pytest.raises(ImportFailed):
            carrier.imports(archive[:length])

    assert Release.objects.count() == Organization.objects.count() == 1


def test_a_pickle_is_text(carrier, forge):
    result = carrier.imports(forge("issues.activity", setting(data={"text": "gAJYBgAAADIyLjkuMHEALg=="})))

    assert result.plan["issues.activity"].inserted == 1
    assert Activity.objects.latest("pk").data["text"] == "gAJYBgAAADIyLjkuMHEALg=="
