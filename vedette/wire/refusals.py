"""The ways in which ingest says no, each with its HTTP status and the reason under which it is counted.

Source: the ingest specification, 5.1 (statuses and bodies) and 5.4 (outcomes and their reasons).
"""

from vedette.core.errors import Refused


class Malformed(Refused):
    """400: the body or the path is not what the protocol says."""

    code = "malformed"
    status = 400
    reason = "invalid_envelope"

    def __init__(self, detail: str, *, causes: tuple[str, ...] = (), reason: str = "") -> None:
        super().__init__(detail, causes=causes)
        if reason:
            self.reason = reason


class MalformedEnvelope(Malformed):
    """400: the envelope breaks a rule of the grammar; nothing of it is processed."""

    code = "malformed-envelope"


class MalformedStore(Malformed):
    """400: the body of the store endpoint is not one event."""

    code = "malformed-store"
    reason = "invalid_json"


class UndecodableBody(Malformed):
    """400: the content encoding is unknown, or the body is not in it, or ends too early."""

    code = "undecodable-body"
    reason = "invalid_encoding"


class InvalidDsn(Malformed):
    """400: a text is not a DSN."""

    code = "invalid-dsn"


class Unauthenticated(Refused):
    """401: credentials are missing, given twice, or unreadable."""

    code = "unauthenticated"
    status = 401


class Rejected(Refused):
    """403: the credentials are readable, but this key may not send here. `reason` is the outcome's reason code."""

    code = "rejected"
    status = 403

    def __init__(self, reason: str, cause: str) -> None:
        super().__init__(f"event submission rejected with_reason: {reason}", causes=(cause,))
        self.reason = reason


class TooLarge(Refused):
    """413: the body or one of its items is beyond its limit."""

    code = "too-large"
    status = 413
    reason = "too_large"


class UnsupportedType(Refused):
    """415: the endpoint does not take bodies of this content type."""

    code = "unsupported-type"
    status = 415
    reason = "content_type"
