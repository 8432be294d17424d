import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.ids import as_event_id, as_id, base32, parse_short_id, short_id


@pytest.mark.parametrize(
    "text",
    [
        "3b1f0c7cf0a94b6b9dd5b2f6c1a8e701",
        "3B1F0C7CF0A94B6B9DD5B2F6C1A8E701",
        "3b1f0c7c-f0a9-4b6b-9dd5-b2f6c1a8e701",
        "{3b1f0c7c-f0a9-4b6b-9dd5-b2f6c1a8e701}",
    ],
)
def test_every_form_of_an_event_id_becomes_hex(text):
    assert as_event_id(text) == "3b1f0c7cf0a94b6b9dd5b2f6c1a8e701"


@pytest.mark.parametrize(
    "text", ["", "latest", "3b1f", "g" * 32, "-" * 36, None, 7, "3b1f0c7cf0a94b6b9dd5b2f6c1a8e701x"]
)
def test_what_is_no_event_id_is_none(text):
    assert as_event_id(text) is None


def test_short_ids_count_in_crockfords_digits():
    assert [base32(number) for number in (0, 31, 32, 1023)] == ["0", "Z", "10", "ZZ"]


@given(st.integers(0, 2**62), st.from_regex(r"\A[a-z][a-z0-9_-]{0,20}\Z"))
def test_a_short_id_is_read_back_in_any_letter_case(number, slug):
    assert parse_short_id(short_id(slug, number).lower()) == (slug, number)


@pytest.mark.parametrize("text", ["", "WEB", "WEB-", "WEB-U", "WEB-I", "-1", "WEB-" + "Z" * 40])
def test_what_is_no_short_id_is_none(text):
    assert parse_short_id(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("017", 17),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("²", None),
        ("٣", None),
        ("", None),
        ("1\n", None),
    ],
)
def test_the_number_of_a_row_is_a_few_plain_digits(text, number):
    assert as_id(text) == number
