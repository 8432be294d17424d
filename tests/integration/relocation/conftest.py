"""Imports in one line."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from vedette.relocation.importing.failures import ImportFailed
from vedette.relocation.importing.options import ImportOptions, ImportScope
from vedette.relocation.importing.result import ImportResult
from vedette.relocation.importing.run import import_rows
from vedette.relocation.progress import Silent

DATA = Path(__file__).parents[2] / "data" / "relocation"


@pytest.fixture
def imports(tmp_path) -> Callable[..., ImportResult]:
    """Import rows, or one of the sample files by its name: `imports(rows, "Global", merge_users=True)`."""
    count = iter(range(1000))

    def run(source: Any, scope: str = "Organization", **options: Any) -> ImportResult:
        content = (DATA / f"{source}.json").read_bytes() if isinstance(source, str) else json.dumps(source).encode()
        work_dir = tmp_path / f"import-{next(count)}"
        work_dir.mkdir()
        chosen = ImportOptions(ImportScope(scope), **options)
        try:
            result = import_rows(BytesIO(content), chosen, work_dir=work_dir, progress=Silent())
        except ImportFailed as failure:
            if failure.findings is not None:
                failure.findings.close()
            raise
        result.findings.close()
        return result

    return run
