from typing import Any

import pytest

from vedette.scrub import rules
from vedette.scrub.rules import FILTERED
from vedette.scrub.scrubber import Scrubber, Sweep
from vedette.scrub.suspicion import Probe, look

CARD = "4111 1111 1111 1111"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"


def sweep(
    *, defaults: bool = True, addresses: bool = False, sensitive: tuple[str, ...] = (), safe: tuple[str, ...] = ()
) -> Sweep:
    scrubber = Scrubber(True, defaults, addresses, sensitive, safe)
    everything = tuple(word for probe in scrubber._probes for _, word in probe.words)
    return Sweep(scrubber, scrubber.suspect(b" ".join(w.encode() + b'" ' for w in everything) + CARD.encode()))


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "MY_PASSWORD",
        "secret_sauce",
        "passwd",
        "api_key",
        "X-Api-Key",
        "apikey",
        "author",
        "credentials",
        "mysql_pwd",
        "privatekey",
        "private_key",
        "private-key",
        "api-key",
        "csrf_token",
        "otp",
        "two-factor",
        "two_factor",
    ],
)
def test_a_secret_key_hides_its_value(key: str) -> None:
    cleaned = sweep().value({key: "x", "number": {key: 17}, "list": {key: [1]}, "flag": {key: True}}, ())

    assert cleaned == {key: FILTERED, "number": {key: None}, "list": {key: None}, "flag": {key: True}}


@pytest.mark.parametrize("key", ["name", "otps", "pass", "key", "user_id", "cookie_count"])
def test_other_keys_do_not(key: str) -> None:
    assert sweep().value({key: "x"}, ()) == {key: "x"}


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("my Password is x", FILTERED),
        ("token=abc", FILTERED),
        ('{"access_token": "abc"}', FILTERED),
        ("the token ring", "the token ring"),
        ("otp", FILTERED),
        ("otp and more", "otp and more"),
        (f"paid with {CARD} yesterday", f"paid with {FILTERED} yesterday"),
        ("amex 371449635398431", f"amex {FILTERED}"),
        ("mastercard 5105 1051 0510 5100", f"mastercard {FILTERED}"),
        ("mastercard 5555555555554444", f"mastercard {FILTERED}"),
        ("discover 6011-1111-1111-1117", f"discover {FILTERED}"),
        ("jcb 3530111333300000", "jcb 3530111333300000"),
        ("order 41111111111111112", "order 41111111111111112"),
        ("IBAN DE89370400440532013000.", f"IBAN {FILTERED}."),
        ("IBAN DE89 3704 0044 0532 0130 00", f"IBAN {FILTERED}"),
        ("ssn 078-05-1120", f"ssn {FILTERED}"),
        ("2078-05-11201", "2078-05-11201"),
        ("postgres://bob:hunter2@db/x", f"postgres://bob:{FILTERED}@db/x"),
        ("Bearer abc.def", f"Bearer {FILTERED}"),
        (PEM, f"-----BEGIN RSA PRIVATE KEY-----{FILTERED}-----END RSA PRIVATE KEY-----"),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIEow\n-----END PRIVATE KEY-----",
            f"-----BEGIN PRIVATE KEY-----{FILTERED}-----END PRIVATE KEY-----",
        ),
        ("the private-key of bob", FILTERED),
        ("the api-key of bob", FILTERED),
        (PEM[:40], f"-----BEGIN RSA PRIVATE KEY-----{FILTERED}"),
        ("nothing to see", "nothing to see"),
    ],
)
def test_a_secret_in_a_text_goes(text: str, cleaned: str) -> None:
    assert sweep().value({"note": text}, ()) == {"note": cleaned}
    assert sweep().value([text], ()) == [cleaned]


def test_numbers_are_not_looked_into() -> None:
    assert sweep().value({"number": 4111111111111111}, ()) == {"number": 4111111111111111}


def test_sensitive_fields_work_like_the_default_words() -> None:
    with_field = sweep(defaults=False, sensitive=(" Shoe_Size ",))

    assert with_field.value({"shoe_size_eu": 44, "note": "shoe_size 44", "password": "x"}, ()) == {
        "shoe_size_eu": None,
        "note": FILTERED,
        "password": "x",
    }


def test_safe_fields_are_exempt_at_any_depth() -> None:
    value: Any = {"a": {"password": "x", "token": {"secret": "y"}, "author": "z"}}

    assert sweep(safe=("Password", "token")).value(value, ()) == {
        "a": {"password": "x", "token": {"secret": "y"}, "author": FILTERED}
    }


def test_addresses_go_when_asked() -> None:
    cleaned = sweep(addresses=True).value({"peer": "from 10.0.0.1 via fe80::1 at 12:30"}, ())

    assert cleaned == {"peer": "from [ip] via [ip] at 12:30"}


def test_a_replacement_leaves_a_remark() -> None:
    pass_over = sweep()
    pass_over.value({"a": [{"note": f"ssn 078-05-1120 and {CARD}"}], "password": 1}, ("extra",))

    assert [(r.path, r.rule, r.kind, r.start, r.end, r.length) for r in pass_over.remarks] == [
        (("extra", "a", "0", "note"), "@creditcard:filter", "s", 20, 30, 39),
        (("extra", "a", "0", "note"), "@usssn:filter", "s", 4, 14, 30),
        (("extra", "password"), "@password:filter", "x", 0, 0, None),
    ]


def test_sign_in_cookies_go_as_a_whole() -> None:
    pairs = [["sessionid", "abc"], ["theme", "dark"], ["CSRFToken", "x"]]
    sweep().cookies(pairs, ())

    assert pairs == [["sessionid", FILTERED], ["theme", "dark"], ["CSRFToken", FILTERED]]


def test_every_word_has_a_probe_that_finds_it() -> None:
    words = {*rules.WORDS, *rules.WHOLE_WORDS, rules.TOKEN}

    assert {word for group in rules.PROBES.values() for word in group} == words
    assert all(start in word for start, group in rules.PROBES.items() for word in group)


@pytest.mark.parametrize(
    "text",
    [
        b'"n":"4111-1111-1111-1111"',
        b'"4111111111111111"',
        b'"078-05-1120"',
        b'"DE89370400440532013000"',
        b'"BEARER x"',
        b'"https://u:p@h"',
        b'"https:\\/\\/u:p@h"',
        b'"3714 496353 98431"',
        PEM.encode(),
        b'"\\u0070assword"',
    ],
)
def test_the_first_glance_misses_no_shape(text: bytes) -> None:
    assert look(text, (), True).of(text)


def test_the_first_glance_passes_over_what_is_clean() -> None:
    probe = Probe(b"passw", ((b"password", "password"),))

    assert not look(b'{"a": "SHA256 of a passwort, 2024-01-02T03:04:05.123456Z, 1700000000"}', (probe,), True)
    assert look(b'{"a": "PASSWORD"}', (probe,), True).words == ("password",)
