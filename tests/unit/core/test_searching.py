"""The words of a search, whoever searches."""

import pytest

from vedette.core.errors import RuleBroken
from vedette.core.searching import Word, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a:b", Word("a", ("b",), False, "a:b"), id="a condition"),
        pytest.param("!a:[b, c]", Word("a", ("b", "c"), True, "!a:[b, c]"), id="a list, negated"),
        pytest.param('"a b":c', Word("a b", ("c",), False, '"a b":c'), id="a quoted key"),
        pytest.param("old:x", Word("new", ("x",), False, "old:x"), id="another name"),
        pytest.param('"old":x', Word("old", ("x",), False, '"old":x'), id="a quoted key has no other name"),
        pytest.param('"OR"', Word("", ("OR",), False, '"OR"'), id="quoted text"),
    ],
)
def test_a_search_has_words(text, expected):
    assert list(words(text, {"old": "new"})) == [expected]


def test_only_plain_words_are_operators():
    assert [word.is_boolean for word in words('or AND "or" k:or')] == [True, True, False, False]


def test_a_refusal_begins_as_its_searcher_says():
    with pytest.raises(RuleBroken, match=r"^No: Empty string after 'k:', column 3$"):
        list(words("k:", prefix="No: "))
