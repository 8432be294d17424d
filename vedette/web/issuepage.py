"""What the issue page shows: the relational half always, the event half as far as the event store answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from django.urls import reverse

from vedette.core import clock, json
from vedette.core.ids import as_event_id
from vedette.events import queries
from vedette.events.client import StoreUnavailable
from vedette.events.connection import event_store
from vedette.events.rows import IssueStats, StoredEvent, TagFacet, Window
from vedette.issues.assignees import Assignee, assignee_of
from vedette.issues.lookup import FeedEntry, feed
from vedette.issues.models import EventAttachment, Group, GroupRelease, GroupStorm, UserReport
from vedette.releases.models import Commit, ReleaseCommit
from vedette.web.charts import Chart, bars
from vedette.web.eventview import EventView, read_event
from vedette.web.fingerprints import Fingerprints, load_fingerprints
from vedette.web.releasecommits import commit_url
from vedette.web.streampage import IssueWords, spans, words_of
from vedette.web.suspectspanel import SuspectLine, load_suspects, suggested_among

T = TypeVar("T")
CHART_WIDTH, CHART_HEIGHT = 560, 56
_AHEAD = timedelta(minutes=1)
_EVERYTHING = timedelta(days=3650)
_MOST_FACETS = 30
_FIRST = "release environment user url transaction server_name browser os device client_os runtime".split()
_DUMPS = {"minidump": "event.minidump", "applecrashreport": "event.applecrashreport"}
# Facts that have their own place on the page; their tags would only repeat them.
_SHOWN_ELSEWHERE = frozenset({"level"})


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """The event on the page. `older` and `newer` are the ids beside it, None at an edge; `with_body` is the nearest
    event that has a body, where this one has none."""

    view: EventView
    at: datetime
    older: str | None
    newer: str | None
    attachments: tuple[EventAttachment, ...] = ()
    report: UserReport | None = None
    mechanisms: frozenset[str] = frozenset()
    has_body: bool = True
    with_body: str | None = None

    @property
    def lost_dump(self) -> bool:
        """Whether a crash dump came with the event and was not kept."""
        kept = {file.type for file in self.attachments}
        return any(mechanism in self.mechanisms and kind not in kept for mechanism, kind in _DUMPS.items())

    @property
    def trace_id(self) -> str:
        """The trace that the event is part of; empty for one that was made up for it alone, or is none."""
        trace_id = as_event_id(self.view.trace_id) or ""
        return "" if trace_id == self.view.event_id else trace_id


@dataclass(frozen=True, slots=True)
class IssuePage:
    """Everything of the issue page. `event` is None where there is none, or `is_away` says why it cannot be had.

    `commits` are the addresses of the commits that the history names, by their ids.
    """

    group: Group
    words: IssueWords
    assignee: Assignee | None
    last_release: str
    history: list[FeedEntry]
    reports: list[UserReport]
    storm: GroupStorm | None = None
    commits: dict[str, str] = field(default_factory=dict)
    is_away: bool = False
    event: ShownEvent | None = None
    stats: IssueStats | None = None
    chart: Chart | None = None
    facets: list[TagFacet] = field(default_factory=list)
    suspects: list[SuspectLine] = field(default_factory=list)
    fingerprints: Fingerprints | None = None

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
    history = feed(group, 50)
    page = IssuePage(
        group=group,
        words=words_of(group),
        assignee=assignee_of(group),
        last_release=last.release.version if last else "",
        history=history,
        commits=_addresses(group, history),
        reports=list(UserReport.objects.filter(group=group).order_by("-date_added")[:20]),
        storm=GroupStorm.objects.filter(group=group, began_at__isnull=False, ended_at__isnull=True).first(),
    )
    try:
        return _with_events(page, which, period, now)
    except StoreUnavailable:
        return replace(page, is_away=True)


def suggestions(groups: Sequence[Group], choices: Sequence[Assignee]) -> list[Assignee]:
    """Whom of `choices` to suggest for the one issue of `groups`, as its newest event tells; nobody for several issues,
    or while the event store is away."""
    if len(groups) != 1:
        return []
    try:
        stored = find_event(groups[0], "latest")
    except StoreUnavailable:
        return []
    return suggested_among(choices, groups[0], payload_of(stored)) if stored else []


def _addresses(group: Group, history: list[FeedEntry]) -> dict[str, str]:
    """Where commits can be looked at: at their repository, else among the commits of a release of the project."""
    wanted = {pk for entry in history if entry.commit and isinstance(pk := entry.data.get("commit"), int)}
    if not wanted:
        return {}
    found = {}
    links = ReleaseCommit.objects.filter(commit__in=wanted, release__project_links__project_id=group.project_id)
    places = dict(links.order_by("-release__sort_date").values_list("commit_id", "release__version"))
    for commit in Commit.objects.filter(pk__in=wanted).select_related("repository"):
        address = commit_url(commit.repository.url, commit.repository.provider, commit.key)
        if not address and commit.pk in places:
            slug = group.project.organization.slug
            address = reverse("web:release_commits", args=[slug, places[commit.pk]])
        found[str(commit.pk)] = address
    return found


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
    known = queries.issue_numbers(store, everything(group, now), [group.pk], series=(window, bucket))[group.pk]
    starts = queries.bucket_starts(window, bucket)
    facets = queries.facets(store, window, group.pk, top=4)
    payload = payload_of(stored) if stored else None
    return replace(
        page,
        event=_shown(stored, payload) if stored else None,
        stats=known.stats,
        chart=bars(list(zip(starts, known.series, strict=True)), width=CHART_WIDTH, height=CHART_HEIGHT),
        facets=_arranged(facets),
        suspects=load_suspects(group, payload) if stored else [],
        fingerprints=load_fingerprints(store, group),
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


def _shown(stored: StoredEvent, payload: object) -> ShownEvent:
    summary = stored.summary
    older, newer = queries.neighbours(event_store(), summary)
    mine = {"project_id": summary.project_id, "event_id": summary.event_id}
    return ShownEvent(
        view=read_event(payload),
        at=summary.timestamp,
        older=older,
        newer=newer,
        attachments=tuple(EventAttachment.objects.filter(**mine).order_by("pk")[:50]),
        report=UserReport.objects.filter(**mine).first(),
        mechanisms=frozenset(_mechanisms(payload)),
        has_body=summary.has_body,
        with_body=None if summary.has_body else queries.nearest_with_body(event_store(), summary),
    )


def _mechanisms(payload: object) -> Iterator[str]:
    """What made the event's exceptions, as far as they say so."""
    exception = payload.get("exception") if isinstance(payload, dict) else None
    values = exception.get("values") if isinstance(exception, dict) else None
    for value in values if isinstance(values, list) else ():
        mechanism = value.get("mechanism") if isinstance(value, dict) else None
        kind = mechanism.get("type") if isinstance(mechanism, dict) else None
        if isinstance(kind, str):
            yield kind


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
