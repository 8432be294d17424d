"""Why ingest cannot answer now: nobody's fault at the sender."""

from vedette.core.errors import TryAgain


class Busy(TryAgain):
    """503: too many bytes are in flight, or the server is shutting down."""

    code = "busy"
    status = 503
    reason = "busy"


class KeysUnavailable(TryAgain):
    """503: a key is not known here and the database that knows it is away."""

    code = "keys-unavailable"
    status = 503
    reason = "keys_unavailable"
