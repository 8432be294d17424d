import itertools
import random
import re

import pytest

from vedette.grouping.globs import LONGEST_VALUE, compile_glob, path_matches, path_test, text_test, weight_of


def plainly(pattern: str, *, paths: bool) -> re.Pattern[str]:
    """The same by a backtracking expression that is obviously right, and slow."""
    parts = re.split(r"(\*+|\?)", pattern)
    meanings = {"?": "[^/]" if paths else ".", "*": "[^/]*" if paths else ".*"}
    words = [meanings.get(part, ".*" if part.startswith("**") else re.escape(part)) for part in parts]
    return re.compile("".join(words), re.DOTALL)


@pytest.mark.parametrize("paths", [True, False])
def test_looking_from_left_to_right_finds_what_looking_everywhere_finds(paths):
    random.seed(7)
    texts = ["".join(letters) for size in range(6) for letters in itertools.product("ab/", repeat=size)]
    patterns = {"".join(random.choices(["a", "b", "/", "*", "**", "?"], k=random.randint(0, 7))) for _ in range(400)}

    for pattern in patterns:
        glob, plain = compile_glob(pattern, paths=paths), plainly(pattern, paths=paths)
        for text in random.sample(texts, 40):
            assert bool(glob.fullmatch(text)) == bool(plain.fullmatch(text)), (pattern, text)


@pytest.mark.parametrize("pattern", ["*a" * 40 + "b", "**a" * 40 + "b", "*a**" * 40 + "b", "[a-z]*" * 40 + "0"])
@pytest.mark.parametrize("paths", [True, False])
def test_no_pattern_takes_long(pattern, paths):
    assert compile_glob(pattern, paths=paths).fullmatch("a" * 600) is None


@pytest.mark.parametrize("pattern", ["**/lib/**", "**/a b/c/**", "lib/**", "**/*.py", "*", "/x/lib"])
def test_the_short_ways_agree_with_the_long_one(pattern):
    paths = ["lib/a", "/lib/a", "/x/lib/a", "/x/lib", "a b/c/d", "/a b/c/", "xlib/a", "", "/x/a.py", "lib/"]

    for path in paths:
        assert path_test(pattern)(path) == path_matches(compile_glob(pattern, paths=True), path), path
        assert text_test(pattern)(path) == bool(compile_glob(pattern).fullmatch(path)), path


def test_case_is_ignored_where_it_is_to_be():
    assert text_test("No*", ignore_case=True)("nO way")
    assert not text_test("No*")("nO way")
    assert path_test("C:\\App\\**")("c:/app/x")


def test_odd_classes_are_only_text():
    assert text_test("[[a--b&&]")("[")
    assert text_test("a[]")("a[]")


def test_of_a_long_text_the_beginning_is_compared():
    text = "a" * (LONGEST_VALUE - 1)

    assert text_test("*a?*b")(f"{text}b")
    assert not text_test("*a?*b")(f"{text}ab")
    assert path_test("**/*b")(f"{text}b")
    assert not path_test("**/*b")(f"{text}ab")


@pytest.mark.parametrize(
    ("pattern", "paths", "weight"),
    [
        ("name", False, 0),
        ("name*", False, 0),
        ("*name*", False, 4),
        ("a*name*bcd", False, 4),
        ("**/lib/**", True, 0),
        ("**/lib*/x.py", True, 5),
        ("**a*b", True, LONGEST_VALUE // 4),
    ],
)
def test_what_takes_an_expression_weighs_as_much_as_its_longest_part(pattern, paths, weight):
    assert weight_of(pattern, paths=paths) == weight
