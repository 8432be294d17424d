"""What people see of text that strangers wrote."""

import pytest

from vedette.web.text import brief_number, one_line, plural, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain ünïcode 漢字", "plain ünïcode 漢字", id="plain"),
        pytest.param("a\u202eb", "a\u2039U+202E\u203ab", id="bidi override"),
        pytest.param("a\u2066b\u2069", "a\u2039U+2066\u203ab\u2039U+2069\u203a", id="bidi isolate"),
        pytest.param("pay\u200bpal", "pay\u2039U+200B\u203apal", id="zero-width space"),
        pytest.param("pay\u200dpal", "pay\u2039U+200D\u203apal", id="joiner between Latin letters"),
        pytest.param("👩\u200d💻", "👩\u200d💻", id="joiner in an emoji"),
        pytest.param("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e", id="non-joiner in Persian"),
        pytest.param("x\x1b[31m", "x\u2039U+001B\u203a[31m", id="terminal escape"),
        pytest.param("a\r\nb\tc", "a\nb\tc", id="line ends and tabs stay"),
        pytest.param("a\rb", "a\u2039U+000D\u203ab", id="lone carriage return"),
        pytest.param("\ud83d", "\u2039U+D83D\u203a", id="lone surrogate"),
        pytest.param("a\U000e0041", "a\u2039U+E0041\u203a", id="tag character"),
    ],
)
def test_nothing_hides_in_shown_text(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (9_999, "9,999"), (10_000, "10k"), (12_480, "12.5k"), (3_100_000, "3.1m"), (2_000_000_000, "2b")],
)
def test_a_count_stays_short(number, text):
    assert brief_number(number) == text


def test_one_line_is_the_first_that_says_something():
    assert one_line("\n\n  first  \nsecond", 10) == "first"


def test_plurals_follow_the_number():
    assert [plural(1, "event"), plural(2, "event"), plural(0, "reply", "replies")] == [
        "1 event",
        "2 events",
        "0 replies",
    ]
