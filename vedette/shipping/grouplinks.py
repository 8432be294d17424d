"""Links from what messages say to the issues that they name: by commits, by pull requests.

Everything is looked up and written in bulk, because a build may bring ten thousand commits. Links are inserted in the
order of their issues, so that those who race wait for each other and do not deadlock.

Source: the release specification, 9.2 with its [V].
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from vedette.core import sql
from vedette.core.pieces import pieces
from vedette.issues.models import VISIBLE_STATUSES, GroupLink, LinkedType, LinkRelationship
from vedette.issues.resolve import SAID_BY_A_PERSON
from vedette.orgs.addresses import members_by_address
from vedette.projects.models import Project
from vedette.releases.models import CommitAuthor

Reference = tuple[str, int]  # project slug, number
Pair = tuple[int, int]  # issue, what it is linked to


@dataclass(frozen=True, slots=True)
class LinkChanges:
    """The links that were made here (exactly one of those who race tells of each) and those that went; `projects` are
    the ids of the projects of the issues that are named now, by issue."""

    projects: dict[int, int]
    made: list[Pair]
    gone: list[Pair]


def relink(
    kind: LinkedType, organization_id: int, named: Mapping[int, Sequence[Reference]], now: datetime
) -> LinkChanges:
    """Let each thing (its id) resolve just the issues that it names. Names of no issue are left out, links that are
    there stay as they are, and so does what a person said. In the caller's transaction."""
    groups = _groups(organization_id, {name for names in named.values() for name in names})
    wanted = {(groups[name][0], linked) for linked, names in named.items() for name in names if name in groups}
    gone = _unlink(kind, named.keys(), wanted)
    projects = dict(groups.values())
    return LinkChanges(projects, _insert(kind, wanted, projects, now), gone)


def members_of(organization_id: int, author_ids: Collection[int | None]) -> dict[int, list[int]]:
    """The members behind commit authors: those with the author's address, proven to be theirs, the oldest first."""
    emails: dict[int, str] = {}
    for some in pieces(pk for pk in author_ids if pk):
        emails |= dict(CommitAuthor.objects.filter(pk__in=some).values_list("pk", "email"))
    members = members_by_address(organization_id, set(emails.values()))
    return {pk: members[email] for pk, email in emails.items() if email in members}


def _groups(organization_id: int, names: Collection[Reference]) -> dict[Reference, tuple[int, int]]:
    """The issues that short ids name, with their projects, by project slug and number; those that are being deleted or
    merged are none."""
    slugs: dict[int, str] = {}
    for some in pieces(slug for slug, _ in names):
        rows = Project.objects.filter(organization_id=organization_id, slug__in=some)
        slugs |= dict(rows.values_list("pk", "slug"))
    projects = {slug: pk for pk, slug in slugs.items()}
    keys = {(projects[slug], number) for slug, number in names if slug in projects}
    found = sql.matching("issues_group", ("project_id", "short_id"), keys, ("id", "project_id", "short_id", "status"))
    return {
        (slugs[project], number): (pk, project) for pk, project, number, status in found if status in VISIBLE_STATUSES
    }


def _unlink(kind: LinkedType, linked_ids: Collection[int], wanted: Collection[Pair]) -> list[Pair]:
    stale: dict[int, Pair] = {}
    for some in pieces(linked_ids):
        rows = GroupLink.objects.filter(linked_type=kind, relationship=LinkRelationship.RESOLVES, linked_id__in=some)
        for pk, group, linked, data in rows.values_list("pk", "group_id", "linked_id", "data"):
            if (group, linked) not in wanted and data.get("by") != SAID_BY_A_PERSON:
                stale[pk] = (group, linked)
    for some in pieces(stale):
        GroupLink.objects.filter(pk__in=some).delete()
    return sorted(stale.values())


def _insert(kind: LinkedType, wanted: Collection[Pair], projects: dict[int, int], now: datetime) -> list[Pair]:
    rows = sql.insert_rows(
        "issues_grouplink",
        ("project_id", "group_id", "linked_type", "linked_id", "relationship", "datetime", "data"),
        [
            (
                projects[group],
                group,
                kind.value,
                linked,
                LinkRelationship.RESOLVES.value,
                sql.moment(now),
                sql.document({}),
            )
            for group, linked in sorted(wanted)
        ],
        tail="ON CONFLICT (group_id, linked_type, linked_id) DO NOTHING RETURNING group_id, linked_id",
    )
    return sorted((group, linked) for group, linked in rows)
