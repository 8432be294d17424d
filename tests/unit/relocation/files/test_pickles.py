"""Pickles are read, never run. Source: the relocation specification, 1.2."""

import base64
import collections
import datetime
import os
import pickle
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.relocation.files import pickles
from vedette.relocation.files.findings import FindingKind
from vedette.relocation.files.pickles import read_pickle
from vedette.relocation.files.values import BadValue

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def test_the_example_of_the_specification_is_a_version() -> None:
    assert read_pickle("gAJYBgAAADIyLjkuMHEALg==") == "22.9.0"


PLAIN: dict[str, Any] = {
    "nothing": None,
    "booleans": [True, False],
    "integers": [0, 1, -1, 255, 256, 65536, -(2**31), 2**31, 2**63 - 1, -(2**63), 2**64 - 1],
    "floats": [0.0, -1.5, 1e300, 1e-7],
    "texts": ["", "x", "Ärger 🐘\n\\ '\" \x00", "y" * 300],
    "bytes": [b"", b"\xff\x00", b"z" * 300],
    "empty": [[], {}, (), [[], {}]],
    "lists": [list(range(2000)), [[1], [2]]],
    "tuples": [(1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((),)],
    "dicts": {"a": {"b": [1, {"c": None}]}, 1: 2, None: 3, 1.5: 4, b"k": 5} | {str(n): n for n in range(1500)},
    "shared parts": [["x"] * 3] * 3,
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", PLAIN.values(), ids=PLAIN)
def test_plain_values_of_every_protocol_are_read(value: Any, protocol: int) -> None:
    raw = pickle.dumps(value, protocol)

    assert read_pickle(raw) == value
    assert read_pickle(base64.encodebytes(raw).decode()) == value
    assert read_pickle(base64.b64encode(zlib.compress(raw)).decode()) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"S'plain'\np0\n.", "plain"),
        (b"S'\\xc3\\xa4 \\'\\\\\\n'\n.", "ä '\\\n"),
        (b'S"it\'s"\n.', "it's"),
        (b"U\x02\xc3\xa4.", "ä"),
        (b"U\x02\xff\xfe.", b"\xff\xfe"),
        (b"T\x01\x00\x00\x00x.", "x"),
        (b"(lp0\nI1\naI01\naL5L\na.", [1, True, 5]),
        (b"(dp0\nS'a'\nF1.5\ns.", {"a": 1.5}),
        (b"\x80\x02}q\x00(U\x01aK\x01U\x01bK\x02u.", {"a": 1, "b": 2}),
        (b"(K\x01K\x02t.", (1, 2)),
        (b"K\x01K\x020.", 1),
        (b"K\x01(K\x02K\x031.", 1),
        (b"K\x012\x86.", (1, 1)),
    ],
    ids=str,
)
def test_what_python_2_wrote_is_read(raw: bytes, value: Any) -> None:
    assert read_pickle(raw) == value


def test_bytes_and_text_of_an_old_protocol_keep_their_kinds() -> None:
    found = read_pickle(pickle.dumps({"public": b"\x04\xff", "text": "\xff"}, 2))

    assert found == {"public": b"\x04\xff", "text": "\xff"}


class Runs:
    """Would run a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch pwned",))


HOSTILE = {
    "command": pickle.dumps(Runs()),
    "command in a list": pickle.dumps([1, {"a": Runs()}], 0),
    "eval": b"c__builtin__\neval\n(S'1+1'\ntR.",
    "getattr of a codec": b"c_codecs\ndecode\n(S'x'\nS'rot13'\ntR.",
    "codec of another name": b"c_codecs\nencode\n(Vx\nVrot13\ntR.",
    "encode of a number": b"c_codecs\nencode\n(I1\nVlatin1\ntR.",
    "bytes of a number": b"c__builtin__\nbytes\n(I999999999\ntR.",
    "stack global": b"\x8c\x02os\x8c\x06system\x93.",
    "instance": b"(S'x'\nios\nsystem\n.",
    "object": b"(cos\nsystem\nS'x'\no.",
    "extension": b"\x82\x01.",
    "persistent id": b"Pabc\n.",
    "set": pickle.dumps({1, 2}, 4),
    "frozenset": pickle.dumps(frozenset({1}), 4),
    "date": pickle.dumps(datetime.date(2020, 1, 1)),
    "ordered dict": pickle.dumps(collections.OrderedDict(a=1)),
    "bytearray": pickle.dumps(bytearray(b"x"), 5),
    "complex": pickle.dumps(1j),
    "build": b"}}b.",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_more_than_plain_values_is_refused_and_nothing_runs(raw: bytes, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(BadValue) as refused:
        read_pickle(raw)

    assert refused.value.kind == FindingKind.HOSTILE_VALUE
    assert list(tmp_path.iterdir()) == []


def doubled(times: int) -> bytes:
    """A list whose two items are one list, whose two items are one list, and so on."""
    return b"]q\x00K\x00a" + b"".join(b"0](h%ch%ceq%c" % (n, n, n + 1) for n in range(times)) + b"."


GARBLED = {
    "nothing": (b"", FindingKind.BAD_VALUE),
    "only a protocol": (b"\x80\x02", FindingKind.BAD_VALUE),
    "no value": (b".", FindingKind.BAD_VALUE),
    "two values": (b"NN.", FindingKind.BAD_VALUE),
    "an open mark": (b"(.", FindingKind.BAD_VALUE),
    "a function": (b"c_codecs\nencode\n.", FindingKind.BAD_VALUE),
    "a function in a list": (b"]c_codecs\nencode\na.", FindingKind.BAD_VALUE),
    "pop of nothing": (b"0.", FindingKind.BAD_VALUE),
    "append to text": (b"Vx\nVy\na.", FindingKind.BAD_VALUE),
    "an odd dict": (b"(Vx\nd.", FindingKind.BAD_VALUE),
    "a list as key": (b"(]Nd.", FindingKind.BAD_VALUE),
    "a tuple as key": (b"(()Nd.", FindingKind.BAD_VALUE),
    "an unknown memo": (b"h\x07.", FindingKind.BAD_VALUE),
    "a string beyond the end": (b"X\xff\xff\xff\x7fabc.", FindingKind.BAD_VALUE),
    "a string of negative length": (b"T\xff\xff\xff\xffabc.", FindingKind.BAD_VALUE),
    "a string that is no text": (b"X\x01\x00\x00\x00\xff.", FindingKind.BAD_VALUE),
    "a lone surrogate": (b"V\\ud800\n.", FindingKind.BAD_VALUE),
    "a huge integer": (pickle.dumps(2**64, 2), FindingKind.BAD_VALUE),
    "an endless integer": (b"I" + b"9" * 100_000 + b"\n.", FindingKind.BAD_VALUE),
    "a long of a gigabyte": (b"\x8b\x00\x00\x00\x40.", FindingKind.BAD_VALUE),
    "no number": (pickle.dumps(float("nan"), 2), FindingKind.BAD_VALUE),
    "a list in itself": (b"]q\x00h\x00a.", FindingKind.TOO_LARGE),
    "a dict in itself": (b"}q\x00Vx\nh\x00s.", FindingKind.TOO_LARGE),
    "too deep": (b"N" + b"\x85" * 200 + b".", FindingKind.TOO_LARGE),
    "bottomless": (b"N" + b"\x85" * 20_000 + b".", FindingKind.TOO_LARGE),
    "doubled sixty times": (doubled(60), FindingKind.TOO_LARGE),
    "one long text, often": (
        b"(X" + struct.pack("<I", 100_000) + b"x" * 100_000 + b"q\x00" + b"h\x00" * 10_000 + b"l.",
        FindingKind.TOO_LARGE,
    ),
    "an unknown instruction": (b"\x00.", FindingKind.HOSTILE_VALUE),
}


@pytest.mark.parametrize(("raw", "kind"), GARBLED.values(), ids=GARBLED)
def test_garbled_or_excessive_pickles_are_refused_within_bounds(
    raw: bytes, kind: FindingKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pickles, "MAX_UNFOLDED", 2**18)

    with pytest.raises(BadValue) as refused:
        read_pickle(raw)

    assert refused.value.kind == kind


def test_what_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "MAX_PICKLE_BYTES", 2**20)
    bomb = zlib.compress(pickle.dumps("x" * 8 * 2**20))
    assert len(bomb) < 2**20

    with pytest.raises(BadValue, match="larger than 1 MiB") as refused:
        read_pickle(bomb)

    assert refused.value.kind == FindingKind.TOO_LARGE


@pytest.mark.parametrize("source", ["no base64!", "YWJ", "eJw=", base64.b64encode(zlib.compress(b"N.")[:-3]).decode()])
def test_what_is_no_pickle_is_told_as_such(source: str) -> None:
    with pytest.raises(BadValue) as refused:
        read_pickle(source)

    assert refused.value.kind == FindingKind.BAD_VALUE


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.binary(),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60)
@given(value=values, protocol=st.sampled_from(PROTOCOLS))
def test_any_plain_value_is_read(value: Any, protocol: int) -> None:
    assert read_pickle(pickle.dumps(value, protocol)) == value


@settings(deadline=None, max_examples=150)
@given(raw=st.binary(max_size=40), at=st.integers(0, 400), protocol=st.sampled_from(PROTOCOLS))
def test_any_bytes_are_a_plain_value_or_refused(raw: bytes, at: int, protocol: int) -> None:
    good = pickle.dumps([PLAIN["floats"], PLAIN["texts"][:3], {"a": (1, b"x")}], protocol)

    for candidate in (raw, good[: at % len(good)] + raw + good[at % len(good) :]):
        try:
            found = read_pickle(candidate)
        except BadValue:
            continue
        assert type(found) in (type(None), bool, int, float, str, bytes, list, tuple, dict)
