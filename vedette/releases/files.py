"""Files of releases: adding, changing, listing, and which bytes in the file store are still somebody's.

Source: the release specification, R11 and appendix A.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.files import FilesFull, FileStore
from vedette.core.pieces import delete_in_pieces
from vedette.projects.models import Project
from vedette.releases.models import (
    ArtifactBundle,
    ArtifactBundleProject,
    Distribution,
    FileChunk,
    Release,
    ReleaseFile,
)

MOST_FILES = 10_000  # of one release
LONGEST_DIST = 64
CHUNK_LIFE = timedelta(hours=24)


class FileExists(RuleBroken):
    """The release has a file of this name and dist."""

    code = "file-exists"


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a release has of files: one file, or a bundle with `files` of them. `added_at` is when it last came."""

    name: str
    dist: str
    size: int
    added_at: datetime
    files: int = 1


def add_file(
    files: FileStore, release: Release, name: str, dist: str, headers: Mapping[str, str], content: bytes
) -> ReleaseFile:
    """Keep a file of a release. The bytes are on the disk on return.

    Raises `FileExists` when there is one of this name and `dist` (none is empty), however many try at once,
    `RuleBroken` when the release has too many, and `FilesFull`.
    """
    ident = ident_of(name, dist)
    if ReleaseFile.objects.filter(release=release, ident=ident).exists():
        raise FileExists("A file matching this name already exists for the given release")
    if ReleaseFile.objects.filter(release=release).count() >= MOST_FILES:
        raise RuleBroken(f"A release has at most {MOST_FILES} files.")
    if not files.has_room():
        raise FilesFull("the disk of the files is nearly full")
    sha1 = files.put(content)
    row = {"name": name, "headers": dict(headers), "sha1": sha1, "size": len(content)}
    try:
        with transaction.atomic():
            return ReleaseFile.objects.create(release=release, ident=ident, dist=_dist(release, dist), **row)
    except IntegrityError:
        raise FileExists("A file matching this name already exists for the given release") from None


def rename(file: ReleaseFile, name: str) -> None:
    """Call a file of a release differently. Raises `FileExists`."""
    ident = ident_of(name, file.dist.name if file.dist else "")
    try:
        with transaction.atomic():
            ReleaseFile.objects.filter(pk=file.pk).update(name=name, ident=ident)
    except IntegrityError:
        raise FileExists("A file matching this name already exists for the given release") from None
    file.name, file.ident = name, ident


def ident_of(name: str, dist: str) -> str:
    """What stands for a name and a dist in a unique column."""
    return hashlib.sha1(f"{name}\0{dist}".encode(), usedforsecurity=False).hexdigest()


def _dist(release: Release, name: str) -> Distribution | None:
    if not name:
        return None
    mine = {"organization_id": release.organization_id}
    return Distribution.objects.get_or_create(release=release, name=name, defaults=mine)[0]


def bundles_of(release: Release, projects: Collection[Project]) -> QuerySet[ArtifactBundle]:
    """The bundles for this version that are for one of `projects`, the newest first."""
    mine = ArtifactBundleProject.objects.filter(project__in=projects).values("bundle_id")
    rows = ArtifactBundle.objects.filter(
        organization_id=release.organization_id, release_links__version=release.version, pk__in=mine
    )
    return rows.distinct().order_by("-date_uploaded", "-pk")


def artifacts_of(release: Release, projects: Collection[Project], most: int) -> list[Artifact]:
    """The bundles of a release that are for one of `projects`, then its files; at most `most`."""
    found = [
        Artifact(f"Bundle {bundle.bundle_id}", link.dist, bundle.size, bundle.date_uploaded, bundle.file_count)
        for bundle in bundles_of(release, projects).prefetch_related("release_links")[:most]
        for link in bundle.release_links.all()
        if link.version == release.version
    ]
    rows = ReleaseFile.objects.filter(release=release).select_related("dist").order_by("name", "pk")
    found += [Artifact(row.name, row.dist.name if row.dist else "", row.size, row.date_added) for row in rows[:most]]
    return found[:most]


def put_chunk(files: FileStore, organization_id: int, content: bytes, now: datetime) -> str:
    """Keep a piece of a file for a day and give its name. The bytes are on the disk on return. Raises `FilesFull`."""
    if not files.has_room():
        raise FilesFull("the disk of the files is nearly full")
    sha1 = files.put(content)
    FileChunk.objects.bulk_create(
        [FileChunk(organization_id=organization_id, sha1=sha1, size=len(content), date_added=now)],
        update_conflicts=True,
        unique_fields=["organization", "sha1"],
        update_fields=["date_added"],
    )
    return sha1


def missing_chunks(files: FileStore, organization_id: int, names: Collection[str], now: datetime) -> list[str]:
    """Those of `names` that the organization did not upload within a day, or whose bytes are gone; in order, once each.

    What only another organization uploaded is missing.
    """
    rows = FileChunk.objects.filter(organization_id=organization_id, sha1__in=set(names))
    known = set(rows.filter(date_added__gte=now - CHUNK_LIFE).values_list("sha1", flat=True))
    return [name for name in dict.fromkeys(names) if name not in known or not files.path(name).is_file()]


def named_by_releases(names: Collection[str]) -> set[str]:
    """Those of the files `names` that belong to a release or a bundle, or are pieces that still count."""
    since = clock.now() - CHUNK_LIFE
    return {
        name
        for rows in (
            ReleaseFile.objects.filter(sha1__in=names),
            ArtifactBundle.objects.filter(sha1__in=names),
            FileChunk.objects.filter(sha1__in=names, date_added__gte=since),
        )
        for name in rows.values_list("sha1", flat=True)
    }


def forget_rows(now: datetime) -> int:
    """Delete the pieces that count no more, and the bundles that are for no project any more; how many."""
    chunks = delete_in_pieces(FileChunk.objects.filter(date_added__lt=now - CHUNK_LIFE))
    settled = Q(project_links__isnull=True, date_uploaded__lt=now - timedelta(hours=1))
    return chunks + delete_in_pieces(ArtifactBundle.objects.filter(settled))
