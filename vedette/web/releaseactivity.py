"""What happened to a release, newest first: heard of, released, deployed; issues fixed in it and back in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from vedette.accounts.models import User
from vedette.issues.models import (
    VISIBLE_STATUSES,
    Group,
    GroupHistory,
    GroupResolution,
    GroupResolutionRelease,
    HistoryStatus,
)
from vedette.releases.models import Deploy, Release
from vedette.web.releasepage import OpenedRelease

MOST = 30


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened. `kind` is `created`, `released`, `deployed`, `fixed` or `back`; what it is about is the
    deploy or the issue; `user` said so, where somebody did."""

    at: datetime
    kind: str
    deploy: Deploy | None = None
    group: Group | None = None
    user: User | None = None


def activity_of(opened: OpenedRelease, deploys: Sequence[Deploy]) -> list[Happening]:
    """The newest of what happened to the release, as far as the visitor may know."""
    release = opened.release
    found = [Happening(release.date_added, "created"), *_released(release)]
    found += [Happening(deploy.date_finished, "deployed", deploy=deploy) for deploy in deploys]
    visible = {"group__project__in": opened.shown, "group__status__in": VISIBLE_STATUSES}
    among = GroupResolutionRelease.objects.filter(release=release).values("resolution_id")
    fixed = GroupResolution.objects.filter(Q(release=release) | Q(pk__in=among), **visible)
    rows = list(fixed.select_related("group__project").order_by("-datetime", "-pk")[:MOST])
    users = User.objects.in_bulk({row.actor_id for row in rows if row.actor_id})
    found += [Happening(row.datetime, "fixed", group=row.group, user=users.get(row.actor_id or 0)) for row in rows]
    back = GroupHistory.objects.filter(release=release, status=HistoryStatus.REGRESSED, **visible)
    back = back.select_related("group__project").order_by("-date_added", "-pk")[:MOST]
    found += [Happening(row.date_added, "back", group=row.group) for row in back]
    return sorted(found, key=lambda one: one.at, reverse=True)[:MOST]


def _released(release: Release) -> list[Happening]:
    return [Happening(release.date_released, "released")] if release.date_released else []
