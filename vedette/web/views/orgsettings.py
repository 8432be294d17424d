"""What an organization is called, who may do what in it, and what was done."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from vedette.accounts.models import User
from vedette.accounts.signin_limits import client_address
from vedette.core.errors import RuleBroken
from vedette.orgs.access import Access
from vedette.orgs.audit import AuditEvent, sentence_of
from vedette.orgs.avatars import idents_of
from vedette.orgs.changes import change_organization
from vedette.orgs.models import AuditLogEntry, Organization, OrganizationFlags
from vedette.orgs.options import options_of
from vedette.web.doors import organization_page
from vedette.web.filters import page_number
from vedette.web.orgforms import OrganizationForm
from vedette.web.rendering import done, page

OWNER = ("org:write", "org:admin")
ENTRIES_PER_PAGE = 50
_BY_WORD = {event.word: event for event in AuditEvent}


@require_http_methods(["GET", "POST"])
@organization_page(*OWNER)
def organization_settings(request: HttpRequest, access: Access) -> HttpResponse:
    """Name, slug, roles and switches."""
    if not access.has_any(*OWNER):  # held in a team only
        raise Http404
    organization = access.organization
    may_rule = access.has_any("org:admin")
    sent = request.POST if request.method == "POST" else None
    form = OrganizationForm(sent, values=_values(organization), may_rule=may_rule)
    if sent is not None and form.is_valid():
        change = partial(change_organization, organization, by=access.user, ip_address=client_address(request) or None)
        try:
            told = change(form.changes)
        except RuleBroken as broken:
            form.blame(broken)
        else:
            sentence = "The settings are saved." if told else "Nothing has changed."
            return done(request, sentence, reverse("web:organization_settings", args=[organization.slug]))
    picture = idents_of([organization.pk]).get(organization.pk)
    context = {"form": form, "may_rule": may_rule, "picture": picture}
    return page(request, "web/organization_settings.html", context, status=400 if form.errors else 200)


def _values(organization: Organization) -> dict[str, object]:
    """What the page shows, by the names of the API."""
    columns = {
        "name": organization.name,
        "slug": organization.slug,
        "defaultRole": organization.default_role,
        "openMembership": organization.has_flag(OrganizationFlags.ALLOW_JOINLEAVE),
        "require2FA": organization.has_flag(OrganizationFlags.REQUIRE_2FA),
    }
    return {**options_of([organization.pk])[organization.pk], **columns}


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One line of the audit log. `who` is a person, or the name of a credential of nobody."""

    at: datetime
    who: str
    user: User | None
    sentence: str
    ip_address: str | None


@require_GET
@organization_page(*OWNER)
def audit_log(request: HttpRequest, access: Access) -> HttpResponse:
    """What was done in the organization, newest first."""
    if not access.has_any(*OWNER):
        raise Http404
    rows = AuditLogEntry.objects.filter(organization_id=access.organization.pk)
    word = request.GET.get("event", "")
    if word in _BY_WORD:
        rows = rows.filter(event=_BY_WORD[word])
    number = page_number(request.GET)
    first = (number - 1) * ENTRIES_PER_PAGE
    found = list(rows.order_by("-datetime", "-pk")[first : first + ENTRIES_PER_PAGE + 1])
    context = {
        "entries": _entries(found[:ENTRIES_PER_PAGE]),
        "number": number,
        "has_next": len(found) > ENTRIES_PER_PAGE,
        "words": sorted(_BY_WORD),
        "word": word,
    }
    return page(request, "web/audit_log.html", context)


def _entries(rows: list[AuditLogEntry]) -> list[EntryRow]:
    users = User.objects.in_bulk([row.actor_id for row in rows if row.actor_id])
    return [_entry(row, users.get(row.actor_id or 0)) for row in rows]


def _entry(row: AuditLogEntry, user: User | None) -> EntryRow:
    who = user.display_name if user else row.actor_label or "somebody"
    return EntryRow(row.datetime, who, user, sentence_of(row.event, row.data), row.ip_address)
