"""Which release of a project is the latest.

Source: the release specification, 17, and 16 with its [V]: an archived release is the latest only where there is no
other.
"""

from collections.abc import Collection

from django.db.models import Exists, OuterRef, QuerySet

from vedette.releases import versions
from vedette.releases.models import Release, ReleaseProjectEnvironment, ReleaseStatus
from vedette.releases.ordering import Ordering, orderings, releases_of

_WITHOUT_PACKAGE = 1000  # so many of the newest versions without a package are looked at


def latest_versions(
    organization_id: int,
    project_ids: Collection[int],
    environments: Collection[str] = (),
    *,
    adopted_only: bool = False,
) -> list[str]:
    """The versions of the latest releases of these projects, sorted, each once. A project without releases has none.

    With `environments`, of the releases that were seen there; `adopted_only`: of those that are adopted (there).
    """
    found = set()
    for project, ordering in orderings(project_ids).items():
        rows = releases_of(project).filter(organization_id=organization_id)
        if environments or adopted_only:
            seen = ReleaseProjectEnvironment.objects.filter(release=OuterRef("pk"), project_id=project)
            if environments:
                seen = seen.filter(environment__name__in=environments)
            if adopted_only:
                seen = seen.filter(adopted__isnull=False, unadopted__isnull=True)
            rows = rows.filter(Exists(seen))
        if release := latest_of(rows, ordering):
            found.add(release.version)
    return sorted(found)


def latest_of(rows: QuerySet[Release], ordering: Ordering) -> Release | None:
    """The latest of `rows`: by version where the project orders so and a version parses, otherwise the newest."""
    return _latest(rows.exclude(status=ReleaseStatus.ARCHIVED), ordering) or _latest(rows, ordering)


def newest_release(organization_id: int, project_id: int) -> Release | None:
    """The newest release of a project by its date, whatever its version and status: what `inRelease: latest` means."""
    rows = releases_of(project_id).filter(organization_id=organization_id)
    return rows.order_by("-sort_date", "-pk").first()


def _latest(rows: QuerySet[Release], ordering: Ordering) -> Release | None:
    greatest = _greatest(rows, ordering) if ordering.by_version else None
    return greatest or rows.order_by("-sort_date", "-pk").first()


def _greatest(rows: QuerySet[Release], ordering: Ordering) -> Release | None:
    parsed = rows.filter(major__isnull=False)
    best = parsed.order_by("-major", "-minor", "-patch", "-revision", "-prerelease_key", "-pk").first()
    if not ordering.without_package:
        return best
    # Versions without a package have no columns to order them by.
    others = rows.filter(package__isnull=True).order_by("-sort_date", "-pk")
    candidates = [*others[:_WITHOUT_PACKAGE], *([best] if best else [])]
    placed = [(place, release) for release in candidates if (place := _place(release)) is not None]
    return max(placed, key=lambda pair: pair[0])[1] if placed else None


def _place(release: Release) -> tuple[tuple[int, int, int, int], str, int] | None:
    version = versions.parse(release.version, without_package=True)
    return (version.numbers, versions.prerelease_key(version.pre), release.pk) if version.numbers else None
