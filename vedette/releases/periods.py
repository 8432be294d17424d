"""The periods that health is told for, and the buckets that they are drawn in.

Source: the release specification, 13.4.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from vedette.core.clock import from_unix

HOUR = 3600
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Period:
    """`count` buckets of `interval` seconds, the last of which holds now."""

    count: int
    interval: int

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """From the first bucket's start to the last one's end."""
        end = (int(now.timestamp()) // self.interval + 1) * self.interval
        return from_unix(end - self.count * self.interval), from_unix(end)

    def starts(self, now: datetime) -> list[int]:
        """When each bucket begins, Unix seconds."""
        first = int(self.span(now)[0].timestamp())
        return [first + place * self.interval for place in range(self.count)]


PERIODS = {
    "1h": Period(1, HOUR),
    "24h": Period(24, HOUR),
    "1d": Period(24, HOUR),
    "48h": Period(48, HOUR),
    "2d": Period(48, HOUR),
    "7d": Period(7, DAY),
    "14d": Period(14, DAY),
    "30d": Period(30, DAY),
    "90d": Period(30, 3 * DAY),
}


def last(days: int, now: datetime) -> tuple[datetime, datetime]:
    """The last days by whole hours, the present one included."""
    end = from_unix((int(now.timestamp()) // HOUR + 1) * HOUR)
    return end - timedelta(days=days), end
