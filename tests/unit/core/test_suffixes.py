"""Names that are free."""

import re
from collections.abc import Collection

import pytest

from vedette.core.suffixes import ALPHABET, free_names, with_random_suffix


def nobody(names: Collection[str]) -> set[str]:
    return set()


def test_a_free_wish_is_fulfilled_as_it_is():
    assert free_names(["Acme", "beta"], nobody, 50) == ["Acme", "beta"]


def test_of_equal_wishes_in_any_letter_case_the_first_is_fulfilled():
    first, second, third = free_names(["owner", "OWNER", "owner"], nobody, 128)

    assert first == "owner"
    assert re.fullmatch(r"OWNER-[a-z0-79]{2}", second)
    assert re.fullmatch(r"owner-[a-z0-79]{2,3}", third)


def test_who_knows_what_is_taken_is_asked_once_in_a_round():
    asked: list[Collection[str]] = []

    def taken(names: Collection[str]) -> set[str]:
        asked.append(names)
        return {name for name in names if "-" not in name}

    names = free_names([f"user{number}" for number in range(500)], taken, 128)

    assert len(set(names)) == 500
    assert [len(names) for names in asked] == [500, 500]


def test_the_random_part_grows_until_something_is_free():
    [name] = free_names(["acme"], lambda names: {name for name in names if len(name) < len("acme-12345")}, 50)

    assert re.fullmatch(r"acme-[a-z0-79]{5}", name)


def test_what_finds_nothing_comes_back_with_the_longest_random_part():
    [name] = free_names(["acme"], set, 50)

    assert re.fullmatch(r"acme-[a-z0-79]{12}", name)


@pytest.mark.parametrize(
    ("base", "longest", "kept"), [("acme", 50, "acme-"), ("a" * 50, 50, "a" * 47 + "-"), ("abc-defgh", 7, "abc-")]
)
def test_of_a_long_name_as_much_is_kept_as_leaves_room(base, longest, kept):
    name = with_random_suffix(base, 2, longest)

    assert name[:-2] == kept
    assert set(name[-2:]) <= set(ALPHABET)
    assert len(name) <= longest
