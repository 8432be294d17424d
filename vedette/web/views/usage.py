"""The stats page: what an organization's projects sent, and what became of it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from vedette.orgs.access import Access
from vedette.web.doors import organization_page
from vedette.web.filters import RANGES
from vedette.web.reaching import projects_of
from vedette.web.rendering import page
from vedette.web.usagepage import FATES, KINDS, load_usage, read_usage_filters

READ = ("org:read", "org:write", "org:admin")


@require_GET
@organization_page(*READ)
def stats(request: HttpRequest, access: Access) -> HttpResponse:
    """The counts of the projects that the visitor reaches; `project` (a slug) narrows them to one."""
    filters = read_usage_filters(request.GET)
    projects = projects_of(access)
    chosen = [one for one in projects if one.slug == filters.project] if filters.project else projects
    if filters.project and not chosen:
        raise Http404
    context = {
        "filters": filters,
        "usage": load_usage(access.organization, filters, chosen),
        "kind": KINDS[filters.kind][0],
        "fates": FATES,
        "projects": projects,
        "ranges": RANGES,
    }
    return page(request, "web/stats.html", context)
