"""What tests of exports share."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vedette.core.relocation import RelocationScope
from vedette.relocation.exporting.options import ExportOptions
from vedette.relocation.exporting.run import export_rows
from vedette.relocation.files.findings import Finding
from vedette.relocation.models import PreservedControlRow, PreservedRegionRow


@dataclass(frozen=True)
class Exported:
    """A file, its rows and its findings."""

    text: str
    rows: list[dict[str, Any]]
    findings: list[Finding]
    counts: dict[str, int]

    def of(self, model: str) -> list[dict[str, Any]]:
        """The fields of the rows of one model."""
        return [row["fields"] for row in self.rows if row["model"] == f"sentry.{model}"]

    def pks(self, model: str) -> list[int]:
        """The pks of the rows of one model."""
        return [row["pk"] for row in self.rows if row["model"] in (model, f"sentry.{model}")]

    def told(self) -> set[tuple[str, str | None, str | None]]:
        """(kind, model, field) of each finding."""
        return {(str(finding.kind), finding.model, finding.field) for finding in self.findings}


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Exported]:
    """`export("Global", org_slugs=…)` exports and reads the file."""

    def run(scope: str = "Global", **options: Any) -> Exported:
        for name in ("org_slugs", "usernames", "project_slugs"):
            if name in options:
                options[name] = frozenset(options[name])
        stream = io.BytesIO()
        result = export_rows(stream, ExportOptions(RelocationScope(scope), **options), work_dir=tmp_path)
        text = stream.getvalue().decode("ascii")
        findings = list(result.findings)
        result.findings.close()
        return Exported(text, json.loads(text), findings, result.counts)

    return run


def preserved(model: str, **fields: Any) -> int:
    """Keep a row of a region model; its pk. The owners are those that `fields` name."""
    row = PreservedRegionRow.objects.create(
        model=model if "." in model else f"sentry.{model}",
        fields=fields,
        organization_id=fields.get("organization") or fields.get("organization_id"),
        project_id=fields.get("project"),
    )
    return row.pk


def preserved_control(model: str, **fields: Any) -> int:
    """Keep a row of a control model; its pk."""
    row = PreservedControlRow.objects.create(model=f"sentry.{model}", fields=fields, user_id=fields.get("user"))
    return row.pk
