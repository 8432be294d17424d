"""Moving data: owners export their organization and import others; who runs the server approves those.

Everything here is denied to all but owners, and every move to the owners of any other organization than that in which
it was asked for. What is asked for is done in the background (`relocation.hosting`); pages watch it.
"""

from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_POST

from vedette.accounts.models import User
from vedette.accounts.signin_limits import client_address
from vedette.core.errors import RuleBroken
from vedette.orgs.access import Access
from vedette.relocation import hosted
from vedette.relocation.hosting import EXPORT
from vedette.relocation.models import Move, MoveKind, MoveState
from vedette.relocation.progress import ProgressFile, as_time
from vedette.web.doors import organization_page
from vedette.web.moveforms import ExportForm, ImportForm
from vedette.web.rendering import done, failed, page, wants_fragment

OWNERS = ("org:admin",)
MOST_SHOWN = 50
COLUMNS = ("inserted", "existing", "overwritten", "preserved", "dropped", "out_of_scope")
SENTENCES = {
    MoveState.WAITING: "It waits for its turn.",
    MoveState.RUNNING: "It is under way.",
    MoveState.PLANNED: "This is what would be done. Nothing is done yet.",
    MoveState.CONFIRMED: "It waits for its turn.",
    MoveState.WRITING: "It is being imported.",
    MoveState.READY: "It can be downloaded.",
    MoveState.PENDING: "It is imported, and hidden until whoever runs this server approves it.",
    MoveState.APPROVED: "It is approved: its members see it.",
    MoveState.REJECTED: "It was rejected, and what came with it is deleted.",
    MoveState.CANCELLED: "It was given up.",
    MoveState.FAILED: "It failed, and nothing was changed.",
    MoveState.EXPIRED: "Its time is over, and its files are deleted.",
}
_MOVING = {MoveState.WAITING, MoveState.RUNNING, MoveState.CONFIRMED, MoveState.WRITING}
_CAN_BE_CANCELLED = {MoveState.WAITING, MoveState.PLANNED, MoveState.READY}


@never_cache
@require_GET
@organization_page(*OWNERS)
def moves(request: HttpRequest, access: Access) -> HttpResponse:
    """What was asked for, the forms to ask with, and for who runs the server what waits for approval."""
    _check(access)
    return _moves(request, access, ExportForm(), ImportForm())


@require_POST
@organization_page(*OWNERS)
def ask_export(request: HttpRequest, access: Access) -> HttpResponse:
    """Have this organization exported."""
    by = _check(access)
    form = ExportForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            move = hosted.ask_export(
                access.organization,
                by,
                **form.options,
                public_key=form.cleaned_data["public_key"],
                ip_address=client_address(request) or None,
            )
        except RuleBroken as broken:
            form.blame(broken)
        else:
            return redirect("web:move", access.organization.slug, move.uuid)
    return _moves(request, access, form, ImportForm(), status=400)


@sensitive_variables()
@require_POST
@organization_page(*OWNERS)
def ask_import(request: HttpRequest, access: Access) -> HttpResponse:
    """Take a file and have it tried."""
    by = _check(access)
    form = ImportForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            move = hosted.ask_import(
                access.organization,
                by,
                form.cleaned_data["file"].chunks(),
                private_key=form.cleaned_data["private_key"],
                ip_address=client_address(request) or None,
            )
        except RuleBroken as broken:
            form.blame(broken)
        else:
            return redirect("web:move", access.organization.slug, move.uuid)
    return _moves(request, access, ExportForm(), form, status=400)


@never_cache
@require_GET
@organization_page(*OWNERS)
def move(request: HttpRequest, access: Access, uuid: str) -> HttpResponse:
    """One move: how far it is, what it would do or did, and what can be done with it."""
    by = _check(access)
    found = _find(access, uuid)
    template = "web/_move.html" if wants_fragment(request) else "web/move.html"
    return page(request, template, _told(found, by))


@require_POST
@organization_page(*OWNERS)
def change_move(request: HttpRequest, access: Access, uuid: str) -> HttpResponse:
    """`do` is `confirm` or `cancel`, and for who runs the server `approve` or `reject`."""
    by, verb = _check(access), request.POST.get("do", "")
    found = _find(access, uuid)
    address = client_address(request) or None
    acts = {
        "confirm": (hosted.confirm, "It is being imported."),
        "cancel": (hosted.cancel, "It is given up."),
        "approve": (hosted.approve, "It is approved. People are told by mail to claim their accounts."),
        "reject": (hosted.reject, "It is rejected; what came with it is being deleted."),
    }
    if verb not in acts or (verb in ("approve", "reject") and not by.is_superuser):
        raise Http404
    act, sentence = acts[verb]
    back = reverse("web:move", args=[access.organization.slug, uuid])
    try:
        act(found, by, address)
    except RuleBroken as broken:
        return failed(request, f"{str(broken).rstrip('.').capitalize()}.", back)
    return done(request, sentence, back)


@never_cache
@require_GET
@organization_page(*OWNERS)
def download_move(request: HttpRequest, access: Access, uuid: str) -> HttpResponseBase:
    """The file of an export, to owners of the organization that is in it."""
    by = _check(access)
    found = _find(access, uuid)
    if found.kind != MoveKind.EXPORT or found.state != MoveState.READY:
        raise Http404
    try:
        file = (hosted.directory_of(found) / EXPORT).open("rb")
    except FileNotFoundError:
        raise Http404 from None
    hosted.note_download(found, by, client_address(request) or None)
    return FileResponse(file, as_attachment=True, filename=_name(found), content_type="application/octet-stream")


@never_cache
@require_GET
@organization_page(*OWNERS)
def move_findings(request: HttpRequest, access: Access, uuid: str) -> HttpResponseBase:
    """The findings of a move, as JSON."""
    _check(access)
    found = _find(access, uuid)
    try:
        file = (hosted.directory_of(found) / hosted.FINDINGS).open("rb")
    except FileNotFoundError:
        raise Http404 from None
    name = f"findings-{found.uuid[:8]}.json"
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/json")


def _check(access: Access) -> User:
    """Owners of the whole organization, who are signed in as themselves."""
    if access.user is None or not access.has_any(*OWNERS):
        raise Http404
    return access.user


def _find(access: Access, uuid: str) -> Move:
    """A move of this very organization."""
    found = Move.objects.select_related("organization").filter(uuid=uuid, organization=access.organization).first()
    if found is None:
        raise Http404
    return found


def _moves(
    request: HttpRequest, access: Access, exporting: ExportForm, importing: ImportForm, *, status: int = 200
) -> HttpResponse:
    own = Move.objects.filter(organization=access.organization).order_by("-date_added", "-pk")[:MOST_SHOWN]
    pending: list[Move] = []
    if access.user is not None and access.user.is_superuser:
        rows = Move.objects.select_related("organization").filter(state=MoveState.PENDING).exclude(organization=None)
        pending = list(rows.order_by("date_added")[:MOST_SHOWN])
    people = User.objects.in_bulk({row.user_id for row in [*own, *pending]})
    context = {
        "exporting": exporting,
        "importing": importing,
        "moves": [(row, people.get(row.user_id)) for row in own],
        "pending": [(row, people.get(row.user_id)) for row in pending],
    }
    return page(request, "web/moves.html", context, status=status)


def _told(found: Move, by: User) -> dict[str, Any]:
    state, outcome = MoveState(found.state), found.outcome
    planned = outcome.get("plan") or {}
    columns = [name for name in COLUMNS if any(counts.get(name) for counts in planned.values())]
    return {
        "move": found,
        "sentence": SENTENCES[state],
        "is_moving": state in _MOVING,
        "progress": _progress(found) if state in _MOVING else "",
        "columns": [name.replace("_", " ") for name in columns],
        "plan": [(model, [counts.get(name, 0) for name in columns]) for model, counts in planned.items()],
        "counts": list((outcome.get("counts") or {}).items()),
        "asked_by": User.objects.filter(pk=found.user_id).first(),
        "may_confirm": state is MoveState.PLANNED,
        "may_cancel": state in _CAN_BE_CANCELLED,
        "may_decide": state is MoveState.PENDING and by.is_superuser,
        "may_download": state is MoveState.READY,
        "has_findings": (hosted.directory_of(found) / hosted.FINDINGS).exists(),
    }


def _progress(found: Move) -> str:
    """How far it is, in a sentence."""
    moment = ProgressFile.read(hosted.directory_of(found) / hosted.PROGRESS)
    if moment is None:
        return ""
    total = f" of {moment['total']:,}" if moment["total"] else ""
    left = f", {as_time(moment['seconds_left'])} left" if moment["seconds_left"] else ""
    return f"{moment['phase'].capitalize()}: {moment['rows']:,}{total} rows{left}"


def _name(found: Move) -> str:
    """What the file is called where it is saved."""
    slug = slugify(found.organization.slug) if found.organization else "export"
    ending = "tar" if found.options["sealed"] else "vedette" if found.options["full"] else "json"
    return f"{slug}-{found.date_added:%Y-%m-%d}.{ending}"
