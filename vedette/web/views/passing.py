"""What an issue gives away: fingerprints to a new issue, and a look at itself to whoever has its public link."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from vedette.core.errors import RuleBroken
from vedette.events import queries
from vedette.events.connection import event_store
from vedette.issues.lookup import find_group
from vedette.issues.models import Group
from vedette.issues.shareable import shareable
from vedette.issues.sharing import set_public, shared_group
from vedette.issues.unmerging import unmerge as split_off
from vedette.orgs.access import Access
from vedette.projects.access import may
from vedette.web import issuepage, triage
from vedette.web.doors import organization_page, public_page
from vedette.web.eventview import read_event
from vedette.web.rendering import done, failed, page
from vedette.web.streampage import words_of

# Whoever has the address may read it: no search engine gets it, no other site is told it, no cache keeps it.
SHARED_HEADERS = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
SAID = {
    "make": "The issue has a public link.",
    "rotate": "The issue has a new public link. The one before leads nowhere any more.",
    "stop": "The public link leads nowhere any more.",
}


@require_POST
@organization_page(*triage.SCOPES)
def unmerge(request: HttpRequest, access: Access, issue_id: str) -> HttpResponse:
    """Give the fingerprints that are ticked an issue of their own, and go there."""
    group = _writable(access, issue_id)
    back = reverse("web:issue", args=[access.organization.slug, group.qualified_short_id])
    hashes = request.POST.getlist("hash")
    if not hashes:
        return failed(request, "No fingerprint was chosen.", back)
    try:
        made = split_off(event_store(), group, set(hashes), access.user)
    except RuleBroken as broken:
        return failed(request, str(broken), back)
    if made is None:
        return failed(request, "These fingerprints are being split off already.", back)
    there = reverse("web:issue", args=[access.organization.slug, made.qualified_short_id])
    return done(
        request, f"{made.qualified_short_id} was split off {group.qualified_short_id}. Its events follow.", there
    )


@require_POST
@organization_page(*triage.SCOPES)
def share(request: HttpRequest, access: Access, issue_id: str) -> HttpResponse:
    """Make a public link, another one instead of it, or none (`do`)."""
    group = _writable(access, issue_id)
    verb = request.POST.get("do", "")
    if verb not in SAID:
        raise Http404
    back = reverse("web:issue", args=[access.organization.slug, group.qualified_short_id])
    try:
        set_public([group], access.user, wanted=verb != "stop")
    except RuleBroken as broken:
        return failed(request, " ".join(broken.errors["isPublic"]), back)
    return done(request, SAID[verb], f"{back}#public-link")


@require_GET
@public_page
def shared(request: HttpRequest, share_id: str) -> HttpResponse:
    """What everybody may see of an issue that has a public link."""
    group = shared_group(share_id)
    if group is None:
        raise Http404
    stored = issuepage.or_nothing(lambda: queries.edge_event(event_store(), [group.project_id], group.pk))
    context = {
        "group": group,
        "issue": {"words": words_of(group)},
        "event": read_event(shareable(issuepage.payload_of(stored))) if stored else None,
        "at": stored.summary.timestamp if stored else None,
    }
    answer = page(request, "web/shared_issue.html", context)
    for name, value in SHARED_HEADERS.items():
        answer[name] = value
    return answer


def _writable(access: Access, issue_id: str) -> Group:
    """The issue, for whoever may change it. Raises `Http404`, and `PermissionDenied`."""
    group = find_group(access, issue_id)
    if group is None:
        raise Http404
    if not may(access, group.project, *triage.SCOPES):
        raise PermissionDenied
    return group
