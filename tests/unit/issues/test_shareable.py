"""What of an event strangers may see: what is named, and nothing else, whatever was sent."""

import pytest

from vedette.issues.shareable import MOST_EXCEPTIONS, MOST_FRAMES, shareable

FRAME = {
    "filename": "app.py",
    "abs_path": "/home/kim/app.py",
    "function": "pay",
    "lineno": 3,
    "vars": {"password": "hunter2"},
    "context_line": "pay()",
    "pre_context": ["a", None, {"secret": 1}],
    "source_link": "https://git.example.com",
}


def frame_of(shown):
    return shown["stacktrace"]["frames"][0]


def test_a_frame_keeps_where_it_is_in_the_code_and_no_variables():
    assert frame_of(shareable({"stacktrace": {"frames": [FRAME]}})) == {
        "filename": "app.py",
        "function": "pay",
        "lineno": 3,
        "context_line": "pay()",
        "pre_context": ["a"],
    }


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("app/views.py", "app/views.py"),
        ("/home/kim/shop/app/views.py", "…/shop/app/views.py"),
        ("/app/views.py", "app/views.py"),
        (r"C:\Users\Kim\shop\app\views.cs", "…/shop/app/views.cs"),
        ("file:///Users/kim/shop/a.js", "…/kim/shop/a.js"),
        ("~/kim/x/y/z.js", "…/x/y/z.js"),
        ("https://shop.example.com/static/a.js?token=1", "https://shop.example.com/static/a.js"),
    ],
)
def test_paths_on_a_machine_are_cut_down_to_their_ends(sent, shown):
    assert frame_of(shareable({"stacktrace": {"frames": [{"filename": sent}]}}))["filename"] == shown


def test_nothing_of_anybody_is_left():
    event = {
        "title": "It broke",
        "user": {"email": "kim@example.com"},
        "request": {"cookies": {"a": "b"}},
        "breadcrumbs": {"values": [{"message": "x"}]},
        "tags": [["a", "b"]],
        "contexts": {"a": {}},
        "extra": {"a": 1},
        "threads": {"values": [{"name": "kim"}]},
        "server_name": "kims-laptop",
        "exception": {
            "values": [{"type": "E", "value": "v", "mechanism": {"type": "m", "handled": False, "data": {"a": "b"}}}]
        },
        "logentry": {"formatted": "broke 7", "message": "broke %s", "params": ["secret"]},
    }

    assert shareable(event) == {
        "title": "It broke",
        "exception": {"values": [{"type": "E", "value": "v", "mechanism": {"type": "m", "handled": False}}]},
        "logentry": {"formatted": "broke 7"},
    }


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        "x",
        {"title": {"user": "kim"}, "exception": "x", "stacktrace": [], "logentry": 1},
        {"exception": {"values": [None, 7, {}]}, "stacktrace": {"frames": "x"}, "logentry": {"formatted": {"a": 1}}},
    ],
)
def test_what_has_another_shape_is_left_out(payload):
    shown = shareable(payload)

    assert shown in ({}, {"exception": {"values": [{}]}})


def test_there_is_an_end_to_exceptions_and_frames():
    many = {"frames": [FRAME] * (MOST_FRAMES + 9)}

    shown = shareable({"stacktrace": many, "exception": {"values": [{"type": "E"}] * (MOST_EXCEPTIONS + 9)}})

    assert len(shown["stacktrace"]["frames"]) == MOST_FRAMES
    assert len(shown["exception"]["values"]) == MOST_EXCEPTIONS
