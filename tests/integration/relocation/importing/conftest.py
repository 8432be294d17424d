"""An import in one line, for tests of the engine."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from vedette.relocation.importing.options import ImportOptions, ImportScope
from vedette.relocation.importing.result import ImportResult
from vedette.relocation.importing.run import import_rows


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    """Where scratch files lie; the same for all imports of a test, so that one can be gone on with."""
    return tmp_path / "work"


@pytest.fixture
def imports(work_dir: Path) -> Callable[..., ImportResult]:
    """`imports(rows, "Global", strict=True)`; its findings are closed, and can be read."""

    def run(rows: Any, scope: str = "Organization", **options: Any) -> ImportResult:
        content = rows if isinstance(rows, bytes) else json.dumps(rows, indent=2).encode()
        result = import_rows(BytesIO(content), ImportOptions(ImportScope(scope), **options), work_dir=work_dir)
        result.findings.close()
        return result

    return run
