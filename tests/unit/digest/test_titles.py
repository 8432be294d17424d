from typing import Any

import pytest

from tests.unit.digest.making import Json, an_event

FRAMES = [
    {"module": "shop.views", "filename": "shop/views.py", "function": "checkout", "in_app": True},
    {"module": "shop.cart", "filename": "shop/cart.py", "function": "total", "in_app": True},
    {"module": "json", "filename": "json/decoder.py", "function": "decode", "in_app": False},
]


def failing(platform: str = "python", frames: list[Json] | None = None, **more: Any) -> Json:
    fields = {"type": "ValueError", "value": "bad input", **more}
    return {
        "platform": platform,
        "exception": {"values": [{**fields, "stacktrace": {"frames": FRAMES if frames is None else frames}}]},
    }


@pytest.mark.parametrize(
    ("payload", "title"),
    [
        (failing(), "ValueError: bad input"),
        (failing(value=None), "ValueError"),
        (failing(value="one\ntwo"), "ValueError: one"),
        (failing(value="x" * 300), "ValueError: " + "x" * 253 + "..."),
        (failing(type=None), "Error: bad input"),
        (failing(mechanism={"type": "x", "synthetic": True}), "total"),
        (failing(frames=[], mechanism={"type": "x", "synthetic": True}), "<unknown>"),
        ({"message": "User bob gone\nat noon"}, "User bob gone"),
        ({"logentry": {"message": "User %s gone", "params": ["bob"]}}, "User bob gone"),
        ({}, "<unlabeled event>"),
    ],
)
def test_titles(payload: Json, title: str) -> None:
    assert an_event(payload).title == title


def test_the_last_exception_names_the_event() -> None:
    event = an_event({"exception": {"values": [{"type": "Cause", "value": "a"}, {"type": "Effect", "value": "b"}]}})

    assert event.title == "Effect: b"
    assert event.exception_types == ("Cause", "Effect")
    assert event.exception_values == ("a", "b")


def test_the_one_distinct_exception_of_a_group_names_the_event() -> None:
    def member(kind: str, number: int, **more: Any) -> Json:
        mechanism = {"type": "chained", "exception_id": number, **more}
        return {"type": kind, "value": f"value {number}", "mechanism": mechanism}

    values = [member("ValueError", 1, parent_id=0), member("ExceptionGroup", 0, is_exception_group=True)]

    assert an_event({"exception": {"values": values}}).title == "ValueError: value 1"


@pytest.mark.parametrize(
    ("payload", "culprit"),
    [
        (failing(), "shop.cart in total"),
        (failing("javascript", [{"filename": "src/cart", "function": "onClick", "in_app": True}]), "onClick(src/cart)"),
        (failing("native", [{"function": "Cart::total", "in_app": True}]), "Cart::total"),
        (failing(frames=FRAMES[2:]), "json in decode"),
        (failing(frames=[{"filename": "a.py", "in_app": True}]), "a.py in ?"),
        (failing(mechanism={"type": "x", "synthetic": True}), ""),
        ({**failing(), "transaction": "/cart/"}, "/cart/"),
        ({**failing(), "transaction": "/cart/", "culprit": "mine"}, "mine"),
        ({"message": "x", "request": {"url": "https://a/b?c=1"}}, "https://a/b"),
        ({"message": "x"}, ""),
    ],
)
def test_culprits(payload: Json, culprit: str) -> None:
    assert an_event(payload).culprit == culprit


def test_metadata_and_location_come_from_the_crash_frame() -> None:
    event = an_event(failing())

    assert event.location == "shop/cart.py"
    assert event.metadata == {
        "type": "ValueError",
        "value": "bad input",
        "filename": "shop/cart.py",
        "function": "total",
    }
    assert event.frame_filenames == ("shop/views.py", "shop/cart.py", "json/decoder.py")
    assert event.frame_functions == ("checkout", "total", "decode")


def test_the_search_text_says_everything_once() -> None:
    event = an_event({**failing(), "message": "bad input in cart", "transaction": "/cart/"})

    assert event.message == "bad input in cart ValueError shop/cart.py total /cart/"
