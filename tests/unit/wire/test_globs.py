"""Globs over whole texts: what they match, and that nothing makes them slow."""

import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.wire.globs import GLOB_LIMIT, any_match, compile_globs, compile_stars, is_glob


@pytest.mark.parametrize(
    ("glob", "text", "matches"),
    [
        ("boom", "BOOM", True),
        ("boom", "a boom", False),
        ("*boom*", "a boom\nand more", True),
        ("boom*", "boom", True),
        ("*", "", True),
        ("v?.*", "v1.2", True),
        ("v?.*", "v12.2", False),
        ("[1-3].0", "2.0", True),
        ("[!1-3].0", "2.0", False),
        ("[!1-3].0", "4.0", True),
        ("[z-a]", "-", True),
        ("[.]", "x", False),
        ("a*b*c", "aXbXbc", True),
        ("a*b*c", "aXc", False),
        ("a.c", "abc", False),
        ("*.0.*", "1.0.2", True),
        ("a*a", "a", False),
    ],
)
def test_a_glob_matches_whole_texts_whatever_their_case(glob, text, matches):
    assert (compile_globs((glob,)).fullmatch(text) is not None) is matches


def test_any_of_several_globs_is_enough_and_no_text_matches_none():
    pattern = compile_globs(("1.*", "broken[", "2.*"))

    assert any_match(pattern, ("0.1", None, "2.1"))
    assert not any_match(pattern, ("3.0", None))
    assert not any_match(compile_globs(("broken[",)), ("broken[",))
    assert not any_match(compile_globs(()), ("",))


def test_a_class_needs_its_end_and_a_pattern_an_end_too():
    assert is_glob("[abc]*")
    assert not is_glob("abc[")
    assert not is_glob("[]")
    assert is_glob("x" * GLOB_LIMIT)
    assert not is_glob("x" * (GLOB_LIMIT + 1))


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_stars_and_question_marks_mean_what_they_mean_everywhere(glob, text):
    assert (compile_globs((glob,)).fullmatch(text) is not None) is fnmatch.fnmatchcase(text, glob)


def test_many_stars_over_a_long_text_take_no_time():
    pattern = compile_globs(("*a" * 100 + "*b",))

    started = time.perf_counter()
    assert pattern.fullmatch("a" * 8192) is None

    assert time.perf_counter() - started < 0.2


@pytest.mark.parametrize(
    ("text", "matches"), [("Shop@1.0[?]", True), ("shop@2[?]", True), ("shop@1", False), ("shop@[?]x", False)]
)
def test_a_star_may_be_all_that_is_special(text, matches):
    assert (compile_stars("shop@*[?]").fullmatch(text) is not None) is matches
    assert compile_stars("shop").fullmatch("SHOP")


def test_stars_alone_over_a_long_text_take_no_time_either():
    started = time.perf_counter()
    assert compile_stars("*a" * 10 + "~").fullmatch("a" * 250) is None

    assert time.perf_counter() - started < 0.2
