"""Handing out the files of events. Their bytes are hostile: browsers are told to keep them and to run nothing.

Pictures may be looked at as well, as what their first bytes say and nothing else: no format that can hold a script.
"""

from typing import BinaryIO

from django.conf import settings
from django.http import FileResponse

from vedette.core.files import FileStore
from vedette.core.handouts import handed_out
from vedette.issues.models import EventAttachment
from vedette.orgs.access import Access
from vedette.orgs.options import ATTACHMENTS_ROLE, Option, get_option
from vedette.orgs.roles import ROLES, role

PICTURE_BYTES = 10 * 1024 * 1024
_PICTURES: dict[str, tuple[bytes, ...]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (),  # a RIFF file, which says its kind further on
}
_RANKS = {one.id: rank for rank, one in enumerate(ROLES)}


def may_download(access: Access, wanted: Option[str] = ATTACHMENTS_ROLE) -> bool:
    """Whether the caller's role is at least the one that the organization wants; a token of nobody is a member."""
    least = _RANKS[get_option(access.organization, wanted)]
    return _RANKS[role(access.role or "").id] >= least


def download(attachment: EventAttachment) -> FileResponse:
    """The bytes, as something to keep and not to look at. Raises FileNotFoundError when they are gone."""
    return handed_out(_opened(attachment), attachment.name)


def may_be_picture(attachment: EventAttachment) -> bool:
    """Whether the file calls itself a picture that could be shown; its bytes have the last word."""
    return attachment.content_type.partition(";")[0].strip().lower() in _PICTURES and attachment.size <= PICTURE_BYTES


def picture(attachment: EventAttachment) -> FileResponse | None:
    """The bytes, to be looked at; None if they are no picture. Raises FileNotFoundError when they are gone."""
    if not may_be_picture(attachment):
        return None
    file = _opened(attachment)
    kind = _kind_of_picture(file.read(16))
    if kind is None:
        file.close()
        return None
    file.seek(0)
    return handed_out(file, attachment.name, kind, disposition="inline")


def _kind_of_picture(start: bytes) -> str | None:
    if start.startswith(b"RIFF"):
        return "image/webp" if start[8:12] == b"WEBP" else None
    return next((kind for kind, magics in _PICTURES.items() if magics and start.startswith(magics)), None)


def _opened(attachment: EventAttachment) -> BinaryIO:
    try:
        return FileStore(settings.VEDETTE.files_dir).path(attachment.sha1).open("rb")
    except ValueError as error:
        raise FileNotFoundError(attachment.sha1) from error
