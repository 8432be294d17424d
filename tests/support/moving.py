"""Exports and imports in one line each, for tests that move a whole installation back and forth."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import router

from tests.support.relocation import Row
from vedette.core.relocation import RelocationScope
from vedette.relocation.comparing.comparing import compare
from vedette.relocation.exporting.options import ExportOptions
from vedette.relocation.exporting.run import export_rows
from vedette.relocation.files.findings import Finding
from vedette.relocation.importing.options import ImportOptions, ImportScope
from vedette.relocation.importing.result import ImportResult
from vedette.relocation.importing.run import import_rows
from vedette.relocation.progress import Silent


class Mover:
    """Moves files into and out of the tests' database, with scratch files in `work_dir`."""

    def __init__(self, work_dir: Path) -> None:
        self._work_dir = work_dir
        self._moves = 0

    def imports(self, file: bytes, scope: ImportScope | RelocationScope, **options: Any) -> ImportResult:
        """Import a plain file. Raises `ImportFailed`."""
        chosen = ImportOptions(ImportScope(scope), **options)
        result = import_rows(BytesIO(file), chosen, work_dir=self._fresh(), progress=Silent())
        result.findings.close()
        return result

    def exports(self, scope: RelocationScope, **options: Any) -> bytes:
        """The bytes of a plain export."""
        stream = BytesIO()
        export_rows(stream, ExportOptions(scope, **options), work_dir=self._fresh()).findings.close()
        return stream.getvalue()

    def differences(self, left: bytes, right: bytes) -> list[Finding]:
        """What a comparison finds, notes included."""
        result = compare(BytesIO(left), BytesIO(right), work_dir=self._fresh())
        result.findings.close()
        return list(result.findings)

    def _fresh(self) -> Path:
        self._moves += 1
        path = self._work_dir / str(self._moves)
        path.mkdir()
        return path


def rows_of(file: bytes) -> list[Row]:
    """The rows of a plain file."""
    rows: list[Row] = json.loads(file)
    return rows


def wipe() -> None:
    """Remove every row of every table of ours; for a test's own transaction, which checks no keys before its end."""
    for table in apps.get_models():
        if table.__module__.startswith("vedette."):
            rows = table._base_manager.all()
            rows._raw_delete(router.db_for_write(table))
