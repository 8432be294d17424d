"""How a release does over time: its sessions and crashes, or its errors where nobody tells sessions; and when it was
deployed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from vedette.core import clock
from vedette.events import queries
from vedette.events.client import EventStore, StoreUnavailable
from vedette.events.connection import event_store
from vedette.events.filters import TagFilter
from vedette.events.rows import SessionTotals, Window
from vedette.releases import rates
from vedette.releases.health import NOTHING, CrashFree, summary_span
from vedette.releases.models import Deploy
from vedette.releases.periods import PERIODS, last
from vedette.web.charts import Curve, Timeline, curve, timeline
from vedette.web.moments import exact
from vedette.web.releasepage import OpenedRelease
from vedette.web.text import visible

WIDTH, HEIGHT = 960, 112
CURVE_HEIGHT = 48
Moments = Sequence[tuple[datetime, str]]
FLOORS = (99.0, 95.0, 90.0, 75.0, 50.0, 0.0)  # where a curve of crash-free rates begins: the next below all of them


@dataclass(frozen=True, slots=True)
class Totals(CrashFree):
    """The sessions of a release in all of the projects that are shown."""

    totals: SessionTotals = NOTHING


@dataclass(frozen=True, slots=True)
class Pulse:
    """The numbers of a period. `before` are those of the release before it in the same period; `errors` are drawn where
    there are no sessions. `adoption` is per cent of the last day's users, or of its sessions where nobody tells users.
    """

    now: Totals
    before: Totals
    adoption: float | None = None
    sessions: Timeline | None = None
    rate: Curve | None = None
    errors: Timeline | None = None

    @property
    def change(self) -> float | None:
        """By how many points the crash-free rate of sessions is better than before; None where nobody can say."""
        mine, other = self.now.crash_free_sessions, self.before.crash_free_sessions
        return None if mine is None or other is None else mine - other


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is looked at: `version` in the projects, and the version before it."""

    store: EventStore
    projects: tuple[int, ...]
    environments: tuple[str, ...]
    version: str
    previous: str | None
    period: str
    now: datetime

    def window(self, span: tuple[datetime, datetime]) -> Window:
        return Window(self.projects, *span, self.environments)


def load_pulse(
    opened: OpenedRelease, period: str, environment: str, previous: str | None, deploys: Sequence[Deploy]
) -> Pulse | None:
    """How the release does in the projects that are shown; None while the event store is away, and without projects."""
    if not opened.shown:
        return None
    asked = _Asked(
        store=event_store(),
        projects=tuple(project.pk for project in opened.shown),
        environments=(environment,) if environment else (),
        version=opened.release.version,
        previous=previous,
        period=period,
        now=clock.now(),
    )
    moments = [(deploy.date_finished, _told(deploy)) for deploy in deploys]
    try:
        return _pulse(asked, moments)
    except StoreUnavailable:
        return None


def _pulse(asked: _Asked, moments: Moments) -> Pulse:
    names = [asked.version, *([asked.previous] if asked.previous else [])]
    window = asked.window(summary_span(asked.period, asked.now))
    found = queries.session_sums(asked.store, window, ("release",), releases=names)
    totals = {sums.by[0]: sums.totals for sums in found}
    mine, before = Totals(totals.get(asked.version, NOTHING)), Totals(totals.get(asked.previous or "", NOTHING))
    if not mine.totals.sessions:
        return Pulse(mine, before, errors=_errors(asked, moments))
    rows = _buckets(asked)
    return Pulse(mine, before, _adoption(asked), _sessions(asked, rows, moments), _rate(rows))


def _buckets(asked: _Asked) -> list[SessionTotals]:
    """The sessions of each bucket of the period."""
    period = PERIODS[asked.period]
    found = queries.session_sums(
        asked.store,
        asked.window(period.span(asked.now)),
        ("release",),
        interval_seconds=period.interval,
        releases=[asked.version],
        users=False,
    )
    totals = {sums.bucket: sums.totals for sums in found}
    return [totals.get(place, NOTHING) for place in range(period.count)]


def _sessions(asked: _Asked, rows: Sequence[SessionTotals], moments: Moments) -> Timeline:
    starts = PERIODS[asked.period].starts(asked.now)
    series = [(start, row.sessions, row.crashed) for start, row in zip(starts, rows, strict=True)]
    return timeline(series, moments, width=WIDTH, height=HEIGHT, units=("session", "crashed"))


def _errors(asked: _Asked, moments: Moments) -> Timeline:
    period = PERIODS[asked.period]
    window = asked.window(period.span(asked.now))
    tags = (TagFilter("release", "=", (asked.version,)),)
    counts = queries.series(asked.store, window, period.interval, tags=tags)
    series = [(start, count, 0) for start, count in zip(period.starts(asked.now), counts, strict=True)]
    return timeline(series, moments, width=WIDTH, height=HEIGHT, units=("error", "unhandled"))


def _adoption(asked: _Asked) -> float | None:
    day = asked.window(last(1, asked.now))
    own = queries.session_sums(asked.store, day, ("release",), releases=[asked.version])
    everybody = queries.session_sums(asked.store, day)
    mine, all_of_them = (found[0].totals if found else NOTHING for found in (own, everybody))
    users = rates.part(mine.users, all_of_them.users)
    return rates.percent(users if users is not None else rates.part(mine.sessions, all_of_them.sessions))


def _rate(rows: Sequence[SessionTotals]) -> Curve:
    values = [rates.percent(rates.crash_free_sessions(row)) for row in rows]
    known = [value for value in values if value is not None]
    low = next(floor for floor in FLOORS if floor <= min(known, default=100.0))
    words = f"Crash-free sessions between {min(known):.1f} and {max(known):.1f} per cent" if known else ""
    return curve(values, words, width=WIDTH, height=CURVE_HEIGHT, low=low, high=100.0)


def _told(deploy: Deploy) -> str:
    return f"Deployed to {visible(deploy.environment.name)}, {exact(deploy.date_finished)}"
