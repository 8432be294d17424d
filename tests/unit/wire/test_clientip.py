"""The client's address (ingest specification, 2.5)."""

import pytest

from vedette.wire.clientip import address_in, client_address, peer_address

PEER = "10.0.0.1:5000"


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({}, "10.0.0.1"),
        ({"x-forwarded-for": "1.1.1.1, 2.2.2.2"}, "1.1.1.1"),
        ({"x-forwarded-for": "1.1.1.1", "cf-connecting-ip": "3.3.3.3"}, "3.3.3.3"),
        ({"x-forwarded-for": " , 2.2.2.2"}, "10.0.0.1"),
        ({"cf-connecting-ip": "", "x-sentry-forwarded-for": "4.4.4.4"}, "4.4.4.4"),
        ({"x-vercel-forwarded-for": "5.5.5.5", "x-forwarded-for": "1.1.1.1"}, "5.5.5.5"),
        ({"x-forwarded-for": "unknown, 2.2.2.2"}, "10.0.0.1"),
        ({"cf-connecting-ip": "<script>", "x-forwarded-for": "1.1.1.1"}, "10.0.0.1"),
        ({"x-forwarded-for": "[2001:db8::1]:443, 2.2.2.2"}, "2001:db8::1"),
        ({"x-forwarded-for": "1.1.1.1:5000"}, "1.1.1.1"),
        ({"x-forwarded-for": "9" * 5000}, "10.0.0.1"),
    ],
)
def test_behind_a_trusted_proxy_the_first_forwarded_address_counts(headers, address):
    assert client_address(headers.get, PEER, trust_proxy=True) == address


def test_without_a_trusted_proxy_headers_are_only_a_claim():
    assert client_address({"x-forwarded-for": "1.1.1.1"}.get, PEER, trust_proxy=False) == "10.0.0.1"


def test_the_brackets_of_an_ipv6_peer_are_taken_off():
    assert peer_address("[::1]:5000") == "::1"


@pytest.mark.parametrize("text", ["", "a", "1.1.1", "fe80::1%eth0", "1.1.1.1, 2.2.2.2", "::1\r\nx: y"])
def test_what_is_no_address_is_none(text):
    assert address_in(text) == ""
