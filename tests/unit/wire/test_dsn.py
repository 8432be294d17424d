"""DSNs (ingest specification, 2.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.wire.dsn import Dsn, build_dsn, parse_dsn
from vedette.wire.refusals import InvalidDsn

KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "dsn"),
    [
        (f"https://{KEY}@errors.example.org/7", Dsn("https", KEY, "errors.example.org", None, "", 7)),
        (f"http://{KEY}:secret@10.0.0.1:9000/7", Dsn("http", KEY, "10.0.0.1", 9000, "", 7)),
        (f"https://{KEY}:@host:443/a/b/7/", Dsn("https", KEY, "host", None, "/a/b", 7)),
        (f"http://{KEY}@[::1]:9000/7", Dsn("http", KEY, "::1", 9000, "", 7)),
        (f"http://{KEY}.no-cache@host/18446744073709551615", Dsn("http", KEY, "host", None, "", 2**64 - 1)),
    ],
)
def test_a_dsn_is_read(text, dsn):
    assert parse_dsn(text) == dsn


@pytest.mark.parametrize(
    "dsn",
    [
        Dsn("https", KEY, "errors.example.org", None, "", 7),
        Dsn("http", KEY, "::1", 9000, "/vedette", 7),
    ],
)
def test_a_written_dsn_is_read_back(dsn):
    assert parse_dsn(dsn.as_text()) == dsn


def test_a_dsn_is_built_from_the_address_of_the_server():
    dsn = build_dsn("http://127.0.0.1:9000/", KEY, 7)

    assert dsn.as_text() == f"http://{KEY}@127.0.0.1:9000/7"
    assert dsn.envelope_url() == "http://127.0.0.1:9000/api/7/envelope/"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        f"ftp://{KEY}@host/7",
        f"https://{KEY}@/7",
        "https://short@host/7",
        "https://host/7",
        f"https://{KEY}@host/",
        f"https://{KEY}@host/seven",
        f"https://{KEY}@host/-7",
        f"https://{KEY}@host/18446744073709551616",
        f"https://{KEY}@host:port/7",
        f"https://{KEY}@[host/7",
        f"https://{KEY}@host/{'7' * 2000}",
    ],
)
def test_what_is_no_dsn_is_refused(text):
    with pytest.raises(InvalidDsn):
        parse_dsn(text)


@given(st.text() | st.text().map(lambda tail: f"https://{KEY}@" + tail))
def test_any_text_is_a_dsn_or_refused(text):
    try:
        dsn = parse_dsn(text)
    except InvalidDsn:
        return
    assert dsn.public_key
