"""The ways in which a spool, or the park beside it, cannot take more."""

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


class ParkFull(TryAgain):
    """The digest waits until somebody has decided about what is parked; meanwhile the spool keeps what comes."""

    code = "park-full"
    hint = "`vedette parked list` says what is parked; replay or drop it"
