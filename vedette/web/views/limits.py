"""The pages on which filters, limits and scrubbing are set: of a project, and of an organization."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from vedette.accounts.signin_limits import client_address
from vedette.core import clock
from vedette.digest.models import OutcomeCount
from vedette.digest.spikes import MULTIPLE, baseline
from vedette.orgs import options as org_options
from vedette.orgs.access import Access
from vedette.orgs.changes import change_organization
from vedette.projects.access import may
from vedette.projects.changes import change_key as change_key_of
from vedette.projects.changes import change_project
from vedette.projects.models import Project, ProjectKey
from vedette.projects.options import is_protected, options_of
from vedette.web.doors import organization_page
from vedette.web.reaching import READ, WRITE, project_in, writable_project
from vedette.web.rendering import done, page
from vedette.web.settingforms import (
    GROUP_LABELS,
    LISTS,
    SWITCHES,
    FiltersForm,
    KeyLimitForm,
    OptionsForm,
    OrganizationLimitsForm,
    OrganizationScrubbingForm,
    ScrubbingForm,
)
from vedette.web.settingpages import options_page
from vedette.wire.outcomes import Outcome
from vedette.wire.quotas import SPIKE_PROTECTION

OWNER = ("org:write", "org:admin")
HIT_DAYS = 7
SAVED = "The {} are saved; they hold in a few seconds."  # as soon as every process has looked again


@require_http_methods(["GET", "POST"])
@organization_page(*READ)
def filters(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """What a project does not want to have, and how much of the rest."""
    return _project_page(request, access, slug, FiltersForm, "web/project_filters.html", "filters and limits")


@require_http_methods(["GET", "POST"])
@organization_page(*READ)
def scrubbing(request: HttpRequest, access: Access, slug: str) -> HttpResponse:
    """What is taken out of a project's data."""
    return _project_page(request, access, slug, ScrubbingForm, "web/project_scrubbing.html", "data scrubbing")


@require_POST
@organization_page(*WRITE)
def key_limit(request: HttpRequest, access: Access, slug: str, key_id: int) -> HttpResponse:
    """Limit what one key may send; no number, or 0, is no limit."""
    found = writable_project(access, slug)
    key = ProjectKey.objects.select_related("project__organization").filter(project=found, pk=key_id).first()
    if key is None:
        raise Http404
    form = KeyLimitForm(request.POST, prefix=f"key-{key.pk}", window=key.rate_limit_window)
    if not form.is_valid():
        values = options_of([found.pk])[found.pk]
        context = _filters_context(access, found, FiltersForm(values=values), values, broken=form)
        return page(request, "web/project_filters.html", context, status=400)
    count = form.cleaned_data["count"]
    limit = (count, form.cleaned_data["window"]) if count else (None, None)
    changes = {"rate_limit_count": limit[0], "rate_limit_window": limit[1]}
    change_key_of(key, changes, by=access.user, ip_address=client_address(request))
    sentence = f"The key may send {count:,} errors in that time." if count else "The key has no limit."
    back = reverse("web:project_filters", args=[access.organization.slug, found.slug])
    return done(request, sentence, f"{back}#keys")


def _project_page(
    request: HttpRequest, access: Access, slug: str, kind: type[OptionsForm], template: str, what: str
) -> HttpResponse:
    found = writable_project(access, slug) if request.method == "POST" else project_in(access, slug)
    values = options_of([found.pk])[found.pk]
    change = partial(change_project, found, by=access.user, ip_address=client_address(request))
    form = options_page(request, kind, values, change, SAVED.format(what))
    if isinstance(form, HttpResponse):
        return form
    if isinstance(form, FiltersForm):
        context = _filters_context(access, found, form, values)
    else:
        context = _context(access, found, form)
    return page(request, template, context, status=400 if form.errors else 200)


def _context(access: Access, found: Project, form: OptionsForm) -> dict[str, Any]:
    shared = org_options.options_of([access.organization.pk])[access.organization.pk]
    return {"project": found, "form": form, "may_write": may(access, found, *WRITE), "shared": shared}


def _filters_context(
    access: Access, found: Project, form: OptionsForm, values: dict[str, Any], broken: KeyLimitForm | None = None
) -> dict[str, Any]:
    hits, context = _hits(found), _context(access, found, form)
    usual = baseline(access.organization.pk, found.pk, clock.now())
    return {
        **context,
        "switches": [(form[one.option.field], hits.get(one.reason, 0)) for one in SWITCHES],
        "lists": [(form[one.option.field], hits.get(one.reason, 0)) for one in LISTS],
        "rates": [form[f"limits:{group}"] for group in GROUP_LABELS],
        "hits": hits,
        "usual": usual,
        "multiple": MULTIPLE,
        "is_protected": is_protected(values, context["shared"]),
        "spikes": hits.get(SPIKE_PROTECTION, 0),
        "keys": [_key_row(key, broken) for key in found.keys.order_by("date_added", "id")],
    }


def _key_row(key: ProjectKey, broken: KeyLimitForm | None) -> dict[str, Any]:
    prefix = f"key-{key.pk}"
    if broken is not None and broken.prefix == prefix:
        return {"key": key, "form": broken}
    initial = {"count": key.rate_limit_count, "window": str(key.rate_limit_window or 60)}
    return {"key": key, "form": KeyLimitForm(prefix=prefix, initial=initial, window=key.rate_limit_window)}


def _hits(found: Project) -> dict[str, int]:
    """How much each reason kept out in the last days."""
    rows = OutcomeCount.objects.filter(
        organization_id=found.organization_id,
        project_id=found.pk,
        outcome__in=(Outcome.FILTERED, Outcome.RATE_LIMITED),
        hour__gte=clock.now() - timedelta(days=HIT_DAYS),
    )
    return dict(rows.order_by().values_list("reason").annotate(total=Sum("quantity")))


@require_http_methods(["GET", "POST"])
@organization_page(*OWNER)
def organization_limits(request: HttpRequest, access: Access) -> HttpResponse:
    """What all projects may send together."""
    return _organization_page(request, access, OrganizationLimitsForm, "web/organization_limits.html", "limits")


@require_http_methods(["GET", "POST"])
@organization_page(*OWNER)
def organization_scrubbing(request: HttpRequest, access: Access) -> HttpResponse:
    """What is taken out of the data of every project."""
    template = "web/organization_scrubbing.html"
    return _organization_page(request, access, OrganizationScrubbingForm, template, "rules")


def _organization_page(
    request: HttpRequest, access: Access, kind: type[OptionsForm], template: str, what: str
) -> HttpResponse:
    if not access.has_any(*OWNER):  # held in a team only
        raise Http404
    values = org_options.options_of([access.organization.pk])[access.organization.pk]
    change = partial(change_organization, access.organization, by=access.user, ip_address=client_address(request))
    form = options_page(request, kind, values, change, SAVED.format(what))
    if isinstance(form, HttpResponse):
        return form
    rates = [form[option.field] for option in org_options.LIMITS.values() if option.field in form.fields]
    return page(request, template, {"form": form, "rates": rates}, status=400 if form.errors else 200)
