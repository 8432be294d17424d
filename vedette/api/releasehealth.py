"""What requests ask about the health of releases, and the orders that come of it.

Source: the release specification, 13.4 and 14.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import cast

from django.http import QueryDict

from vedette.api.operations import Parameter
from vedette.api.shapes.releases import View
from vedette.core.errors import RuleBroken
from vedette.events.client import StoreUnavailable
from vedette.events.connection import event_store
from vedette.projects.models import Project
from vedette.releases.backfill import backfill
from vedette.releases.health import HealthQuestion, Stat, release_health
from vedette.releases.models import Release, ReleaseProject
from vedette.releases.periods import PERIODS

HEALTH = (
    Parameter("health", "`1` adds `projects[].healthData`.", choices=("0", "1")),
    Parameter("adoptionStages", "`1` adds `adoptionStages`.", choices=("0", "1")),
    Parameter("summaryStatsPeriod", "What totals and rates are of; by default `14d`.", choices=tuple(PERIODS)),
    Parameter("healthStatsPeriod", "What `stats` are of; by default `24h`.", choices=tuple(PERIODS)),
    Parameter("healthStat", "What `stats` count; by default `sessions`.", choices=("sessions", "users")),
)


def question(
    query: QueryDict, projects: Sequence[Project], environments: tuple[str, ...], now: datetime
) -> HealthQuestion:
    """What the request wants to know. Raises `RuleBroken`."""
    stat = query.get("healthStat") or "sessions"
    if stat not in ("sessions", "users"):
        raise RuleBroken("invalid healthStat")
    return HealthQuestion(
        projects=tuple(sorted(project.pk for project in projects)),
        environments=environments,
        now=now,
        summary=_period(query, "summaryStatsPeriod", "14d"),
        stats=_period(query, "healthStatsPeriod", "24h"),
        stat=cast(Stat, stat),
    )


def _period(query: QueryDict, name: str, default: str) -> str:
    period = query.get(name) or default
    if period not in PERIODS:
        choices = ", ".join(repr(one) for one in PERIODS)
        raise RuleBroken(f"Invalid {name}. Valid choices are {choices}")
    return period


def view_of(query: QueryDict, asked: HealthQuestion, releases: Sequence[Release]) -> View:
    """What releases are shown with: their health and their stages where the request wants them."""
    with_stages = query.get("adoptionStages") == "1"
    if query.get("health") != "1":
        return View(asked.environments, with_stages=with_stages)
    linked = ReleaseProject.objects.filter(release__in=releases, project__in=asked.projects)
    keys = set(linked.values_list("project_id", "release__version"))
    return View(asked.environments, release_health(event_store(), asked, keys), asked.stats, with_stages)


def make_known(projects: Sequence[Project], now: datetime) -> None:
    """Make the releases that only sessions have named yet; without the event store the list does without them."""
    with suppress(StoreUnavailable):
        backfill(event_store(), projects, now)
