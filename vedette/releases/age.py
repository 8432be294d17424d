"""The age of a release.

A release is met twice: when somebody creates it and when the first event names it, in either order.
The earlier moment is its age, so `date_added` moves backwards and never forwards.

Source: the release specification, 12.3.
"""

from datetime import datetime, timedelta

from vedette.releases.models import Release


def witness(release: Release, seen_at: datetime) -> bool:
    """Move `release.date_added` back to `seen_at` (aware, UTC) if that is earlier; True if it moved.

    One conditional UPDATE: of two nodes that race, the earlier moment wins whoever writes last. A stale copy of the
    release does no harm: the stored moment is never later than any copy of it.
    """
    if release.date_added <= seen_at:
        return False
    moved = Release.objects.filter(pk=release.pk, date_added__gt=seen_at).update(date_added=seen_at)
    if moved:
        release.date_added = seen_at
    return bool(moved)


def plausible(seen_at: datetime, now: datetime, retention_days: int) -> datetime:
    """`seen_at` bounded to what can be evidence: not after `now`, not before the oldest event that is kept."""
    return max(min(seen_at, now), now - timedelta(days=retention_days))
