"""Values and lines of an archive: every type and length is checked."""

from typing import Any

import orjson
import pytest
import zstandard
from django.apps import apps

from vedette.events.carrying import CARRIED, ERRORS, SESSIONS, SPANS
from vedette.relocation.companion.container import Contents
from vedette.relocation.companion.eventlines import event_rows
from vedette.relocation.companion.unpacking import Unpacked
from vedette.relocation.companion.values import DEEPEST, reader_of
from vedette.relocation.files.findings import BadFile

NESTED: Any = {}
for _ in range(DEEPEST + 1):
    NESTED = {"x": NESTED}
EMPTY = {"UUID": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "Nullable(Bool)": None, "Bool": True, "Float64": 0.5}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("issues.Group.title", "x" * 2000),
        ("issues.Group.title", "a\0b"),
        ("issues.Group.title", 5),
        ("issues.Group.status", -1),
        ("issues.Group.status", True),
        ("issues.Group.status", 2**15),
        ("issues.Group.times_seen", 2**63),
        ("issues.Group.first_seen", "yesterday"),
        ("issues.Group.first_seen", "2026-01-01T00:00:00"),
        ("issues.Group.first_seen", "9999-12-31T23:59:59+00:00"),
        ("issues.Group.first_seen", None),
        ("issues.Group.project", "1"),
        ("issues.Group.project", 0),
        ("issues.Activity.data", {"x": ["\0"]}),
        ("issues.Activity.data", {"\0": 1}),
        ("issues.Activity.data", NESTED),
        ("issues.GroupStorm.count", 1e300),
        ("accounts.UserAvatar.photo", "no base64"),
        ("accounts.UserAvatar.photo", 5),
        ("orgs.AuditLogEntry.ip_address", "x"),
        ("releases.ArtifactBundle.bundle_id", "x"),
        ("releases.ArtifactBundle.bundle_id", 5),
        ("releases.Deploy.notified", 1),
    ],
)
def test_a_value_that_a_column_does_not_take_is_refused(field, value):
    app, model, name = field.split(".")

    with pytest.raises(ValueError, match=r"is|has|Invalid|badly"):
        reader_of(apps.get_model(app, model)._meta.get_field(name))(value)


def a_line(table, **values):
    row = {}
    for name, kind in table.columns.items():
        is_list, is_map = kind.startswith("Array"), kind.startswith("Map")
        plain = [] if is_list else {} if is_map else "" if "String" in kind else 5
        row[name] = EMPTY.get(kind, plain)
    return row | values


def rows_of(tmp_path, table, row, columns=None):
    names = columns or list(row)
    lines = [orjson.dumps(names), orjson.dumps([row[name] for name in names]), b""]
    (tmp_path / "1").write_bytes(zstandard.ZstdCompressor().compress(b"\n".join(lines)))
    archive = Unpacked({}, Contents(), "", tmp_path, {f"events/{table.name}/0001.jsonl.zst": 1})
    return [row for _, _, row in event_rows(archive, table)]


@pytest.mark.parametrize("table", CARRIED, ids=lambda table: table.name)
def test_columns_may_come_in_any_order_and_some_may_be_missing_or_new(tmp_path, table):
    row = a_line(table) | {"new": {"x": 1}}
    names = [name for name in reversed(row) if name not in ("payload", "details", "sessions")]

    (found,) = rows_of(tmp_path, table, row, names)

    known = {name: value for name, value in a_line(table).items() if name not in ("payload", "details", "sessions")}
    assert {name: value for name, value in zip(table.columns, found, strict=True) if name in known} == known
    assert len(found) == len(table.columns)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        (ERRORS, {"event_id": "x"}),
        (ERRORS, {"event_id": "'; DROP TABLE errors"}),
        (ERRORS, {"project_id": -1}),
        (ERRORS, {"project_id": 2**63}),
        (ERRORS, {"timestamp": -1}),
        (ERRORS, {"received_at": 2**62}),
        (ERRORS, {"timestamp": "now"}),
        (ERRORS, {"tags": {"a": 1}}),
        (ERRORS, {"payload": None}),
        (ERRORS, {"handled": 1}),
        (SPANS, {"duration_us": 1.5}),
        (SESSIONS, {"users": "XYZ"}),
        (SESSIONS, {"users": "000"}),
        (SESSIONS, {"users": "00" * 2**20}),
        (SESSIONS, {"timestamp": 2**33}),
    ],
)
def test_a_line_of_events_that_is_none_is_refused(tmp_path, table, change):
    with pytest.raises(BadFile) as refused:
        rows_of(tmp_path, table, a_line(table, **change))

    assert (refused.value.finding.model, refused.value.finding.ordinal) == (f"events.{table.name}", 1)


@pytest.mark.parametrize("columns", [["timestamp"], ["project_id", "timestamp"]])
def test_a_piece_without_the_columns_that_matter_is_refused(tmp_path, columns):
    with pytest.raises(BadFile):
        rows_of(tmp_path, ERRORS, a_line(ERRORS), columns)
