"""What the stream shows: rows with their words and charts, and the choices of the filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.paging import Cursor
from vedette.events.client import StoreUnavailable
from vedette.issues.assignees import Assignee, teams_of
from vedette.issues.models import Group, GroupInbox
from vedette.issues.search import PREFIX
from vedette.issues.stream import CLOCK_SKEW, StreamPage, StreamRequest, StreamRow, read_stream
from vedette.orgs.access import Access
from vedette.projects.models import Environment, Project
from vedette.web.charts import Chart, bars
from vedette.web.filters import Filters
from vedette.web.text import one_line, visible

GRAPH_WIDTH, GRAPH_HEIGHT = 144, 26
_MOST_ENVIRONMENTS = 200


@dataclass(frozen=True, slots=True)
class IssueWords:
    """How an issue is called: what kind of error, and what it said (empty for plain messages)."""

    kind: str
    saying: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the stream. `waits` says why it waits to be looked at, if it does."""

    group: Group
    words: IssueWords
    count: int
    users: int
    chart: Chart | None
    assignee: Assignee | None
    waits: GroupInbox | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """A page of the stream. `problem` is a sentence about the query; `is_away` says that the event store is."""

    rows: tuple[Row, ...]
    page: StreamPage
    problem: str = ""
    is_away: bool = False


def words_of(group: Group) -> IssueWords:
    """Type and value of an error; the title of anything else."""
    kind, saying = group.metadata.get("type"), group.metadata.get("value")
    if isinstance(kind, str) and kind:
        return IssueWords(
            one_line(visible(kind), 200), one_line(visible(saying), 400) if isinstance(saying, str) else ""
        )
    return IssueWords(one_line(visible(group.title), 400) or "(no title)", "")


def load_stream(access: Access, filters: Filters, projects: Sequence[Project], cursor: str) -> Stream:
    """The page that the address asks for. Bad queries and an absent event store become sentences, not errors."""
    now = clock.now()
    try:
        found = read_stream(
            StreamRequest(
                organization=access.organization,
                projects=tuple(projects),
                start=filters.start(now),
                end=now + CLOCK_SKEW,
                environments=(filters.environment,) if filters.environment else (),
                query=filters.query,
                sort=filters.sort,
                cursor=Cursor.parse(cursor),
                series=filters.series,
                viewer=access.user,
                viewer_teams=teams_of(access.user, access.organization) if access.user else frozenset(),
            )
        )
    except RuleBroken as broken:
        return Stream((), StreamPage((), Cursor(), Cursor()), problem=str(broken).removeprefix(PREFIX))
    except StoreUnavailable:
        return Stream((), StreamPage((), Cursor(), Cursor()), is_away=True)
    waiting = {row.group_id: row for row in GroupInbox.objects.filter(group__in=[row.group.pk for row in found.rows])}
    rows = tuple(_row(row, waiting.get(row.group.pk)) for row in found.rows)
    return Stream(rows, found, is_away=found.degraded)


def _row(row: StreamRow, waits: GroupInbox | None) -> Row:
    chart = bars(row.series, width=GRAPH_WIDTH, height=GRAPH_HEIGHT) if row.series else None
    return Row(row.group, words_of(row.group), row.count, row.users, chart, row.assignee, waits)


def choose_projects(projects: Sequence[Project], wish: str) -> list[Project]:
    """The projects that the filter names, by slug or id; all of them without a wish."""
    return [project for project in projects if wish in (project.slug, str(project.pk))] if wish else list(projects)


def environment_names(access: Access) -> list[str]:
    """The environments that the organization has reported from, by name; the nameless one is left out."""
    names = Environment.objects.filter(organization_id=access.organization.pk).exclude(name="")
    return list(names.order_by("name").values_list("name", flat=True)[:_MOST_ENVIRONMENTS])


def spans(period: timedelta) -> int:
    """The length of a bucket, in seconds, that suits a chart of this range: an hour up to two days, then a day."""
    return 3600 if period <= timedelta(days=2) else 86_400
