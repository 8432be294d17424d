"""What is deleted because it grew old: events and what hangs on them, outcomes, bundles of artifacts, sign-ins. Each
organization may keep things for longer or shorter than the server says.

Weeks that nobody keeps any more are dropped as partitions of the event store. Within the weeks that somebody else still
keeps, rows are deleted by project, to the day. An issue goes a week after the last of its events. Source: the ingest
specification, 18.5.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session

from vedette.core.files import FileStore
from vedette.core.pieces import delete_in_pieces
from vedette.digest.models import OutcomeCount
from vedette.events.client import EventStore
from vedette.events.deletion import delete_before, drop_before
from vedette.issues.deletion import give_up_unseen, unseen
from vedette.issues.files import delete_attachments, forget_orphans
from vedette.issues.models import EventAttachment, UserReport
from vedette.issues.unnamed import forget_unnamed
from vedette.orgs.models import AnalyticsFact, Organization
from vedette.orgs.options import options_of
from vedette.projects.models import Project
from vedette.releases.ageing import delete_old_bundles, old_bundles
from vedette.releases.files import forget_rows

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Kept:
    """For how many days things are kept. Attachments never for longer than their events."""

    events: int
    attachments: int
    artifacts: int = 90

    @classmethod
    def by(cls, options: dict[str, Any], server: "Kept") -> "Kept":
        """What an organization's options say; the server's word where they say nothing."""
        events = options["retentionDays"] or server.events
        attachments = min(options["attachmentRetentionDays"] or server.attachments, events)
        return cls(events, attachments, server.artifacts)


@dataclass(frozen=True, slots=True)
class SweptOrganization:
    """What was deleted of one organization, or would be. `rows` of the event store are those beside whole weeks."""

    slug: str
    retention_days: int
    attachment_retention_days: int
    rows: int
    issues: int
    attachments: int
    reports: int
    outcomes: int

    def __bool__(self) -> bool:
        return bool(self.rows or self.issues or self.attachments or self.reports or self.outcomes)


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep deleted, or would delete.

    `weeks` are the dropped partitions of the event store; `bundles` are those of artifacts; `files` are those that
    nothing names any more, `sign_ins` those that ran out.
    """

    weeks: tuple[str, ...]
    organizations: tuple[SweptOrganization, ...]
    bundles: int
    files: int
    sign_ins: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __bool__(self) -> bool:
        return bool(self.weeks or any(self.organizations) or self.bundles or self.files or self.sign_ins)

    def __str__(self) -> str:
        touched = [one.slug for one in self.organizations if one]
        whose = ", ".join(touched) or "nobody"
        gone = f"{len(self.weeks)} weeks, {self.bundles} bundles, {self.files} files"
        return f"deleted {gone}, and what grew old of {whose}"


def sweep(store: EventStore, files: FileStore, now: datetime, server: Kept, *, dry_run: bool = False) -> Swept:
    """Delete what grew old by `now`; with `dry_run` only count it. Safe to repeat, to interrupt, and to run twice."""
    organizations = dict(Organization.objects.order_by("slug").values_list("pk", "slug"))
    kept = {pk: Kept.by(options, server) for pk, options in options_of(organizations).items()}
    longest = max((one.events for one in kept.values()), default=server.events)
    weeks = tuple(drop_before(store, now - timedelta(days=longest), dry_run=dry_run))
    swept, removed = [], 0
    for pk, slug in organizations.items():
        one, gone = _sweep_organization(store, files, pk, slug, kept[pk], longest, now, dry_run)
        swept.append(one)
        removed += gone
    unused = now - timedelta(days=server.artifacts)
    bundles = old_bundles(unused).count() if dry_run else delete_old_bundles(unused)
    if not dry_run:
        forget_rows(now)
    removed += forget_orphans(files, dry_run=dry_run)
    if not dry_run:
        delete_in_pieces(AnalyticsFact.objects.filter(datetime__lt=now - timedelta(days=server.events)))
    expired = Session.objects.filter(expire_date__lt=now)
    sign_ins = expired.count() if dry_run else delete_in_pieces(expired)
    return Swept(weeks, tuple(swept), bundles, removed, sign_ins)


def _sweep_organization(
    store: EventStore, files: FileStore, pk: int, slug: str, kept: Kept, longest: int, now: datetime, dry_run: bool
) -> tuple[SweptOrganization, int]:
    """What was deleted of it, and how many files went with that."""
    projects = list(Project.objects.filter(organization_id=pk).values_list("pk", flat=True))
    events_since = now - timedelta(days=kept.events)
    rows = _delete_rows(store, projects, events_since, dry_run) if kept.events < longest else 0
    if projects and not dry_run:
        forget_unnamed(store, projects, events_since - WEEK)
    issues = unseen(pk, events_since - WEEK) if dry_run else give_up_unseen(pk, events_since - WEEK, now)
    old = EventAttachment.objects.filter(project_id__in=projects, date_added__lt=now - timedelta(days=kept.attachments))
    attachments, removed = (old.count(), _files_of(old)) if dry_run else delete_attachments(files, old)
    reports, outcomes = (
        found.count() if dry_run else delete_in_pieces(found)
        for found in (
            UserReport.objects.filter(project_id__in=projects, date_added__lt=events_since),
            OutcomeCount.objects.filter(organization_id=pk, hour__lt=events_since),
        )
    )
    return SweptOrganization(slug, kept.events, kept.attachments, rows, issues, attachments, reports, outcomes), removed


def _delete_rows(store: EventStore, projects: Sequence[int], since: datetime, dry_run: bool) -> int:
    """To the day, so that the sweeps of a day after the first find nothing and write nothing."""
    day = since.replace(hour=0, minute=0, second=0, microsecond=0)
    return sum(delete_before(store, projects, day, dry_run=dry_run).values())


def _files_of(attachments: Any) -> int:
    """How many files would go with these rows."""
    kept = EventAttachment.objects.exclude(pk__in=attachments.values("pk")).values("sha1")
    found: int = attachments.exclude(sha1__in=kept).values("sha1").distinct().count()
    return found
