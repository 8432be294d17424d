"""The grouping preview over a project's newest events: reads stores, writes nothing, and ends in time.

Payloads are read in small portions, so that memory is bounded by a portion and not by the number of events.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from vedette.digest.preview import Comparison, Preview, Sample
from vedette.digest.regroup import recipe
from vedette.events import queries
from vedette.events.client import EventStore
from vedette.events.rows import EventSummary, Window
from vedette.grouping.group import Recipe
from vedette.issues.models import VISIBLE_STATUSES, Group, GroupHash
from vedette.projects.models import Project
from vedette.projects.options import FINGERPRINTING_RULES, GROUPING_CONFIG, GROUPING_ENHANCEMENTS, options_of

MOST_EVENTS = 1_000
PORTION = 25
MOST_SECONDS = 8.0
_DAYS = 90


@dataclass(frozen=True, slots=True)
class Change:
    """The rules that somebody thinks of; None leaves them as they are."""

    fingerprinting: str | None = None
    enhancements: str | None = None
    config: str | None = None


@dataclass(frozen=True, slots=True)
class Simulated:
    """A preview, the issues that it speaks of, and whether the time was up before all events were looked at."""

    preview: Preview
    issues: dict[int, Group]
    was_cut: bool


def simulate(store: EventStore, project: Project, change: Change, events: int, now: datetime) -> Simulated:
    """What `change` would do to the newest events of a project, at most `MOST_EVENTS` of the last 90 days.

    Raises `RuleBroken` for rules that cannot be read, and `StoreUnavailable`.
    """
    before, after = _recipes(project, change)
    window = Window((project.pk,), now - timedelta(days=_DAYS), now + timedelta(minutes=1))
    newest = queries.list_events(store, window, limit=max(1, min(events, MOST_EVENTS)))
    comparison = Comparison(before, after)
    visible = _visible({event.group_id for event in newest})
    oldest_first = [event for event in reversed(newest) if event.group_id in visible]
    until = monotonic() + MOST_SECONDS
    done = 0
    for sample in _read(store, oldest_first):
        if monotonic() >= until:
            break
        comparison.add(sample)
        done += 1
    preview = comparison.result(lambda hashes: _issues_of(project, hashes))
    issues = Group.objects.filter(pk__in=preview.group_ids).select_related("project").in_bulk()
    return Simulated(preview, issues, done < len(oldest_first))


def _recipes(project: Project, change: Change) -> tuple[Recipe, Recipe]:
    own = options_of([project.pk])[project.pk]
    parts = (
        (GROUPING_CONFIG, change.config),
        (GROUPING_ENHANCEMENTS, change.enhancements),
        (FINGERPRINTING_RULES, change.fingerprinting),
    )
    before = [own[option.field] for option, _ in parts]
    after = [own[option.field] if value is None else option.written(value) for option, value in parts]
    return recipe(*before), recipe(*after)


def _read(store: EventStore, events: list[EventSummary]) -> Iterator[Sample]:
    for start in range(0, len(events), PORTION):
        portion = events[start : start + PORTION]
        payloads = queries.payloads(store, portion)
        for event in portion:
            yield Sample(event.group_id, event.title, dict(event.tags), payloads.get(event.event_id, b""))


def _visible(groups: set[int]) -> set[int]:
    return set(Group.objects.filter(pk__in=groups, status__in=VISIBLE_STATUSES).values_list("pk", flat=True))


def _issues_of(project: Project, hashes: Iterable[str]) -> dict[str, int]:
    rows = GroupHash.objects.filter(project=project, hash__in=list(hashes), group__isnull=False)
    return dict(rows.values_list("hash", "group_id"))
