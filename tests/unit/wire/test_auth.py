"""Credentials in every form (ingest specification, 2.2)."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.errors import Refused
from vedette.wire.auth import Credentials, credentials_of_dsn, parse_auth_header, read_credentials
from vedette.wire.refusals import Malformed, Unauthenticated

KEY = "0123456789abcdef0123456789abcdef"
BASIC = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"Sentry sentry_key={KEY}",
        f"sentry sentry_key={KEY}",
        f"SENTRY   sentry_version=7,sentry_key={KEY} ,  sentry_client=demo.client/1.0",
        f"Sentry key={KEY}, version=7",
        f"Sentry sentry_timestamp=1, sentry_secret=x, colour=red, sentry_key={KEY},",
        f"Sentry sentry_version=2.0, sentry_key={KEY}",
        f"Sentry sentry_key={KEY}.no-cache",
    ],
)
def test_the_header_is_read_in_all_its_spellings(text):
    assert parse_auth_header(text).public_key == KEY


def test_client_and_version_are_kept():
    text = f"Sentry sentry_version=6, sentry_client=demo.client/1.0, sentry_key={KEY}"

    assert parse_auth_header(text) == Credentials(KEY, "demo.client/1.0", 6)


def test_the_version_is_seven_unless_said():
    assert parse_auth_header(f"Sentry sentry_key={KEY}").version == 7


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sentry",
        "Bearer x",
        f"sentry_key={KEY}",
        "Sentry sentry_version=7",
        "Sentry sentry_key=",
        "Sentry sentry_key=abc",
        f"Sentry sentry_key={KEY}0",
        f"Sentry sentry_key={KEY[:-1]}ä",
        f"Sentry sentry_key={KEY}, sentry_version=seven",
        "Sentry sentry_key=" + "x" * 5000,
    ],
)
def test_a_bad_header_is_401(text):
    with pytest.raises(Unauthenticated, match="bad x-sentry-auth header") as caught:
        parse_auth_header(text)

    assert caught.value.status == 401


def test_a_newer_protocol_is_400():
    with pytest.raises(Malformed, match="unsupported protocol version") as caught:
        parse_auth_header(f"Sentry sentry_version=8, sentry_key={KEY}")

    assert caught.value.status == 400


FORMS = {
    "x-sentry-auth": (f"Sentry sentry_key={KEY}", None, "", None),
    "authorization sentry": (None, f"Sentry sentry_key={KEY}", "", None),
    "authorization basic": (None, BASIC, "", None),
    "query": (None, None, f"sentry_key={KEY}&sentry_version=7&sentry_client=js%2F1", None),
    "path": (None, None, "", KEY),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_every_place_is_looked_at(form):
    credentials = read_credentials(*form)

    assert credentials is not None
    assert credentials.public_key == KEY


def test_the_query_says_client_and_version():
    assert read_credentials(None, None, f"a=b&sentry_key={KEY}&sentry_version=5&sentry_client=js%2F1") == Credentials(
        KEY, "js/1", 5
    )


@pytest.mark.parametrize("authorization", [None, "Bearer abc", "DSN https://x@y/1"])
def test_no_credentials_are_none(authorization):
    assert read_credentials(None, authorization, "a=b") is None


@pytest.mark.parametrize(
    "pair",
    [(a, b) for a in FORMS for b in FORMS if a < b and not (a.startswith("auth") and b.startswith("auth"))],
    ids=lambda pair: " and ".join(pair),
)
def test_credentials_in_two_places_are_401(pair):
    first, second = FORMS[pair[0]], FORMS[pair[1]]
    header, authorization, query, path_key = (a or b for a, b in zip(first, second, strict=True))

    with pytest.raises(Unauthenticated, match="multiple authorization payloads detected"):
        read_credentials(header, authorization, query or "", path_key)


@pytest.mark.parametrize(
    "authorization", ["Basic !!!", "Basic " + base64.b64encode(b"\xff\xfe:").decode(), "Basic eDo="]
)
def test_bad_basic_credentials_are_401(authorization):
    with pytest.raises(Unauthenticated):
        read_credentials(None, authorization, "")


def test_a_query_that_only_mentions_sentry_is_401():
    with pytest.raises(Unauthenticated, match="bad x-sentry-auth header"):
        read_credentials(None, None, "sentry_version=7")


@pytest.mark.parametrize("secret", ["", ":", ":abc"], ids=["no secret", "empty secret", "secret"])
def test_the_envelope_dsn_is_a_credential(secret):
    credentials = credentials_of_dsn(f"https://{KEY}{secret}@errors.example.org/7")

    assert credentials.public_key == KEY
    assert credentials.dsn is not None
    assert credentials.dsn.project_id == 7


def test_without_any_credentials_the_information_is_missing():
    with pytest.raises(Unauthenticated, match="missing authorization information"):
        credentials_of_dsn(None)


@pytest.mark.parametrize("dsn", ["", "https://errors.example.org/7", f"ftp://{KEY}@host/7", f"https://{KEY}@host/x"])
def test_a_bad_envelope_dsn_is_401(dsn):
    with pytest.raises(Unauthenticated, match="bad envelope authentication header"):
        credentials_of_dsn(dsn)


@given(st.text(), st.text(), st.text())
def test_any_text_is_read_or_refused(header, authorization, query):
    try:
        read_credentials(header, "Basic " + authorization, query)
        status = 200
    except Refused as refused:
        status = refused.status

    assert status in (200, 400, 401)
