"""How pages say when: relative on the surface, exact on demand, always UTC underneath."""

from datetime import UTC, datetime

_STEPS = (
    (60, 1, "s"),
    (3600, 60, "min"),
    (86_400, 3600, "h"),
    (86_400 * 60, 86_400, "d"),
    (86_400 * 730, 2_592_000, "mo"),
)


def age(moment: datetime, now: datetime) -> str:
    """The time from `moment` to `now` in one unit: `12min`, `3h`, `41d`; "now" for less than five seconds.

    A moment ahead of `now` (a client's clock) is "in 5min".
    """
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 5:
        return "now"
    span = abs(seconds)
    limit_size_unit = next(((size, unit) for limit, size, unit in _STEPS if span < limit), (31_557_600, "y"))
    text = f"{int(span // limit_size_unit[0])}{limit_size_unit[1]}"
    return text if seconds > 0 else f"in {text}"


def exact(moment: datetime) -> str:
    """`2026-11-21 07:45:12 UTC`: what is shown on focus."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def machine(moment: datetime) -> str:
    """RFC 3339, to the second: what is copied."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def offset(seconds: float) -> str:
    """A distance in time before the event: `-1.2 s`, `-3 min`, with a true minus sign."""
    sign = "\u2212" if seconds <= 0 else "+"
    span = abs(seconds)
    if span < 0.0005:
        return "0 s"
    if span < 1:
        return f"{sign}{span * 1000:.0f} ms"
    if span < 60:
        return f"{sign}{span:.1f} s"
    if span < 3600:
        return f"{sign}{span / 60:.0f} min"
    if span < 86_400:
        return f"{sign}{span / 3600:.0f} h"
    return f"{sign}{span / 86_400:.0f} d"
