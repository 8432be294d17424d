"""What people said, project by project: the newest first, each with the issue and the event that it speaks of."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from vedette.issues.feedback import files_of, reports_of
from vedette.issues.models import EventAttachment, UserReport
from vedette.orgs.access import Access
from vedette.projects.access import reachable_projects
from vedette.web.doors import organization_page
from vedette.web.filters import page_number
from vedette.web.rendering import page
from vedette.web.views.stream import READ

PER_PAGE = 25
_MOST_PROJECTS = 1000
_MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class Said:
    """One report, with the files of its event."""

    report: UserReport
    files: tuple[EventAttachment, ...]


@require_GET
@organization_page(*READ)
def feedback(request: HttpRequest, access: Access) -> HttpResponse:
    """The list, of all projects that the visitor reaches or of one."""
    projects = reachable_projects(access)
    wanted = request.GET.get("project", "")
    chosen = projects.filter(slug=wanted) if wanted else projects
    number = page_number(request.GET)
    first = (number - 1) * PER_PAGE
    rows = list(reports_of(chosen)[first : first + PER_PAGE + 1])
    shown = rows[:PER_PAGE]
    if number > 1 and not shown:
        return redirect(request.path + (f"?project={wanted}" if chosen.exists() and wanted else ""))
    files = files_of(shown, _MOST_FILES)
    context = {
        "rows": [Said(one, tuple(files.get(one.pk, ()))) for one in shown],
        "projects": list(projects.order_by("slug").values_list("slug", flat=True)[:_MOST_PROJECTS]),
        "wanted": wanted,
        "is_unknown": bool(wanted) and not chosen.exists(),
        "number": number,
        "has_next": len(rows) > PER_PAGE,
    }
    return page(request, "web/feedback.html", context)
