"""Credentials of an ingest request, in every form in which SDKs send them.

Source: the ingest specification, 2.2. Of the header, the two forms of `Authorization`, the query string and the path
at most one may be present; the envelope's own `dsn` header counts only when all of them are absent.
"""

import base64
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from vedette.wire.dsn import Dsn, parse_dsn, public_key
from vedette.wire.refusals import InvalidDsn, Malformed, Unauthenticated

PROTOCOL_VERSION = 7
MAX_HEADER_LENGTH = 4096
MAX_CLIENT_LENGTH = 256
_BAD_HEADER = "bad x-sentry-auth header"
_BAD_KEY = "bad sentry DSN public key"
_SENTRY = re.compile(r"sentry\s+(.*)", re.IGNORECASE | re.DOTALL)
_VERSION = re.compile(r"(\d{1,9})(?:\.\d{1,9})?")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks. `client` is `name/version` as the SDK says it, or ""; `dsn` is set when it came from the envelope."""

    public_key: str
    client: str = ""
    version: int = PROTOCOL_VERSION
    dsn: Dsn | None = None


def read_credentials(
    x_sentry_auth: str | None, authorization: str | None, query: str, path_key: str | None = None
) -> Credentials | None:
    """The credentials that came with the request's head; None if there are none at all.

    `query` is the raw query string, `path_key` a key in the path. Raises `Unauthenticated` (401) for credentials that
    are unreadable or come twice, `Malformed` (400) for a protocol newer than ours.
    """
    if x_sentry_auth and not authorization and not path_key and "sentry_" not in query:
        return parse_auth_header(x_sentry_auth)  # what nearly every request looks like
    found: list[Credentials] = []
    if x_sentry_auth:
        found.append(parse_auth_header(x_sentry_auth))
    if authorization:
        scheme = authorization[:7].lower()
        if scheme.startswith("sentry"):
            found.append(parse_auth_header(authorization))
        elif scheme.startswith("basic "):
            found.append(_from_basic(authorization[6:]))
    if "sentry_" in query:
        found.append(_from_query(query))
    if path_key:
        found.append(_credentials({"key": path_key}))
    if len(found) > 1:
        raise Unauthenticated("multiple authorization payloads detected")
    return found[0] if found else None


@lru_cache(maxsize=2048)
def parse_auth_header(text: str) -> Credentials:
    """Read `Sentry sentry_key=…, sentry_version=7, …`. An SDK repeats its header word for word, hence the cache."""
    match = _SENTRY.fullmatch(text.strip()) if len(text) <= MAX_HEADER_LENGTH else None
    if match is None:
        raise Unauthenticated(_BAD_HEADER)
    fields: dict[str, str] = {}
    for pair in match[1].split(","):
        name, _, value = pair.partition("=")
        fields[name.strip().lower().removeprefix("sentry_")] = value.strip()
    return _credentials(fields)


def credentials_of_dsn(header_dsn: object) -> Credentials:
    """The credentials in an envelope's `dsn` header, tried last. Raises `Unauthenticated` (401)."""
    if not isinstance(header_dsn, str):
        raise Unauthenticated("missing authorization information")
    try:
        dsn = parse_dsn(header_dsn)
    except InvalidDsn as error:
        raise Unauthenticated("bad envelope authentication header", causes=(str(error),)) from error
    return Credentials(dsn.public_key, dsn=dsn)


def _from_basic(encoded: str) -> Credentials:
    try:
        user = base64.b64decode(encoded.strip(), validate=True).decode("ascii").partition(":")[0]
    except ValueError as error:  # not base64, or not ASCII inside or outside of it
        raise Unauthenticated(_BAD_HEADER) from error
    return _credentials({"key": user})


def _from_query(query: str) -> Credentials:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise Unauthenticated(_BAD_HEADER, causes=("too many query parameters",)) from error
    return _credentials({name[7:]: value for name, value in pairs if name.startswith("sentry_")})


def _credentials(fields: dict[str, str]) -> Credentials:
    """Only names that the protocol knows are looked at; the secret and the time stamp are obsolete."""
    if not fields.get("key"):
        raise Unauthenticated(_BAD_HEADER, causes=("sentry_key is missing",))
    key = public_key(fields["key"])
    if key is None:
        raise Unauthenticated(_BAD_HEADER, causes=(_BAD_KEY,))
    return Credentials(key, fields.get("client", "")[:MAX_CLIENT_LENGTH], _version(fields.get("version", "")))


def _version(text: str) -> int:
    if not text:
        return PROTOCOL_VERSION
    match = _VERSION.fullmatch(text)
    if match is None:
        raise Unauthenticated(_BAD_HEADER, causes=("sentry_version is not a number",))
    version = int(match[1])
    if version > PROTOCOL_VERSION:
        raise Malformed("unsupported protocol version", reason="auth_version")
    return version
