"""Rows out of an export, one by one: never more of the file in memory than one row and a piece.

A row is found in the bytes by what stands between it and the next one, which is the same throughout a file, and is
verified by decoding what was found. Where that fails (the first and the last row, another layout, an error) a careful
reading takes over: it finds the true end of the row, or the exact place of what is wrong.

What is read is strict JSON in UTF-8 (a byte order mark in front is tolerated): no NaN, no Infinity, no integer beyond
64 bits, no lone surrogate. Of a key that is there twice the last one counts; keys of a row beyond the three are passed
over. Source: the relocation specification, 1.1.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn

import msgspec
import orjson

from vedette.relocation.files.findings import FindingKind, refuse
from vedette.relocation.files.values import (
    LEAST_INTEGER,
    MOST_INTEGER,
    TOO_DEEP,
    TOO_LARGE_INTEGER,
    describe,
    judge_nested,
)

MAX_ROW_BYTES = 8 * 2**20  # what Sentry writes into one row is far smaller; an attacker's string is not
PIECE_BYTES = 2**20

_GUESS_BYTES = 2**16  # how far the end of a row is looked for before it is read carefully
_FIRST_WINDOW = 2**12
_CUT_CHARACTER = "unexpected end of data"  # how Python calls the beginning of a character of several bytes
_CUT_OFF = 16  # an error that near to the end of what was read may be one of reading too little
MOST_PK = 2**63 - 1
_MOST_NAMES = 1000

_BLANK = re.compile(rb"[ \t\n\r]*")
_NEXT_ROW = re.compile(rb'[ \t\n\r]*,[ \t\n\r]*\{[ \t\n\r]*"model"')
_ROW_START = re.compile(rb'\{\s*"model"\s*:\s*"([A-Za-z0-9_.]{1,100})"\s*,\s*"pk"\s*:\s*([0-9]{1,18})\s*,')
_MODEL = re.compile(r"(?=.{3,100}$)[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*")
_BLANKS = b" \t\n\r"
_OTHERS = (  # what people hand over instead of an export, by how it begins
    (0, b"\x1f\x8b", "it is compressed with gzip; unpack it first"),
    (0, b"BZh", "it is compressed with bzip2; unpack it first"),
    (0, b"\xfd7zXZ", "it is compressed with xz; unpack it first"),
    (0, b"\x28\xb5\x2f\xfd", "it is compressed with zstd; unpack it first"),
    (0, b"PK\x03\x04", "it is a zip archive; unpack it first"),
    (0, b"\xff\xfe", "it is UTF-16; an export is UTF-8"),
    (0, b"\xfe\xff", "it is UTF-16; an export is UTF-8"),
    (0, b"gAAAA", "it is encrypted, without the archive that holds its key"),
    (0, b"{", "it holds one object; an export is an array of rows"),
    (257, b"ustar", "it is an encrypted export; say which key opens it"),
)


@dataclass(slots=True)
class Row:
    """One row of a file. `number` counts from one through the file, `line` is the line on which the row begins;
    `model` is in lower case; `fields` are as the file has them."""

    number: int
    line: int
    model: str
    pk: int
    fields: dict[str, Any]


class _Shape(msgspec.Struct, gc=False):
    model: str
    pk: int
    fields: dict[str, Any]


class _OnlyShape(_Shape, forbid_unknown_fields=True, gc=False):
    """What is passed over is not judged, so a row with other keys is left to the careful way."""


_decode = msgspec.json.Decoder(_Shape).decode
_decode_quickly = msgspec.json.Decoder(_OnlyShape).decode
_find_end = json.JSONDecoder(parse_int=len, parse_float=len, parse_constant=len).raw_decode
_WRONG = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)


def read_rows(stream: BinaryIO, *, max_row_bytes: int = MAX_ROW_BYTES) -> Iterator[Row]:
    """The rows of the export in `stream`, in the order of the file. Nothing is read before the first one is asked for.

    Raises `BadFile`, with the row's number and the line, for whatever is no export; the rows before it were given out.
    """
    return _Reading(stream, max_row_bytes).rows()


class _Reading:
    """A window on the file: `buffer` from `at` on is not read yet, `line` is that place's line, `offset` the place in
    the file where `buffer` begins."""

    def __init__(self, stream: BinaryIO, max_row_bytes: int) -> None:
        self.stream = stream
        self.max_row_bytes = max_row_bytes
        self.buffer = b""
        self.at = 0
        self.offset = 0
        self.line = 1
        self.number = 0  # of the row that was read last
        self.ended = False
        self.between = b""  # the end of a row, what follows, and the beginning of the next one
        self.names: dict[str, str] = {}

    def rows(self) -> Iterator[Row]:
        more = self._enter()
        while more:
            yield from self._quick_rows()
            yield self._careful_row()
            more = self._go_on()
        self._leave()

    # ------------------------------------------------------------ the quick way

    def _quick_rows(self) -> Iterator[Row]:
        """Rows while each is followed by what stood between the last ones."""
        between, buffer, at = self.between, self.buffer, self.at
        if not between:
            return
        ends = between.rindex(b"}", 0, between.index(b",")) + 1  # behind the bracket that closes the row
        begins = between.rindex(b"{")
        while (found := buffer.find(between, at, at + _GUESS_BYTES)) >= 0:
            try:
                shape = _decode_quickly(buffer[at : found + ends])
                row = self._row(shape, self.line)
            except _WRONG:
                break
            self.number += 1
            self.line += buffer.count(b"\n", at, found + begins)
            self.at = at = found + begins
            yield row

    def _row(self, shape: _Shape, line: int) -> Row:
        """Raises ValueError for what is well-formed and yet not to be taken."""
        fields = shape.fields
        for value in fields.values():
            kind = type(value)
            if kind is int:
                if not LEAST_INTEGER <= value <= MOST_INTEGER:
                    raise ValueError(TOO_LARGE_INTEGER)
            elif kind is dict or kind is list:
                judge_nested(value, 3)
        name = shape.model
        return Row(self.number + 1, line, self.names.get(name) or self._name(name), _judge_pk(shape.pk), fields)

    def _name(self, name: str) -> str:
        known = name.lower()
        if not _MODEL.fullmatch(known):
            raise ValueError('its "model" is not the name of a model, such as sentry.user')
        if len(self.names) < _MOST_NAMES:
            self.names[name] = known
        return known

    # ------------------------------------------------------------ the careful way

    def _careful_row(self) -> Row:
        """The row that begins at `at`, whatever is around it."""
        text = self._element()
        raw = text.encode()
        try:
            orjson.loads(raw)
            shape = _decode(raw)
            row = self._row(shape, self.line)
        except orjson.JSONDecodeError as error:
            if error.msg.startswith("depth"):
                self._refuse(FindingKind.TOO_LARGE, TOO_DEEP)
            self._refuse_at(text, error.pos, error.msg)
        except RecursionError:
            self._refuse(FindingKind.TOO_LARGE, TOO_DEEP)
        except (ValueError, msgspec.DecodeError) as error:
            kind = FindingKind.TOO_LARGE if str(error) == TOO_DEEP else FindingKind.MALFORMED_ROW
            self._refuse(kind, _why(raw, error), **_whose(raw))
        self._learn(len(raw))
        self.number += 1
        self._advance(len(raw))
        return row

    def _element(self) -> str:
        """The text of the element that begins at `at`."""
        size = min(_FIRST_WINDOW, self.max_row_bytes)
        while True:
            self._want(size)
            window = self.buffer[self.at : self.at + size]
            whole = self.ended and len(window) == len(self.buffer) - self.at
            text, broken = _as_text(window)
            try:
                _, end = _find_end(text)
                return text[:end]
            except json.JSONDecodeError as error:
                unfinished = error.msg.startswith("Unterminated string") or error.pos >= len(text) - _CUT_OFF
                if not unfinished:
                    self._refuse_at(text, error.pos, error.msg)
                if broken is not None and (
                    broken.start < len(window) - 4 or (whole and broken.reason != _CUT_CHARACTER)
                ):
                    self._refuse_encoding(window, broken)
                if whole:
                    self._refuse_end(text, error)
            except RecursionError:
                self._refuse(FindingKind.TOO_LARGE, TOO_DEEP)
            if size >= self.max_row_bytes:
                self._refuse(FindingKind.TOO_LARGE, f"it is longer than {_size(self.max_row_bytes)}")
            size = min(size * 4, self.max_row_bytes)

    def _learn(self, length: int) -> None:
        """Remember what stands behind the row of `length` bytes at `at`, and what its own end looks like."""
        end = self.at + length
        following = _NEXT_ROW.match(self.buffer, end)
        self.between = b""
        if following is not None and following.end() - end <= 256:
            inner = self.buffer[self.at : end - 1].rstrip(_BLANKS)
            self.between = self.buffer[max(self.at + len(inner) - 1, end - 256) : following.end()]

    # ------------------------------------------------------------ around the rows

    def _enter(self) -> bool:
        """Up to the first row; False for an empty array."""
        self._want(_FIRST_WINDOW)
        for at, magic, reason in _OTHERS:
            if self.buffer.startswith(magic, at):
                self._refuse(FindingKind.MALFORMED_FILE, f"this is no export: {reason}", row=None)
        if self.buffer.startswith(codecs.BOM_UTF8):
            self.at = len(codecs.BOM_UTF8)
        first = self._skip()
        if not first:
            self._refuse(FindingKind.TRUNCATED_FILE, "the file is empty", row=None)
        if first != b"[":
            self._refuse(FindingKind.MALFORMED_FILE, "this is no export: it does not begin with [", row=None)
        self.at += 1
        if self._skip() == b"]":
            return False
        self._begin_row()
        return True

    def _go_on(self) -> bool:
        """From the end of a row to the next one; False at the end of the array."""
        mark = self._skip()
        if mark == b"]":
            return False
        if not mark:
            self._refuse(FindingKind.TRUNCATED_FILE, f"the file ends behind row {self.number}, without a ]", row=None)
        if mark != b",":
            self._refuse(FindingKind.MALFORMED_FILE, f"a comma or ] is missing behind row {self.number}", row=None)
        self.at += 1
        self._skip()
        self._begin_row()
        return True

    def _begin_row(self) -> None:
        mark = self.buffer[self.at : self.at + 1]
        if not mark:
            self._refuse(FindingKind.TRUNCATED_FILE, "the file ends where a row should begin")
        if mark == b"]":
            self._refuse(FindingKind.MALFORMED_FILE, f"a comma without a row stands behind row {self.number}", row=None)
        if mark != b"{":
            self._refuse(FindingKind.MALFORMED_ROW, "it is not an object")

    def _leave(self) -> None:
        self.at += 1
        if self._skip():
            self._refuse(FindingKind.MALFORMED_FILE, "something stands behind the end of the array", row=None)

    # ------------------------------------------------------------ the window

    def _skip(self) -> bytes:
        """Pass over blanks; the byte that comes then, or nothing at the end of the file."""
        while True:
            blank = _BLANK.match(self.buffer, self.at)
            if blank is not None:
                self._advance(blank.end() - self.at)
            if self.at < len(self.buffer) or self.ended:
                return self.buffer[self.at : self.at + 1]
            self._want(1)

    def _advance(self, length: int) -> None:
        self.line += self.buffer.count(b"\n", self.at, self.at + length)
        self.at += length

    def _want(self, length: int) -> None:
        """Have `length` bytes from `at` on, or all that there are. What is behind is forgotten."""
        missing = length - (len(self.buffer) - self.at)
        if missing <= 0 or self.ended:
            return
        pieces = [self.buffer[self.at :]]
        missing = max(missing, PIECE_BYTES)
        while missing > 0:
            piece = self.stream.read(missing)
            if not piece:
                self.ended = True
                break
            pieces.append(piece)
            missing -= len(piece)
        self.offset += self.at
        self.buffer, self.at = b"".join(pieces), 0

    # ------------------------------------------------------------ refusals

    def _refuse(self, kind: FindingKind, reason: str, **where: Any) -> NoReturn:
        where = {"row": self.number + 1, "line": self.line} | self._whose_start() | where
        raise refuse(kind, f"row {where['row']}: {reason}" if where["row"] else reason, **where)

    def _whose_start(self) -> dict[str, Any]:
        """The model and the pk of the row that begins at `at`, if it begins as rows do."""
        start = _ROW_START.match(self.buffer, self.at)
        return {"model": start[1].decode().lower(), "left_pk": int(start[2])} if start else {}

    def _refuse_at(self, text: str, position: int, message: str) -> NoReturn:
        line = self.line + text.count("\n", 0, position)
        column = position - text.rfind("\n", 0, position)
        self._refuse(FindingKind.MALFORMED_FILE, f"{_in_small(message)}, at column {column}", line=line)

    def _refuse_encoding(self, window: bytes, broken: UnicodeDecodeError) -> NoReturn:
        offset = self.offset + self.at + broken.start
        reason = f"the byte at offset {offset} is not UTF-8"
        self._refuse(FindingKind.MALFORMED_FILE, reason, line=self.line + window.count(b"\n", 0, broken.start))

    def _refuse_end(self, text: str, error: json.JSONDecodeError) -> NoReturn:
        """The file ends inside of an element; or an error stands right in front of its end."""
        rest = text[error.pos :].strip(" \t\n\r")
        cut = error.msg.startswith(("Unterminated string", "Invalid \\uXXXX")) or not rest
        if not cut and not any(word.startswith(rest) for word in ("true", "false", "null", "-", ".")):
            self._refuse_at(text, error.pos, error.msg)
        self._refuse(FindingKind.TRUNCATED_FILE, "the file ends inside of it", line=self.line + text.count("\n"))


def _judge_pk(pk: int) -> int:
    if not 0 <= pk <= MOST_PK:
        raise ValueError("its pk is not a positive 64-bit integer")
    return pk


def _as_text(window: bytes) -> tuple[str, UnicodeDecodeError | None]:
    """As much of the bytes as is UTF-8, and what is wrong behind it."""
    try:
        return window.decode(), None
    except UnicodeDecodeError as error:
        return window[: error.start].decode(), error


def _why(raw: bytes, error: Exception) -> str:
    """What is wrong with an element that is JSON."""
    if not isinstance(error, msgspec.MsgspecError):
        return str(error)
    found = orjson.loads(raw)
    for name, kind, wanted in (("model", str, "a string"), ("pk", int, "an integer"), ("fields", dict, "an object")):
        if name not in found:
            return f'it has no "{name}"'
        if not isinstance(found[name], kind) or isinstance(found[name], bool):
            return f'its "{name}" is {describe(found[name])}, not {wanted}'
    return TOO_LARGE_INTEGER if "range" in str(error) else "it is not a row"


def _whose(raw: bytes) -> dict[str, Any]:
    """The model and the pk of a row that is refused, as far as it has them, and the field that cannot be taken."""
    found = msgspec.json.decode(raw)
    model, pk = found.get("model"), found.get("pk")
    return {
        "model": model.lower()[:100] if isinstance(model, str) else None,
        "left_pk": pk if type(pk) is int and pk <= MOST_PK else None,
        "field": _first_bad(found.get("fields")),
    }


def _first_bad(fields: object) -> str | None:
    for name, value in fields.items() if isinstance(fields, dict) else ():
        try:
            judge_nested([value], 2)
        except ValueError:
            return str(name)[:100]
    return None


def _in_small(message: str) -> str:
    return message[:1].lower() + message[1:]


def _size(length: int) -> str:
    return f"{length // 2**20} MiB" if length >= 2**20 else f"{length} bytes"
