"""An export sees one state of the database, and keeps nobody from writing."""

import io
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, connections

from tests.support.factories import a_member, an_organization
from vedette.core.relocation import RelocationScope
from vedette.orgs.models import Organization, OrganizationOption
from vedette.relocation.exporting.addresses import Emails
from vedette.relocation.exporting.options import ExportFailed, ExportOptions
from vedette.relocation.exporting.run import Export, export_rows

EVERYTHING = ExportOptions(RelocationScope.GLOBAL)


def _elsewhere(work):
    """Run it in a thread, with a connection of its own."""

    def run():
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(run).result()


@pytest.mark.django_db(transaction=True)
def test_what_others_write_meanwhile_is_not_in_the_export(tmp_path):
    acme = an_organization()
    OrganizationOption.objects.create(organization=acme, key="a", value=1)
    found = []
    connection.close()

    with Export(EVERYTHING, work_dir=tmp_path) as export:
        for model, page in export.pages():
            if not found:
                _elsewhere(lambda: OrganizationOption.objects.create(organization_id=acme.pk, key="b", value=2))
                _elsewhere(lambda: Organization.objects.filter(pk=acme.pk).update(name="Other"))
            found += [(model, fields.get("key")) for _, fields in page]

    assert found == [("sentry.organization", None), ("sentry.organizationoption", "a")]
    assert OrganizationOption.objects.count() == 2
    assert not connection.in_atomic_block
    if connection.vendor == "sqlite":
        assert connection.transaction_mode == "IMMEDIATE"


class _Full(io.BytesIO):
    def write(self, _):
        raise OSError(28, "No space left on device")


@pytest.mark.django_db
def test_a_disk_that_is_full_ends_the_export_with_a_finding(tmp_path):
    an_organization()

    with pytest.raises(ExportFailed, match="No space left on device") as caught:
        export_rows(_Full(), EVERYTHING, work_dir=tmp_path)

    assert caught.value.finding.as_dict()["finding"] == "RpcExportError"


@pytest.mark.django_db
def test_scratch_files_are_gone_afterwards(tmp_path):
    an_organization()

    export_rows(io.BytesIO(), EVERYTHING, work_dir=tmp_path).findings.close()

    assert [path.name for path in tmp_path.iterdir()] == ["export-findings.jsonl"]


@pytest.mark.django_db
def test_a_scratch_file_that_cannot_grow_ends_the_export_with_a_finding(tmp_path, monkeypatch):
    a_member(an_organization())

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Emails, "_collect", full)

    with pytest.raises(ExportFailed, match="scratch file cannot be written: database or disk is full"):
        export_rows(io.BytesIO(), EVERYTHING, work_dir=tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["export-findings.jsonl"]


@pytest.mark.django_db
def test_an_export_that_nobody_reads_to_its_end_leaves_nothing_behind(tmp_path):
    a_member(an_organization())

    with Export(EVERYTHING, work_dir=tmp_path) as export:
        pages = export.pages()
        while next(pages)[0] != "sentry.email":
            pass
        assert (tmp_path / "addresses.sqlite3").exists()

    assert [path.name for path in tmp_path.iterdir()] == ["export-findings.jsonl"]


@pytest.mark.django_db
@pytest.mark.parametrize("options", [EVERYTHING, ExportOptions(RelocationScope.ORGANIZATION, frozenset({"acme"}))])
def test_a_database_that_fails_ends_the_export_with_a_finding(tmp_path, options):
    an_organization("acme")

    def fail(*_):
        raise OperationalError("disk I/O error")

    with connection.execute_wrapper(fail), pytest.raises(ExportFailed, match="disk I/O error") as caught:
        export_rows(io.BytesIO(), options, work_dir=tmp_path)

    assert str(caught.value.finding.kind) == "DatabaseError"
