from dataclasses import replace

import pytest
from django.conf import settings as django_settings
from django.test import RequestFactory

from vedette.accounts.signin_limits import FAILURES_PER_ADDRESS, Attempt, client_address


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_a_proxy_s_word_counts_when_it_is_an_address(forwarded, address, settings):
    settings.VEDETTE = replace(django_settings.VEDETTE, trust_proxy=True)

    assert client_address(RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})) == address


@pytest.mark.parametrize(
    ("one", "another", "refused"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("203.0.113.9", "::ffff:203.0.113.9", True),
        ("203.0.113.9", "203.0.113.10", False),
    ],
)
def test_a_network_of_ipv6_is_one_place(one, another, refused):
    for number in range(FAILURES_PER_ADDRESS):
        Attempt(one, f"somebody-{number}").failed()

    assert Attempt(another, "nobody").is_refused() is refused
