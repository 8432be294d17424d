"""Assembling bundles of artifacts out of the pieces that were uploaded.

It is done while the client waits for the answer: a bundle is a few megabytes as a rule, and what takes long is sending
it. Who asks while another request assembles the same is told so, and asks again. Nothing is remembered of a failure, so
trying again tries again. Source: the release specification, A.4 with its [V].
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction

from vedette.core.files import FilesFull, FileStore
from vedette.core.locks import LockHeld, held
from vedette.orgs.models import Organization
from vedette.projects.models import Project
from vedette.releases.archives import BadArchive, Manifest, read_archive
from vedette.releases.files import LONGEST_DIST, missing_chunks
from vedette.releases.models import ArtifactBundle, ArtifactBundleProject, ArtifactBundleRelease

CHUNK_BYTES = 8 * 2**20
MOST_BYTES = 512 * 2**20
MOST_CHUNKS = MOST_BYTES // CHUNK_BYTES
ASSEMBLING_SECONDS = 120


class State(StrEnum):
    """What became of a wish to assemble."""

    NOT_FOUND = "not_found"
    ASSEMBLING = "assembling"
    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Assembly:
    """The answer to a wish; `missing` are the pieces to send before asking again."""

    state: State
    missing: tuple[str, ...] = ()
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class BundleWish:
    """A bundle: the SHA-1 of it, its pieces in order, and what it is for. No `version` is no release."""

    checksum: str
    chunks: Sequence[str]
    projects: Sequence[Project]
    version: str = ""
    dist: str = ""


def assemble(
    files: FileStore, organization: Organization, wish: BundleWish, *, reach: Collection[int], now: datetime
) -> Assembly:
    """Make a bundle of the pieces, or bind the one that is there to more projects and versions. Safe to repeat.

    `reach` are the ids of the projects that the caller reaches: a bundle that is for others as well is not replaced.
    Raises `FilesFull` and `LocksAway`.
    """
    if missing := missing_chunks(files, organization.pk, wish.chunks, now):
        return Assembly(State.NOT_FOUND, tuple(missing))
    if not wish.chunks:
        return Assembly(State.NOT_FOUND)
    if not files.has_room():
        raise FilesFull("the disk of the files is nearly full")
    try:
        with held(f"assemble:{organization.pk}:{wish.checksum}", ASSEMBLING_SECONDS):
            return _assemble(files, organization, wish, reach, now)
    except LockHeld:
        return Assembly(State.ASSEMBLING)


def _assemble(
    files: FileStore, organization: Organization, wish: BundleWish, reach: Collection[int], now: datetime
) -> Assembly:
    try:
        size = files.join(wish.chunks, wish.checksum)
        manifest = read_archive(files.path(wish.checksum))
    except FileNotFoundError:  # the clean-up was faster
        return Assembly(State.NOT_FOUND, tuple(dict.fromkeys(wish.chunks)))
    except BadArchive as error:
        return Assembly(State.ERROR, detail=str(error))
    except ValueError:
        return Assembly(State.ERROR, detail="The checksum of the file is not the one that was announced.")
    try:
        is_kept = _keep(organization, wish, manifest, size, reach, now)
    except ArtifactBundle.DoesNotExist:  # it grew old this very moment: the next question makes it anew
        return Assembly(State.ASSEMBLING)
    if not is_kept:
        return Assembly(State.ERROR, detail="A bundle with this id is for projects that you do not reach.")
    return Assembly(State.OK)


def _keep(
    organization: Organization, wish: BundleWish, manifest: Manifest, size: int, reach: Collection[int], now: datetime
) -> bool:
    """Write the rows; whether the caller may."""
    content = {"sha1": wish.checksum, "size": size, "file_count": manifest.file_count}
    with transaction.atomic():
        bundle, is_new = ArtifactBundle.objects.get_or_create(
            organization=organization,
            bundle_id=manifest.bundle_id,
            defaults={**content, "date_added": now, "date_uploaded": now},
        )
        if not is_new:
            bundle = ArtifactBundle.objects.select_for_update().get(pk=bundle.pk)
            if bundle.sha1 != wish.checksum and bundle.project_links.exclude(project__in=reach).exists():
                return False
            ArtifactBundle.objects.filter(pk=bundle.pk).update(**content, date_uploaded=now)
        ArtifactBundleProject.objects.bulk_create(
            [ArtifactBundleProject(bundle=bundle, project=project) for project in wish.projects], ignore_conflicts=True
        )
        if wish.version:
            dist = (wish.dist or manifest.dist)[:LONGEST_DIST]
            ArtifactBundleRelease.objects.bulk_create(
                [ArtifactBundleRelease(bundle=bundle, version=wish.version, dist=dist, date_added=now)],
                ignore_conflicts=True,
            )
    return True
