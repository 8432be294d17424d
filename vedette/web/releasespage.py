"""The list of releases: one line for each project of each release, with its health, its commits and its deploys."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, Q, QuerySet

from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.events.client import StoreUnavailable
from vedette.events.connection import event_store
from vedette.projects.models import Project
from vedette.releases import health as healths
from vedette.releases import listing
from vedette.releases.adoption import Stage, stage_of
from vedette.releases.backfill import backfill
from vedette.releases.conditions import NEAREST, Scope, matching
from vedette.releases.health import HealthQuestion, Key, ReleaseHealth, release_health
from vedette.releases.legs import Pair
from vedette.releases.models import Deploy, Release, ReleaseProject, ReleaseProjectEnvironment
from vedette.releases.search import parse
from vedette.releases.walking import Slice
from vedette.web.charts import Chart, bars
from vedette.web.faces import Face, distinct, faces
from vedette.web.releasefilters import STAGES, ReleaseFilters, question_of, scope_of

ROWS_PER_PAGE = 25
MOST_FACES = 4
_STATUS_WORDS = {"open": "open", "archived": "archived", "all": ""}


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """A release in one project. `health` and `chart` are None while the event store is away.

    `repeats`: the line above is about the same release in another project. `deploys` are the last of each environment,
    the newest first; `authors` those of its commits, of whom some may be left out (`more_authors`).
    """

    release: Release
    project: Project
    new_issues: int
    stage: str
    health: ReleaseHealth | None
    chart: Chart | None
    deploys: tuple[Deploy, ...] = ()
    authors: tuple[Face, ...] = ()
    more_authors: int = 0
    repeats: bool = False

    @property
    def adoption(self) -> float | None:
        """The part of users who have it, or of sessions where nobody tells users."""
        if self.health is None:
            return None
        return self.health.adoption if self.health.adoption is not None else self.health.sessions_adoption


@dataclass(frozen=True, slots=True)
class ReleaseList:
    """One page of the list. `problem` is a sentence about the search; `is_away` says that the event store is."""

    lines: tuple[ReleaseLine, ...] = ()
    has_next: bool = False
    is_away: bool = False
    problem: str = ""


def load_releases(filters: ReleaseFilters, projects: Sequence[Project], number: int) -> ReleaseList:
    """Page `number` of the releases of `projects`, which are at least one; without numbers while the event store is
    away."""
    now = clock.now()
    scope, asked = scope_of(filters, projects), question_of(filters, projects, now)
    with suppress(StoreUnavailable):
        backfill(event_store(), projects, now)
    try:
        rows, is_away = _found(filters, scope, asked, now)
    except RuleBroken as broken:
        return ReleaseList(problem=str(broken))
    found: Slice[Pair] | None = None
    wanted = listing.Wanted(ROWS_PER_PAGE, number - 1, ("page", filters))
    if filters.sort in healths.SORTS:
        with suppress(StoreUnavailable):
            found = listing.health_page(event_store(), rows, filters.sort, scope, asked, wanted)
        is_away |= found is None
    if found is None:
        sort = filters.sort if filters.sort in listing.SORTS else "date"
        found = listing.paired_page(rows, sort, scope, wanted)
    lines, knows = _lines(found.rows, projects, filters, asked)
    return ReleaseList(lines, found.has_next, is_away or not knows)


def _found(
    filters: ReleaseFilters, scope: Scope, asked: HealthQuestion, now: datetime
) -> tuple[QuerySet[Release], bool]:
    """The releases that the filters find, and whether the event store could not say which were in the environment.
    Raises `RuleBroken`."""
    everywhere = Scope(scope.organization_id, scope.projects)
    rows = listing.listed(everywhere, _STATUS_WORDS[filters.status]).filter(matching(parse(filters.text, now), scope))
    if not scope.environments:
        return rows, False
    seen, is_away = Q(Exists(scope.sightings())), False
    try:  # sessions alone write no row
        used: Counter[str] = Counter()
        for (_, version), sessions in healths.scores(event_store(), asked, "sessions").items():
            used[version] += int(sessions)
        names = [version for version, _ in used.most_common(NEAREST)]
        seen |= Q(version__in=names)
    except StoreUnavailable:
        is_away = True
    return rows.filter(seen), is_away


def _lines(
    pairs: Sequence[Pair], projects: Sequence[Project], filters: ReleaseFilters, asked: HealthQuestion
) -> tuple[tuple[ReleaseLine, ...], bool]:
    """The lines, and whether the event store knew their health."""
    links = _links(pairs)
    health: dict[Key, ReleaseHealth] | None = None
    with suppress(StoreUnavailable):
        keys = {(link.project_id, link.release.version) for link in links.values()}
        health = release_health(event_store(), asked, keys)
    people = authors_of([link.release for link in links.values()])
    seen = _Seen(pairs, filters.environment)
    by_id = {project.pk: project for project in projects}
    lines: list[ReleaseLine] = []
    for pair in pairs:
        if pair not in links:
            continue  # deleted while we looked
        link = links[pair]
        one = health.get((link.project_id, link.release.version)) if health is not None else None
        who = people.get(link.release_id, ())
        lines.append(
            ReleaseLine(
                release=link.release,
                project=by_id[link.project_id],
                new_issues=seen.new_issues.get(pair, 0) if filters.environment else link.new_groups,
                stage=STAGES[seen.stages.get(pair, Stage.LOW_ADOPTION)],
                health=one,
                chart=bars(one.stats, width=168, height=26, unit="session") if one else None,
                deploys=seen.deploys.get(pair, ()),
                authors=who[:MOST_FACES],
                more_authors=max(0, len(who) - MOST_FACES),
                repeats=bool(lines) and lines[-1].release.pk == link.release_id,
            )
        )
    return tuple(lines), health is not None


def authors_of(releases: Collection[Release]) -> dict[int, tuple[Face, ...]]:
    """The authors of each release's commits by the release's id, each person once."""
    ids = {release.pk: [int(pk) for pk in release.authors if str(pk).isdigit()] for release in releases}
    if not releases:
        return {}
    known = faces(next(iter(releases)).organization_id, {pk for some in ids.values() for pk in some})
    return {release: tuple(distinct(known.get(pk) for pk in some)) for release, some in ids.items()}


def _links(pairs: Sequence[Pair]) -> dict[Pair, ReleaseProject]:
    found = ReleaseProject.objects.filter(
        release__in={pair[0] for pair in pairs}, project__in={pair[1] for pair in pairs}
    ).select_related("release")
    links = {(link.release_id, link.project_id): link for link in found}
    return {pair: links[pair] for pair in pairs if pair in links}


class _Seen:
    """What the environments say of (release, project): the stage, of several the best; new issues; the last deploy to
    each, newest first."""

    def __init__(self, pairs: Sequence[Pair], environment: str) -> None:
        found = ReleaseProjectEnvironment.objects.filter(
            release__in={pair[0] for pair in pairs}, project__in={pair[1] for pair in pairs}
        )
        rows = list(found.filter(environment__name=environment) if environment else found)
        self.stages: dict[Pair, Stage] = {}
        self.new_issues: Counter[Pair] = Counter()
        for row in rows:
            pair = (row.release_id, row.project_id)
            self.new_issues[pair] += row.new_issues_count
            if row.adopted is not None and self.stages.get(pair) is not Stage.ADOPTED:
                self.stages[pair] = stage_of(row.adopted, row.unadopted)
        self.deploys = _deploys(rows)


def _deploys(rows: Collection[ReleaseProjectEnvironment]) -> dict[Pair, tuple[Deploy, ...]]:
    deploys = Deploy.objects.select_related("environment").in_bulk({row.last_deploy_id for row in rows} - {None})
    found: defaultdict[Pair, list[Deploy]] = defaultdict(list)
    for row in rows:
        if row.last_deploy_id in deploys:
            found[row.release_id, row.project_id].append(deploys[row.last_deploy_id])
    return {
        pair: tuple(sorted(some, key=lambda deploy: (deploy.date_finished, deploy.pk), reverse=True))
        for pair, some in found.items()
    }
