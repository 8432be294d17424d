"""Where an issue was seen: environments, releases, and the counts of new issues that releases keep.

Source: the ingest specification, 14.17; the release specification, 12.2.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from django.db.models import F

from vedette.core import sql
from vedette.core.pieces import pieces
from vedette.issues.models import GroupEnvironment
from vedette.releases.models import ReleaseProject, ReleaseProjectEnvironment

LAST_SEEN_STEP = timedelta(seconds=60)
_NEVER = datetime.max.replace(tzinfo=UTC)
_ROWS = 200  # of one statement
_Key = tuple[int, int]  # issue, environment


class Seen(Protocol):
    """What an event tells about where it happened."""

    @property
    def project_id(self) -> int: ...
    @property
    def timestamp(self) -> datetime: ...
    @property
    def release_id(self) -> int | None: ...
    @property
    def environment_id(self) -> int: ...
    @property
    def environment(self) -> str: ...


def record_presence(seen: Iterable[tuple[Seen, int, bool]]) -> None:
    """Take note of (event, issue, whether the issue is new) for a batch, inside the caller's transaction."""
    listed = list(seen)
    fresh = _environments(listed)
    _releases(listed)
    _count_new(listed, fresh)


def _environments(seen: list[tuple[Seen, int, bool]]) -> list[Seen]:
    """Make the missing rows (issue, environment); gives the events that made one."""
    first: dict[tuple[int, int], Seen] = {}
    for event, group, _ in seen:
        known = first.setdefault((group, event.environment_id), event)
        if event.timestamp < known.timestamp:
            first[group, event.environment_id] = event
    present = _present(first)
    fresh = _insert({key: event for key, event in first.items() if key not in present})
    for key, event in sorted(first.items(), key=lambda pair: pair[0]):
        # Not there before and not made here: another node was faster, and may have seen a later event.
        if key not in fresh and event.timestamp < present.get(key, _NEVER):
            GroupEnvironment.objects.filter(
                group_id=key[0], environment_id=key[1], first_seen__gt=event.timestamp
            ).update(first_seen=event.timestamp)
    return [first[key] for key in sorted(fresh)]


def _present(wanted: Collection[_Key]) -> dict[_Key, datetime]:
    names = ("group_id", "environment_id")
    pks = [pk for (pk,) in sql.matching("issues_groupenvironment", names, wanted, ("id",))]
    present: dict[_Key, datetime] = {}
    for some in pieces(pks):
        rows = GroupEnvironment.objects.filter(pk__in=some).values_list(*names, "first_seen")
        present |= {(group, environment): first_seen for group, environment, first_seen in rows}
    return present


def _insert(missing: dict[_Key, Seen]) -> set[_Key]:
    """Make the rows; gives those that were really made here, which are the ones that count as new."""
    made: set[_Key] = set()
    keys = sorted(missing)
    for start in range(0, len(keys), _ROWS):
        part = keys[start : start + _ROWS]
        params: list[object] = []
        for key in part:
            params += (*key, missing[key].release_id, sql.moment(missing[key].timestamp))
        rows = sql.run(
            "INSERT INTO issues_groupenvironment (group_id, environment_id, first_release_id, first_seen) VALUES "  # noqa: S608
            f"{', '.join(['(%s, %s, %s, %s)'] * len(part))} ON CONFLICT (group_id, environment_id) DO NOTHING "
            "RETURNING group_id, environment_id",
            params,
        )
        made |= {(group, environment) for group, environment in rows}
    return made


def _releases(seen: list[tuple[Seen, int, bool]]) -> None:
    """Widen the rows (issue, release, environment name): back at once, forward in steps of a minute."""
    spans: dict[tuple[int, int, str], tuple[datetime, datetime, int]] = {}
    for event, group, _ in seen:
        if event.release_id is not None:
            key = (group, event.release_id, event.environment)
            first, last, _project = spans.get(key, (event.timestamp, event.timestamp, 0))
            spans[key] = (min(first, event.timestamp), max(last, event.timestamp), event.project_id)
    if not spans:
        return
    # One statement per row and no look before it: a batch over 500 issues has 500 of these.
    sql.run_many(
        "INSERT INTO issues_grouprelease (project_id, group_id, release_id, environment, first_seen, last_seen) "  # noqa: S608
        "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (group_id, release_id, environment) DO UPDATE SET "
        f"first_seen = {sql.least()}(issues_grouprelease.first_seen, excluded.first_seen), "
        f"last_seen = {sql.greatest()}(issues_grouprelease.last_seen, excluded.last_seen) "
        "WHERE issues_grouprelease.first_seen > excluded.first_seen OR issues_grouprelease.last_seen < %s",
        [
            (project, *key, sql.moment(first), sql.moment(last), sql.moment(last - LAST_SEEN_STEP))
            for key, (first, last, project) in sorted(spans.items())
        ],
    )


def _count_new(seen: list[tuple[Seen, int, bool]], fresh: list[Seen]) -> None:
    """Issues that a release brought: by project, and by project and environment."""
    makers: dict[int, Seen] = {}
    for event, group, is_new in seen:
        if is_new:
            makers.setdefault(group, event)
    by_project = Counter((event.project_id, event.release_id) for event in makers.values() if event.release_id)
    for (project, release), count in sorted(by_project.items()):
        ReleaseProject.objects.filter(project_id=project, release_id=release).update(new_groups=F("new_groups") + count)
    by_environment = Counter(
        (event.project_id, event.release_id, event.environment_id) for event in fresh if event.release_id
    )
    for (project, release, environment), count in sorted(by_environment.items()):
        ReleaseProjectEnvironment.objects.filter(
            project_id=project, release_id=release, environment_id=environment
        ).update(new_issues_count=F("new_issues_count") + count)
