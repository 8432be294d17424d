"""Telling whoever listens that somebody made a release: over the API, with a client, by a build hook.

It is told in the transaction that makes the release, as of deploys (`shipping.deploytold`), and by exactly one of those
who make it at once. Releases that events and sessions make are not told: nobody made them, and there may be very many.
Source: the release specification, 7.2, step 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.dispatch import Signal

from vedette.projects.models import Project
from vedette.releases.models import Release
from vedette.shipping.deploytold import ProjectTold
from vedette.shipping.links import release_url

release_created = Signal()  # created: a ReleaseCreated


@dataclass(frozen=True, slots=True)
class ReleaseCreated:
    """A new release. Moments are aware; `user_id` is whoever made it, None for a credential of nobody; `web_url` is its
    page."""

    release_id: int
    organization_id: int
    version: str
    ref: str | None
    url: str | None
    date_created: datetime
    date_released: datetime | None
    projects: tuple[ProjectTold, ...]
    user_id: int | None
    web_url: str


def tell(release: Release, projects: Sequence[Project], user_id: int | None) -> None:
    """This release was made just now, for these projects. Only in its transaction."""
    created = ReleaseCreated(
        release_id=release.pk,
        organization_id=release.organization_id,
        version=release.version,
        ref=release.ref,
        url=release.url,
        date_created=release.date_added,
        date_released=release.date_released,
        projects=tuple(ProjectTold(each.pk, each.slug) for each in projects),
        user_id=user_id,
        web_url=release_url(release.organization, release.version),
    )
    release_created.send(sender=None, created=created)
