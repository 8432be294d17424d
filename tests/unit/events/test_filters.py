"""Conditions, rendered: what is bound, and what a pattern means."""

import re

import pytest

from vedette.events.filters import (
    ARRAY_COLUMNS,
    TEXT_COLUMNS,
    Sql,
    TagFilter,
    in_projects,
    like_pattern,
    tag_column,
    tag_name,
    with_tags,
    with_text,
)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("plain", "plain"),
        ("a*b", "a%b"),
        (r"a\*b", "a*b"),
        ("100%_", r"100\%\_"),
        (r"back\\slash", r"back\\slash"),
        ("*", "%"),
        ("", ""),
        ("end\\", "end\\\\"),
    ],
)
def test_a_pattern_becomes_a_like_pattern(pattern, expected):
    assert like_pattern(pattern) == expected


@pytest.mark.parametrize("op", ["=", "!=", "has", "!has", "like", "!like"])
@pytest.mark.parametrize(
    "key", ["browser", "tags[level]", "message", "id", "error.unhandled", *TEXT_COLUMNS, *ARRAY_COLUMNS]
)
def test_no_input_ever_becomes_text_of_the_statement(key, op):
    sql = Sql()

    with_tags(sql, [TagFilter(key, op, ("'evil' {x}", "more\\"))])
    with_text(sql, "'evil'")

    assert "evil" not in sql.clause
    assert "more" not in sql.clause
    assert set(re.findall(r"\{(p\d+):", sql.clause)) == set(sql.params)


def test_an_unknown_key_is_a_tag_and_bound_like_a_value():
    sql = Sql()

    with_tags(sql, [TagFilter("x'] OR 1", "!=", ("v",))])

    assert "OR 1" not in sql.clause
    assert "x'] OR 1" in sql.params.values()


def test_a_key_in_brackets_is_a_tag_even_where_a_column_has_its_name():
    assert tag_column("level") == "level"
    assert tag_column("tags[level]") is None
    assert tag_name("tags[level]") == "level"
    assert tag_name("browser") == "browser"


def test_a_question_without_projects_is_refused():
    with pytest.raises(ValueError, match="projects"):
        in_projects([])
