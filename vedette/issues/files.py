"""The rows of attachments and the files that they name: a file goes when the last row that names it is gone, be it one
of an attachment or of a release."""

import time
from collections.abc import Iterator

from django.db.models import QuerySet

from vedette.core.files import FileStore
from vedette.core.pieces import PIECE, pieces
from vedette.issues.models import EventAttachment, UserReport
from vedette.releases.files import named_by_releases

MOST_UNLINKED = 20_000
FRESH_FILE_SECONDS = 3600  # a file as new as that may belong to a row that is not written yet


def delete_attachments(files: FileStore, attachments: QuerySet[EventAttachment]) -> tuple[int, int]:
    """(rows, files) that were deleted. A file that is too new to be taken is left for `forget_orphans`."""
    rows = removed = 0
    while piece := list(attachments.order_by("id").values_list("id", "sha1")[:PIECE]):
        rows += EventAttachment.objects.filter(pk__in=[pk for pk, _ in piece]).delete()[0]
        removed += _remove_unnamed(files, {sha1 for _, sha1 in piece})
    return rows, removed


def forget_orphans(files: FileStore, *, dry_run: bool = False) -> int:
    """Delete the files that no row names: those of rows that went while the file was new, and of batches that a kill
    kept from writing their rows. How many there were. Drafts that a kill left go with them."""
    if not dry_run:
        files.forget_drafts()
    names: set[str] = set()
    removed = 0
    for name in files.names():
        names.add(name)
        if len(names) >= PIECE:
            removed += _remove_unnamed(files, names, dry_run=dry_run)
            names = set()
    return removed + (_remove_unnamed(files, names, dry_run=dry_run) if names else 0)


def _remove_unnamed(files: FileStore, names: set[str], *, dry_run: bool = False) -> int:
    named = set(EventAttachment.objects.filter(sha1__in=names).values_list("sha1", flat=True)) | named_by_releases(
        names
    )
    settled = [name for name in sorted(names - named) if _age(files, name) > FRESH_FILE_SECONDS]
    return len(settled) if dry_run else sum(files.remove(name) for name in settled)


def _age(files: FileStore, name: str) -> float:
    """Seconds since the file was last written; one that is not there is as good as new."""
    try:
        return time.time() - files.path(name).stat().st_mtime
    except (FileNotFoundError, ValueError):
        return 0


def unlinked(model: type[EventAttachment] | type[UserReport], project_id: int) -> Iterator[list[str]]:
    """The ids of events that rows of a project name without knowing their issue, piece by piece, of the newest rows.

    Older ones were linked every minute since they came, or name no event at all: anybody may send such, in any number.
    """
    rows = model._default_manager.filter(project_id=project_id, group__isnull=True).order_by("-pk")
    found = list(rows.values_list("event_id", flat=True)[:MOST_UNLINKED])
    yield from pieces(found)
