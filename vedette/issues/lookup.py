"""Finding issues for somebody: only in projects that they reach, never one that is being deleted."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from vedette.accounts.models import User
from vedette.core.ids import as_id, parse_short_id
from vedette.issues.models import PRIORITY_WORDS, VISIBLE_STATUSES, Activity, ActivityType, Group, GroupRedirect
from vedette.orgs.access import Access
from vedette.projects.access import reachable_projects
from vedette.releases.models import Commit, PullRequest

_MAX_ID = 2**63
OTHER_ISSUES = {ActivityType.UNMERGE_SOURCE: "destination_id", ActivityType.UNMERGE_DESTINATION: "source_id"}


def visible_groups(access: Access) -> Any:
    """Every issue that the caller may see, with its project; a queryset to narrow down."""
    return Group.objects.filter(project__in=reachable_projects(access), status__in=VISIBLE_STATUSES).select_related(
        "project", "first_release"
    )


def find_group(access: Access, id_or_short_id: str) -> Group | None:
    """The issue with this numeric id or short id (in any letter case), or that one was merged into; or None."""
    pk = as_id(id_or_short_id)
    parsed = None if pk is not None else parse_short_id(id_or_short_id)
    if pk is not None:
        named, merged = Q(pk=pk), Q(previous_group_id=pk)
    elif parsed is not None:
        slug, number = parsed
        named = Q(project__slug=slug, short_id=number)
        merged = Q(previous_project_slug=slug, previous_short_id=number)
    else:
        return None
    groups = visible_groups(access)
    found: Group | None = groups.filter(named).first()
    if found is None:
        homes = GroupRedirect.objects.filter(merged, organization_id=access.organization.pk)
        found = groups.filter(pk__in=homes.values("group_id")).first()
    return found


def groups_by_id(access: Access, ids: Iterable[int]) -> list[Group]:
    """The issues among `ids` that the caller may see, by id; the others are left out silently."""
    wanted = [number for number in ids if 0 <= number < _MAX_ID]
    return list(visible_groups(access).filter(pk__in=wanted).order_by("pk"))


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry of an issue's history as people read it. `id` is 0 for the synthesised first one; `commit` is the key
    of the commit that it is about, `pull_request` the number of the pull request, `issue` the other issue of a split,
    if it is there."""

    id: int
    type: ActivityType
    datetime: datetime
    user: User | None = None
    data: dict[str, Any] = field(default_factory=dict)
    commit: str = ""
    pull_request: str = ""
    issue: Group | None = None


def feed(group: Group, limit: int = 100) -> list[FeedEntry]:
    """The issue's history, newest first, at most `limit` entries and then the first event, which is always told.

    Entries that repeat the one before them (type, ident, user, data) are told once, notes excepted.
    Source: the issue workflow specification, section 11.
    """
    known = {kind.value for kind in ActivityType}
    rows = [
        row for row in Activity.objects.filter(group=group).order_by("-datetime", "-id")[:limit] if row.type in known
    ]
    users = {user.pk: user for user in User.objects.filter(pk__in={row.user_id for row in rows if row.user_id})}
    commits, requests = _keys(Commit, rows, "commit"), _keys(PullRequest, rows, "pull_request")
    others = _others(group, rows)
    entries: list[FeedEntry] = []
    previous: tuple[Any, ...] | None = None
    for row in rows:
        told = (row.type, row.ident, row.user_id, row.data)
        if told != previous or row.type == ActivityType.NOTE:
            user = users.get(row.user_id) if row.user_id else None
            commit = commits.get(row.data.get("commit"), "")
            request = requests.get(row.data.get("pull_request"), "")
            kind, other = ActivityType(row.type), others.get(_other(row) or 0)
            entries.append(FeedEntry(row.pk, kind, row.datetime, user, row.data, commit, request, other))
        previous = told
    entries.append(
        FeedEntry(
            0, ActivityType.FIRST_SEEN, group.first_seen, data={"priority": PRIORITY_WORDS.get(group.priority or 0)}
        )
    )
    return entries


def _other(entry: Activity) -> int | None:
    """The id of the issue that an entry about a split names."""
    name = OTHER_ISSUES.get(ActivityType(entry.type))
    found = entry.data.get(name) if name else None
    return found if isinstance(found, int) else None


def _others(group: Group, rows: Iterable[Activity]) -> dict[int, Group]:
    """The issues of the same project that entries name, or that those were merged into, by the ids that they name."""
    wanted = {pk for row in rows if (pk := _other(row))}
    if not wanted:
        return {}
    homes = GroupRedirect.objects.filter(previous_group_id__in=wanted)
    leads = dict.fromkeys(wanted) | dict(homes.values_list("previous_group_id", "group_id"))
    groups = Group.objects.filter(project=group.project_id, status__in=VISIBLE_STATUSES)
    found = groups.select_related("project__organization").in_bulk([new or old for old, new in leads.items()])
    return {old: found[new or old] for old, new in leads.items() if (new or old) in found}


def _keys(table: type[Commit] | type[PullRequest], rows: Iterable[Activity], name: str) -> dict[Any, str]:
    """The keys of the commits or pull requests that entries name by their ids."""
    wanted = {pk for row in rows if isinstance(pk := row.data.get(name), int)}
    return dict(table.objects.filter(pk__in=wanted).values_list("pk", "key")) if wanted else {}
