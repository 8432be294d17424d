"""Handing out the files of events. Their bytes are hostile: browsers are told to keep them and to run nothing."""

from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse

from vedette.core.files import FileStore
from vedette.issues.models import EventAttachment
from vedette.orgs.access import Access
from vedette.orgs.options import ATTACHMENTS_ROLE, get_option
from vedette.orgs.roles import ROLES, role

_RANKS = {one.id: rank for rank, one in enumerate(ROLES)}


def may_download(access: Access) -> bool:
    """Whether the caller's role is at least the one that the organization wants; a token of nobody is a member."""
    least = _RANKS[get_option(access.organization, ATTACHMENTS_ROLE)]
    return _RANKS[role(access.role or "").id] >= least


def download(attachment: EventAttachment) -> FileResponse:
    """The bytes, as something to keep and not to look at. Raises FileNotFoundError when they are gone."""
    try:
        file = FileStore(settings.VEDETTE.files_dir).path(attachment.sha1).open("rb")
    except ValueError as error:
        raise FileNotFoundError(attachment.sha1) from error
    response = FileResponse(file, content_type="application/octet-stream")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(attachment.name, safe='')}"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, no-store"
    return response
