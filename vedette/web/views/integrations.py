"""What an organization is connected with: repositories at their hosts, and webhooks to other servers.

Secrets that are made here are shown in the answer to that one request.
"""

from dataclasses import dataclass

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from vedette.accounts.signin_limits import client_address
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.hooks import webhooks as hooks
from vedette.hooks.models import Delivery, DeliveryState, Webhook
from vedette.orgs.access import Access
from vedette.releases.models import Repository, RepositorySecret, RepositoryStatus
from vedette.shipping import hosting
from vedette.shipping.hosting import HostedWish
from vedette.shipping.providers.hosts import Host
from vedette.shipping.sender import Sender
from vedette.web.doors import organization_page
from vedette.web.integrationforms import HOSTS, RepositoryForm, TokenForm, WebhookForm
from vedette.web.rendering import done, page

WRITE = ("org:write", "org:admin", "org:integrations")
DELETE = ("org:admin", "org:integrations")
MOST_REPOSITORIES = 500
MOST_DELIVERIES = 50


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """One line of the list. `host` is empty for a repository that nobody set up."""

    repository: Repository
    host: str
    has_token: bool
    has_hook: bool


@dataclass(frozen=True, slots=True)
class Secret:
    """Something that is shown once: the secret, and the address that goes with it."""

    text: str
    address: str


@never_cache
@require_http_methods(["GET", "POST"])
@organization_page(*WRITE)
def repositories(request: HttpRequest, access: Access) -> HttpResponse:
    """The repositories of the organization, and the form that adds one."""
    _check(access)
    form = RepositoryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        wish = HostedWish(said["provider"], said["identifier"], said["name"], said["hostUrl"], said["token"] or None)
        try:
            row, _ = hosting.set_up_hosted(
                access.organization, wish, settings.VEDETTE, by=_sender(request, access), now=clock.now()
            )
        except RuleBroken as broken:
            form.blame(broken)
        else:
            return done(request, f"{row.name} is set up.", _address("repositories", access))
    return _repositories(request, access, form)


@never_cache
@require_POST
@organization_page(*WRITE)
def repository(request: HttpRequest, access: Access, repository_id: int) -> HttpResponse:
    """Do something with one repository: `do` is `check`, `token`, `hook` or `remove`."""
    _check(access)
    rows = Repository.objects.filter(organization=access.organization, pk=repository_id)
    row = rows.exclude(status=RepositoryStatus.PENDING_DELETION).first()
    verb = request.POST.get("do")
    if row is None or (verb == "remove" and not access.has_any(*DELETE)):
        raise Http404
    row.organization = access.organization
    by, back = _sender(request, access), _address("repositories", access)
    if verb == "remove":
        hosting.give_up(row, by=by)
        return done(request, f"{row.name} is removed; its commits are being deleted.", back)
    kind = hosting.kind_of(row)
    if kind is None:
        raise Http404
    if verb == "check":
        return done(request, f"{row.name}: {hosting.look(row, settings.VEDETTE).sentence}", back)
    if verb == "token":
        return _change_token(request, access, row, kind)
    if verb != "hook":
        raise Http404
    secret = hosting.new_hook_secret(row, by=by, now=clock.now())
    return _repositories(request, access, RepositoryForm(), Secret(secret, hosting.hook_address(row)))


def _change_token(request: HttpRequest, access: Access, row: Repository, kind: str) -> HttpResponse:
    form = TokenForm(request.POST)
    host, back = Host.of(row), _address("repositories", access)
    try:
        token = form.cleaned_data["token"] if form.is_valid() else "\n"
        wish = HostedWish(kind, host.slug, row.name, host.url, token)
        hosting.change_hosted(row, wish, settings.VEDETTE, by=_sender(request, access), now=clock.now())
    except RuleBroken as broken:
        return done(request, " ".join(sentence for many in broken.errors.values() for sentence in many), back)
    return done(request, f"{row.name} has another token." if token else f"{row.name} has no token any more.", back)


def _repositories(
    request: HttpRequest, access: Access, form: RepositoryForm, secret: Secret | None = None
) -> HttpResponse:
    rows = Repository.objects.filter(organization=access.organization).exclude(status=RepositoryStatus.PENDING_DELETION)
    listed = list(rows.order_by("name", "pk")[:MOST_REPOSITORIES])
    secrets = {one.repository_id: one for one in RepositorySecret.objects.filter(repository__in=listed)}
    shown = []
    for row in listed:
        host, own = dict(HOSTS).get(hosting.kind_of(row) or "", ""), secrets.get(row.pk)
        shown.append(RepositoryRow(row, host, bool(own and own.token), bool(own and own.hook_secret)))
    context = {"form": form, "rows": shown, "secret": secret, "may_remove": access.has_any(*DELETE)}
    return page(request, "web/repositories.html", context, status=400 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@organization_page(*WRITE)
def webhooks(request: HttpRequest, access: Access) -> HttpResponse:
    """The webhooks of the organization, what they were told, and the form that adds one."""
    _check(access)
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        url, events = form.cleaned_data["url"], form.cleaned_data["events"]
        try:
            row, text = hooks.create_webhook(
                access.organization,
                url,
                events,
                settings.VEDETTE,
                by=access.user,
                ip_address=client_address(request) or None,
            )
        except RuleBroken as broken:
            form.blame(broken)
        else:
            return _webhooks(request, access, WebhookForm(), Secret(text, row.url))
    return _webhooks(request, access, form)


@never_cache
@require_POST
@organization_page(*WRITE)
def webhook(request: HttpRequest, access: Access, webhook_id: int) -> HttpResponse:
    """Do something with one webhook: `do` is `test`, `secret`, `on`, `off` or `remove`."""
    _check(access)
    row = Webhook.objects.filter(organization=access.organization, pk=webhook_id).first()
    if row is None:
        raise Http404
    row.organization = access.organization
    address, back = client_address(request) or None, _address("webhooks", access)
    match request.POST.get("do"):
        case "test":
            hooks.send_test(row, clock.now())
            return done(request, "A test is on its way; reload to see what became of it.", back)
        case "secret":
            text = hooks.new_secret(row, by=access.user, ip_address=address)
            return _webhooks(request, access, WebhookForm(), Secret(text, row.url))
        case "on" | "off" as verb:
            change = {"is_active": verb == "on"}
            hooks.change_webhook(row, change, settings.VEDETTE, by=access.user, ip_address=address)
            return done(request, f"The webhook is switched {verb}.", back)
        case "remove":
            hooks.delete_webhook(row, by=access.user, ip_address=address)
            return done(request, "The webhook is removed.", back)
    raise Http404


def _webhooks(request: HttpRequest, access: Access, form: WebhookForm, secret: Secret | None = None) -> HttpResponse:
    rows = list(Webhook.objects.filter(organization=access.organization).order_by("pk"))
    told = Delivery.objects.filter(webhook__in=rows).select_related("webhook").order_by("-pk")
    context = {
        "form": form,
        "rows": rows,
        "secret": secret,
        "deliveries": [(one, DeliveryState(one.state).word.replace("_", " ")) for one in told[:MOST_DELIVERIES]],
    }
    return page(request, "web/webhooks.html", context, status=400 if form.errors else 200)


def _check(access: Access) -> None:
    if not access.has_any(*WRITE):  # held in a team only
        raise Http404


def _sender(request: HttpRequest, access: Access) -> Sender:
    return Sender(user=access.user, ip_address=client_address(request) or None)


def _address(name: str, access: Access) -> str:
    return reverse(f"web:{name}", args=[access.organization.slug])
