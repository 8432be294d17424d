"""Pictures of people and organizations: shown to whoever knows their names, and chosen on pages.

A name is 128 bits of chance and changes with the picture, so that it may be kept for ever wherever it is shown.
"""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from vedette.accounts.avatars import set_user_avatar
from vedette.accounts.models import AvatarRow, AvatarType, UserAvatar
from vedette.accounts.signin_limits import client_address
from vedette.core.errors import Refused, RuleBroken
from vedette.core.pictures import MOST_BYTES, nearest_side, resized
from vedette.orgs.access import Access
from vedette.orgs.changes import change_organization
from vedette.orgs.models import OrganizationAvatar
from vedette.web.doors import organization_page, public_page, signed_in, signed_in_page
from vedette.web.rendering import done, failed

OWNER = ("org:write", "org:admin")
_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


@require_GET
@public_page
def user_avatar(request: HttpRequest, ident: str) -> HttpResponse:
    """`/avatar/<ident>/?s=32`."""
    row = UserAvatar.objects.filter(ident=ident, user__is_active=True).first()
    return _shown(request, row, str(row.user_id) if row else "")


@require_GET
@public_page
def organization_avatar(request: HttpRequest, ident: str) -> HttpResponse:
    """`/organization-avatar/<ident>/?s=32`."""
    row = OrganizationAvatar.objects.filter(ident=ident).select_related("organization").first()
    return _shown(request, row, row.organization.slug if row else "")


def _shown(request: HttpRequest, row: AvatarRow | None, name: str) -> HttpResponse:
    if row is None or not row.photo or row.avatar_type != AvatarType.UPLOAD:
        raise Http404
    wish, content = request.GET.get("s", ""), bytes(row.photo)
    if wish.isascii() and wish.isdigit() and len(wish) < 6:
        content = resized(content, nearest_side(int(wish)))
    disposition = {"Content-Disposition": f'inline; filename="{name}.png"'}
    return HttpResponse(content, content_type="image/png", headers={**_HEADERS, **disposition})


@require_POST
@signed_in_page
def choose_user_avatar(request: HttpRequest) -> HttpResponse:
    """Show the picture that was sent, or letters where none was."""
    user, back = signed_in(request), reverse("web:account")
    try:
        photo = _photo(request)
        set_user_avatar(user, AvatarType.UPLOAD if photo else AvatarType.LETTERS, photo)
    except (RuleBroken, Refused) as error:
        return failed(request, _sentence(error), back)
    return done(request, "Your picture is changed." if photo else "Letters stand for you now.", back)


@require_POST
@organization_page(*OWNER)
def choose_organization_avatar(request: HttpRequest, access: Access) -> HttpResponse:
    """The same for the organization."""
    if not access.has_any(*OWNER):  # held in a team only
        raise PermissionDenied
    back = reverse("web:organization_settings", args=[access.organization.slug])
    try:
        photo = _photo(request)
        changes = {"avatar": photo} if photo else {"avatarType": "letter_avatar"}
        address = client_address(request) or None
        change_organization(access.organization, changes, by=access.user, ip_address=address)
    except (RuleBroken, Refused) as error:
        return failed(request, _sentence(error), back)
    return done(request, "The picture is changed." if photo else "Letters stand for the organization now.", back)


def _photo(request: HttpRequest) -> bytes | None:
    """The file of the form; None where letters were asked for. Raises `RuleBroken`."""
    if request.POST.get("do") == "letters":
        return None
    sent = request.FILES.get("photo")
    if sent is None or not sent.size:
        raise RuleBroken("Choose a file first.")
    content: bytes = sent.read(MOST_BYTES + 1)
    return content


def _sentence(error: RuleBroken | Refused) -> str:
    said = str(error).rpartition(": ")[2].rstrip(".")  # without the name of the field
    return f"{said}. A picture is a GIF, JPEG or PNG, square, with 256 to 1,024 pixels a side and at most 5 MB."
