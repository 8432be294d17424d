"""What an issue is made of, and who else may look at it: the panels that give some of it away."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from vedette.events.client import EventStore
from vedette.events.queries.hashes import has_several, latest_of
from vedette.issues.models import Group, GroupHash
from vedette.issues.sharing import shares_of
from vedette.issues.unmerging import MOST_HASHES, fingerprints_of

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class FingerprintLine:
    """One fingerprint of an issue, as its newest event tells of it."""

    hash: str
    title: str
    event_id: str
    last_seen: datetime
    count: int
    is_locked: bool

    @property
    def short(self) -> str:
        """Enough of the hash to tell it from others."""
        return self.hash[:8]


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """The fingerprints that events of an issue count under, that of the newest event first; `hidden` more are not
    shown."""

    lines: list[FingerprintLine]
    hidden: int

    @property
    def are_moving(self) -> bool:
        """Whether events of some are on their way."""
        return any(line.is_locked for line in self.lines)


def load_fingerprints(store: EventStore, group: Group) -> Fingerprints | None:
    """What there is to split; None for an issue that one fingerprint makes up. Raises `StoreUnavailable`."""
    hashes = list(GroupHash.objects.filter(group=group).order_by("-pk").values_list("hash", flat=True)[:MOST_HASHES])
    if len(hashes) < 2 or not has_several(store, group.project_id, group.pk, hashes):
        return None
    used = [one for one in fingerprints_of(store, group) if one.events]
    shown = used[:MOST_SHOWN]
    latest = latest_of(store, group.project_id, group.pk, [one.events for one in shown if one.events])
    lines = [
        FingerprintLine(
            one.hash,
            latest[one.hash].title,
            latest[one.hash].event_id,
            one.events.last_seen,
            one.events.count,
            one.is_locked,
        )
        for one in shown
        if one.events and one.hash in latest
    ]
    return Fingerprints(lines, len(used) - len(shown))


def public_link(group: Group) -> str:
    """The address at which anybody may read a part of the issue; empty where it has none."""
    share_id = shares_of([group]).get(group.pk)
    return f"{settings.VEDETTE.url}{reverse('web:shared_issue', args=[share_id])}" if share_id else ""
