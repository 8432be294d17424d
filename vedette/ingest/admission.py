"""Who may send, where, and whether an envelope agrees with the request that brought it.

Source: the ingest specification, 2.2 (6), 2.3 and 2.4.
"""

from collections.abc import Callable

from vedette.ingest.keys import KeyInfo
from vedette.wire.auth import Credentials, credentials_of_dsn
from vedette.wire.dsn import parse_dsn
from vedette.wire.envelope import Envelope, parse_header
from vedette.wire.origins import is_allowed_origin, request_origin
from vedette.wire.refusals import InvalidDsn, Malformed, MalformedEnvelope, Rejected, Unauthenticated

Header = Callable[[str], str | None]


def check_key(key: KeyInfo, wanted_project: int | None, header: Header) -> None:
    """Whether this key may send to this project (None: its own) from this page. Raises `Rejected` (403)."""
    if wanted_project is not None and not key.opens(wanted_project):
        raise Rejected("project_id", "the key does not belong to this project")
    if not key.active:
        raise Rejected("project_id", "the key is disabled")
    if not key.project_active:
        raise Rejected("project_id", "the project is disabled")
    if key.allowed_domains != ("*",):
        origin = request_origin(header("origin"), header("referer"))
        if not is_allowed_origin(origin, key.allowed_domains):
            raise Rejected("cors", "the origin is not allowed for this project")


def credentials_in(plain: bytes) -> Credentials:
    """The credentials in the envelope's own header, when the request has none. Raises `Unauthenticated` (401)."""
    try:
        header, _ = parse_header(plain)
    except MalformedEnvelope as error:
        raise Unauthenticated("bad envelope authentication header", causes=(str(error),)) from error
    return credentials_of_dsn(header.get("dsn"))


def check_consistency(envelope: Envelope, credentials: Credentials, key: KeyInfo, header: Header) -> None:
    """What the envelope says of itself must be what the request says. Raises `Malformed` (400)."""
    dsn_text = envelope.header.get("dsn")
    if dsn_text is not None:
        try:
            dsn = credentials.dsn or parse_dsn(dsn_text if isinstance(dsn_text, str) else "")
        except InvalidDsn as error:
            raise MalformedEnvelope("invalid envelope header", causes=(str(error),)) from error
        if dsn.public_key != credentials.public_key:
            raise Malformed("the dsn of the envelope header does not match the public key of the request")
        if not key.opens(dsn.project_id):
            raise Malformed("the dsn of the envelope header does not match the project id of the request")
    declared = envelope.header.get("origin")
    if isinstance(declared, str):
        origin = request_origin(header("origin"), header("referer"))
        if origin is not None and origin.rstrip("/") != declared.rstrip("/"):
            raise Malformed("the origin of the envelope header does not match the origin of the request")
