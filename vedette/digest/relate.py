"""Step two of a batch: everything relational, in one transaction, with the mark that it is done.

Releases, environments, issues by hash, counters, attachments, user reports, outcomes. Whoever is killed before the
commit has done nothing, whoever is killed after it has done all of it once: a replay sees the mark.

Nodes that share a PostgreSQL lock the rows that they share in one order, so that they wait for each other and do not
deadlock: environments and releases, hashes, counters of short ids, issues, where those were seen and wait, files and
reports, outcomes, storms; within each by id or by key, and `take_back` keeps to it. Issues that lose an event to
another one are locked together with those that gain one. Out of that order are what a project learns once in its life
(its flags, its first event), the moment that a release was last seen in an environment (before the issues, the new
issues of that release after them), and issues that a crash report is left out of. Where two nodes meet over those,
PostgreSQL ends one transaction (40P01), nothing of it is kept, and the batch is tried again a moment later:
`digest.complaints`.
"""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q

from vedette.core.files import FileStore
from vedette.digest.batch import Batch, Identity, identity
from vedette.digest.belongings import issues_of, keep_attachments, keep_reports, link, put_files
from vedette.digest.config import configs
from vedette.digest.models import DigestBatch
from vedette.digest.storable import storable
from vedette.digest.storm import thin_out
from vedette.digest.tally import Tally
from vedette.digest.values import (
    PreparedEvent,
    PreparedSessions,
    PreparedTransaction,
)
from vedette.events.rows import EventPlace, Known, KnownEvent, KnownTransaction
from vedette.issues import arrivals
from vedette.issues.merging import homes
from vedette.issues.models import Group, GroupStatus
from vedette.orgs import audit
from vedette.orgs.models import OrganizationStatus
from vedette.projects.flags import set_flag
from vedette.projects.models import ObjectStatus, Project, ProjectFlags
from vedette.releases import sightings
from vedette.wire.outcomes import Outcome

log = logging.getLogger(__name__)

MESSAGE_LENGTH = 8192
GIVEN_UP = (GroupStatus.PENDING_DELETION, GroupStatus.DELETION_IN_PROGRESS)
NUL = b"\\u0000"  # as JSON spells it


def relate(
    mark: DigestBatch,
    batch: Batch,
    known: Sequence[Known],
    places: dict[tuple[int, str], EventPlace],
    files: FileStore,
) -> list[int | None]:
    """Relate and count `batch`, and mark it as related; gives the issue of each of its events.

    `known` are rows of the event store that events and transactions of the batch replace. `places` says
    where stored events belong that user reports speak of. Attachments are written to `files` first: a file without a
    row is only lost space.

    Afterwards `batch` holds the transactions and sessions of projects that still exist, and no others.
    """
    stored_files = put_files(batch.attachments, files)
    with transaction.atomic():
        active = _active_projects(batch)
        tally = Tally()
        named: list[PreparedEvent | PreparedTransaction] = [*batch.events, *batch.transactions]
        named = [value for value in named if value.project_id in active]
        seen = sightings.record(_sightings(named))  # in one go: releases are locked in one order, and before issues
        events = [row for row in known if isinstance(row, KnownEvent)]
        groups = _relate_events(batch, events, seen, active, tally)
        replaced = {row.identity for row in known if isinstance(row, KnownTransaction)}
        _relate_transactions(batch.transactions, replaced, active, tally)
        _relate_sessions(batch.sessions, active, tally)
        issues = issues_of(batch.events, groups, active)
        found = {**{key: place.group_id for key, place in places.items()}, **issues}
        keep_attachments(mark.pk, batch.attachments, stored_files, found, active, files, tally)
        keep_reports(batch.reports, places, active, tally)
        _note_feedback(batch, active)
        link(batch.events, issues)
        for dropped in batch.dropped:
            tally.dropped(dropped)
        for reported in batch.reported:
            tally.reported(reported)
        tally.write()
        mark.thinned = thin_out(batch.events, groups)
        mark.groups = {_key(event): group for event, group in zip(batch.events, groups, strict=True) if group}
        mark.related = True
        mark.save(update_fields=["related", "thinned", "groups"])
    _thin(batch, active)
    return groups


def look_up(mark: DigestBatch, batch: Batch) -> list[int | None]:
    """The issue of each event of a batch that is related already: the one that it was counted in, or into which that
    was merged, unless that is gone, or its project.

    Leaves the same of `batch` as `relate`.
    """
    active = _active_projects(batch)
    _thin(batch, active)
    counted = set(mark.groups.values())
    moved = homes(counted)
    groups = Group.objects.filter(pk__in=counted | set(moved.values()), project__in=active)
    alive = set(groups.exclude(status__in=GIVEN_UP).values_list("pk", flat=True))
    found = [mark.groups.get(_key(event)) for event in batch.events]
    found = [moved.get(group, group) if group is not None else None for group in found]
    if missing := len(mark.groups) - sum(group is not None for group in found):
        log.error("batch %s: %d events that were counted did not come of its envelopes again", mark.pk, missing)
    return [group if group in alive else None for group in found]


def take_back(
    batch: Batch, groups: Sequence[int | None], known: Sequence[Known], refused: Collection[tuple[int, str]]
) -> None:
    """Uncount the events and transactions (project, event id) that the event store refuses for good: they are parked,
    and counted when they are replayed. In the caller's transaction."""
    replaced = {row.identity for row in known}
    tally = Tally()
    losses: Counter[int] = Counter()
    for event, group in zip(batch.events, groups, strict=True):
        if (event.project_id, event.event_id) in refused and group is not None and identity(event) not in replaced:
            losses[group] += 1
            tally.taken_back(event)
    for value in batch.transactions:
        if (value.project_id, value.event_id) in refused and identity(value) not in replaced:
            tally.taken_back(value)
    arrivals.uncount(losses)
    tally.write()


def _key(event: PreparedEvent) -> str:
    return "{}:{}:{}".format(*identity(event))


def _thin(batch: Batch, active: set[int]) -> None:
    batch.transactions = [value for value in batch.transactions if value.project_id in active]
    batch.sessions = [value for value in batch.sessions if value.project_id in active]


def _active_projects(batch: Batch) -> set[int]:
    """Which of the batch's projects still exist: one, or its organization, may have been deleted since its items were
    accepted."""
    wanted = {
        value.project_id
        for kind in (batch.events, batch.transactions, batch.attachments, batch.reports, batch.sessions)
        for value in kind
    }
    existing = Project.objects.filter(status=ObjectStatus.ACTIVE, organization__status=OrganizationStatus.ACTIVE)
    return set(existing.filter(pk__in=wanted).values_list("pk", flat=True))


def _relate_events(
    batch: Batch, known: Sequence[KnownEvent], seen: sightings.Sightings, active: set[int], tally: Tally
) -> list[int | None]:
    indexes = [index for index, event in enumerate(batch.events) if event.project_id in active]
    events = [batch.events[index] for index in indexes]
    replaced = {(row.project_id, row.event_id, row.day): row.group_id for row in known}
    received = arrivals.receive([_arrival(event, seen, replaced.get(identity(event))) for event in events])
    groups: list[int | None] = [None] * len(batch.events)
    for index, group in zip(indexes, received, strict=True):
        groups[index] = group
    _tally_events(batch, groups, replaced, active, tally)
    _note_projects(events)
    return groups


def _sightings(values: Sequence[PreparedEvent | PreparedTransaction]) -> list[sightings.Sighting]:
    """What events tell about releases, as far as their projects let them."""
    settings = configs({value.project_id for value in values})
    found = []
    for value in values:
        config = settings.get(value.project_id)
        found.append(
            sightings.Sighting(
                value.organization_id,
                value.project_id,
                storable(value.release),
                storable(value.dist),
                storable(value.environment),
                value.timestamp,
                creates=config is None or config.auto_release_creation,
                dates=config is None or config.release_date_from_events,
            )
        )
    return found


def _arrival(event: PreparedEvent, seen: sightings.Sightings, replaces: int | None) -> arrivals.Arrival:
    # Everything that follows stands in the payload too, and looking once is cheaper than looking everywhere.
    fit = storable if NUL in event.payload else _as_it_is
    environment = fit(event.environment)
    release = seen.releases.get((event.organization_id, fit(event.release)))
    data = {
        "type": event.type,
        "metadata": event.metadata,
        "location": event.location,
        "last_received": event.received_at.timestamp(),
        "sdk": {"name": event.sdk_name},
        "handled": event.handled,
    }
    return arrivals.Arrival(
        organization_id=event.organization_id,
        project_id=event.project_id,
        hashes=event.hashes,
        event_id=event.event_id,
        timestamp=event.timestamp,
        level=event.level,
        logger=fit(event.logger)[:64],
        platform=event.platform,
        title=fit(event.title),
        culprit=fit(event.culprit),
        message=fit(event.message)[:MESSAGE_LENGTH],
        data=fit(data),
        release_id=release.pk if release else None,
        version=release.version if release else "",
        environment_id=seen.environments[event.organization_id, environment],
        environment=environment,
        replaces=replaces,
        secondary_hashes=event.secondary_hashes,
    )


def _as_it_is(value: Any) -> Any:
    return value


def _tally_events(
    batch: Batch,
    groups: Sequence[int | None],
    replaced: dict[tuple[int, str, str], int],
    active: set[int],
    tally: Tally,
) -> None:
    """One outcome for each. An event that replaces another leaves "accepted" with the one that stood first."""
    for event, group in zip(batch.events, groups, strict=True):
        if event.project_id not in active:
            tally.refused(event, Outcome.INVALID, "project_id")
        elif group is None:
            tally.refused(event, Outcome.FILTERED, "discarded-hash")
        elif replaced and identity(event) in replaced:
            tally.refused(event, Outcome.INVALID, "duplicate")
        else:
            tally.accepted(event)
    for earlier in batch.repeated:
        tally.refused(earlier, Outcome.INVALID, "duplicate" if earlier.project_id in active else "project_id")


def _note_projects(events: Sequence[PreparedEvent]) -> None:
    """A project's platform and first event, once each."""
    first: dict[int, PreparedEvent] = {}
    for event in events:
        known = first.setdefault(event.project_id, event)
        if event.timestamp < known.timestamp:
            first[event.project_id] = event
    for project, event in sorted(first.items()):
        Project.objects.filter(pk=project, first_event__isnull=True).update(first_event=event.timestamp)
        if event.platform != "other":
            unnamed = Project.objects.filter(Q(platform__isnull=True) | Q(platform=""), pk=project)
            if unnamed.update(platform=event.platform):
                _tell_platform(project, event)


def _tell_platform(project_id: int, event: PreparedEvent) -> None:
    """The audit log says that an event gave a project its platform (ingest specification, 14.1)."""
    project = Project.objects.select_related("organization").get(pk=project_id)
    data = {"slug": project.slug, "changed": ["platform"], "platform": event.platform, "event": event.event_id}
    audit.record(audit.AuditEvent.PROJECT_EDIT, project.organization, label="an event", target=project_id, data=data)


def _relate_transactions(
    transactions: Sequence[PreparedTransaction], replaced: set[Identity], active: set[int], tally: Tally
) -> None:
    """One outcome for each; one that replaces another leaves "accepted" with the one that stood first."""
    if not transactions:
        return
    set_flag({value.project_id for value in transactions} & active, ProjectFlags.HAS_TRANSACTIONS)
    for value in transactions:
        if value.project_id not in active:
            tally.refused(value, Outcome.INVALID, "project_id")
        elif replaced and identity(value) in replaced:
            tally.refused(value, Outcome.INVALID, "duplicate")
        else:
            tally.accepted(value)


def _note_feedback(batch: Batch, active: set[int]) -> None:
    """That a project has feedback at all, and that it has some of the newer kind."""
    if batch.reports:
        set_flag({one.project_id for one in batch.reports} & active, ProjectFlags.HAS_FEEDBACKS)
        newer = {one.project_id for one in batch.reports if one.is_feedback}
        set_flag(newer & active, ProjectFlags.HAS_NEW_FEEDBACKS)


def _relate_sessions(sessions: Sequence[PreparedSessions], active: set[int], tally: Tally) -> None:
    """Sessions make no rows here but their outcomes: releases come of them when somebody looks, or by the hour."""
    if not sessions:
        return
    set_flag({value.project_id for value in sessions} & active, ProjectFlags.HAS_SESSIONS)
    for value in sessions:
        if value.project_id in active:
            tally.accepted(value)
        else:
            tally.refused(value, Outcome.INVALID, "project_id")
