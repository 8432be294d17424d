"""Releases that were deleted by force, and that sessions must not bring back while they may still name them.

Events may: what still reports is there. Source: the release specification, section 16, [V] (ii).
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from vedette.core.pieces import pieces
from vedette.orgs.models import Organization
from vedette.releases.models import ReleaseTombstone

BURIED_FOR = timedelta(days=90)


def bury(organization: Organization, version: str, now: datetime) -> None:
    """From `now` on, sessions make no release of this version for 90 days. In a transaction."""
    ReleaseTombstone.objects.update_or_create(organization=organization, version=version, defaults={"date_added": now})


def buried(names: Collection[tuple[int, str]], now: datetime) -> set[tuple[int, str]]:
    """Which of these (organization, version) sessions must not make."""
    rows = ReleaseTombstone.objects.filter(
        organization_id__in={organization for organization, _ in names}, date_added__gt=now - BURIED_FOR
    )
    found: set[tuple[int, str]] = set()
    for versions in pieces({version for _, version in names}):
        found.update(rows.filter(version__in=versions).values_list("organization_id", "version"))
    return found & set(names)
