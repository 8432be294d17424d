"""Values of columns in a file, both ways. Source: the relocation specification, 1.2."""

import base64
import json
import pickle
import zlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.core.relocation import Encoding
from vedette.relocation.files.encodings import BadValue, decode, decoder, encode, encoder
from vedette.relocation.files.findings import FindingKind

NOON = datetime(2023, 6, 22, 12, 0, 0, 488_999, tzinfo=UTC)
AN_ID = UUID("0d83a5b5-5d7c-4f2b-9b1b-2a9f6f8f3c11")

BOTH_WAYS = [
    (Encoding.TEXT, "Ärger", "Ärger"),
    (Encoding.TEXT, "", ""),
    (Encoding.EMAIL, "a@example.com", "a@example.com"),
    (Encoding.INTEGER, 7, 7),
    (Encoding.INTEGER, -(2**63), -(2**63)),
    (Encoding.FLOAT, 100.0, 100.0),
    (Encoding.BOOLEAN, True, True),
    (Encoding.BOOLEAN, False, False),
    (Encoding.MOMENT, "2023-06-22T12:00:00.488Z", NOON.replace(microsecond=488_000)),
    (Encoding.MOMENT, "2023-06-22T12:00:00.000Z", NOON.replace(microsecond=0)),
    (Encoding.UUID, str(AN_ID), AN_ID),
    (Encoding.BITS, "10", 10),
    (Encoding.BITS, "9223372036854775807", 2**63 - 1),
    (Encoding.JSON, {"schedule_type": 1}, {"schedule_type": 1}),
    (Encoding.JSON, "text", "text"),
    (Encoding.OPTION, 12, 12),
    (Encoding.OPTION, 1687902001.2623305, 1687902001.2623305),
    (Encoding.OPTION, True, True),
    (Encoding.OPTION, '"Europe/Vienna"', "Europe/Vienna"),
    (Encoding.OPTION, '["*"]', ["*"]),
    (Encoding.OPTION, '{"a":1}', {"a": 1}),
    (Encoding.OPTION, '""', ""),
    (Encoding.JSON_TEXT, '{"actions":[]}', {"actions": []}),
    (Encoding.LITERAL_LIST, '["broadcasts.admin", "users.admin"]', ["broadcasts.admin", "users.admin"]),
    (Encoding.LITERAL_LIST, "[]", []),
    (Encoding.LITERAL_LIST, "[[1.0, 2.0], [3.0, 4.0]]", [[1.0, 2.0], [3.0, 4.0]]),
    (Encoding.TEXT_LIST, '["count()"]', ["count()"]),
]


@pytest.mark.parametrize(("encoding", "wire", "value"), BOTH_WAYS, ids=str)
def test_a_value_goes_both_ways(encoding: Encoding, wire: Any, value: Any) -> None:
    found = decode(encoding, wire)

    assert found == value
    assert type(found) is type(value)
    assert encode(encoding, value) == wire
    assert decoder(encoding)(wire) == value
    assert encoder(encoding)(value) == wire


@pytest.mark.parametrize("encoding", Encoding)
def test_null_is_null_in_every_encoding(encoding: Encoding) -> None:
    assert decode(encoding, None) is None
    assert encode(encoding, None) is None


def pickled(value: object, protocol: int = 2) -> str:
    return base64.b64encode(pickle.dumps(value, protocol)).decode()


READ_TOLERANTLY = [
    (Encoding.TEXT, 5, "5"),
    (Encoding.INTEGER, "12", 12),
    (Encoding.INTEGER, 3.0, 3),
    (Encoding.FLOAT, 5, 5.0),
    (Encoding.FLOAT, "1.5", 1.5),
    (Encoding.BOOLEAN, 1, True),
    (Encoding.BOOLEAN, 0, False),
    (Encoding.BOOLEAN, "True", True),
    (Encoding.MOMENT, "2023-06-22T12:00:00Z", NOON.replace(microsecond=0)),
    (Encoding.MOMENT, "2023-06-22T12:00:00.488999Z", NOON),
    (Encoding.MOMENT, "2023-06-22T14:00:00+02:00", NOON.replace(microsecond=0)),
    (Encoding.MOMENT, "2023-06-22 12:00:00", NOON.replace(microsecond=0)),
    (Encoding.MOMENT, "2023-06-22", NOON.replace(hour=0, microsecond=0)),
    (Encoding.UUID, AN_ID.hex, AN_ID),
    (Encoding.BITS, 10, 10),
    (Encoding.OPTION, ["*"], ["*"]),
    (Encoding.OPTION, "12", 12),
    (Encoding.OPTION, "null", None),
    (Encoding.OPTION, '{"a": 18446744073709551615}', {"a": 2**64 - 1}),
    (Encoding.OPTION, "gAJYBgAAADIyLjkuMHEALg==", "22.9.0"),
    (Encoding.OPTION, pickled([1, ("a", None)]), [1, ["a", None]]),
    (Encoding.OPTION, pickled({"k": b"\x04\xff", 1: {}, b"\xff": 2}), {"k": "BP8=", "1": {}, "/w==": 2}),
    (Encoding.JSON_TEXT, {"actions": []}, {"actions": []}),
    (Encoding.JSON_TEXT, base64.b64encode(zlib.compress(pickle.dumps({"a": [1]}))).decode(), {"a": [1]}),
    (Encoding.LITERAL_LIST, ["a"], ["a"]),
    (Encoding.LITERAL_LIST, "['broadcasts.admin', 'users.admin']", ["broadcasts.admin", "users.admin"]),
    (Encoding.LITERAL_LIST, "[u'it\\'s', \"it's\", '\\xe4\\n\\\\']", ["it's", "it's", "ä\n\\"]),
    (Encoding.LITERAL_LIST, "[[1.0, 2], [-3, 4e2], (5,), [None, True]]", [[1.0, 2], [-3, 400.0], [5], [None, True]]),
    (Encoding.LITERAL_LIST, "", []),
    (Encoding.LITERAL_LIST, " [ ] ", []),
    (Encoding.TEXT_LIST, "{a,b c}", ["a", "b c"]),
    (Encoding.TEXT_LIST, '{"a,b",NULL,"say \\"x\\""}', ["a,b", None, 'say "x"']),
    (Encoding.TEXT_LIST, "{}", []),
    (Encoding.TEXT_LIST, "{count(),p95(transaction.duration)}", ["count()", "p95(transaction.duration)"]),
]  # fmt: skip


@pytest.mark.parametrize(("encoding", "wire", "value"), READ_TOLERANTLY, ids=str)
def test_other_forms_are_read_too(encoding: Encoding, wire: Any, value: Any) -> None:
    found = decode(encoding, wire)

    assert found == value
    assert type(found) is type(value)


def test_microseconds_are_cut_off_and_not_rounded() -> None:
    assert encode(Encoding.MOMENT, NOON) == "2023-06-22T12:00:00.488Z"


@pytest.mark.parametrize(
    "moment",
    [NOON.astimezone(timezone(timedelta(hours=5))), NOON.replace(tzinfo=None)],
    ids=["another zone", "no zone"],
)
def test_moments_are_written_in_utc(moment: datetime) -> None:
    assert encode(Encoding.MOMENT, moment) == "2023-06-22T12:00:00.488Z"


@pytest.mark.parametrize(("value", "wire"), [(float("nan"), None), (float("inf"), None), (3, 3.0)], ids=str)
def test_floats_that_json_does_not_know_are_null(value: float, wire: Any) -> None:
    assert encode(Encoding.FLOAT, value) == wire


BAD = [
    (Encoding.TEXT, True, "expected text, found true"),
    (Encoding.TEXT, ["x"], "expected text, found an array"),
    (Encoding.EMAIL, {"secret": 1}, "expected text, found an object"),
    (Encoding.INTEGER, "x", 'expected an integer, found "x"'),
    (Encoding.INTEGER, True, "expected an integer, found true"),
    (Encoding.INTEGER, 1.5, "expected an integer, found 1.5"),
    (Encoding.INTEGER, 2**63, "expected an integer, found 9223372036854775808"),
    (Encoding.INTEGER, "9" * 19, "expected an integer"),
    (Encoding.INTEGER, "٣", "expected an integer"),
    (Encoding.FLOAT, "fast", 'expected a number, found "fast"'),
    (Encoding.FLOAT, "nan", "expected a number"),
    (Encoding.FLOAT, "1e999", "expected a number"),
    (Encoding.BOOLEAN, "yes", 'expected true or false, found "yes"'),
    (Encoding.BOOLEAN, 2, "expected true or false, found 2"),
    (Encoding.BOOLEAN, [], "expected true or false, found an array"),
    (Encoding.MOMENT, "yesterday", "expected a date-time such as"),
    (Encoding.MOMENT, "2023-02-30T00:00:00Z", 'found "2023-02-30T00:00:00Z"'),
    (Encoding.MOMENT, "0001-01-01T00:00:00+10:00", "expected a date-time"),
    (Encoding.MOMENT, 1687902001, "found 1687902001"),
    (Encoding.UUID, "x" * 36, "expected a UUID"),
    (Encoding.BITS, "0b11", "expected the bits as a decimal number"),
    (Encoding.OPTION, "hello", "expected JSON text or a pickled value"),
    (Encoding.OPTION, '{"a": oops}', "expected JSON text, found one that is broken"),
    (Encoding.OPTION, "[" * 50_000, "nested too deep"),
    (Encoding.OPTION, "[" * 500 + "]" * 500, "broken"),
    (Encoding.LITERAL_LIST, "a", "expected an array, found a string (1 characters)"),
    (Encoding.LITERAL_LIST, 5, "expected an array, found an integer"),
    (Encoding.LITERAL_LIST, "['a'", "expected an array"),
    (Encoding.LITERAL_LIST, "['a', b]", "expected an array"),
    (Encoding.LITERAL_LIST, "['a' 'b']", "expected an array"),
    (Encoding.LITERAL_LIST, "['a'], ['b']", "expected an array"),
    (Encoding.LITERAL_LIST, "['a',,'b']", "expected an array"),
    (Encoding.LITERAL_LIST, "[__import__('os')]", "expected an array"),
    (Encoding.LITERAL_LIST, "['a'" + ",[" * 500, "expected an array"),
    (Encoding.LITERAL_LIST, "('a', 99999999999999999999)", "expected an array"),
    (Encoding.LITERAL_LIST, "['a', 99999999999999999999]", "64 bits"),
    (Encoding.LITERAL_LIST, "['a', 1e999]", "finite"),
    (Encoding.TEXT_LIST, '{"a', "expected an array"),
    (Encoding.TEXT_LIST, "{a,{b}}", "expected an array"),
    (Encoding.TEXT_LIST, "{a,}", "expected an array"),
]


@pytest.mark.parametrize(("encoding", "wire", "reason"), BAD, ids=lambda part: str(part)[:40])
def test_a_bad_value_is_told_by_what_was_expected(encoding: Encoding, wire: Any, reason: str) -> None:
    with pytest.raises(BadValue) as refused:
        decode(encoding, wire)

    assert reason in str(refused.value)


@pytest.mark.parametrize("encoding", [Encoding.TEXT, Encoding.OPTION, Encoding.LITERAL_LIST, Encoding.BOOLEAN])
def test_a_bad_value_is_never_shown_in_full(encoding: Encoding) -> None:
    secret = "sntrys_" + "x" * 40

    with pytest.raises(BadValue) as refused:
        decode(encoding, [secret] if encoding is Encoding.TEXT else secret)

    assert secret not in str(refused.value)


def test_a_hostile_option_is_of_its_own_kind() -> None:
    with pytest.raises(BadValue) as refused:
        decode(Encoding.OPTION, pickled(datetime(2020, 1, 1)))

    assert refused.value.kind == FindingKind.HOSTILE_VALUE


integers = st.integers(-(2**63), 2**64 - 1)  # others never come out of a file
floats = st.floats(allow_nan=False, allow_infinity=False)
anything = st.recursive(
    st.none() | st.booleans() | integers | floats | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@settings(deadline=None, max_examples=80)
@given(encoding=st.sampled_from(Encoding), value=anything)
def test_any_value_is_decoded_or_bad(encoding: Encoding, value: Any) -> None:
    try:
        found = decode(encoding, value)
    except BadValue:
        return
    if encoding not in (Encoding.JSON, Encoding.OPTION, Encoding.JSON_TEXT):
        assert decode(encoding, encode(encoding, found)) == _as_written(found)


def _as_written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(microsecond=value.microsecond // 1000 * 1000)
    return value if value == value else None


@settings(deadline=None, max_examples=80)
@given(value=st.lists(st.text() | st.integers(-(2**63), 2**63) | st.booleans() | st.none(), max_size=5))
def test_any_list_is_read_from_its_python_literal_and_from_json(value: list[Any]) -> None:
    assert decode(Encoding.LITERAL_LIST, repr(value)) == value
    assert decode(Encoding.LITERAL_LIST, json.dumps(value)) == value
