"""What is deleted: what grew old (events and what hangs on them, outcomes, sign-ins), and what people gave up."""

import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet

from vedette.core.files import FileStore
from vedette.digest.models import OutcomeCount
from vedette.events.client import EventStore
from vedette.events.writer import delete_project, drop_before
from vedette.issues.models import Activity, EventAttachment, Group, GroupHash, GroupRelease, UserReport
from vedette.orgs.models import (
    AuditLogEntry,
    Organization,
    OrganizationSlugReservation,
    OrganizationStatus,
    OrgAuthToken,
)
from vedette.projects.models import Environment, ObjectStatus, Project
from vedette.releases.models import Release

PIECE = 1000  # rows per statement, so that nobody waits long for a lock
FRESH_FILE_SECONDS = 3600  # a file as new as that may belong to a row that is not written yet

_GIVEN_UP_PROJECT = (ObjectStatus.PENDING_DELETION, ObjectStatus.DELETION_IN_PROGRESS)
_GIVEN_UP_ORGANIZATION = (OrganizationStatus.PENDING_DELETION, OrganizationStatus.DELETION_IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep deleted, or would delete. `weeks` are the dropped partitions of the event store.

    `projects` and `organizations` are those that people gave up; what belonged to them is not counted again.
    """

    weeks: tuple[str, ...]
    attachments: int
    files: int
    reports: int
    outcomes: int
    sessions: int
    projects: int
    organizations: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __bool__(self) -> bool:
        return any(asdict(self).values())


def sweep(store: EventStore, files: FileStore, now: datetime, retention_days: int, *, dry_run: bool = False) -> Swept:
    """Delete what is older than `retention_days` before `now`, and what was given up; with `dry_run` only count it.

    Events go in whole weeks. Safe to repeat, to interrupt, and to run on several nodes at once.
    """
    moment = now - timedelta(days=retention_days)
    weeks = tuple(drop_before(store, moment, dry_run=dry_run))
    attachments, gone = _sweep_attachments(files, moment, dry_run)
    reports, outcomes, sessions = (
        rows.count() if dry_run else _in_pieces(rows)
        for rows in (
            UserReport.objects.filter(date_added__lt=moment),
            OutcomeCount.objects.filter(hour__lt=moment),
            Session.objects.filter(expire_date__lt=now),
        )
    )
    organizations = Organization.objects.filter(status__in=_GIVEN_UP_ORGANIZATION)
    projects = Project.objects.filter(
        Q(status__in=_GIVEN_UP_PROJECT) | Q(organization__status__in=_GIVEN_UP_ORGANIZATION)
    )
    if dry_run:
        given_up = projects.count(), organizations.count()
    else:
        organizations.update(status=OrganizationStatus.DELETION_IN_PROGRESS)
        given_up = (
            sum(_delete_project(store, files, pk) for pk in list(projects.order_by("pk").values_list("pk", flat=True))),
            sum(_delete_organization(pk) for pk in list(organizations.order_by("pk").values_list("pk", flat=True))),
        )
    return Swept(weeks, attachments, gone, reports, outcomes, sessions, *given_up)


def _in_pieces(rows: QuerySet[Any]) -> int:
    """Delete `rows`, and what hangs on them, a piece at a time; how many of them there were."""
    deleted = 0
    while piece := list(rows.order_by("pk").values_list("pk", flat=True)[:PIECE]):
        rows.model._default_manager.filter(pk__in=piece).delete()
        deleted += len(piece)
    return deleted


def _sweep_attachments(files: FileStore, moment: datetime, dry_run: bool) -> tuple[int, int]:
    """(rows, files) of the attachments that are older than `moment`."""
    old = EventAttachment.objects.filter(date_added__lt=moment)
    if dry_run:
        named_by_young = EventAttachment.objects.filter(date_added__gte=moment).values("sha1")
        return old.count(), old.exclude(sha1__in=named_by_young).values("sha1").distinct().count()
    return _delete_attachments(files, old)


def _delete_attachments(files: FileStore, attachments: QuerySet[EventAttachment]) -> tuple[int, int]:
    """(rows, files). A file goes when the last row that names it is gone."""
    rows = removed = 0
    while piece := list(attachments.order_by("id").values_list("id", "sha1")[:PIECE]):
        rows += EventAttachment.objects.filter(pk__in=[pk for pk, _ in piece]).delete()[0]
        names = {sha1 for _, sha1 in piece}
        kept = set(EventAttachment.objects.filter(sha1__in=names).values_list("sha1", flat=True))
        removed += sum(files.remove(name) for name in names - kept if _age(files, name) > FRESH_FILE_SECONDS)
    return rows, removed


def _age(files: FileStore, name: str) -> float:
    """Seconds since the file was last written; for one that is not there it is as if it were new."""
    try:
        return time.time() - files.path(name).stat().st_mtime
    except (FileNotFoundError, ValueError):
        return 0


def _delete_project(store: EventStore, files: FileStore, pk: int) -> bool:
    """Delete a project that was given up, its row last, so that whatever stops this is made up for by the next sweep.

    False while it has files that are too new to be taken: then it waits for the next one.
    """
    with_organization = Q(organization__status=OrganizationStatus.DELETION_IN_PROGRESS)
    given_up = Project.objects.filter(with_organization | Q(status__in=_GIVEN_UP_PROJECT), pk=pk)
    if not given_up.update(status=ObjectStatus.DELETION_IN_PROGRESS):
        return False  # somebody wanted it back just now, or another node was faster
    attachments = EventAttachment.objects.filter(project_id=pk)
    if any(_is_fresh(files, name) for name in attachments.values_list("sha1", flat=True).distinct().iterator()):
        return False
    _delete_attachments(files, attachments)
    _in_pieces(UserReport.objects.filter(project_id=pk))
    _in_pieces(GroupHash.objects.filter(project_id=pk))
    _in_pieces(Activity.objects.filter(project_id=pk))
    _in_pieces(GroupRelease.objects.filter(project_id=pk))
    _in_pieces(Group.objects.filter(project_id=pk))
    _in_pieces(OutcomeCount.objects.filter(project_id=pk))
    delete_project(store, pk)
    Project.objects.filter(pk=pk).delete()
    return True


def _is_fresh(files: FileStore, name: str) -> bool:
    return 0 < _age(files, name) <= FRESH_FILE_SECONDS


def _delete_organization(pk: int) -> bool:
    """Delete an organization that was given up; False while it has projects, which go first."""
    if Project.objects.filter(organization_id=pk).exists():
        return False
    _in_pieces(Release.objects.filter(organization_id=pk))
    for model in (OutcomeCount, AuditLogEntry, Environment, OrgAuthToken, OrganizationSlugReservation):
        _in_pieces(model._default_manager.filter(organization_id=pk))
    Organization.objects.filter(pk=pk).delete()
    return True
