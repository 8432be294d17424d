from dataclasses import replace

import pytest
from django.conf import settings as django_settings
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.test import RequestFactory

from vedette.accounts import signin_limits
from vedette.accounts.signin_limits import FAILURES_PER_ADDRESS, FAILURES_PER_NAME, Attempt, client_address


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


def test_while_redis_is_away_people_sign_in_and_guessers_are_braked(monkeypatch):
    away = RedisCache("redis://127.0.0.1:1/0", {"OPTIONS": {"socket_timeout": 0.1}})
    monkeypatch.setattr(signin_limits, "cache", away)
    monkeypatch.setattr(signin_limits, "_own", LocMemCache("of this test", {}))
    somebody, guesser = Attempt("203.0.113.9", "jane"), Attempt("203.0.113.77", "bob")

    somebody.succeeded()
    for _ in range(FAILURES_PER_NAME):
        guesser.failed()

    assert not somebody.is_refused()
    assert guesser.is_refused()
