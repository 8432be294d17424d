"""How a project treats releases, and the address at which a build server makes them."""

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from vedette.accounts.signin_limits import client_address
from vedette.issues.resolve import releases_of
from vedette.orgs.access import Access
from vedette.projects.access import may
from vedette.projects.changes import change_project
from vedette.projects.options import options_of
from vedette.releases.models import ReleaseStatus
from vedette.releases.ordering import follows_semver
from vedette.releases.versions import is_semver
from vedette.shipping.hooks import address_of, change_token, token_of
from vedette.shipping.sender import Sender
from vedette.web.doors import organization_page
from vedette.web.reaching import READ, WRITE, project_in, writable_project
from vedette.web.releaseforms import ProjectReleasesForm
from vedette.web.rendering import done, page
from vedette.web.settingpages import options_page

LOOKED_AT = 10  # so many of the newest releases decide, as they look


@never_cache
@require_http_methods(["GET", "POST"])
@organization_page(*READ)
def project_releases(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """How releases are ordered and made. The build hook is there for those who may change the project."""
    found = writable_project(access, slug) if request.method == "POST" else project_in(access, slug)
    change = partial(change_project, found, by=access.user, ip_address=client_address(request) or None)
    values = options_of([found.pk])[found.pk]
    form = options_page(request, ProjectReleasesForm, values, change, "The settings of releases are saved.")
    if isinstance(form, HttpResponse):
        return form
    may_write = may(access, found, *WRITE)
    rows = releases_of(found.pk).exclude(status=ReleaseStatus.ARCHIVED).order_by("-date_added", "-pk")
    newest = list(rows.values_list("version", flat=True)[:LOOKED_AT])
    context = {
        "verdict": follows_semver(newest),
        "newest": [(version, is_semver(version)) for version in newest],
        "project": found,
        "form": form,
        "may_write": may_write,
        "address": address_of(found, token_of(found)) if may_write else "",
    }
    return page(request, "web/project_releases.html", context, status=400 if form.errors else 200)


@require_POST
@organization_page(*WRITE)
def change_build_hook(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """Another address; the one before is refused from now on."""
    found = writable_project(access, slug)
    change_token(found, by=Sender(user=access.user, ip_address=client_address(request) or None))
    back = reverse("web:project_releases", args=[access.organization.slug, found.slug])
    return done(request, "The build hook has another address; the one before is refused.", f"{back}#hook")
