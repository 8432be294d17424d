"""Values that old exports hold as pickles: read without ever running one.

A pickle is a little program. This machine knows the instructions that build plain values and no others: nothing is
imported, nothing is called. (The one exception is a call that is only recognised: Python 3 writes bytes into old
protocols as `_codecs.encode(text, "latin1")`.) Sizes, depth and the size of what shared parts unfold to are bounded.
Source: the relocation specification, 1.2; the instructions are those of Python's `pickletools`.
"""

import binascii
import math
import re
import struct
import zlib
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from vedette.relocation.files.findings import FindingKind
from vedette.relocation.files.values import LEAST_INTEGER, MAX_DEPTH, MOST_INTEGER, TOO_DEEP, BadValue

MAX_PICKLE_BYTES = 8 * 2**20  # also after unpacking
MAX_UNFOLDED = 16 * 2**20  # characters, bytes, and 16 for each value; shared parts counted wherever they stand

_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)")
# Others are no keys in JSON, and could be made to collide.
_KEYS = frozenset({str, int, float, bool, bytes, type(None)})
_CUT_OFF = BadValue("expected a pickled value, found one that is cut off or garbled")
_MARK = object()
_AS_BYTES = object()  # what `_codecs.encode` leaves on the stack
_NO_BYTES = object()  # what `bytes` leaves there
_CALLS = {
    (b"_codecs", b"encode"): _AS_BYTES,
    (b"__builtin__", b"bytes"): _NO_BYTES,
    (b"builtins", b"bytes"): _NO_BYTES,
}
_GARBLED = (IndexError, KeyError, ValueError, TypeError, OverflowError, struct.error)


def read_pickle(source: bytes | str) -> Any:
    """The plain value of a pickle: None, bool, int (of 64 bits), float, str, bytes, list, tuple or dict.

    Text is base64; what is packed with zlib is unpacked. Strings of Python 2 are given as text where they are UTF-8.
    Raises `BadValue`: of the kind `HostileValue` where the pickle is more than plain values.
    """
    raw = _from_base64(source) if isinstance(source, str) else source
    if raw[:1] == b"x":  # 0x78, with which zlib begins, is no instruction
        raw = _unpacked(raw)
    if len(raw) > MAX_PICKLE_BYTES:
        raise BadValue(f"a pickled value is larger than {MAX_PICKLE_BYTES // 2**20} MiB", FindingKind.TOO_LARGE)
    try:
        value = _Machine(raw).run()
    except _GARBLED as error:
        raise _CUT_OFF from error
    return _Unfolding().unfold(value, 1)


def _from_base64(text: str) -> bytes:
    try:
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadValue("expected JSON text or a pickled value in base64") from error


def _unpacked(raw: bytes) -> bytes:
    unpack = zlib.decompressobj()
    try:
        plain = unpack.decompress(raw, MAX_PICKLE_BYTES + 1)
    except zlib.error as error:
        raise BadValue("expected a packed value, found one that cannot be unpacked") from error
    if len(plain) <= MAX_PICKLE_BYTES and not unpack.eof:
        raise BadValue("expected a packed value, found one that is cut off")
    return plain


def _refused(name: str) -> BadValue:
    return BadValue(f"expected a plain pickled value, found one that {name}", FindingKind.HOSTILE_VALUE)


class _Machine:
    """Walks through the instructions. What goes wrong in it is one of `_GARBLED`, or a `BadValue`."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.at = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        while True:
            code = self.raw[self.at]
            self.at += 1
            if code == 0x2E:  # STOP
                break
            step = _STEPS.get(code)
            if step is None:
                raise _refused(_FORBIDDEN.get(code, "has an unknown instruction"))
            step(self)
        if len(self.stack) != 1:
            raise ValueError
        return self._plain(self.stack[0])

    # ------------------------------------------------------------ reading

    def take(self, length: int) -> bytes:
        if length < 0 or length > len(self.raw) - self.at:
            raise ValueError
        self.at += length
        return self.raw[self.at - length : self.at]

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text_line(self) -> bytes:
        end = self.raw.index(b"\n", self.at)
        line = self.raw[self.at : end]
        self.at = end + 1
        return line

    # ------------------------------------------------------------ the stack

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        return self._plain(self.stack.pop())

    def pop_mark(self) -> list[Any]:
        """Everything above the topmost mark."""
        for at in range(len(self.stack) - 1, -1, -1):
            if self.stack[at] is _MARK:
                values = self.stack[at + 1 :]
                del self.stack[at:]
                return [self._plain(value) for value in values]
        raise ValueError

    def top(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise ValueError
        return self.stack[-1]

    def _plain(self, value: Any) -> Any:
        if value is _MARK or value is _AS_BYTES or value is _NO_BYTES:
            raise ValueError
        return value

    # ------------------------------------------------------------ what is not one line

    def integer(self, value: int) -> None:
        if not LEAST_INTEGER <= value <= MOST_INTEGER:
            raise BadValue("expected an integer of at most 64 bits in a pickled value")
        self.push(value)

    def integer_line(self) -> None:
        line = self.text_line().removesuffix(b"L")
        if line in (b"00", b"01"):
            self.push(line == b"01")
            return
        if len(line) > 21:
            raise BadValue("expected an integer of at most 64 bits in a pickled value")
        self.integer(int(line))

    def long(self, length: int) -> None:
        self.integer(int.from_bytes(self.take(length), "little", signed=True))

    def string_line(self) -> None:
        """A string as Python 2 wrote it in source."""
        line = self.text_line().strip()
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b'"', b"'"):
            raise ValueError
        self.push(_as_text(_ESCAPE.sub(_unescaped, line[1:-1])))

    def pairs(self, values: list[Any]) -> list[tuple[Any, Any]]:
        if len(values) % 2:
            raise ValueError
        return list(zip(values[::2], values[1::2], strict=True))

    def set_items(self, pairs: list[tuple[Any, Any]]) -> None:
        if any(type(key) not in _KEYS for key, _ in pairs):
            raise ValueError
        self.top(dict).update(pairs)

    def dict_of(self, pairs: list[tuple[Any, Any]]) -> None:
        self.push({})
        self.set_items(pairs)

    def set_item(self) -> None:
        value, key = self.pop(), self.pop()
        self.set_items([(key, value)])

    def append(self, values: list[Any]) -> None:
        self.top(list).extend(values)

    def tuple_of(self, length: int) -> None:
        values = [self.pop() for _ in range(length)]
        self.push(tuple(reversed(values)))

    def remember(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    def name(self, module: bytes, attribute: bytes) -> None:
        call = _CALLS.get((module, attribute))
        if call is None:
            raise _refused("names something of a program")
        self.push(call)

    def stack_name(self) -> None:
        attribute, module = self.pop(), self.pop()
        self.name(module.encode() if isinstance(module, str) else b"", str(attribute).encode())

    def call(self) -> None:
        arguments, called = self.pop(), self.stack.pop()
        match arguments:
            case (str(text), "latin1" | "latin-1") if called is _AS_BYTES:
                self.push(text.encode("latin-1"))
            case () if called is _NO_BYTES:
                self.push(b"")
            case _:
                raise _refused("calls something")


def _as_text(raw: bytes) -> str | bytes:
    """A string of Python 2, where text and bytes were one."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _text(raw: bytes) -> str:
    return raw.decode()


def _line_of_text(line: bytes) -> str:
    text = line.decode("raw_unicode_escape")
    text.encode()  # no lone surrogates: they are in no text
    return text


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    if code[:1] == b"x" and len(code) == 3:
        return bytes.fromhex(code[1:].decode())
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(code, code)


_Step = Callable[[_Machine], Any]
_STEPS: dict[int, _Step] = {
    ord(code): step
    for code, step in (
        ("\x80", lambda m: m.take(1)),  # PROTO
        ("\x95", lambda m: m.take(8)),  # FRAME
        ("N", lambda m: m.push(None)),
        ("\x88", lambda m: m.push(True)),
        ("\x89", lambda m: m.push(False)),
        ("I", lambda m: m.integer_line()),
        ("L", lambda m: m.integer_line()),
        ("J", lambda m: m.push(m.number("<i"))),
        ("K", lambda m: m.push(m.number("<B"))),
        ("M", lambda m: m.push(m.number("<H"))),
        ("\x8a", lambda m: m.long(m.number("<B"))),
        ("\x8b", lambda m: m.long(m.number("<i"))),
        ("F", lambda m: m.push(float(m.text_line()))),
        ("G", lambda m: m.push(m.number(">d"))),
        ("S", lambda m: m.string_line()),
        ("T", lambda m: m.push(_as_text(m.take(m.number("<i"))))),
        ("U", lambda m: m.push(_as_text(m.take(m.number("<B"))))),
        ("V", lambda m: m.push(_line_of_text(m.text_line()))),
        ("X", lambda m: m.push(_text(m.take(m.number("<I"))))),
        ("\x8c", lambda m: m.push(_text(m.take(m.number("<B"))))),
        ("\x8d", lambda m: m.push(_text(m.take(m.number("<Q"))))),
        ("B", lambda m: m.push(m.take(m.number("<I")))),
        ("C", lambda m: m.push(m.take(m.number("<B")))),
        ("\x8e", lambda m: m.push(m.take(m.number("<Q")))),
        ("(", lambda m: m.push(_MARK)),
        ("0", lambda m: m.stack.pop()),
        ("1", lambda m: m.pop_mark()),
        ("2", lambda m: m.push(m.stack[-1])),
        ("]", lambda m: m.push([])),
        ("l", lambda m: m.push(m.pop_mark())),
        ("a", lambda m: m.append([m.pop()])),
        ("e", lambda m: m.append(m.pop_mark())),
        (")", lambda m: m.push(())),
        ("t", lambda m: m.push(tuple(m.pop_mark()))),
        ("\x85", lambda m: m.tuple_of(1)),
        ("\x86", lambda m: m.tuple_of(2)),
        ("\x87", lambda m: m.tuple_of(3)),
        ("}", lambda m: m.push({})),
        ("d", lambda m: m.dict_of(m.pairs(m.pop_mark()))),
        ("s", lambda m: m.set_item()),
        ("u", lambda m: m.set_items(m.pairs(m.pop_mark()))),
        ("p", lambda m: m.remember(int(m.text_line()))),
        ("q", lambda m: m.remember(m.number("<B"))),
        ("r", lambda m: m.remember(m.number("<I"))),
        ("\x94", lambda m: m.remember(len(m.memo))),
        ("g", lambda m: m.push(m.memo[int(m.text_line())])),
        ("h", lambda m: m.push(m.memo[m.number("<B")])),
        ("j", lambda m: m.push(m.memo[m.number("<I")])),
        ("c", lambda m: m.name(m.text_line(), m.text_line())),
        ("\x93", lambda m: m.stack_name()),
        ("R", lambda m: m.call()),
    )
}
_FORBIDDEN = {
    ord(code): reason
    for codes, reason in (
        ("io\x81\x92b", "builds an object of a program"),
        ("\x82\x83\x84", "names something of a program"),
        ("PQ", "refers to something outside of it"),
        ("\x8f\x90\x91", "holds a set"),
        ("\x96\x97\x98", "holds a buffer"),
    )
    for code in codes
}


class _Unfolding:
    """Copies a value, so that shared parts stand everywhere they are used, as they do in JSON; within bounds, because
    a small pickle can unfold to a huge value, and a list can hold itself."""

    def __init__(self) -> None:
        self.left = MAX_UNFOLDED

    def unfold(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise BadValue(f"a pickled value cannot be taken: {TOO_DEEP}", FindingKind.TOO_LARGE)
        kind = type(value)
        self.left -= 16 + (len(value) if kind is str or kind is bytes else 0)
        if self.left < 0:
            raise BadValue("a small pickled value unfolds to a huge one", FindingKind.TOO_LARGE)
        if kind is float and not math.isfinite(value):
            raise BadValue("expected a number in a pickled value, found one that is none")
        if kind is list:
            return [self.unfold(inner, depth + 1) for inner in value]
        if kind is tuple:
            return tuple(self.unfold(inner, depth + 1) for inner in value)
        if kind is dict:
            self.left -= sum(len(key) for key in value if type(key) is str or type(key) is bytes)
            return {key: self.unfold(inner, depth + 1) for key, inner in value.items()}
        return value
