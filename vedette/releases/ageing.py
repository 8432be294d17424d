"""Bundles of artifacts that nobody needs any more: old ones, of releases that run nowhere.

Every build uploads a bundle, so they would fill the disk. A bundle is as old as its last upload. One that is for a
version which was seen lately, by an event or a session, stays however old it is: what runs may still fail. Files of a
release go with their release, and the bytes with the last row that names them.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from vedette.core.pieces import PIECE
from vedette.releases.models import ArtifactBundle, ArtifactBundleRelease, ReleaseEnvironment


def old_bundles(before: datetime) -> QuerySet[ArtifactBundle]:
    """The bundles that were last uploaded before that moment, and whose versions have not been seen since then."""
    seen = ReleaseEnvironment.objects.filter(
        organization_id=OuterRef("bundle__organization_id"),
        release__version=OuterRef("version"),
        last_seen__gte=before,
    )
    running = ArtifactBundleRelease.objects.filter(Exists(seen), bundle=OuterRef("pk"))
    return ArtifactBundle.objects.filter(~Exists(running), date_uploaded__lt=before)


def delete_old_bundles(before: datetime) -> int:
    """Delete them, piece by piece; how many there were. One that is uploaded again at this moment stays."""
    deleted = 0
    while piece := list(old_bundles(before).order_by("pk").values_list("pk", flat=True)[:PIECE]):
        with transaction.atomic():
            rows = ArtifactBundle.objects.select_for_update().filter(pk__in=piece, date_uploaded__lt=before)
            gone = list(rows.values_list("pk", flat=True))
            ArtifactBundle.objects.filter(pk__in=gone).delete()
        deleted += len(gone)
    return deleted
