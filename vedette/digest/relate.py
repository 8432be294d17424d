"""Step two of a batch: everything relational, in one transaction, with the mark that it is done.

Releases, environments, issues by hash, counters, attachments, user reports, outcomes. Whoever is killed before the
commit has done nothing, whoever is killed after it has done all of it once: a replay sees the mark.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from vedette.core import sql
from vedette.core.files import FileStore
from vedette.digest.batch import Batch, identity
from vedette.digest.config import configs
from vedette.digest.models import DigestBatch
from vedette.digest.tally import Tally
from vedette.digest.values import PreparedAttachment, PreparedEvent, PreparedTransaction, PreparedUserReport
from vedette.events.rows import KnownEvent
from vedette.issues import arrivals
from vedette.issues.models import EventAttachment, Group, UserReport
from vedette.projects.models import ObjectStatus, Project, ProjectFlags
from vedette.releases import sightings
from vedette.wire.outcomes import Outcome

MESSAGE_LENGTH = 8192


def relate(
    mark: DigestBatch,
    batch: Batch,
    known: Sequence[KnownEvent],
    reported_groups: dict[tuple[int, str], int],
    files: FileStore,
) -> list[int | None]:
    """Relate and count `batch`, and mark it as related; gives the issue of each of its events.

    `known` are rows of the event store that events of the batch replace. `reported_groups` are the issues of events
    that user reports speak of. Attachments are written to `files` first: a file without a row is only lost space.
    """
    stored_files = [(attachment, files.put(attachment.content)) for attachment in batch.attachments]
    with transaction.atomic():
        active = _active_projects(batch)
        tally = Tally()
        groups = _relate_events(batch, known, active, tally)
        _relate_transactions(batch.transactions, active, tally)
        _keep_attachments(mark.pk, stored_files, active, tally)
        _keep_reports(batch.reports, reported_groups, active, tally)
        _link_earlier(batch.events, groups)
        for dropped in batch.dropped:
            tally.dropped(dropped)
        for reported in batch.reported:
            tally.reported(reported)
        tally.write()
        mark.related = True
        mark.save(update_fields=["related"])
    return groups


def look_up(batch: Batch) -> list[int | None]:
    """The issue of each event of a batch that is related already."""
    return arrivals.look_up([(event.project_id, event.hashes) for event in batch.events])


def storable(value: Any) -> Any:
    """`value` without NUL characters, which PostgreSQL cannot keep in texts and documents."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd") if "\0" in value else value
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    return value


def _active_projects(batch: Batch) -> set[int]:
    """Which of the batch's projects still exist: one may have been deleted since its items were accepted."""
    wanted = {
        value.project_id
        for kind in (batch.events, batch.transactions, batch.attachments, batch.reports)
        for value in kind
    }
    return set(Project.objects.filter(pk__in=wanted, status=ObjectStatus.ACTIVE).values_list("pk", flat=True))


def _relate_events(batch: Batch, known: Sequence[KnownEvent], active: set[int], tally: Tally) -> list[int | None]:
    indexes = [index for index, event in enumerate(batch.events) if event.project_id in active]
    events = [batch.events[index] for index in indexes]
    seen = sightings.record(_sightings(events))
    replaced = {(row.project_id, row.event_id, row.day): row.group_id for row in known}
    received = _receive(events, seen, replaced)
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


def _receive(
    events: Sequence[PreparedEvent], seen: sightings.Sightings, replaced: dict[tuple[int, str, str], int]
) -> list[int | None]:
    """The issues of `events`, counted. An event that replaces one of the same issue is not counted again; one that
    replaces an event of another issue takes it away there."""
    befores = [replaced.get(identity(event)) for event in events] if replaced else [None] * len(events)
    wanted = [(event.project_id, event.hashes) for event, before in zip(events, befores, strict=True) if before]
    present = iter(arrivals.look_up(wanted))
    counted = [before is None or next(present) != before for before in befores]
    received = arrivals.receive([_arrival(event, seen, count) for event, count in zip(events, counted, strict=True)])
    losses: Counter[int] = Counter()
    for before, group in zip(befores, received.groups, strict=True):
        if before is not None and group is not None and before != group:
            losses[before] += 1
    arrivals.uncount(losses)
    return received.groups


def _arrival(event: PreparedEvent, seen: sightings.Sightings, counted: bool) -> arrivals.Arrival:
    environment = storable(event.environment)
    release = seen.releases.get((event.organization_id, storable(event.release)))
    data = {
        "type": event.type,
        "metadata": event.metadata,
        "location": event.location,
        "last_received": event.received_at.timestamp(),
        "sdk": {"name": event.sdk_name},
        "handled": event.handled,
    }
    return arrivals.Arrival(
        project_id=event.project_id,
        hashes=event.hashes,
        event_id=event.event_id,
        timestamp=event.timestamp,
        level=event.level,
        logger=storable(event.logger)[:64],
        platform=event.platform,
        title=storable(event.title),
        culprit=storable(event.culprit),
        message=storable(event.message)[:MESSAGE_LENGTH],
        data=storable(data),
        release_id=release.pk if release else None,
        version=release.version if release else "",
        environment_id=seen.environments[event.organization_id, environment],
        environment=environment,
        counted=counted,
    )


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
            Project.objects.filter(Q(platform__isnull=True) | Q(platform=""), pk=project).update(
                platform=event.platform
            )


def _relate_transactions(transactions: Sequence[PreparedTransaction], active: set[int], tally: Tally) -> None:
    if not transactions:
        return
    kept = [value for value in transactions if value.project_id in active]
    sightings.record(_sightings(kept))
    flag = int(ProjectFlags.HAS_TRANSACTIONS)
    without = Project.objects.filter(pk__in={value.project_id for value in kept}).exclude(
        pk__in=Project.objects.annotate(flagged=F("flags").bitand(flag)).filter(flagged=flag).values("pk")
    )
    without.update(flags=F("flags").bitor(flag))
    for value in transactions:
        if value.project_id in active:
            tally.accepted(value)
        else:
            tally.refused(value, Outcome.INVALID, "project_id")


def _keep_attachments(
    batch_id: int, stored: Sequence[tuple[PreparedAttachment, str]], active: set[int], tally: Tally
) -> None:
    rows = []
    for attachment, sha1 in stored:
        if attachment.project_id not in active:
            continue
        tally.accepted(attachment)
        rows.append(
            EventAttachment(
                project_id=attachment.project_id,
                event_id=attachment.event_id,
                type=storable(attachment.attachment_type)[:64],
                name=storable(attachment.name)[:255],
                content_type=storable(attachment.content_type)[:255],
                size=len(attachment.content),
                sha1=sha1,
                batch_id=batch_id,
                date_added=attachment.received_at,
            )
        )
    EventAttachment.objects.bulk_create(rows)


def _keep_reports(
    reports: Sequence[PreparedUserReport],
    groups: dict[tuple[int, str], int],
    active: set[int],
    tally: Tally,
) -> None:
    """One report per event: a later one overwrites what an earlier one said."""
    alive = set(Group.objects.filter(pk__in=set(groups.values())).values_list("pk", flat=True))
    rows = {}
    for report in reports:
        if report.project_id not in active:
            tally.refused(report, Outcome.INVALID, "project_id")
            continue
        group = groups.get((report.project_id, report.event_id))
        rows[report.project_id, report.event_id] = (
            report.project_id,
            report.event_id,
            group if group in alive else None,
            storable(report.name)[:128],
            storable(report.email)[:75],
            storable(report.comments),
            sql.moment(report.received_at),
        )
        tally.accepted(report)
    sql.run_many(
        "INSERT INTO issues_userreport (project_id, event_id, group_id, name, email, comments, date_added) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (project_id, event_id) DO UPDATE SET "
        "group_id = COALESCE(excluded.group_id, issues_userreport.group_id), name = excluded.name, "
        "email = excluded.email, comments = excluded.comments, date_added = excluded.date_added",
        [rows[key] for key in sorted(rows)],
    )


def _link_earlier(events: Sequence[PreparedEvent], groups: Sequence[int | None]) -> None:
    """Attachments and reports that came before their event, or with it, learn its issue."""
    found = {
        (event.project_id, event.event_id): group
        for event, group in zip(events, groups, strict=True)
        if group is not None
    }
    ids = {event_id for _, event_id in found}
    if not ids:
        return
    for model in (EventAttachment, UserReport):
        waiting = model._default_manager.filter(event_id__in=ids, group__isnull=True)
        for pk, project, event_id in waiting.values_list("pk", "project_id", "event_id"):
            group = found.get((project, event_id))
            if group is not None:
                model._default_manager.filter(pk=pk).update(group_id=group)
