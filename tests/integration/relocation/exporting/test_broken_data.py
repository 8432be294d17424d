"""Databases in which rows are missing: what leaves is whole in itself nevertheless."""

import json
import random
from io import BytesIO

import pytest
from django.db import connection, transaction

from tests.support.moving import Mover
from tests.support.relocation import as_file, every_model, is_ordered, unresolved_keys
from vedette.core.relocation import Generation, RelocationScope
from vedette.relocation.exporting import addresses, rules, run, selection, sources
from vedette.relocation.exporting.options import ExportOptions
from vedette.relocation.exporting.run import export_rows
from vedette.relocation.graph import graph
from vedette.relocation.models import PreservedControlRow, PreservedRegionRow

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps rows from losing what they refer to"),
]
ONE = frozenset({"family-0"})


@pytest.fixture
def broken(tmp_path):
    """An installation of every model in which each sixth row was deleted, with nothing that hangs on it."""
    Mover(tmp_path).imports(as_file(every_model()), RelocationScope.GLOBAL)
    whole = transaction.savepoint()
    chance = random.Random(5)
    tables = [declaration.table for declaration in graph() if declaration.table is not None]
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA defer_foreign_keys=ON")
        for table in (*tables, PreservedRegionRow, PreservedControlRow):
            for pk in list(table._base_manager.order_by("pk").values_list("pk", flat=True)):
                if chance.random() < 1 / 6:
                    cursor.execute(f'DELETE FROM "{table._meta.db_table}" WHERE id = %s', [pk])
    yield
    transaction.savepoint_rollback(whole)  # for the database is looked at after each test


def written(tmp_path, **options):
    stream = BytesIO()
    result = export_rows(stream, ExportOptions(**options), work_dir=tmp_path)
    return stream.getvalue(), sorted(json.dumps(finding.as_dict()) for finding in result.findings)


def test_every_reference_leads_to_a_row_and_queries_leave_out_what_looking_would(broken, tmp_path, monkeypatch):
    cases = (
        {"scope": RelocationScope.GLOBAL},
        {"scope": RelocationScope.ORGANIZATION, "org_slugs": ONE},
        {"scope": RelocationScope.ORGANIZATION, "org_slugs": ONE, "generation": Generation.MID_2024},
    )
    by_query = [written(tmp_path, **case) for case in cases]
    for module in (addresses, rules, run, selection):
        monkeypatch.setattr(module, "FEW", 0)
    monkeypatch.setattr(sources, "PAGE_ROWS", 3)
    by_looking = [written(tmp_path, **case) for case in cases]

    assert by_looking == by_query
    for text, findings in by_query:
        rows = json.loads(text)
        assert is_ordered(rows)
        assert unresolved_keys(rows) == []
        assert len(rows) > 40
        assert findings
