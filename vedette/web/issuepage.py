"""What the issue page shows: the relational half always, the event half as far as the event store answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from vedette.core import clock, json
from vedette.core.ids import as_event_id
from vedette.events import queries
from vedette.events.client import StoreUnavailable
from vedette.events.connection import event_store
from vedette.events.rows import IssueStats, StoredEvent, TagFacet, Window
from vedette.issues.assignees import Assignee, assignee_of
from vedette.issues.lookup import FeedEntry, feed
from vedette.issues.models import EventAttachment, Group, GroupRelease, UserReport
from vedette.web.charts import Chart, bars
from vedette.web.eventview import EventView, read_event
from vedette.web.streampage import IssueWords, spans, words_of

T = TypeVar("T")
CHART_WIDTH, CHART_HEIGHT = 560, 56
_AHEAD = timedelta(minutes=1)
_EVERYTHING = timedelta(days=3650)
_MOST_FACETS = 30
_FIRST = "release environment user url transaction server_name browser os device client_os runtime".split()
# Facts that have their own place on the page; their tags would only repeat them.
_SHOWN_ELSEWHERE = frozenset({"level"})


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """The event on the page. `older` and `newer` are the ids beside it, None at an edge."""

    view: EventView
    at: datetime
    older: str | None
    newer: str | None
    attachments: tuple[EventAttachment, ...] = ()
    report: UserReport | None = None


@dataclass(frozen=True, slots=True)
class IssuePage:
    """Everything of the issue page. `event` is None where there is none, or `is_away` says why it cannot be had."""

    group: Group
    words: IssueWords
    assignee: Assignee | None
    last_release: str
    history: list[FeedEntry]
    reports: list[UserReport]
    is_away: bool = False
    event: ShownEvent | None = None
    stats: IssueStats | None = None
    chart: Chart | None = None
    facets: list[TagFacet] = field(default_factory=list)

    @property
    def varied(self) -> list[TagFacet]:
        """Tags that tell events apart, those that people look at first in front."""
        return [facet for facet in self.facets if facet.unique > 1][:_MOST_FACETS]

    @property
    def constant(self) -> list[TagFacet]:
        """Tags with one and the same value everywhere."""
        return [facet for facet in self.facets if facet.unique == 1][:_MOST_FACETS]


def load_issue(group: Group, which: str, period: timedelta) -> IssuePage:
    """The page of `group` with one of its events: an event id, `latest`, `oldest` or `recommended`."""
    now = clock.now()
    last = GroupRelease.objects.filter(group=group).select_related("release").order_by("-last_seen", "-pk").first()
    page = IssuePage(
        group=group,
        words=words_of(group),
        assignee=assignee_of(group),
        last_release=last.release.version if last else "",
        history=feed(group, 50),
        reports=list(UserReport.objects.filter(group=group).order_by("-date_added")[:20]),
    )
    try:
        return _with_events(page, which, period, now)
    except StoreUnavailable:
        return replace(page, is_away=True)


def find_event(group: Group, which: str) -> StoredEvent | None:
    """One event of the issue, by id or by the words that addresses use. Raises `StoreUnavailable`."""
    projects = (group.project_id,)
    if which in ("latest", "recommended"):
        return queries.edge_event(event_store(), projects, group.pk, "latest")
    if which == "oldest":
        return queries.edge_event(event_store(), projects, group.pk, "oldest")
    event_id = as_event_id(which)
    return queries.get_event(event_store(), projects, event_id, group.pk) if event_id else None


def window_of(group: Group, period: timedelta, now: datetime) -> Window:
    """The events of the issue's project in the last `period`, whole buckets only."""
    bucket = spans(period)
    end = now + _AHEAD
    start = int((now - period).timestamp()) // bucket * bucket + bucket
    return Window((group.project_id,), clock.from_unix(start), end)


def everything(group: Group, now: datetime) -> Window:
    """All that is kept of the issue's project."""
    return Window((group.project_id,), now - _EVERYTHING, now + _AHEAD)


def _with_events(page: IssuePage, which: str, period: timedelta, now: datetime) -> IssuePage:
    store, group = event_store(), page.group
    stored = find_event(group, which)
    window, bucket = window_of(group, period, now), spans(period)
    stats = queries.issue_stats(store, everything(group, now), [group.pk]).get(group.pk)
    counts = queries.series(store, window, bucket, group.pk)
    starts = queries.bucket_starts(window, bucket)
    facets = queries.facets(store, window, group.pk, top=4)
    return replace(
        page,
        event=_shown(stored) if stored else None,
        stats=stats,
        chart=bars(list(zip(starts, counts, strict=True)), width=CHART_WIDTH, height=CHART_HEIGHT),
        facets=_arranged(facets),
    )


def _arranged(facets: list[TagFacet]) -> list[TagFacet]:
    """In the order of interest; `browser.name` is left out where `browser` says it with the version."""
    keys = {facet.key for facet in facets}
    kept = [
        facet
        for facet in facets
        if facet.key not in _SHOWN_ELSEWHERE and not (facet.key.endswith(".name") and facet.key[:-5] in keys)
    ]
    place = {key: number for number, key in enumerate(_FIRST)}
    return sorted(kept, key=lambda facet: (place.get(facet.key, len(place)), -facet.total, facet.key))


def _shown(stored: StoredEvent) -> ShownEvent:
    summary = stored.summary
    older, newer = queries.neighbours(event_store(), summary)
    mine = {"project_id": summary.project_id, "event_id": summary.event_id}
    return ShownEvent(
        view=read_event(payload_of(stored)),
        at=summary.timestamp,
        older=older,
        newer=newer,
        attachments=tuple(EventAttachment.objects.filter(**mine).order_by("pk")[:50]),
        report=UserReport.objects.filter(**mine).first(),
    )


def payload_of(stored: StoredEvent) -> object:
    """The event's JSON; an empty object should it not be JSON."""
    try:
        return json.loads(stored.payload)
    except json.JSONDecodeError:
        return {}


def or_nothing(ask: Callable[[], T]) -> T | None:
    """What `ask` gives; None when the event store is away."""
    try:
        return ask()
    except StoreUnavailable:
        return None
