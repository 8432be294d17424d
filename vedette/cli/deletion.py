"""Deleting what people gave up: issues, projects, organizations, repositories, with all rows, events and files of them.

The lists below are what a project or an organization has that no foreign key deletes; a test compares them with the
models. Everything is restartable: the row that says what is to be deleted goes last.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model, Q

from vedette.accounts.models import UserOption
from vedette.core.files import FileStore
from vedette.core.pieces import delete_in_pieces
from vedette.digest.models import OutcomeCount
from vedette.events.client import EventStore
from vedette.events.deletion import delete_project
from vedette.issues.deletion import SECOND_LOOK, delete_given_up
from vedette.issues.files import delete_attachments
from vedette.issues.models import (
    Activity,
    EventAttachment,
    Group,
    GroupDeletion,
    GroupHash,
    GroupRedirect,
    GroupRelease,
    UserReport,
)
from vedette.orgs.models import (
    AuditLogEntry,
    Organization,
    OrganizationSlugReservation,
    OrganizationStatus,
    OrgAuthToken,
)
from vedette.projects.models import Environment, ObjectStatus, Project, ProjectOption
from vedette.releases.models import Commit, DeployProject, Release, Repository, RepositoryStatus
from vedette.relocation.leaving import forget_orphans
from vedette.relocation.models import PreservedControlRow, PreservedRegionRow
from vedette.shipping.repositorydeletion import delete_given_up_repositories
from vedette.tasks.models import Work

GIVEN_UP_PROJECT = (ObjectStatus.PENDING_DELETION, ObjectStatus.DELETION_IN_PROGRESS)
GIVEN_UP_ORGANIZATION = (OrganizationStatus.PENDING_DELETION, OrganizationStatus.DELETION_IN_PROGRESS)

EMPTIED_AT = "vedette:emptied_at"  # the option that says since when (Unix seconds) nothing is left but the row

# Deleted in pieces before the project, by `project_id`: what has no foreign key, and what there may be very much of.
PROJECT_ROWS: tuple[type[Model], ...] = (
    UserReport,
    GroupHash,
    Activity,
    GroupRelease,
    Group,
    DeployProject,
    OutcomeCount,
    UserOption,
    PreservedRegionRow,
)
# The same for an organization, by `organization_id`, after its projects.
ORGANIZATION_ROWS: tuple[type[Model], ...] = (
    Release,
    Commit,
    OutcomeCount,
    AuditLogEntry,
    Environment,
    GroupRedirect,
    OrgAuthToken,
    OrganizationSlugReservation,
    UserOption,
    Work,
    PreservedRegionRow,
    PreservedControlRow,
)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """How much was given up and deleted. What belonged to a deleted project or organization is not counted again."""

    issues: int = 0
    projects: int = 0
    organizations: int = 0
    repositories: int = 0

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        of_issues = f"{self.issues} issues, {self.projects} projects, {self.organizations} organizations"
        return f"deleted {of_issues}, {self.repositories} repositories"


def delete_what_was_given_up(store: EventStore, files: FileStore, now: datetime) -> GivenUp:
    """Organizations, projects, issues and repositories that people gave up. Safe to interrupt and to repeat."""
    Organization.objects.filter(status__in=GIVEN_UP_ORGANIZATION).update(status=OrganizationStatus.DELETION_IN_PROGRESS)
    going = list(_projects().order_by("pk").values_list("pk", flat=True))
    projects = sum(_delete_project(store, files, pk, now) for pk in going)
    waiting = Organization.objects.filter(status=OrganizationStatus.DELETION_IN_PROGRESS)
    organizations = sum(_delete_organization(pk) for pk in list(waiting.order_by("pk").values_list("pk", flat=True)))
    issues = delete_given_up(store, files, now).issues
    forget_orphans(now)
    return GivenUp(issues, projects, organizations, delete_given_up_repositories())


def count_what_was_given_up() -> GivenUp:
    """What `delete_what_was_given_up` would delete."""
    return GivenUp(
        GroupDeletion.objects.filter(deleted_at__isnull=True).count(),
        _projects().count(),
        Organization.objects.filter(status__in=GIVEN_UP_ORGANIZATION).count(),
        Repository.objects.filter(status=RepositoryStatus.PENDING_DELETION).count(),
    )


def _projects() -> Any:
    of_organizations = Q(organization__status__in=GIVEN_UP_ORGANIZATION)
    return Project.objects.filter(Q(status__in=GIVEN_UP_PROJECT) | of_organizations)


def _delete_project(store: EventStore, files: FileStore, pk: int, now: datetime) -> bool:
    """Empty a project that was given up, at once and again an hour later: a batch with events of it may have been under
    way. Then its row goes, and only then this is True."""
    if not _projects().filter(pk=pk).update(status=ObjectStatus.DELETION_IN_PROGRESS):
        return False
    delete_attachments(files, EventAttachment.objects.filter(project_id=pk))
    for model in PROJECT_ROWS:
        delete_in_pieces(model._default_manager.filter(project_id=pk))
    delete_project(store, pk)
    emptied, _ = ProjectOption.objects.get_or_create(project_id=pk, key=EMPTIED_AT, defaults={"value": now.timestamp()})
    if now.timestamp() < float(emptied.value or 0) + SECOND_LOOK.total_seconds():
        return False
    return bool(Project.objects.filter(pk=pk).delete()[0])


def _delete_organization(pk: int) -> bool:
    """Delete an organization that was given up; False while it has projects, which go first."""
    if Project.objects.filter(organization_id=pk).exists():
        return False
    for model in ORGANIZATION_ROWS:
        delete_in_pieces(model._default_manager.filter(organization_id=pk))
    return bool(Organization.objects.filter(pk=pk).delete()[0])
