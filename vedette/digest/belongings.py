"""What hangs on events: files and what people said. Kept with the batch, in its transaction.

Either may come before its event, with it, or after it. Source: the ingest specification, 14.12, 14.19, 14.20, 14.23.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Count

from vedette.core import sql
from vedette.core.files import FileStore, name_of
from vedette.core.pieces import pieces
from vedette.digest.config import configs
from vedette.digest.reports import CRASH_REPORTS
from vedette.digest.storable import storable
from vedette.digest.tally import Tally
from vedette.digest.values import PreparedAttachment, PreparedEvent, PreparedUserReport
from vedette.events.rows import EventPlace
from vedette.issues.models import EventAttachment, Group, UserReport
from vedette.wire.outcomes import Outcome

AMENDABLE_FOR = timedelta(minutes=5)
LIMIT_REASON = "crash-report-limit"
FILES_OF_EVENT = 100
_BY_EVENT = ("project_id", "event_id")

EventKey = tuple[int, str]  # project, event id
FileKey = tuple[str, str, str]  # type, name, SHA-1: what makes two files of an event the same one
EnvironmentKey = tuple[int, str]  # organization, name
Found = Mapping[EventKey, int | None]  # the issue of an event; None for an event that was discarded


def issues_of(
    events: Sequence[PreparedEvent], groups: Sequence[int | None], active: set[int]
) -> dict[EventKey, int | None]:
    """The issue of each event of a batch."""
    return {
        (event.project_id, event.event_id): group
        for event, group in zip(events, groups, strict=True)
        if event.project_id in active
    }


def put_files(attachments: Sequence[PreparedAttachment], files: FileStore) -> dict[int, str]:
    """The names of files that will be kept whatever the issue, by place; written before the transaction begins.

    A file without a row is only lost space, a row without a file would be a lie.
    """
    if not attachments or not files.has_room():
        return {}
    per_event: Counter[EventKey] = Counter()
    stored = {}
    for place, attachment in enumerate(attachments):
        key = (attachment.project_id, attachment.event_id)
        per_event[key] += 1
        if attachment.attachment_type not in CRASH_REPORTS and per_event[key] <= FILES_OF_EVENT:
            stored[place] = files.put(attachment.content)
    return stored


def keep_attachments(
    batch_id: int,
    attachments: Sequence[PreparedAttachment],
    stored: Mapping[int, str],
    found: Found,
    active: set[int],
    files: FileStore,
    tally: Tally,
) -> None:
    """A row for each file, but for those of discarded events, crash reports beyond the limit of their issue, more than
    an event may have, and more than the disk has room for. A file that the event has already came with an envelope that
    was sent twice: it stays one."""
    if not attachments:
        return
    has_room = files.has_room()
    limits = _CrashLimits(attachments, found)
    present = _files_of({(one.project_id, one.event_id) for one in attachments})
    rows = []
    for place, attachment in enumerate(attachments):
        key = (attachment.project_id, attachment.event_id)
        same = _file_key(attachment, stored.get(place) or name_of(attachment.content))
        if attachment.project_id not in active:
            tally.refused(attachment, Outcome.INVALID, "project_id")
        elif key in found and found[key] is None:
            tally.refused(attachment, Outcome.FILTERED, "discarded-hash")
        elif not has_room:
            tally.refused(attachment, Outcome.RATE_LIMITED, "files_full")
        elif same in present[key]:
            tally.refused(attachment, Outcome.INVALID, "duplicate")
        elif len(present[key]) >= FILES_OF_EVENT:
            tally.refused(attachment, Outcome.INVALID, "too_many")
        elif not limits.admits(attachment, found.get(key)):
            tally.refused(attachment, Outcome.FILTERED, LIMIT_REASON)
        else:
            if place not in stored:
                files.put(attachment.content)
            rows.append(_row(batch_id, attachment, same, found.get(key)))
            present[key].add(same)
            tally.accepted(attachment)
    EventAttachment.objects.bulk_create(rows)
    limits.write_down()


def keep_reports(
    reports: Sequence[PreparedUserReport], places: Mapping[EventKey, EventPlace], active: set[int], tally: Tally
) -> None:
    """One report for each event; a later one replaces it for five minutes, and that of the dialog always."""
    if not reports:
        return
    groups = {place.group_id for place in places.values()}
    alive = {pk for some in pieces(groups) for pk in Group.objects.filter(pk__in=some).values_list("pk", flat=True)}
    environments = environment_ids(
        {
            (one.organization_id, place.environment)
            for one in reports
            if (place := places.get((one.project_id, one.event_id)))
        }
    )
    said_at = _said_at({(one.project_id, one.event_id) for one in reports if one.project_id in active})
    rows = {}
    for report in reports:
        key = (report.project_id, report.event_id)
        before = said_at.get(key)
        if report.project_id not in active:
            tally.refused(report, Outcome.INVALID, "project_id")
        elif before is not None and before < report.received_at - AMENDABLE_FOR and not report.overwrites:
            tally.refused(report, Outcome.INVALID, "already_reported")
        else:
            said_at[key] = report.received_at
            place = places.get(key)
            group = place.group_id if place and place.group_id in alive else None
            environment = environments.get((report.organization_id, place.environment)) if place else None
            rows[key] = (*key, group, environment, *_words(report), sql.moment(report.received_at))
            tally.accepted(report)
    sql.run_many(
        "INSERT INTO issues_userreport "
        "(project_id, event_id, group_id, environment_id, name, email, comments, date_added) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (project_id, event_id) DO UPDATE SET "
        "group_id = COALESCE(excluded.group_id, issues_userreport.group_id), "
        "environment_id = COALESCE(excluded.environment_id, issues_userreport.environment_id), name = excluded.name, "
        "email = excluded.email, comments = excluded.comments, date_added = excluded.date_added",
        [rows[key] for key in sorted(rows)],
    )


def link(events: Sequence[PreparedEvent], found: Found) -> None:
    """Files and reports that came before their event, or with it, learn its issue, and reports the environment."""
    issues = {key: group for key, group in found.items() if group is not None}
    files = _waiting(EventAttachment, issues)
    sql.run_many(
        "UPDATE issues_eventattachment SET group_id = %s WHERE id = %s AND group_id IS NULL",
        [(issues[key], pk) for key, pk in files],
    )
    reports = _waiting(UserReport, issues)
    if reports:
        wanted = {key for key, _ in reports}
        names = {
            (event.project_id, event.event_id): (event.organization_id, storable(event.environment))
            for event in events
            if (event.project_id, event.event_id) in wanted
        }
        environments = environment_ids(set(names.values()))
        sql.run_many(
            "UPDATE issues_userreport SET group_id = %s, environment_id = COALESCE(%s, environment_id) "
            "WHERE id = %s AND group_id IS NULL",
            [(issues[key], environments.get(names[key]), pk) for key, pk in reports],
        )


def environment_ids(names: Collection[EnvironmentKey]) -> dict[EnvironmentKey, int]:
    """Which environments those of these names are; what does not exist is missing."""
    rows = sql.matching("projects_environment", ("organization_id", "name"), names, ("organization_id", "name", "id"))
    return {(organization, name): pk for organization, name, pk in rows}


def _waiting(
    model: type[EventAttachment] | type[UserReport], events: Collection[EventKey]
) -> list[tuple[EventKey, int]]:
    """The rows of these events that know no issue, in one order for every node. The condition is not the database's: it
    would rather go through all rows that wait, and anybody may send such, in any number."""
    rows = sql.matching(model._meta.db_table, _BY_EVENT, events, (*_BY_EVENT, "id", "group_id"))
    return sorted(((project, event_id), pk) for project, event_id, pk, group in rows if group is None)


def _said_at(events: set[EventKey]) -> dict[EventKey, datetime]:
    """When each of these events was reported on; those reports are locked, in the order of their events."""
    rows = sql.matching("issues_userreport", _BY_EVENT, events, (*_BY_EVENT, "id"))
    found: dict[EventKey, datetime] = {}
    for some in pieces(rows):
        pks = [pk for _, _, pk in some]
        known = UserReport.objects.select_for_update().filter(pk__in=pks).order_by("project_id", "event_id")
        found |= {(one.project_id, one.event_id): one.date_added for one in known}
    return found


def _files_of(events: set[EventKey]) -> defaultdict[EventKey, set[FileKey]]:
    """The files that each of these events has."""
    found: defaultdict[EventKey, set[FileKey]] = defaultdict(set)
    columns = (*_BY_EVENT, "type", "name", "sha1")
    for project, event_id, *file in sql.matching("issues_eventattachment", _BY_EVENT, events, columns):
        found[project, event_id].add((file[0], file[1], file[2]))
    return found


class _CrashLimits:
    """How many crash reports the issues of a batch may still keep; those of unknown events are not counted yet."""

    def __init__(self, attachments: Sequence[PreparedAttachment], found: Found) -> None:
        crashes = [one for one in attachments if one.attachment_type in CRASH_REPORTS]
        self._limits = {
            pk: config.stored_crash_reports for pk, config in configs({o.project_id for o in crashes}).items()
        }
        issues = {group for one in crashes if (group := found.get((one.project_id, one.event_id)))}
        self._kept: Counter[int] = Counter()
        for some in pieces(issues):
            counts = EventAttachment.objects.filter(group__in=some, type__in=CRASH_REPORTS).values_list("group")
            self._kept.update(dict(counts.annotate(Count("pk"))))
        self._stripped: set[int] = set()

    def admits(self, attachment: PreparedAttachment, group: int | None) -> bool:
        """Whether this file may be kept; if so it is counted."""
        if attachment.attachment_type not in CRASH_REPORTS:
            return True
        limit = self._limits.get(attachment.project_id, 0)
        if limit < 0 or (group is None and limit):
            return True
        if group is None or self._kept[group] >= limit:
            if group is not None and limit:
                self._stripped.add(group)
            return False
        self._kept[group] += 1
        return True

    def write_down(self) -> None:
        """Issues say that a crash report was left out."""
        for group in Group.objects.select_for_update().filter(pk__in=self._stripped).order_by("pk"):
            group.data = {**group.data, "metadata": {**group.metadata, "stripped_crash": True}}
            group.save(update_fields=["data"])


def _words(report: PreparedUserReport) -> tuple[str, str, str]:
    return storable(report.name)[:128], storable(report.email)[:75], storable(report.comments)


def _file_key(attachment: PreparedAttachment, sha1: str) -> FileKey:
    return storable(attachment.attachment_type)[:64], storable(attachment.name)[:255], sha1


def _row(batch_id: int, attachment: PreparedAttachment, file: FileKey, group: int | None) -> EventAttachment:
    return EventAttachment(
        project_id=attachment.project_id,
        event_id=attachment.event_id,
        group_id=group,
        type=file[0],
        name=file[1],
        content_type=storable(attachment.content_type)[:255],
        size=len(attachment.content),
        sha1=file[2],
        batch_id=batch_id,
        date_added=attachment.received_at,
    )
