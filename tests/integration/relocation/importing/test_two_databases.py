"""Control and region in two databases, which share no transaction: each batch is one of its own."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connections, models
from django.test import override_settings

from tests.support.databases import TEST_DATABASE_URL
from tests.support.exports import DAY, member, organization, project, row, rule, team, user
from tests.support.moved import moved, strangers, unreplicated
from tests.support.moving import Mover
from tests.support.relocation import as_file, every_model
from vedette.accounts.models import LostPasswordHash, User
from vedette.core.relocation import RelocationScope, Silo
from vedette.orgs import reservations
from vedette.orgs.models import Organization
from vedette.relocation.exporting.options import ExportOptions
from vedette.relocation.exporting.run import export_rows
from vedette.relocation.files.findings import FindingKind, Severity
from vedette.relocation.importing import batches, silos
from vedette.relocation.importing.batches import Batches
from vedette.relocation.importing.failures import ImportFailed
from vedette.relocation.importing.options import ImportOptions, ImportScope
from vedette.relocation.importing.run import import_rows

pytestmark = pytest.mark.skipif(bool(TEST_DATABASE_URL), reason="the same in the run on the embedded stores")

UUID = "a" * 32


class BySilo:
    """Django's router for an installation of two databases."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        """Where its silo is."""
        wire = getattr(model, "relocation", None)
        silo = wire.silo if wire is not None else getattr(model, "silo", Silo.REGION)
        return "control" if silo is Silo.CONTROL else "region"

    db_for_write = db_for_read


@contextmanager
def _connected(**paths: Path) -> Iterator[None]:
    for name, path in paths.items():
        connections.databases[name] = {**connections.databases["default"], "NAME": str(path)}
    try:
        yield
    finally:
        for name in paths:
            connections[name].close()
            del connections[name]
            del connections.databases[name]


@pytest.fixture(scope="module")
def an_empty_database(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Path]:
    """A file with all tables."""
    path = tmp_path_factory.mktemp("empty") / "template.sqlite3"
    with django_db_blocker.unblock(), _connected(template=path), connections["template"].schema_editor() as editor:
        for model in apps.get_models():
            editor.create_model(model)
    yield path
    shutil.rmtree(path.parent)


@pytest.fixture
def two_databases(an_empty_database: Path, tmp_path: Path, django_db_blocker: Any) -> Iterator[Callable[[], Any]]:
    """`with two_databases():` two empty ones."""
    count = iter(range(100))

    @contextmanager
    def fresh() -> Iterator[None]:
        directory = tmp_path / f"pair-{next(count)}"
        directory.mkdir()
        paths = {name: directory / f"{name}.sqlite3" for name in ("control", "region")}
        for path in paths.values():
            shutil.copy(an_empty_database, path)
        with _connected(**paths), override_settings(DATABASE_ROUTERS=[BySilo()]):
            yield

    with django_db_blocker.unblock():
        yield fresh


def a_file() -> bytes:
    rows = [row("email", pk, email=f"person-{pk}@example.com", date_added=DAY) for pk in range(1, 5)]
    rows += [user(pk, f"person-{pk}") for pk in range(1, 5)]
    rows += [row("useremail", pk, user=pk, email=f"person-{pk}@example.com") for pk in range(1, 5)]
    rows += [organization(pk, f"org-{pk}") for pk in range(1, 5)]
    rows += [member(pk, pk % 4 + 1, pk, inviter_id=1) for pk in range(1, 5)]
    rows += [team(pk, pk % 4 + 1, f"team-{pk}") for pk in range(1, 5)]
    rows += [project(pk, pk % 4 + 1, f"project-{pk}") for pk in range(1, 5)]
    rows += [rule(pk, pk, owner_team=pk, owner_user_id=pk) for pk in range(1, 5)]
    rows += [row("useroption", pk, user=pk, key="mail", value=pk, project_id=pk) for pk in range(1, 5)]
    return json.dumps(rows).encode()


def run(directory: Path, *, uuid: str = UUID, **options: Any) -> Any:
    chosen = ImportOptions(ImportScope.GLOBAL, import_uuid=uuid, **options)
    result = import_rows(BytesIO(a_file()), chosen, work_dir=directory)
    result.findings.close()
    return result


def test_rows_are_where_their_silo_is(two_databases, tmp_path):
    with two_databases():
        result = run(tmp_path / "work")

        assert not silos.share_a_database()
        assert User.objects.using("control").count() == 4
        assert User.objects.using("region").count() == 0
        assert Organization.objects.using("region").count() == 4
        assert unreplicated() == 0
        assert strangers(UUID) == {}
        assert sum(counts.inserted + counts.preserved for counts in result.plan.values()) == 36


def test_slugs_are_reserved_where_every_region_looks(two_databases, tmp_path):
    with two_databases():
        reservations.claim("org-1", 99)

        result = run(tmp_path / "work")

        slugs = dict(Organization.objects.using("region").values_list("pk", "slug"))
        assert reservations.slugs_of(slugs) == slugs
        assert [(one.old, one.new) for one in result.renames] == [("org-1", slugs[1])]
        assert LostPasswordHash.objects.using("region").count() == 0


def test_what_takes_the_place_of_everything_takes_the_slugs_as_well(two_databases, tmp_path):
    with two_databases():
        run(tmp_path / "before")

        result = run(tmp_path / "work", uuid="b" * 32, wipe=True)

        assert result.renames == []
        assert set(Organization.objects.values_list("slug", flat=True)) == {"org-1", "org-2", "org-3", "org-4"}


def test_a_dry_run_leaves_nothing_in_either(two_databases, tmp_path):
    with two_databases():
        result = run(tmp_path / "work", dry_run=True)

        assert result.plan["sentry.user"].inserted == 4
        assert not User.objects.exists()
        assert not Organization.objects.exists()


def test_whatever_batch_it_dies_in_going_on_comes_to_what_an_undisturbed_import_comes_to(
    two_databases, tmp_path, monkeypatch
):
    monkeypatch.setattr(batches, "BATCH", 2)
    with two_databases():
        run(tmp_path / "undisturbed")
        expected = moved(UUID)
    write, budget = Batches._written, [0]

    def mortal(self, rows):
        written = write(self, rows)
        budget[0] -= 1
        if budget[0] < 0:
            raise OSError("no space left")
        return written

    monkeypatch.setattr(Batches, "_written", mortal)
    with two_databases():
        deaths = 0
        while True:
            budget[0] = 3 + deaths % 3
            try:
                run(tmp_path / "disturbed")
                break
            except ImportFailed:
                deaths += 1

        assert deaths > 2
        assert moved(UUID) == expected
        assert strangers(UUID) == {}
        assert unreplicated() == 0


def test_an_export_reads_both(two_databases, tmp_path):
    with two_databases():
        run(tmp_path / "work")
        everything, some = BytesIO(), BytesIO()
        only = frozenset({"org-2"})
        for stream, options in (
            (everything, ExportOptions(RelocationScope.GLOBAL)),
            (some, ExportOptions(RelocationScope.ORGANIZATION, org_slugs=only)),
        ):
            result = export_rows(stream, options, work_dir=tmp_path)
            assert [
                finding.pretty() for finding in result.findings if finding.kind != FindingKind.NULLED_REFERENCE
            ] == []

    assert len(json.loads(everything.getvalue())) == len(json.loads(a_file()))
    models_of_one = [one["model"].partition(".")[2] for one in json.loads(some.getvalue())]
    assert sorted(models_of_one) == sorted(
        "organization team user project organizationmember email useremail useroption rule".split()
    )


def test_every_model_comes_through_two_databases(two_databases, tmp_path):
    mover, file = Mover(tmp_path), as_file(every_model())

    with two_databases():
        mover.imports(file, RelocationScope.GLOBAL, strict=True)
        exported = mover.exports(RelocationScope.GLOBAL)

    found = mover.differences(file, exported)
    assert [finding.pretty() for finding in found if finding.severity is Severity.ERROR] == []
