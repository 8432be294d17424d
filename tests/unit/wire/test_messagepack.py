"""What native SDKs write beside a dump."""

import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.wire.messagepack import MAX_BYTES, event_id_in, read_object, read_values

write = msgspec.msgpack.encode
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=30,
)


@given(st.lists(JSON, max_size=5))
def test_values_that_follow_each_other_are_told_apart(values):
    assert read_values(b"".join(write(value) for value in values)) == values


@pytest.mark.parametrize(
    "value", ["x" * 40, "x" * 300, "x" * 70_000, list(range(20)), [0] * 70_000, {str(n): n for n in range(300)}]
)
def test_every_width_of_length_is_known(value):
    assert read_values(write(value) + write(1)) == [value, 1]


def test_bytes_become_text_and_keys_too_and_what_json_cannot_say_goes():
    assert read_values(write({1: b"\xff"}) + struct.pack(">BBb", 0xD4, 7, 1)) == [{"1": "\ufffd"}, None]


def test_what_is_cut_ends_where_it_can_be_read():
    assert read_values(write({"a": 1}) + write("a long text")[:-1]) == [{"a": 1}]
    assert read_values(write([1]) + b"\xc1") == [[1]]
    assert read_values(b"\xdd\xff\xff\xff\xff") == []


def test_a_file_beyond_the_limit_is_not_read():
    assert read_values(write("x" * MAX_BYTES)) == []


def test_an_object_is_one():
    assert read_object(write({"a": 1})) == {"a": 1}
    assert read_object(write([1])) is None
    assert read_object(b"") is None


def test_nesting_without_end_is_no_value():
    assert read_values(b"\x91" * 200_000 + b"\x01") == []


@pytest.mark.parametrize(
    ("content", "found"), [(write({"event_id": "x"}), "x"), (write({"b": 1}), None), (b"\xff", None), (b"", None)]
)
def test_the_id_of_an_event_is_found_without_reading_the_rest(content, found):
    assert event_id_in(content) == found


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_far_as_they_go(content):
    assert msgspec.json.encode(read_values(content))
