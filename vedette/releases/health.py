"""The health of releases: crash-free rates, adoption, and how much each is used.

Source: the release health specification, 6.1 to 6.4; the release specification, 13.4.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from vedette.events import queries
from vedette.events.client import EventStore
from vedette.events.rows import SessionTotals, Window
from vedette.events.together import together
from vedette.releases import rates
from vedette.releases.periods import HOUR, PERIODS, Period, last

KNOWN_DAYS = 90  # a release without sessions in the period has health data if it had any in these
BREAKDOWN_DAYS = (1, 2, 7, 14, 30)

Stat = Literal["sessions", "users"]
Key = tuple[int, str]  # project, version
NOTHING = SessionTotals()


class CrashFree:
    """What the `totals` of whatever has them say about crashes, in per cent; None where nobody can say."""

    __slots__ = ()
    totals: SessionTotals

    @property
    def crash_free_sessions(self) -> float | None:
        """The sessions that did not crash."""
        return rates.percent(rates.crash_free_sessions(self.totals))

    @property
    def crash_free_users(self) -> float | None:
        """The users who met no crash."""
        return rates.percent(rates.crash_free_users(self.totals))


@dataclass(frozen=True, slots=True)
class ReleaseHealth(CrashFree):
    """What one release does in one project. Durations are seconds, rates per cent, each None where nobody can say.

    `totals` are those of the period, `day` and `project_day` those of the release and of the whole project in the last
    24 hours, `stats` pairs of (Unix seconds, sessions or users).
    """

    totals: SessionTotals = NOTHING
    day: SessionTotals = NOTHING
    project_day: SessionTotals = NOTHING
    stats: tuple[tuple[int, int], ...] = ()
    has_data: bool = False

    @property
    def adoption(self) -> float | None:
        """The release's users among all of the project's, in the last 24 hours."""
        return rates.percent(rates.part(self.day.users, self.project_day.users))

    @property
    def sessions_adoption(self) -> float | None:
        """Its sessions among all of the project's."""
        return rates.percent(rates.part(self.day.sessions, self.project_day.sessions))

    @property
    def sessions_errored(self) -> int:
        """Sessions with an error that was nothing worse."""
        return rates.sessions_by_status(self.totals)["errored"]

    def duration(self, quantile: int) -> float | None:
        """The seconds that all but the longest sessions take; 0 is the median, 2 the 90th percentile."""
        return self.totals.duration_quantiles[quantile] if self.totals.duration_quantiles else None


@dataclass(frozen=True, slots=True)
class HealthQuestion:
    """What is asked about releases: numbers of the period `summary`, and `stat` by the buckets of `stats`."""

    projects: tuple[int, ...]
    environments: tuple[str, ...]
    now: datetime
    summary: str = "14d"
    stats: str = "24h"
    stat: Stat = "sessions"


def release_health(store: EventStore, asked: HealthQuestion, keys: Collection[Key]) -> dict[Key, ReleaseHealth]:
    """The health of each (project, version); five questions to the store, however many they are."""
    if not keys:
        return {}
    versions = sorted({version for _, version in keys})
    totals, days, series, sums, known = together(
        lambda: _totals(store, asked, summary_span(asked.summary, asked.now), versions, durations=True),
        lambda: _totals(store, asked, last(1, asked.now), versions),
        lambda: _series(store, asked, versions),
        lambda: queries.session_sums(store, _window(asked, last(1, asked.now)), ("project",)),
        lambda: queries.session_edges(store, _window(asked, last(KNOWN_DAYS, asked.now)), versions),
    )
    projects = {each.by[0]: each.totals for each in sums}
    starts = PERIODS[asked.stats].starts(asked.now)
    return {
        key: ReleaseHealth(
            totals=totals.get(key, NOTHING),
            day=days.get(key, NOTHING),
            project_day=projects.get(key[0], NOTHING),
            stats=tuple((start, series[key].get(place, 0)) for place, start in enumerate(starts)),
            has_data=key in known or totals.get(key, NOTHING).sessions > 0,
        )
        for key in keys
    }


def summary_span(period: str, now: datetime) -> tuple[datetime, datetime]:
    """The stretch of time that a period's totals are of: whole hours, also where its buckets are days."""
    chosen = PERIODS[period]
    return Period(chosen.count * chosen.interval // HOUR, HOUR).span(now)


_CRASH_RATES: dict[str, Callable[[SessionTotals], float | None]] = {
    "crash_free_sessions": rates.RATES["crash_rate(session)"],
    "crash_free_users": rates.RATES["crash_rate(user)"],
    "sessions": lambda totals: float(totals.sessions) or None,
    "users": lambda totals: float(totals.users) or None,
}
SORTS = tuple(f"{sign}{name}{suffix}" for sign in ("", "-") for name in _CRASH_RATES for suffix in ("", "_24h"))
"""What a list of releases can be ordered by: the most first, crash-free rates the least healthy first; `-` turns it."""


def scores(store: EventStore, asked: HealthQuestion, sort: str) -> dict[Key, float]:
    """What `sort` (one of `SORTS`, its sign aside) orders each (project, version) by; one without data has none."""
    name, day, _ = sort.removeprefix("-").partition("_24h")
    span = last(1, asked.now) if day else summary_span(asked.summary, asked.now)
    score = _CRASH_RATES[name]
    found = {key: score(totals) for key, totals in _totals(store, asked, span, None, users="users" in name).items()}
    return {key: value for key, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Milestone(CrashFree):
    """What had come of a release by `date`, since its first session. Rates are per cent."""

    date: datetime
    totals: SessionTotals


def breakdown(store: EventStore, asked: HealthQuestion, version: str) -> list[Milestone]:
    """How the release did 1, 2, 7, 14 and 30 days after its first session, and until now while it is younger.

    Empty for a release without sessions. Several projects count together, from the first session in any.
    """
    edges = queries.session_edges(store, _window(asked, last(KNOWN_DAYS, asked.now)), [version]).values()
    if not edges:
        return []
    first = min(edge.first for edge in edges)
    moments = [moment for days in BREAKDOWN_DAYS if (moment := first + timedelta(days=days)) < asked.now]
    if len(moments) < len(BREAKDOWN_DAYS):
        moments.append(asked.now)
    found = []
    for moment in moments:
        window = _window(asked, (first, moment))
        sums = queries.session_sums(store, window, releases=[version])
        found.append(Milestone(moment, sums[0].totals if sums else NOTHING))
    return found


def _window(asked: HealthQuestion, span: tuple[datetime, datetime]) -> Window:
    return Window(asked.projects, *span, asked.environments)


def _totals(
    store: EventStore,
    asked: HealthQuestion,
    span: tuple[datetime, datetime],
    versions: Sequence[str] | None,
    *,
    users: bool = True,
    durations: bool = False,
) -> dict[Key, SessionTotals]:
    found = queries.session_sums(
        store, _window(asked, span), ("project", "release"), releases=versions, users=users, durations=durations
    )
    return {(sums.by[0], sums.by[1]): sums.totals for sums in found}


def _series(store: EventStore, asked: HealthQuestion, versions: Sequence[str]) -> dict[Key, dict[int, int]]:
    period = PERIODS[asked.stats]
    found: dict[Key, dict[int, int]] = defaultdict(dict)
    for sums in queries.session_sums(
        store,
        _window(asked, period.span(asked.now)),
        ("project", "release"),
        interval_seconds=period.interval,
        releases=versions,
        users=asked.stat == "users",
    ):
        count = sums.totals.users if asked.stat == "users" else sums.totals.sessions
        found[sums.by[0], sums.by[1]][sums.bucket] = count
    return found
