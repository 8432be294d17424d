"""What issues know of their events, read again from those that are kept, after some of them went from one to another.

What an issue remembers of events that are older than everything kept is left as it is: nobody can say any more which of
the two it belongs to. Releases' counts of new issues stay, as they do when issues are merged.
Source: the issue workflow specification, section 9 ("the rest recompute the source"), with its [V].
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Greatest, Least

from vedette.core import sql
from vedette.core.pieces import pieces
from vedette.events.client import EventStore
from vedette.events.queries.hashes import Newest, Presence, newest_of, presence_of
from vedette.issues.models import Group, GroupEnvironment, GroupRelease
from vedette.issues.unmerging import release_named, told_by
from vedette.projects.models import Environment
from vedette.releases.models import Release

TITLE_PARTS = frozenset(("title", "type", "value", "filename", "function", "message", "directive", "uri"))
Span = tuple[datetime, datetime]  # first seen, last seen
Earliest = dict[str, Presence]  # by environment


def recount(store: EventStore, source: Group, destination: Group) -> None:
    """Let both issues of a project know when, where and as what they were seen. Safe to interrupt and to repeat."""
    gone = presence_of(store, source.project_id, destination.pk)
    if not gone:
        return
    left = presence_of(store, source.project_id, source.pk)
    newest = newest_of(store, source.project_id, source.pk)
    names = _Names(source, [*gone, *left])
    with transaction.atomic():
        rows = Group.objects.select_for_update(of=("self",)).filter(pk__in=[source.pk, destination.pk])
        locked = {group.pk: group for group in rows.order_by("pk")}
        if len(locked) < 2:
            return
        _widen(destination.pk, gone)
        if left and newest:
            _narrow(locked[source.pk], gone, left, newest)
        _releases(source, destination, gone, left, names)
        _environments(source, destination, gone, left, names)


class _Names:
    """The rows of releases and environments that events name."""

    def __init__(self, group: Group, seen: Sequence[Presence]) -> None:
        organization = group.project.organization_id
        self.releases: dict[str, int] = {}
        for some in pieces({one.release for one in seen if one.release}):
            found = Release.objects.filter(organization_id=organization, version__in=some)
            self.releases.update(found.values_list("version", "pk"))
        self.environments: dict[str, int] = {}
        for some in pieces({one.environment for one in seen}):
            rows = Environment.objects.filter(organization_id=organization, name__in=some)
            self.environments.update(rows.values_list("name", "pk"))


def _span(seen: Sequence[Presence]) -> Span:
    return min(one.first_seen for one in seen), max(one.last_seen for one in seen)


def _widen(pk: int, seen: Sequence[Presence]) -> None:
    first, last = _span(seen)
    Group.objects.filter(pk=pk).update(first_seen=Least("first_seen", first), last_seen=Greatest("last_seen", last))


def _narrow(group: Group, gone: Sequence[Presence], left: Sequence[Presence], newest: Newest) -> None:
    """The issue that events left: it is what the rest of them says, where it was what they said."""
    (first_gone, last_gone), (first, last) = _span(gone), _span(left)
    values: dict[str, Any] = {}
    if first_gone <= group.first_seen < first:
        values["first_seen"] = first
    release = group.first_release
    elsewhere = release is not None and release.version not in {one.release for one in left}
    if values or (elsewhere and release is not None and release.version in {one.release for one in gone}):
        values["first_release"] = release_named(group, left[0].release)
    if last < group.last_seen <= last_gone:
        values |= told_by(newest)
        kept = {key: value for key, value in group.metadata.items() if key not in TITLE_PARTS}
        values["data"] = {**group.data, **values["data"], "metadata": {**kept, **values["data"]["metadata"]}}
        values["last_seen"] = last
    if values:
        Group.objects.filter(pk=group.pk).update(**values)


def _narrowed(row: Span, gone: Span, left: Span | None) -> Span | None:
    """What a row about both is without what went; None where nothing is left of it."""
    if left is None:
        return None if gone[0] <= row[0] else row
    return (left[0] if gone[0] <= row[0] < left[0] else row[0], left[1] if left[1] < row[1] <= gone[1] else row[1])


def _releases(
    source: Group, destination: Group, gone: Sequence[Presence], left: Sequence[Presence], names: _Names
) -> None:
    """The rows (issue, release, environment)."""
    went = {(pk, one.environment): one for one in gone if (pk := names.releases.get(one.release))}
    stayed = {(pk, one.environment): one for one in left if (pk := names.releases.get(one.release))}
    for some in pieces(went):
        rows = GroupRelease.objects.filter(group=source, release__in={release for release, _ in some})
        for row in rows:
            key = (row.release_id, row.environment)
            if key not in some:
                continue
            rest = _narrowed((row.first_seen, row.last_seen), _of(went[key]), _of(stayed.get(key)))
            if rest is None:
                row.delete()
            elif rest != (row.first_seen, row.last_seen):
                row.first_seen, row.last_seen = rest
                row.save(update_fields=["first_seen", "last_seen"])
    sql.run_many(
        "INSERT INTO issues_grouprelease (project_id, group_id, release_id, environment, first_seen, last_seen) "  # noqa: S608
        "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (group_id, release_id, environment) DO UPDATE SET "
        f"first_seen = {sql.least()}(issues_grouprelease.first_seen, excluded.first_seen), "
        f"last_seen = {sql.greatest()}(issues_grouprelease.last_seen, excluded.last_seen)",
        [
            (source.project_id, destination.pk, *key, sql.moment(one.first_seen), sql.moment(one.last_seen))
            for key, one in sorted(went.items())
        ],
    )


def _of(one: Presence | None) -> Any:
    return (one.first_seen, one.last_seen) if one else None


def _environments(
    source: Group, destination: Group, gone: Sequence[Presence], left: Sequence[Presence], names: _Names
) -> None:
    """The rows (issue, environment); the release is that of the earliest event there."""
    went, stayed = _earliest(gone), _earliest(left)
    keys = {names.environments[name]: name for name in went if name in names.environments}
    for some in pieces(keys):
        for row in GroupEnvironment.objects.filter(group=source, environment__in=list(some)):
            name = keys[row.environment_id]
            if went[name].first_seen > row.first_seen:
                continue
            if name not in stayed:
                row.delete()
            elif row.first_seen < stayed[name].first_seen:
                row.first_seen = stayed[name].first_seen
                row.first_release_id = names.releases.get(stayed[name].release)
                row.save(update_fields=["first_seen", "first_release"])
    sql.run_many(
        "INSERT INTO issues_groupenvironment (group_id, environment_id, first_release_id, first_seen) "  # noqa: S608
        "VALUES (%s, %s, %s, %s) ON CONFLICT (group_id, environment_id) DO UPDATE SET "
        f"first_seen = {sql.least()}(issues_groupenvironment.first_seen, excluded.first_seen)",
        [
            (destination.pk, pk, names.releases.get(went[name].release), sql.moment(went[name].first_seen))
            for pk, name in sorted(keys.items())
        ],
    )


def _earliest(seen: Sequence[Presence]) -> Earliest:
    found: Earliest = {}
    for one in seen:
        known = found.setdefault(one.environment, one)
        if one.first_seen < known.first_seen:
            found[one.environment] = one
    return found
