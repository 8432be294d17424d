"""Recovery codes: what is kept of them, and how people type them."""

import pytest

from vedette.accounts.recovery import hash_of, kept_in

CODE = "ABCD-EFGH-IJOB"
KEPT = {"salt": "ab", "used": 0b10, "hashes": [hash_of("ab", CODE), hash_of("ab", "ZZZZ-ZZZZ-ZZZZ")]}


@pytest.mark.parametrize("typed", [CODE, "abcdefghijob", " abcd efgh ijob ", "ABCD\u2013EFGH\u20131J08"])
def test_a_code_is_read_as_people_type_it(typed):
    assert kept_in(KEPT).position_of(typed) == 0


@pytest.mark.parametrize("typed", ["", "ABCD-EFGH-IJO", "ZZZZ-ZZZZ-ZZZZ", "\udcff", "x" * 5000])
def test_nothing_else_is_one_and_a_used_one_is_none_any_more(typed):
    assert kept_in(KEPT).position_of(typed) is None


def test_those_that_are_left_are_counted():
    assert kept_in(KEPT).left == 1


@pytest.mark.parametrize(
    "config",
    [
        "",
        None,
        {},
        {"salt": "ab", "used": 0},  # of another server
        {"salt": "ab", "used": -1, "hashes": ["a"]},
        {"salt": "ab", "used": "0", "hashes": ["a"]},
        {"salt": 1, "used": 0, "hashes": ["a"]},
        {"salt": "ab", "used": 0, "hashes": []},
        {"salt": "ab", "used": 0, "hashes": "a"},
        {"salt": "ab", "used": 0, "hashes": [1]},
        {"salt": "ab", "used": 0, "hashes": ["ä"]},
        {"salt": "ab", "used": 0, "hashes": ["a"] * 65},
    ],
)
def test_what_this_server_did_not_make_holds_none(config):
    assert kept_in(config) is None
