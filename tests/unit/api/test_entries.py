"""Stored interfaces in the words of the API."""

import pytest

from vedette.api.shapes.entries import as_frame, entries_of

WRONG = [None, 0, 1, "x", [], ["x"], [None], {}, {"values": 1}, {"values": [1, None, []]}, True, 1.5]
NAMES = (
    "logentry exception stacktrace threads template breadcrumbs request csp hpkp expectct debug_meta spans contexts"
).split()


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_nothing_of_the_wrong_type_raises(value):
    entries, names = entries_of(dict.fromkeys(NAMES, value))

    assert len(entries) == len(names)


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_no_part_of_the_wrong_type_raises(value):
    exception = {"type": value, "mechanism": value, "stacktrace": value, "raw_stacktrace": {"frames": [value, {}]}}
    crumb = {"timestamp": value, "data": value}
    request = {"url": value, "query_string": value, "headers": value, "cookies": value}

    entries, _ = entries_of({"exception": [exception], "breadcrumbs": [crumb], "request": request})

    assert [kind for kind, _ in entries] == ["exception", "breadcrumbs", "request"]


def test_a_frame_has_its_lines_numbered():
    frame = as_frame({"lineno": 3, "pre_context": ["a", None], "context_line": "c", "post_context": ["d"], "in_app": 1})

    assert frame["context"] == [[1, "a"], [2, ""], [3, "c"], [4, "d"]]
    assert frame["inApp"] is False


@pytest.mark.parametrize("frame", [{"lineno": 3}, {"context_line": "c"}, {"lineno": "3", "context_line": "c"}])
def test_a_frame_without_a_line_has_no_context(frame):
    assert as_frame(frame)["context"] == []


@pytest.mark.parametrize(
    ("in_app", "system"), [([True, False], True), ([True, True], False), ([False, False], False), ([], False)]
)
def test_system_frames_are_worth_a_word_beside_own_ones(in_app, system):
    stack = {"frames": [{"in_app": own} for own in in_app]}

    ((_, data),), _ = entries_of({"stacktrace": stack})

    assert data["hasSystemFrames"] is system


def test_a_relative_url_is_none():
    ((_, data),), _ = entries_of({"request": {"url": "/cart", "query_string": {"a": "1"}}})

    assert (data["url"], data["query"]) == (None, [["a", "1"]])
