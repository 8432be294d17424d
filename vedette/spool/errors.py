"""The two ways in which a spool cannot take more."""

from vedette.core.errors import Refused, TryAgain


class SpoolFull(Refused):
    """429: too much, or something too old, waits to be digested. Senders are told to wait."""

    code = "spool-full"
    status = 429
    reason = "spool_full"


class SpoolUnavailable(TryAgain):
    """503: the disk does not take it (full, broken), or this process is shutting down. Nothing was acknowledged."""

    code = "spool-unavailable"
    status = 503
    reason = "spool_unavailable"
