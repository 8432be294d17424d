"""Which pages may send to a project (ingest specification, 2.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.wire.origins import is_allowed_origin, request_origin


@pytest.mark.parametrize(
    ("origin", "referer", "expected"),
    [
        ("https://a.example", "https://b.example/x", "https://a.example"),
        (None, "https://b.example/x", "https://b.example/x"),
        ("", "http://b.example", "http://b.example"),
        ("null", "https://b.example", None),
        ("chrome-extension://abc", None, None),
        (None, None, None),
    ],
)
def test_the_origin_is_the_page_that_sends(origin, referer, expected):
    assert request_origin(origin, referer) == expected


@pytest.mark.parametrize(
    ("origin", "domains", "allowed"),
    [
        (None, [], True),
        ("https://example.com", [], False),
        ("https://example.com", ["*"], True),
        ("https://example.com", ["*.example.com"], True),
        ("https://a.b.example.com", ["*.example.com"], True),
        ("https://badexample.com", ["*.example.com"], False),
        ("https://example.com", ["example.com"], True),
        ("https://EXAMPLE.com", ["Example.COM"], True),
        ("https://sub.example.com", ["example.com"], False),
        ("https://example.com:8443", ["example.com"], False),
        ("https://example.com:443", ["example.com"], True),
        ("https://example.com:8443", ["example.com:8443"], True),
        ("http://example.com:80", ["http://example.com"], True),
        ("http://example.com", ["https://example.com"], False),
        ("https://example.com/shop/cart", ["https://example.com/shop"], True),
        ("https://example.com/blog", ["example.com/shop"], False),
        ("https://example.com", ["", "other.example", "example.com"], True),
        ("https://example.com:port", ["example.com"], False),
        ("https://[broken", ["example.com"], False),
    ],
)
def test_allowed_domains_are_compared(origin, domains, allowed):
    assert is_allowed_origin(origin, domains) is allowed


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_text_gets_an_answer(origin, domains):
    assert is_allowed_origin("http://" + origin, domains) in (True, False)
