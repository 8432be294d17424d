"""An import that cannot go on says which row it was, and leaves the database as it was."""

import json
import os
import stat

import pytest

from tests.support.exports import member, organization, project, row, rule, team, user
from vedette.orgs.models import Organization, OrganizationMember, Team
from vedette.relocation.files.findings import FindingKind
from vedette.relocation.importing import plans
from vedette.relocation.importing.batches import Batches
from vedette.relocation.importing.chunks import Chunks
from vedette.relocation.importing.failures import ImportFailed
from vedette.relocation.importing.rules import RULES
from vedette.relocation.importing.rules.base import Rule
from vedette.relocation.importing.scratch import directory_of, remove_abandoned
from vedette.relocation.importing.stage import Stage, StageBroken
from vedette.relocation.models import ControlImportChunk, RegionImportChunk

pytestmark = pytest.mark.django_db

PLAIN = [organization(1), user(1), project(1), member(1, 1, 1)]


def failure_of(imports, rows, scope="Organization", **options):
    with pytest.raises(ImportFailed) as failure:
        imports(rows, scope, **options)
    return failure.value


@pytest.mark.parametrize(
    ("wrong", "kind", "field"),
    [
        pytest.param(user(2, "bob", date_joined="yesterday"), FindingKind.BAD_VALUE, "date_joined", id="no moment"),
        pytest.param(team(2, organization="acme"), FindingKind.BAD_VALUE, "organization", id="a key that is no pk"),
        pytest.param(team(2, name="n" * 65), FindingKind.VALIDATION_ERROR, "name", id="too long"),
        pytest.param(team(2, status=70000), FindingKind.VALIDATION_ERROR, "status", id="too large"),
        pytest.param(team(2, name="n\0n"), FindingKind.VALIDATION_ERROR, "name", id="a NUL character"),
        pytest.param(user(2, "u" * 129), FindingKind.VALIDATION_ERROR, "username", id="a long user name"),
        pytest.param(user(1, "bob"), FindingKind.DUPLICATE_KEY, None, id="a pk that is there twice"),
        pytest.param(rule(2, 1, label="a\0b"), FindingKind.VALIDATION_ERROR, None, id="NUL in what is kept"),
        pytest.param(row("novelty", 1, a={"b": ["\0"]}), FindingKind.VALIDATION_ERROR, None, id="NUL in the unknown"),
        pytest.param(row("option", 1, key="a", value="cposix\nsystem\n."), None, "value", id="a hostile pickle"),
    ],
)
@pytest.mark.parametrize("in_batches", [pytest.param(False, id="at once"), pytest.param(True, id="in batches")])
def test_a_row_that_is_wrong_ends_the_import_before_anything_is_written(imports, wrong, kind, field, in_batches):
    failure = failure_of(imports, [*PLAIN, wrong], "Global", in_batches=in_batches)

    finding = failure.finding
    assert kind is None or finding.kind == kind
    assert (finding.model, finding.left_pk, finding.field) == (wrong["model"], wrong["pk"], field)
    assert finding.row == 5
    assert finding.line == len(json.dumps(PLAIN, indent=2).splitlines())
    assert not Organization.objects.exists()
    assert [one.kind for one in failure.findings][-1] == finding.kind


def test_a_wrong_row_that_nobody_wants_does_no_harm(imports):
    result = imports([*PLAIN, row("option", 1, key=12, value="cposix\nsystem\n.")], "Organization")

    assert result.plan["sentry.organization"].inserted == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="no array"),
        pytest.param(b'[{"model": "sentry.user", "pk": 1, "fie', id="cut off"),
        pytest.param(b"[\xff]", id="no UTF-8"),
        pytest.param(b'[{"model": "user", "pk": 1, "fields": {}}]', id="a model without a dot"),
        pytest.param(b'[{"model": "sentry.user", "pk": "x", "fields": {}}]', id="a pk that is no number"),
    ],
)
def test_what_is_no_export_is_a_finding(imports, content):
    assert failure_of(imports, content).finding.severity == "error"


def _stop_after(monkeypatch, batches, error):
    """Let the import die inside of a batch's transaction."""
    write, count = Batches._written, iter(range(1000))

    def dying(self, rows):
        written = write(self, rows)
        if next(count) >= batches:
            raise error
        return written

    monkeypatch.setattr(Batches, "_written", dying)


@pytest.mark.parametrize("stage", range(4))
def test_an_import_that_fails_at_any_stage_leaves_nothing(imports, monkeypatch, stage, work_dir):
    _stop_after(monkeypatch, stage, OSError("no space left"))

    failure = failure_of(imports, PLAIN)

    assert failure.finding.kind == FindingKind.UNKNOWN
    assert "no space left" in failure.finding.reason
    assert not Organization.objects.exists()
    assert not ControlImportChunk.objects.exists()
    assert [path.suffix for path in work_dir.iterdir()] == [".findings"]


@pytest.mark.parametrize("stage", range(4))
def test_in_batches_only_the_failed_batch_is_undone_and_the_same_uuid_goes_on(imports, monkeypatch, stage):
    with monkeypatch.context() as patched:
        _stop_after(patched, stage, OSError("no space left"))
        failure_of(imports, PLAIN, in_batches=True, import_uuid="a" * 32)
    chunks = RegionImportChunk.objects.count() + ControlImportChunk.objects.count()
    assert chunks == stage

    result = imports(PLAIN, in_batches=True, import_uuid="a" * 32)

    assert result.resumed is (stage > 0)
    assert {model: counts.inserted for model, counts in result.plan.items()} == {
        "sentry.organization": 1,
        "sentry.user": 1,
        "sentry.project": 1,
        "sentry.organizationmember": 1,
    }
    assert OrganizationMember.objects.get().organization == Organization.objects.get()


def test_an_import_that_is_done_is_not_done_again(imports):
    rows = [*PLAIN, rule(1, 1, owner_team=9), row("useremail", 1, user=1, email="ada@example.com")]
    first = imports(rows, import_uuid="b" * 32)

    again = imports(rows, import_uuid="b" * 32)

    assert again.resumed
    assert again.plan == first.plan
    assert [one.as_dict() for one in again.findings] == [one.as_dict() for one in first.findings]
    assert Organization.objects.count() == 1


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        pytest.param([*PLAIN, team(1)], {}, id="another file"),
        pytest.param(PLAIN, {"merge_users": True}, id="other options"),
    ],
)
def test_a_uuid_stands_for_one_file_and_its_options(imports, rows, options):
    imports(PLAIN, import_uuid="c" * 32)

    failure = failure_of(imports, rows, import_uuid="c" * 32, **options)

    assert "another uuid" in failure.finding.reason


def test_a_uuid_that_is_none_is_refused(imports):
    assert failure_of(imports, PLAIN, import_uuid="mine").finding.kind == FindingKind.MISSING_IMPORT_UUID


def test_what_was_read_is_kept_for_the_next_run_and_for_nobody_elses_eyes(imports, monkeypatch, work_dir):
    _stop_after(monkeypatch, 1, OSError("no space left"))
    failure_of(imports, PLAIN, in_batches=True, import_uuid="d" * 32)

    directory = work_dir / ("d" * 32)

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}
    assert remove_abandoned(work_dir) == 0
    os.utime(directory, (0, 0))
    assert remove_abandoned(work_dir) == 1
    assert not directory.exists()


def test_a_full_disk_is_told_with_what_would_help(imports, monkeypatch):
    def full(self, position, rows):
        raise StageBroken("the scratch database cannot be used: database or disk is full")

    monkeypatch.setattr(Stage, "put", full)

    failure = failure_of(imports, PLAIN)

    assert "twice the size" in failure.finding.reason


def test_a_dry_run_tells_the_same_plan_and_leaves_nothing(imports, mailoutbox):
    rows = [*PLAIN, organization(2), team(9, 99), row("novelty", 1, organization=1), user(3, is_active=True)]

    planned = imports(rows, dry_run=True)
    assert not Organization.objects.exists()
    assert not RegionImportChunk.objects.exists()
    done = imports(rows)

    assert planned.dry_run
    assert planned.plan == done.plan
    assert [one.kind for one in planned.findings] == [one.kind for one in done.findings]
    assert [rename.old for rename in planned.renames] == ["acme", "ada"]
    assert mailoutbox == []


def test_new_tokens_are_told_once_also_by_the_run_that_only_went_on(imports, monkeypatch):
    token = row("orgauthtoken", 1, organization_id=1, name="ci", token_hashed="", scope_list="['org:ci']")
    rows = [*PLAIN, token]
    finish = Batches.run

    def cut_off(self, *, resumed):
        yield from finish(self, resumed=resumed)
        if self._plan.model == "sentry.orgauthtoken":
            raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(Batches, "run", cut_off)
        failure_of(imports, rows, in_batches=True, import_uuid="e" * 32)

    result = imports(rows, in_batches=True, import_uuid="e" * 32)

    assert [secret.model for secret in result.secrets] == ["sentry.orgauthtoken"]
    assert result.secrets[0].secret not in str([finding.as_dict() for finding in result.findings])


@pytest.mark.parametrize("in_batches", [pytest.param(False, id="at once"), pytest.param(True, id="in batches")])
def test_the_row_that_the_database_refuses_is_named(imports, monkeypatch, in_batches):
    class Poison(Rule):
        """Makes one row impossible."""

        def normalise(self, incoming, context):
            if incoming.row.pk == 11:
                incoming.values["organization"] = None
            return True

    monkeypatch.setitem(RULES, "sentry.team", Poison())
    teams = [team(pk, slug=f"team-{pk}") for pk in range(1, 14)]

    finding = failure_of(imports, [organization(1), *teams], in_batches=in_batches).finding

    assert (finding.kind, finding.model, finding.left_pk) == (FindingKind.INTEGRITY_ERROR, "sentry.team", 11)
    assert finding.row == 12
    assert not Team.objects.exists()


def test_of_a_file_that_can_never_be_imported_nothing_is_kept(imports, work_dir):
    failure_of(imports, [*PLAIN, user(1, "bob")], in_batches=True)

    assert [path.suffix for path in work_dir.iterdir()] == [".findings"]


def test_one_import_is_done_by_one_process_at_a_time(imports, work_dir):
    with directory_of(work_dir, "a" * 32):
        (work_dir / f"{'a' * 32}.findings").write_text("of the other")

        failure = failure_of(imports, PLAIN, import_uuid="a" * 32)

    assert "another process" in failure.finding.reason
    assert (work_dir / f"{'a' * 32}.findings").read_text() == "of the other"


@pytest.mark.parametrize("in_batches", [pytest.param(False, id="at once"), pytest.param(True, id="in batches")])
def test_of_two_who_write_one_batch_the_first_ones_rows_stay(imports, monkeypatch, in_batches):
    first = imports(PLAIN, import_uuid="a" * 32, in_batches=in_batches)
    monkeypatch.setattr(Chunks, "source", lambda self: None)  # as it was when the second one began

    second = imports(PLAIN, import_uuid="a" * 32, in_batches=in_batches)

    assert second.plan == first.plan
    assert (Organization.objects.count(), OrganizationMember.objects.count()) == (1, 1)


def test_a_file_that_names_more_models_than_there_are_is_refused(imports, monkeypatch):
    monkeypatch.setattr(plans, "MOST_MODELS", 5)

    failure = failure_of(imports, [*PLAIN, *(row(f"novelty{number}", 1) for number in range(5))])

    assert (failure.finding.kind, failure.finding.model) == (FindingKind.TOO_LARGE, "sentry.novelty1")
    assert failure.finding.row == 6
