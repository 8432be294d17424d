"""Deleting releases, or taking a project out of one.

What issues and sessions still name is not deleted: it would be made again, or leave issues that began nowhere. By force
it is, and what began in it begins nowhere then. Source: the release specification, section 16 with its [V].
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from vedette.core.errors import RuleBroken
from vedette.core.pieces import delete_in_pieces
from vedette.events import queries
from vedette.events.client import EventStore
from vedette.events.rows import Window
from vedette.issues.models import Group, GroupEnvironment, GroupRelease, GroupStatus
from vedette.orgs.audit import AuditEvent, record
from vedette.projects.models import Project
from vedette.releases.buried import bury
from vedette.releases.models import Release, ReleaseProject, ReleaseProjectEnvironment
from vedette.shipping.sender import Sender

HEALTH_DAYS = 90
AHEAD = timedelta(minutes=5)  # clocks of senders
HAS_ISSUES = "This release is referenced by active issues and cannot be removed."
HAS_HEALTH = "This release has health data and cannot be removed."
_GOING = (GroupStatus.PENDING_DELETION, GroupStatus.DELETION_IN_PROGRESS)


def delete_release(store: EventStore, release: Release, *, by: Sender, now: datetime, force: bool = False) -> None:
    """Delete a release for all its projects, and what hangs on it: commits stay, links to them go.

    Raises `RuleBroken` while an issue began in it or it had sessions in the last 90 days, unless `force`. Then such
    issues begin in no release, and sessions do not make it again. Raises `StoreUnavailable`.
    """
    _refuse_healthy(store, release, _linked(release), now, force=force)
    with transaction.atomic():
        if Release.objects.select_for_update().filter(pk=release.pk).first() is None:
            return  # somebody else was faster
        _let_issues_go(release, None, force=force)
        if force:
            bury(release.organization, release.version, now)
        delete_in_pieces(GroupRelease.objects.filter(release=release))
        Release.objects.filter(pk=release.pk).delete()
        _audit(release, by, {"version": release.version, "forced": force})


def unlink_project(
    store: EventStore, release: Release, project: Project, *, by: Sender, now: datetime, force: bool = False
) -> None:
    """Take `project` out of a release that others have as well; of one that is only its own, delete the release.

    The same is refused as for the whole release, as far as it concerns this project.
    """
    others = ReleaseProject.objects.filter(release=release).exclude(project=project)
    if not others.exists():
        delete_release(store, release, by=by, now=now, force=force)
        return
    _refuse_healthy(store, release, [project.pk], now, force=force)
    with transaction.atomic():
        if Release.objects.select_for_update().filter(pk=release.pk).first() is None:
            return
        _let_issues_go(release, project, force=force)
        delete_in_pieces(GroupRelease.objects.filter(release=release, project_id=project.pk))
        ReleaseProjectEnvironment.objects.filter(release=release, project=project).delete()
        ReleaseProject.objects.filter(release=release, project=project).delete()
        _audit(release, by, {"version": release.version, "project": project.slug, "forced": force})


def _linked(release: Release) -> list[int]:
    return list(release.project_links.order_by("project_id").values_list("project_id", flat=True))


def _refuse_healthy(
    store: EventStore, release: Release, projects: Collection[int], now: datetime, *, force: bool
) -> None:
    """Before the transaction: the event store may take its time to answer. Issues are looked at first, as they come
    first in the specification."""
    if force or not projects:
        return
    if _blocking(release).filter(project__in=projects).exists():
        raise RuleBroken(HAS_ISSUES)
    window = Window(tuple(projects), now - timedelta(days=HEALTH_DAYS), now + AHEAD)
    if queries.session_edges(store, window, [release.version]):
        raise RuleBroken(HAS_HEALTH)


def _let_issues_go(release: Release, project: Project | None, *, force: bool) -> None:
    """No issue begins in the release any more; those that are being deleted do not count."""
    began = Group.objects.filter(first_release=release)
    blocking = _blocking(release)
    seen = GroupEnvironment.objects.filter(first_release=release)
    if project is not None:
        began, blocking = began.filter(project=project), blocking.filter(project=project)
        seen = seen.filter(group__project=project)
    if not force and blocking.exists():
        raise RuleBroken(HAS_ISSUES)
    began.update(first_release=None)
    seen.update(first_release=None)


def _blocking(release: Release) -> QuerySet[Group]:
    return Group.objects.filter(first_release=release).exclude(status__in=_GOING)


def _audit(release: Release, by: Sender, data: dict[str, object]) -> None:
    record(
        AuditEvent.RELEASE_DELETE,
        release.organization,
        by=by.user,
        label=by.label,
        target=release.pk,
        data=data,
        ip_address=by.ip_address,
    )
