"""The sessions of one release in a project over time, and what is said of thresholds, which nobody can set here.

Source: the release specification, 15.7 and R21; the numbers are those of the release health specification, 5 and 6.2.
"""

from contextlib import suppress
from typing import Any, Literal, TypedDict

from django.http import QueryDict
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import OrganizationEndpoint, ProjectEndpoint
from vedette.api.filters import environments, seconds_of, time_range
from vedette.api.operations import ENVIRONMENT, RELEASE_READ, TIME, Operation, Parameter, operation
from vedette.api.releasehealth import make_known
from vedette.api.releasereach import readable_release_of
from vedette.api.shapes.base import Moment
from vedette.api.shapes.commits import Nothing
from vedette.core import clock
from vedette.core.clock import as_z, from_unix
from vedette.core.errors import RuleBroken
from vedette.events import queries
from vedette.events.connection import event_store
from vedette.events.rows import SessionTotals, Window
from vedette.releases.health import HealthQuestion, breakdown
from vedette.releases.models import Release
from vedette.releases.periods import DAY, HOUR
from vedette.releases.rates import sessions_by_status, users_by_status

MOST_POINTS = 1000
Kind = Literal["sessions", "users"]
Counts = dict[str, Any]  # `sessions` or `users`, and each status behind that name; points have durations in seconds

TYPE = Parameter("type", "What is counted; by default `sessions`.", choices=("sessions", "users"))
INTERVAL = Parameter("interval", "Between two points: at least an hour (`1h`), by default a day (`24h`).")


class MilestoneShape(TypedDict):
    """What had come of a release by a moment since its first session. Rates are per cent."""

    date: Moment
    totalUsers: int
    crashFreeUsers: float | None
    totalSessions: int
    crashFreeSessions: float | None


class StatsShape(TypedDict):
    """Pairs of Unix seconds and the counts from then on, the counts of it all, and what had come after 1, 2, 7, 14 and
    30 days."""

    stats: list[tuple[int, Counts]]
    statTotals: Counts
    usersBreakdown: list[MilestoneShape]


class ProjectReleaseStats(ProjectEndpoint):
    """The sessions of a release."""

    tag = "Releases"

    @operation(
        Operation(
            "getProjectReleaseStats", RELEASE_READ, query=(TYPE, INTERVAL, *ENVIRONMENT, *TIME), answers=StatsShape
        )
    )
    def get(self, request: Request) -> Response:
        """The sessions or users of a release in a project over time, by how they ended; by default of 90 days."""
        query, now = request.query_params, clock.now()
        kind = _kind(query)
        window, interval = _window(query, self.project.pk, environments(query, self.organization))
        release = self._find()
        store = event_store()
        sums = queries.session_sums(
            store, window, interval_seconds=interval, releases=[release.version], users=kind == "users", durations=True
        )
        whole = queries.session_sums(store, window, releases=[release.version], users=kind == "users")
        found = {each.bucket: each.totals for each in sums}
        first, last = int(window.start.timestamp()), int(window.end.timestamp())
        asked = HealthQuestion(window.projects, window.environments, now)
        body = StatsShape(
            stats=[
                (start, _point(found.get(place, SessionTotals()), kind))
                for place, start in enumerate(range(first, last, interval))
            ],
            statTotals=_counts(whole[0].totals if whole else SessionTotals(), kind),
            usersBreakdown=[
                MilestoneShape(
                    date=as_z(one.date),
                    totalUsers=one.totals.users,
                    crashFreeUsers=one.crash_free_users,
                    totalSessions=one.totals.sessions,
                    crashFreeSessions=one.crash_free_sessions,
                )
                for one in breakdown(store, asked, release.version)
            ],
        )
        return Response(body)

    def _find(self) -> Release:
        """The release; one that only sessions have named yet is made first. Raises `NotFound`."""
        with suppress(NotFound):
            return readable_release_of(self.access, self.path["version"], self.project)
        make_known([self.project], clock.now())
        return readable_release_of(self.access, self.path["version"], self.project)


def _kind(query: QueryDict) -> Kind:
    match query.get("type") or "sessions":
        case "sessions":
            return "sessions"
        case "users":
            return "users"
    raise RuleBroken("invalid stat")


def _window(query: QueryDict, project: int, named: tuple[str, ...]) -> tuple[Window, int]:
    """The time that is asked for in whole intervals, and their seconds. Raises `RuleBroken`."""
    text = query.get("interval")
    seconds = seconds_of(text) if text else DAY
    if seconds is None:
        raise RuleBroken(f"Invalid interval: {str(text)[:50]!r}")
    interval = max(min(seconds, 365 * DAY) // HOUR * HOUR, HOUR)
    asked = time_range(query, clock.now())
    first = int(asked.start.timestamp()) // interval * interval
    last = -(-int(asked.end.timestamp()) // interval) * interval
    if (last - first) // interval > MOST_POINTS:
        raise RuleBroken(f"That would be more than {MOST_POINTS} points: ask for a larger interval or less time.")
    return Window((project,), from_unix(first), from_unix(last), named), interval


def _counts(totals: SessionTotals, kind: Kind) -> Counts:
    statuses = sessions_by_status(totals) if kind == "sessions" else users_by_status(totals)
    whole = totals.sessions if kind == "sessions" else totals.users
    return {kind: whole, **{f"{kind}_{status}": number for status, number in statuses.items()}}


def _point(totals: SessionTotals, kind: Kind) -> Counts:
    quantiles = totals.duration_quantiles
    half, most = (quantiles[0], quantiles[2]) if quantiles else (None, None)
    return {**_counts(totals, kind), "duration_p50": half, "duration_p90": most}


class ReleaseThresholdStatuses(OrganizationEndpoint):
    """Thresholds of releases. The gate of a release answers what they are for."""

    tag = "Releases"

    @operation(Operation("getReleaseThresholdStatuses", RELEASE_READ, answers=Nothing))
    def get(self, request: Request) -> Response:
        """No release has thresholds: an empty object. Ask a release's gate instead."""
        return Response(Nothing())
