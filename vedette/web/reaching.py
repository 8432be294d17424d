"""The projects that a page speaks of, as far as its visitor reaches them."""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from vedette.core.ids import as_id
from vedette.orgs.access import Access
from vedette.projects.access import may, reachable_projects
from vedette.projects.models import Project

READ = ("project:read", "project:write", "project:admin")
WRITE = ("project:write", "project:admin")


def projects_of(access: Access) -> list[Project]:
    """All projects that the visitor reaches, by slug."""
    return list(reachable_projects(access).order_by("slug"))


def project_in(access: Access, slug: str) -> Project:
    """The project with this slug (or id); a 404 when there is none that the visitor reaches."""
    projects = reachable_projects(access).select_related("organization")
    found = projects.filter(slug=slug).first()
    if found is None and (number := as_id(slug)) is not None:
        found = projects.filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def writable_project(access: Access, slug: str) -> Project:
    """The same, for changing it; raises `PermissionDenied` for those who may only look."""
    found = project_in(access, slug)
    if not may(access, found, *WRITE):
        raise PermissionDenied
    return found
