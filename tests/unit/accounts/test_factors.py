"""Codes of authenticator apps: RFC 6238, clocks that are off, and secrets as people keep them."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from vedette.accounts.factors import app_address, code_at, matching_step, new_secret, secret_in

SECRET = b"12345678901234567890"
# RFC 6238, appendix B, SHA-1: the last six of its eight digits.
VECTORS = {
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
    20000000000: "353130",
}


@pytest.mark.parametrize(("seconds", "code"), VECTORS.items())
def test_codes_are_those_of_the_rfc(seconds, code):
    assert code_at(SECRET, seconds // 30) == code
    assert matching_step(SECRET, code, seconds) == seconds // 30


@pytest.mark.parametrize(("off", "matches"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_off_by_one_step(off, matches):
    step = 41152263

    assert matching_step(SECRET, code_at(SECRET, step + off), step * 30 + 15.5) == (step + off if matches else None)


@pytest.mark.parametrize("code", ["", "005925", "05924", "0059240", "٠٠٥٩٢٤", "\udcff", "x" * 5000])
def test_nothing_else_matches(code):
    assert matching_step(SECRET, code, 1234567890) is None


def test_spaces_in_a_code_are_fine():
    assert matching_step(SECRET, " 005 924 ", 1234567890) == 41152263


def test_the_first_moment_of_all_has_a_code():
    assert matching_step(SECRET, code_at(SECRET, 0), 0) == 0


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", SECRET),
        ("gezd gnbv gy3t qojq gezd gnbv gy3t qojq", SECRET),
        ("JBSWY3DP", b"Hello"),
        ("JBSWY3DPEE", b"Hello!"),
        ("JBSWY3DPEE======", b"Hello!"),
    ],
)
def test_secrets_are_read_as_people_type_them(text, secret):
    assert secret_in({"secret": text}) == secret


@pytest.mark.parametrize(
    "config",
    [
        "",
        None,
        [],
        {},
        "JBSWY3DP",
        *({"secret": junk} for junk in ("", " ", "=", "A", "S1", "JBSWY3D0", "é", None, 7, {})),
    ],
)
def test_what_holds_no_secret_is_no_factor(config):
    assert secret_in(config) is None


def test_a_short_secret_works():
    assert matching_step(b"x", code_at(b"x", 5), 150) == 5


def test_a_new_secret_is_one_that_apps_take_and_another_each_time():
    one, another = new_secret(), new_secret()

    assert one != another
    assert len(secret_in({"secret": one})) == 20
    assert one.isalnum()


def test_the_address_of_an_app_names_server_and_user_and_nothing_breaks_out_of_it():
    address = app_address("GEZDGNBV", "ann:b&secret=x/?#@example.com", "vedette.example.com")

    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Vedette vedette.example.com:ann b&secret=x/?#@example.com"
    assert parse_qs(parts.query) == {"secret": ["GEZDGNBV"], "issuer": ["Vedette vedette.example.com"]}
