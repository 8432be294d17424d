"""Rows into the bytes of an export. Source: the relocation specification, 1.1."""

import io
import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.relocation.files.reader import read_rows
from vedette.relocation.files.writer import RowWriter

Rows = list[dict[str, Any]]


def written(rows: Rows, indent: int | None = 2) -> bytes:
    out = io.BytesIO()
    with RowWriter(out, indent=indent) as writer:
        for row in rows:
            writer.write(row["model"], row["pk"], row["fields"])
    return out.getvalue()


def a_row(**fields: Any) -> dict[str, Any]:
    return {"model": "sentry.option", "pk": 1, "fields": fields}


ROWS = {
    "nothing": [],
    "no fields": [a_row()],
    "all kinds": [a_row(a="x", b=True, c=None, d=1, e=1.5, f="10"), a_row(g={"h": [1, {"i": []}, {}]})],
    "umlauts": [a_row(name="Ärger 日本 🐘 \x7f \u2028", ä={"ö": ["ü"]})],
    "escapes": [a_row(value='"\\/\b\f\n\r\t\x00\x1f')],
    "floats": [a_row(a=0.0, b=-0.0, c=1e-5, d=1e16, e=123456789.125, f=2**53 + 0.0, g=1e300, h=0.0001)],
    "inner floats": [a_row(data={"a": [1, [1e-7]]}), a_row(data=[0.1])],
    "large integers": [a_row(a=2**64 - 1, b=-(2**63))],
    "tuples": [a_row(a=[(1, 2)])],
}


@pytest.mark.parametrize("indent", [2, 0, 1, 4])
@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_a_plain_export_has_the_bytes_of_the_standard_encoder(rows: Rows, indent: int) -> None:
    assert written(rows, indent) == json.dumps(rows, indent=indent).encode()


@pytest.mark.parametrize("rows", [rows for name, rows in ROWS.items() if "floats" not in name])
def test_a_compact_export_is_raw_utf_8(rows: Rows) -> None:
    assert written(rows, None) == json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("indent", [None, 2])
def test_what_no_reader_takes_is_written_as_the_nearest_value(indent: int | None) -> None:
    fields = {"a": math.nan, "b": [math.inf, 1e-9], "c": 2**70, "d": "x\ud800", "e": {"\udc00": -(2**63) - 1}}

    [row] = read_rows(io.BytesIO(written([a_row(**fields)], indent)))

    assert row.fields == {"a": None, "b": [None, 1e-9], "c": 2.0**70, "d": "x\ufffd", "e": {"\ufffd": -(2.0**63)}}


def test_an_interrupted_export_is_no_export() -> None:
    out = io.BytesIO()

    with suppress(RuntimeError), RowWriter(out) as writer:
        writer.write("sentry.option", 1, {})
        raise RuntimeError

    assert not out.getvalue().endswith(b"]")


def test_a_long_export_is_handed_on_in_pieces() -> None:
    out = io.BytesIO()
    writer = RowWriter(out)

    for pk in range(2000):
        writer.write("sentry.option", pk, {"key": "x" * 50})

    assert len(out.getvalue()) > 100_000
    writer.close()
    assert [row.pk for row in read_rows(io.BytesIO(out.getvalue()))] == list(range(2000))
    assert writer.rows == 2000


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text()
floats = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | floats, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@settings(deadline=None, max_examples=50)
@given(fields=st.dictionaries(st.text(), values, max_size=4), indent=st.integers(0, 4))
def test_any_values_have_the_bytes_of_the_standard_encoder(fields: dict[str, Any], indent: int) -> None:
    rows = [a_row(), {"model": "a.b", "pk": 3, "fields": fields}]

    assert written(rows, indent) == json.dumps(rows, indent=indent).encode()
