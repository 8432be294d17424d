"""Which issues a message says it fixes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.core.ids import short_id
from vedette.shipping.messages import LONGEST_REFERENCE, MOST_REFERENCES, references


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param("Fixes WEB-1A", [("web", 42)], id="one"),
        pytest.param(
            "Fixes WEB-1A, API-7 and closes WEB-2B", [("web", 42), ("api", 7), ("web", 75)], id="several in one run"
        ),
        pytest.param("Guard null cart\n\nFixes WEB-1", [("web", 1)], id="below the subject"),
        pytest.param("fixes: web-1", [("web", 1)], id="a colon, and any letter case"),
        pytest.param("Fixes\n  WEB-1", [("web", 1)], id="a line break is white space"),
        pytest.param("Closes WEB-1! Resolves WEB-2.", [("web", 1), ("web", 2)], id="several keywords"),
        pytest.param("Fixes WEB-1 and WEB-1", [("web", 1)], id="each once"),
        pytest.param("resolves the bug of my-shop_2-1A", [("my-shop_2", 42)], id="words before it, dashes in the slug"),
        pytest.param("Fixes WEB-1-", [("web", 1)], id="a dash behind it"),
        pytest.param("Fixes #123", [], id="a number alone"),
        pytest.param("Fixes WEB-1L", [], id="a letter that no short id has"),
        pytest.param("Fixes up-to-date checks", [("up-to", 437070)], id="what only looks like one"),
        pytest.param("Fixture WEB-1", [], id="another word"),
        pytest.param("prefixes WEB-1", [], id="the end of another word"),
        pytest.param("FixesWEB-1", [], id="without white space"),
        pytest.param("Fixes : WEB-1", [], id="a colon of its own ends the run"),
        pytest.param("See WEB-1", [], id="no keyword"),
        pytest.param("Fixes (WEB-1)", [], id="a bracket ends the run"),
        pytest.param("Fixes WEB-1\u00e9", [], id="a letter of another script goes on"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_references_are_found_as_written(message, expected):
    assert references(message) == expected


@pytest.mark.parametrize(
    "keyword", ["fix", "fixes", "fixed", "close", "closes", "closed", "resolve", "resolves", "resolved"]
)
def test_every_keyword_counts(keyword):
    assert references(f"{keyword} WEB-1") == references(f"{keyword.upper()}: web-1") == [("web", 1)]


@settings(deadline=None)
@given(st.from_regex(r"[a-z][a-z0-9_-]{0,40}[a-z0-9]", fullmatch=True), st.integers(0, 2**40))
def test_what_pages_call_an_issue_is_found(slug, number):
    assert references(f"Fixes {short_id(slug, number)}.") == [(slug, number)]


@settings(deadline=None)
@given(st.text(alphabet="fixes WEB-1,:_\n\u00e9", max_size=200))
def test_any_text_can_be_read(text):
    assert all(slug == slug.lower() and number >= 0 for slug, number in references(text))


def test_a_message_is_bounded():
    many = " ".join(f"WEB-{number}" for number in range(1, 3 * MOST_REFERENCES))

    assert len(references(f"Fixes {many}")) == MOST_REFERENCES
    assert references(f"Fixes {'a' * LONGEST_REFERENCE}-1, WEB-1") == [("web", 1)]


@pytest.mark.parametrize("part", ["fix ", "fix" + " " * 50, "a-", "-_", "fix,", "fix a-_-"])
def test_a_hostile_message_is_read_once(part):
    assert references(part * 200_000 + "!") is not None
