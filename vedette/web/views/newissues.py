"""What happens to a project's new issues by itself: who gets them, and when they escalate."""

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from vedette.accounts.signin_limits import client_address
from vedette.orgs.access import Access
from vedette.projects.access import may
from vedette.projects.changes import change_project
from vedette.projects.options import options_of
from vedette.web.doors import organization_page
from vedette.web.newissueforms import NewIssuesForm
from vedette.web.reaching import READ, WRITE, project_in, writable_project
from vedette.web.rendering import page
from vedette.web.settingpages import options_page


@require_http_methods(["GET", "POST"])
@organization_page(*READ)
def new_issues(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """To whom new issues are given, and whether those that come fast escalate."""
    found = writable_project(access, slug) if request.method == "POST" else project_in(access, slug)
    change = partial(change_project, found, by=access.user, ip_address=client_address(request))
    form = options_page(request, NewIssuesForm, options_of([found.pk])[found.pk], change, "That is saved.")
    if isinstance(form, HttpResponse):
        return form
    context = {"project": found, "form": form, "may_write": may(access, found, *WRITE)}
    return page(request, "web/project_issues.html", context, status=400 if form.errors else 200)
