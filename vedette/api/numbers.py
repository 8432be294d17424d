"""What the event store knows about issues, for whole lists: one question each, however many issues."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from vedette.api.filters import TimeRange
from vedette.events import queries
from vedette.events.connection import event_store
from vedette.events.filters import TagFilter
from vedette.events.rows import IssueStats, Window
from vedette.issues.stream import CLOCK_SKEW, series_window
from vedette.orgs.options import LONGEST_RETENTION

UNHANDLED = TagFilter("error.unhandled", "=", ("true",))


def always(now: datetime) -> TimeRange:
    """All the time that events may be kept for, and what senders' clocks are ahead."""
    return TimeRange(now - timedelta(days=LONGEST_RETENTION), now + CLOCK_SKEW)


def with_skew(asked: TimeRange, now: datetime) -> TimeRange:
    """A window that ends now, a little longer: some senders' clocks are ahead."""
    return TimeRange(asked.start, asked.end + CLOCK_SKEW) if asked.end == now else asked


def window(projects: Sequence[int], when: TimeRange, environments: tuple[str, ...] = ()) -> Window:
    """The question's window. `projects` may not be empty."""
    return Window(tuple(projects), when.start, when.end, environments)


def unhandled(where: Window, ids: Sequence[int]) -> set[int]:
    """Which of these issues have an unhandled error in the window."""
    return set(queries.issue_stats(event_store(), where, ids, tags=(UNHANDLED,)))


def stats(
    where: Window, ids: Sequence[int], tags: Sequence[TagFilter] = (), text: str | None = None
) -> dict[int, IssueStats]:
    """Counts, users and edges of these issues in the window; without events in it an issue is missing."""
    return queries.issue_stats(event_store(), where, ids, tags=tags, text=text)


def series(where: Window, group_id: int, period: str, now: datetime) -> list[tuple[int, int]]:
    """Points of (Unix seconds, events) of one issue: `24h` by hours, `30d` by days."""
    if period == "30d":
        day = 86_400
        last = int(now.timestamp()) // day * day
        start = datetime.fromtimestamp(last - 29 * day, now.tzinfo)
        span, interval = Window(where.projects, start, start + timedelta(days=30), where.environments), day
    else:
        span, interval = series_window(period, where, now)
    counts = queries.series(event_store(), span, interval, group_id)
    return list(zip(queries.bucket_starts(span, interval), counts, strict=True))
