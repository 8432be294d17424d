"""Companion archives in one line each, and an organization with a row of everything that travels in them."""

import hashlib
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import zstandard
from django.apps import apps
from django.db import models
from PIL import Image

from tests.support.factories import NOON, a_member, a_project
from vedette.core.files import FileStore
from vedette.core.pictures import cleaned
from vedette.core.relocation import RelocationScope
from vedette.events.client import EventStore
from vedette.orgs.models import Organization, Team
from vedette.projects.models import Environment, EnvironmentProject, ProjectKey
from vedette.relocation.companion.container import ArchiveWriter, read_members
from vedette.relocation.companion.declarations import TRAVELS, Travels, in_order
from vedette.relocation.companion.exporting import FullExportResult, export_full
from vedette.relocation.companion.importing import FullImportResult, import_full
from vedette.relocation.exporting.options import ExportOptions
from vedette.relocation.importing.options import ImportOptions, ImportScope
from vedette.relocation.progress import Silent

ORGANIZATION_SCOPE = RelocationScope.ORGANIZATION


class Carrier:
    """Moves archives out of and into the tests' stores. `files` are those of this side."""

    def __init__(self, work_dir: Path, store: EventStore | None) -> None:
        self.store = store
        self.files = FileStore(work_dir / "files")
        self.exported: FullExportResult | None = None
        self._work_dir = work_dir
        self._moves = 0

    def exports(self, *, with_events: bool = False, **options: Any) -> bytes:
        """The bytes of an archive of everything, or as `ExportOptions` choose."""
        stream = BytesIO()
        chosen = ExportOptions(options.pop("scope", ORGANIZATION_SCOPE), **options)
        self.exported = export_full(
            stream,
            chosen,
            store=self.store,
            files=self.files,
            work_dir=self._fresh(),
            progress=Silent(),
            with_events=with_events,
        )
        self.exported.findings.close()
        return stream.getvalue()

    def imports(self, archive: bytes, **options: Any) -> FullImportResult:
        """Import an archive."""
        chosen = ImportOptions(options.pop("scope", ImportScope.ORGANIZATION), **options)
        result = import_full(
            BytesIO(archive),
            chosen,
            store=self.store,
            files=self.files,
            work_dir=self._fresh(),
            progress=Silent(),
        )
        result.findings.close()
        return result

    def _fresh(self) -> Path:
        self._moves += 1
        path = self._work_dir / str(self._moves)
        path.mkdir()
        return path


def members_of(archive: bytes) -> dict[str, bytes]:
    """The members of an archive."""
    return {member.name: b"".join(member.steps()) for member in read_members(BytesIO(archive))}


def rows_in(archive: bytes, label: str) -> list[dict[str, Any]]:
    """The rows of a model or of `events.` a table, each with the names of its columns."""
    folder = label.replace(".", "/", 1) if label.startswith("events.") else f"-{label}"
    rows = []
    for name, content in members_of(archive).items():
        if f"{folder}/" in name:
            head, *lines = zstandard.ZstdDecompressor().decompressobj().decompress(content).splitlines()
            names = orjson.loads(head)
            rows += [dict(zip(names, orjson.loads(line), strict=True)) for line in lines]
    return rows


class Forger:
    """Changes an archive and makes it look whole again."""

    def __init__(self, archive: bytes, tmp_path: Path) -> None:
        self.members = members_of(archive)
        self._path = tmp_path / "forged"

    def change(self, label: str, change: Callable[[dict[str, Any]], Any]) -> None:
        """Let `change` alter the rows of a model, each a dict."""
        self._change(next(name for name in self.members if f"-{label}/" in name), change)

    def change_events(self, table: str, values: dict[str, Any]) -> None:
        """Set values of all rows of a table of events."""
        self._change(f"events/{table}/0001.jsonl.zst", lambda row: row.update(values))

    def _change(self, name: str, change: Callable[[dict[str, Any]], Any]) -> None:
        head, *lines = zstandard.ZstdDecompressor().decompressobj().decompress(self.members[name]).splitlines()
        names = orjson.loads(head)
        rows = [dict(zip(names, orjson.loads(line), strict=True)) for line in lines]
        for row in rows:
            change(row)
        told = [json.dumps([row[name] for name in names]).encode() for row in rows]
        self.members[name] = zstandard.ZstdCompressor().compress(b"\n".join([head, *told, b""]))

    def archive(self) -> bytes:
        """The bytes of what became of it."""
        stream = BytesIO()
        writer = ArchiveWriter(stream, {"scope": "Organization"})
        for name, content in self.members.items():
            self._path.write_bytes(content)
            if name.startswith("files/"):
                writer.add_blob(name.removeprefix("files/"), self._path)
            elif name not in ("manifest.json", "contents.json"):
                writer.add_file(name, self._path, 1)
        writer.close()
        return stream.getvalue()


class FullOrganization:
    """An organization with a row of every model that travels, and every column of it set. `rows` are by label."""

    def __init__(self, files: FileStore, organization: Organization, email: str = "ann@example.com") -> None:
        self._files = files
        self.organization = organization
        self.project = a_project(organization, "web")
        self.user = a_member(organization, email)
        self.team = Team.objects.create(organization=organization, slug="crew", name="Crew")
        self.environment = Environment.objects.create(organization_id=organization.pk, name="prod")
        EnvironmentProject.objects.create(project=self.project, environment=self.environment)
        self.key = ProjectKey.objects.create(project=self.project)
        self.rows: dict[str, models.Model] = {
            "accounts.user": self.user,
            "orgs.organization": organization,
            "orgs.team": self.team,
            "projects.project": self.project,
            "projects.environment": self.environment,
            "projects.projectkey": self.key,
        }
        for one in in_order():
            self.rows[one.label] = self._row_of(one)
        for one in in_order():
            for name in one.late:
                row = self.rows[one.label]
                setattr(row, name, self.rows[one.targets()[name]].pk)
                row.save()

    def __getitem__(self, label: str) -> Any:
        return self.rows[label]

    def _row_of(self, one: Travels) -> models.Model:
        targets = one.targets()
        values: dict[str, Any] = {}
        for field in one.table._meta.local_concrete_fields:
            if field.primary_key or field.generated:
                continue
            name = field.attname
            if name in targets:
                if name not in one.late:
                    values[name] = self.rows[targets[name]].pk
            elif special := _SPECIAL.get((one.label, name)) or _SPECIAL.get(("", name)):
                values[name] = special(self)
            else:
                values[name] = _value_of(field)
        if one.one_of:
            values[one.one_of[0]] = None
        row: models.Model = one.table._default_manager.create(**values)
        return row

    def blob(self, content: bytes) -> str:
        """The name of a file with this content."""
        return self._files.put(content)


def _value_of(field: Any) -> Any:
    if isinstance(field, models.BooleanField):
        return True
    if isinstance(field, models.DateTimeField):
        return NOON + timedelta(microseconds=7)
    if isinstance(field, models.JSONField):
        return {"käse": [1, None, "x"]}
    if isinstance(field, models.UUIDField):
        return uuid.UUID("67e9247c-814e-392b-a027-dbde6748fcbf")
    if isinstance(field, models.GenericIPAddressField):
        return "203.0.113.7"
    if isinstance(field, models.CharField | models.TextField):
        return f"{field.attname} ü"[: field.max_length or 100]
    return 3


def _a_picture(_: FullOrganization) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (256, 256), "red").save(stream, "PNG")
    return cleaned(stream.getvalue())


def _digest(_: FullOrganization) -> str:
    return hashlib.md5(b"x", usedforsecurity=False).hexdigest()


_SPECIAL: dict[tuple[str, str], Callable[[FullOrganization], Any]] = {
    ("", "photo"): _a_picture,
    ("", "ident"): lambda _: uuid.uuid4().hex,
    ("", "sha1"): lambda full: full.blob(b"content"),
    ("", "hash"): _digest,
    ("", "event_id"): _digest,
    ("", "minute"): lambda _: datetime(2026, 1, 14, 12, 0, tzinfo=UTC),
    ("issues.activity", "type"): lambda _: 16,
    ("issues.activity", "ident"): lambda full: str(full["releases.commit"].pk),
    ("issues.activity", "data"): lambda full: {
        "commit": full["releases.commit"].pk,
        "pull_request": full["releases.pullrequest"].pk,
        "issues": [{"id": str(full["issues.group"].pk)}],
        "destination_id": full["issues.group"].pk,
        "source_id": full["issues.group"].pk,
        "assignee": str(full.user.pk),
        "assigneeType": "user",
        "text": "ü",
    },
    ("issues.groupredirect", "previous_group_id"): lambda full: 10**12 + full.project.pk,
    ("issues.grouptombstone", "previous_group_id"): lambda full: 10**12 + full.project.pk,
    ("issues.group", "status"): lambda _: 0,
    ("issues.grouplink", "linked_type"): lambda _: 1,
    ("issues.grouplink", "linked_id"): lambda full: full["releases.commit"].pk,
    ("orgs.auditlogentry", "event"): lambda _: 10000,
    ("orgs.auditlogentry", "target_object"): lambda full: full["releases.release"].pk,
    ("releases.release", "authors"): lambda full: [str(full["releases.commitauthor"].pk)],
    ("projects.projectalias", "old_id"): lambda _: 4711,
    ("hooks.webhook", "guid"): lambda _: uuid.uuid4().hex,
}


def tables() -> list[Any]:
    """The tables of everything that travels."""
    return [apps.get_model(one.model) for one in TRAVELS]
