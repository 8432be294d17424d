"""What the addresses of release pages ask for, and how these pages put rates into words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict

from vedette.projects.models import Project
from vedette.releases.adoption import Stage
from vedette.releases.conditions import Scope
from vedette.releases.health import HealthQuestion
from vedette.releases.search import MAX_QUERY_LENGTH

PERIODS = ("24h", "7d", "14d", "30d")
DEFAULT_PERIOD, DEFAULT_SORT = "14d", "date"
SORTS = {
    "date": "Newest",
    "semver": "Greatest version",
    "build": "Greatest build number",
    "adoption": "Last adopted",
    "sessions": "Most sessions",
    "users": "Most users",
    "crash_free_sessions": "Least healthy sessions",
    "crash_free_users": "Least healthy users",
}
STATUSES = {"open": "Open", "archived": "Archived", "all": "All"}
STAGES = {Stage.ADOPTED: "adopted", Stage.REPLACED: "replaced", Stage.LOW_ADOPTION: ""}
GOOD, FAIR = 99.5, 98.0


@dataclass(frozen=True, slots=True)
class ReleaseFilters:
    """What the address asks for, with names as in the API."""

    project: str
    environment: str
    period: str
    sort: str
    text: str
    status: str = "open"

    @property
    def is_narrowed(self) -> bool:
        """Whether less than everything is asked for."""
        return bool(self.project or self.environment or self.text or self.status == "archived")


def read_release_filters(params: QueryDict) -> ReleaseFilters:
    """The filters in an address. What makes no sense there falls back to the usual."""
    period, sort = params.get("statsPeriod", ""), params.get("sort", "")
    status = params.get("status", "")
    return ReleaseFilters(
        project=params.get("project", ""),
        environment=params.get("environment", "")[:200],
        period=period if period in PERIODS else DEFAULT_PERIOD,
        sort=sort if sort in SORTS else DEFAULT_SORT,
        text=params.get("query", "")[: MAX_QUERY_LENGTH + 1].strip(),
        status=status if status in STATUSES else "open",
    )


def scope_of(filters: ReleaseFilters, projects: Sequence[Project]) -> Scope:
    """What is looked at: `projects`, which are of one organization and at least one, in the environment if one is
    chosen."""
    return Scope(
        projects[0].organization_id,
        tuple(sorted(project.pk for project in projects)),
        (filters.environment,) if filters.environment else (),
    )


def question_of(filters: ReleaseFilters, projects: Sequence[Project], now: datetime) -> HealthQuestion:
    """The same as a question about health."""
    return HealthQuestion(
        projects=tuple(sorted(project.pk for project in projects)),
        environments=(filters.environment,) if filters.environment else (),
        now=now,
        summary=filters.period,
        stats=filters.period,
    )


def crash_free(rate: float | None) -> str:
    """A crash-free rate in per cent, never rounded up: `100%` means that nothing crashed."""
    if rate is None:
        return "—"
    digits = 2 if rate >= 99 else 1
    return f"{math.floor(rate * 10**digits + 1e-9) / 10**digits:.{digits}f}".rstrip("0").rstrip(".") + "%"


def judged(rate: float | None) -> str:
    """How good a crash-free rate is: `good`, `fair` or `poor`; nothing where there is none."""
    if rate is None:
        return ""
    return "good" if rate >= GOOD else "fair" if rate >= FAIR else "poor"
