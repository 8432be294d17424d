"""Which releases a caller reaches. Whatever is not reached does not exist: 404, never 403.

Source: the release specification, section 3.
"""

from collections.abc import Collection

from rest_framework.exceptions import NotFound

from vedette.orgs.access import Access
from vedette.projects.access import reachable_projects
from vedette.projects.models import ObjectStatus, Project
from vedette.releases.models import Release


def readable_release(access: Access, version: str, view: Collection[Project]) -> Release:
    """The release of this version that belongs to one of the projects `view`. Raises `NotFound`.

    One without projects is there for those who reach the whole organization: owners, managers, organization tokens.
    """
    release = _named(access, version)
    if release.project_links.filter(project__in=view).exists():
        return release
    if access.is_global and not release.project_links.exists():
        return release
    raise NotFound


def readable_release_of(access: Access, version: str, project: Project) -> Release:
    """The release of this version that belongs to `project`, by way of which it is asked for. Raises `NotFound`."""
    release = _named(access, version)
    if not release.project_links.filter(project=project).exists():
        raise NotFound
    return release


def writable_release(access: Access, version: str) -> Release:
    """The release of this version, if the caller reaches every project of it. Raises `NotFound`."""
    release = _named(access, version)
    links = release.project_links.filter(project__status=ObjectStatus.ACTIVE)
    reached = links.filter(project__in=reachable_projects(access).values("pk")).count()
    if reached < links.count() or (not reached and not access.is_global):
        raise NotFound
    return release


def _named(access: Access, version: str) -> Release:
    release = Release.objects.filter(organization=access.organization, version=version).first()
    if release is None:
        raise NotFound
    release.organization = access.organization
    return release
