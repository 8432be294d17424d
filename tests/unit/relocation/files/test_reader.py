"""Rows out of the bytes of an export. Source: the relocation specification, 1.1."""

import io
import itertools
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.relocation.files import reader
from vedette.relocation.files.findings import BadFile, Finding, FindingKind
from vedette.relocation.files.reader import Row, read_rows

ROWS: list[dict[str, Any]] = [
    {"model": "sentry.option", "pk": 1, "fields": {"key": "a", "value": '"Ärger"', "last_updated": None}},
    {"model": "sentry.user", "pk": 7, "fields": {"username": 'a "},{"model": b', "flags": "10", "is_active": True}},
    {"model": "sentry.monitor", "pk": 9, "fields": {"config": {"model": [{"model": "x"}, {"model": {}}]}, "n": 1.5}},
    {"model": "sentry.email", "pk": 2, "fields": {}},
]
LAYOUTS = {
    "indent 2": json.dumps(ROWS, indent=2).encode(),
    "indent 0": json.dumps(ROWS, indent=0).encode(),
    "indent 7": json.dumps(ROWS, indent=7).encode(),
    "one line": json.dumps(ROWS).encode(),
    "compact UTF-8": json.dumps(ROWS, separators=(",", ":"), ensure_ascii=False).encode(),
    "tabs and CRLF": json.dumps(ROWS, indent="\t").replace("\n", "\r\n").encode(),
    "byte order mark": b"\xef\xbb\xbf" + json.dumps(ROWS).encode() + b"\n",
    "another order of keys": json.dumps([dict(reversed(row.items())) for row in ROWS], indent=1).encode(),
    "further keys": json.dumps([{"version": 2, **row} for row in ROWS]).encode(),
    "every row another layout": b"\n["
    + b",\n\n\n".join(json.dumps(row, indent=n).encode() for n, row in enumerate(ROWS))
    + b"]",
}


def rows_of(data: bytes, **limits: int) -> list[Row]:
    return list(read_rows(io.BytesIO(data), **limits))


def refusal_of(data: bytes, **limits: int) -> Finding:
    with pytest.raises(BadFile) as refused:
        rows_of(data, **limits)
    return refused.value.finding


def rows_or_finding(data: bytes) -> list[Row] | Finding:
    try:
        return rows_of(data)
    except BadFile as refused:
        return refused.finding


class Endless(io.BytesIO):
    """Begins with `head` and goes on with `filling` for `length` bytes; counts what was taken."""

    def __init__(self, head: bytes, filling: bytes, length: int) -> None:
        super().__init__()
        self.pieces: Iterator[bytes] = itertools.chain([head], itertools.repeat(filling, length // len(filling)))
        self.given = 0

    def read(self, size: int | None = -1) -> bytes:
        piece = next(self.pieces, b"")
        self.given += len(piece)
        return piece


@pytest.mark.parametrize("data", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_gives_the_same_rows(data: bytes) -> None:
    found = rows_of(data)

    assert [{"model": row.model, "pk": row.pk, "fields": row.fields} for row in found] == ROWS
    assert [row.number for row in found] == [1, 2, 3, 4]


@pytest.mark.parametrize("data", [b"[]", b" [\n] \n", b"\xef\xbb\xbf[]"])
def test_an_empty_array_has_no_rows(data: bytes) -> None:
    assert rows_of(data) == []


@pytest.mark.parametrize("layout", ["indent 2", "tabs and CRLF", "every row another layout"])
def test_each_row_knows_its_line(layout: str) -> None:
    lines = LAYOUTS[layout].decode().split("\n")

    for row in rows_of(LAYOUTS[layout]):
        around = "".join(lines[row.line - 1 : row.line + 1])
        assert row.model in around


def test_a_long_file_keeps_its_count_of_rows_and_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PIECE_BYTES", 5000)  # so that rows lie across pieces
    many = [{"model": "sentry.email", "pk": pk, "fields": {"email": "x" * (pk % 50)}} for pk in range(1, 2001)]
    data = json.dumps(many, indent=2).encode()

    found = rows_of(data)

    assert [row.pk for row in found] == list(range(1, 2001))
    assert [row.line for row in found] == list(range(2, 2 + 7 * 2000, 7))


def test_the_name_of_a_model_is_lowered() -> None:
    assert rows_of(b'[{"model": "Sentry.UserEmail", "pk": 1, "fields": {}}]')[0].model == "sentry.useremail"


def a_row(fields: str = "{}", model: str = '"sentry.team"', pk: str = "7") -> bytes:
    return f'{{"model": {model}, "pk": {pk}, "fields": {fields}}}'.encode()


BEFORE = b"[\n" + a_row() + b",\n"  # the bad row is the second one, on line 3

BAD_ROWS = {
    "no object": (b"17]", FindingKind.MALFORMED_ROW, "not an object"),
    "null": (b"null]", FindingKind.MALFORMED_ROW, "not an object"),
    "no model": (b'{"pk": 1, "fields": {}}]', FindingKind.MALFORMED_ROW, 'no "model"'),
    "no pk": (b'{"model": "a.b", "fields": {}}]', FindingKind.MALFORMED_ROW, 'no "pk"'),
    "no fields": (b'{"model": "a.b", "pk": 1}]', FindingKind.MALFORMED_ROW, 'no "fields"'),
    "model of another type": (a_row(model="4") + b"]", FindingKind.MALFORMED_ROW, "is an integer, not a string"),
    "model without a dot": (a_row(model='"team"') + b"]", FindingKind.MALFORMED_ROW, "not the name of a model"),
    "model with a control": (a_row(model='"a.\\u001b[2J"') + b"]", FindingKind.MALFORMED_ROW, "not the name of a"),
    "endless model": (a_row(model='"a.' + "b" * 999 + '"') + b"]", FindingKind.MALFORMED_ROW, "not the name of a"),
    "pk as text": (a_row(pk='"7"') + b"]", FindingKind.MALFORMED_ROW, "is a string (1 characters), not an integer"),
    "pk as boolean": (a_row(pk="true") + b"]", FindingKind.MALFORMED_ROW, "is true, not an integer"),
    "pk as null": (a_row(pk="null") + b"]", FindingKind.MALFORMED_ROW, "is null, not an integer"),
    "pk below zero": (a_row(pk="-1") + b"]", FindingKind.MALFORMED_ROW, "positive"),
    "pk beyond 64 bits": (a_row(pk="9" * 25) + b"]", FindingKind.MALFORMED_ROW, "64"),
    "fields as list": (a_row("[]") + b"]", FindingKind.MALFORMED_ROW, "is an array, not an object"),
    "huge integer": (a_row('{"n": 18446744073709551616}') + b"]", FindingKind.MALFORMED_ROW, "64 bits"),
    "huge inner integer": (a_row('{"n": [{"a": -9223372036854775809}]}') + b"]", FindingKind.MALFORMED_ROW, "64 bits"),
    "endless integer": (a_row('{"n": ' + "1" * 9000 + "}") + b"]", FindingKind.MALFORMED_FILE, "infinity"),
    "huge decimal number": (a_row('{"n": 1e999}') + b"]", FindingKind.MALFORMED_FILE, "infinity"),
    "NaN": (a_row('{"n": NaN}') + b"]", FindingKind.MALFORMED_FILE, "column"),
    "Infinity": (a_row('{"n": -Infinity}') + b"]", FindingKind.MALFORMED_FILE, "column"),
    "lone surrogate": (a_row('{"n": "\\ud800"}') + b"]", FindingKind.MALFORMED_FILE, "surrogate"),
    "control character": (a_row('{"n": "\x01"}') + b"]", FindingKind.MALFORMED_FILE, "control character"),
    "missing quote": (a_row('{"n": "x}, "m": 1}') + b"]", FindingKind.MALFORMED_FILE, "column"),
    "missing comma in it": (a_row('{"n": 1 "m": 1}') + b"]", FindingKind.MALFORMED_FILE, "column 53"),
    "too deep": (a_row("[" * 60 + "]" * 60) + b"]", FindingKind.MALFORMED_ROW, "is an array"),
    "deep": (a_row('{"n":' + "[" * 99 + "]" * 99 + "}") + b"]", FindingKind.TOO_LARGE, "deeper than 100"),
    "bottomless": (a_row('{"n":' + "[" * 100_000) + b"]", FindingKind.TOO_LARGE, "deeper than 100"),
    "not UTF-8": (b'{"model": "a.b\xff"', FindingKind.MALFORMED_FILE, "offset 65 is not UTF-8"),
    "comma without row": (b"]", FindingKind.MALFORMED_FILE, "comma without a row"),
    "no end": (a_row(), FindingKind.TRUNCATED_FILE, "ends behind row 2"),
    "no next row": (b"", FindingKind.TRUNCATED_FILE, "ends where a row should begin"),
    "no comma behind": (a_row() + a_row() + b"]", FindingKind.MALFORMED_FILE, "comma or ] is missing behind row 2"),
    "cut off in a string": (a_row()[:-20], FindingKind.TRUNCATED_FILE, "ends inside of it"),
    "cut off in a word": (b'{"model": tr', FindingKind.TRUNCATED_FILE, "ends inside of it"),
    "cut off in an escape": (b'{"model": "\\u00', FindingKind.TRUNCATED_FILE, "ends inside of it"),
    "cut off behind a colon": (b'{"model":', FindingKind.TRUNCATED_FILE, "ends inside of it"),
    "something behind": (a_row() + b"] x", FindingKind.MALFORMED_FILE, "behind the end"),
    "two arrays": (a_row() + b"][]", FindingKind.MALFORMED_FILE, "behind the end"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "kind", "reason"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_what_is_wrong_is_told_with_its_place(data: bytes, kind: FindingKind, reason: str) -> None:
    finding = refusal_of(BEFORE + data)

    assert (finding.kind, finding.line) == (kind, 3)
    assert reason in finding.reason
    assert finding.row in (2, None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ('{"a": 1, "n": 18446744073709551616}', "n"),
        ('{"a": [1], "n": {"x": [18446744073709551616]}}', "n"),
        ('{"a": [1], "n": ' + "[" * 99 + "]" * 99 + "}", "n"),
        ('{"a": oops}', None),
        ('{"a": "\xff"}', None),
        ('{"a": "' + "x" * 9000, None),
        ("[]", None),
    ],
    ids=["integer", "inner integer", "too deep", "no JSON", "no UTF-8", "too long", "no object"],
)
def test_the_row_that_is_refused_is_named(fields: str, field: str | None) -> None:
    finding = refusal_of(BEFORE + a_row(fields).decode().encode("latin-1"), max_row_bytes=5000)

    assert (finding.model, finding.left_pk, finding.field) == ("sentry.team", 7, field)
    assert finding.row == 2


def test_rows_before_the_bad_one_are_given_out() -> None:
    found = read_rows(io.BytesIO(BEFORE + b"17]"))

    assert next(found).pk == 7
    with pytest.raises(BadFile):
        next(found)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b'{"model": 1}', "one object"),
        (b"[}", "not an object"),
        (b"hello", r"does not begin with ["),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"PK\x03\x04", "zip"),
        ("[]".encode("utf-16"), "UTF-16"),
        (b"gAAAAABk", "encrypted"),
        (b"data.key".ljust(257, b"\0") + b"ustar", "encrypted export"),
    ],
    ids=["empty", "blank", "object", "bracket", "text", "gzip", "zip", "UTF-16", "token", "tar"],
)
def test_other_files_are_recognised(data: bytes, reason: str) -> None:
    assert reason in refusal_of(data).reason


@pytest.mark.parametrize("at", [3000, 5000, 40_000, 90_000], ids=str)
def test_bytes_that_are_no_text_are_told_with_their_offset_and_line(at: int) -> None:
    data = bytearray(json.dumps([{"model": "a.b", "pk": 1, "fields": {"x": "y" * 1000}}] * 100, indent=2).encode())
    data[at] = 0xFF

    finding = refusal_of(bytes(data))

    assert f"offset {at} " in finding.reason
    assert finding.line == data.count(b"\n", 0, at) + 1


def test_a_string_of_two_gigabytes_is_refused_after_a_little_of_it() -> None:
    stream = Endless(b'[{"model": "a.b", "pk": 1, "fields": {"x": "', b"y" * 2**20, 2 * 2**30)

    tracemalloc.start()
    with pytest.raises(BadFile) as refused:
        list(read_rows(stream, max_row_bytes=2 * 2**20))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert refused.value.finding.kind == FindingKind.TOO_LARGE
    assert refused.value.finding.reason == "row 1: it is longer than 2 MiB"
    assert stream.given < 5 * 2**20
    assert peak < 20 * 2**20


def test_an_error_in_the_middle_ends_the_reading_there() -> None:
    stream = Endless(b'[{"model": "a.b", "pk": 1, "fields": {"x": oops', b'y"\n' * 2**18, 2 * 2**30)

    with pytest.raises(BadFile, match="row 1"):
        list(read_rows(stream))

    assert stream.given < 3 * 2**20


def test_a_row_may_be_as_long_as_the_limit_and_no_longer() -> None:
    row = a_row('{"x": "' + "y" * 300_000 + '"}')

    assert len(rows_of(b"[" + row + b"]", max_row_bytes=len(row))) == 1
    assert refusal_of(b"[" + row + b"]", max_row_bytes=len(row) - 1).kind == FindingKind.TOO_LARGE


def test_long_rows_between_short_ones_are_read() -> None:
    lengths = [200_000 if pk % 5 == 0 else 3 for pk in range(30)]
    rows = [{"model": "a.b", "pk": pk, "fields": {"x": "y" * length}} for pk, length in enumerate(lengths)]

    assert [len(row.fields["x"]) for row in rows_of(json.dumps(rows).encode())] == lengths


# ---------------------------------------------------------------- whatever comes

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
)
keys = st.text(max_size=9) | st.just("model")
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)
exports = st.lists(
    st.fixed_dictionaries(
        {
            "model": st.sampled_from(["sentry.user", "a.b"]),
            "pk": st.integers(0, 2**63 - 1),
            "fields": st.dictionaries(keys, values, max_size=4),
        }
    ),
    max_size=6,
)


class Chopped(io.BytesIO):
    """Gives out `data` in pieces of the lengths of `cuts`, over and over."""

    def __init__(self, data: bytes, cuts: list[int]) -> None:
        super().__init__(data)
        self.cuts = itertools.cycle(cuts)

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(next(self.cuts), size or 0))


@settings(deadline=None, max_examples=40)
@given(
    rows=exports,
    indent=st.sampled_from([None, 0, 1, 2]),
    escaped=st.booleans(),
    cuts=st.lists(st.integers(1, 70), min_size=1, max_size=5),
)
def test_any_rows_in_any_pieces_come_out_as_they_went_in(
    rows: list[dict[str, Any]], indent: int | None, escaped: bool, cuts: list[int]
) -> None:
    data = json.dumps(rows, indent=indent, ensure_ascii=escaped).encode()

    found = list(read_rows(Chopped(data, cuts)))

    assert [{"model": row.model, "pk": row.pk, "fields": row.fields} for row in found] == rows


@settings(deadline=None, max_examples=120)
@given(
    layout=st.sampled_from(sorted(LAYOUTS)),
    at=st.integers(0, 10_000),
    without=st.integers(0, 8),
    instead=st.binary(max_size=6) | st.sampled_from([b'"', b"\\", b"}", b"{", b"]", b",", b"\xff", b'{"model"']),
)
def test_any_damage_gives_rows_or_a_bad_file_and_no_other_error(
    layout: str, at: int, without: int, instead: bytes
) -> None:
    data = LAYOUTS[layout]
    at %= len(data)
    damaged = data[:at] + instead + data[at + without :]

    found = rows_or_finding(damaged)

    if isinstance(found, Finding):
        assert 1 <= (found.line or 0) <= damaged.count(b"\n") + 1
    else:
        assert len(found) == len(json.loads(damaged.decode("utf-8-sig")))


@settings(deadline=None, max_examples=100)
@given(data=st.binary(max_size=60) | st.text(alphabet='[]{},:"\\ \n0aemodlpkfis.').map(str.encode))
def test_any_bytes_give_rows_or_a_bad_file(data: bytes) -> None:
    found = rows_or_finding(data)

    assert found == [] or isinstance(found, Finding)
