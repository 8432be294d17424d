"""Pull requests, as a provider tells of them: kept, linked to the issues that they name, and assigned.

A pull request resolves nothing by itself: an issue is resolved in the release that brings the commit by which it was
merged (`resolving.resolve_in`). What it says is searched like the message of a commit, the title too.

Source: the release specification, 9.2 ("On every save of a pull request") with its [V].
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from vedette.accounts.models import User
from vedette.core import sql
from vedette.issues.actions import assign
from vedette.issues.assignees import of_user
from vedette.issues.history import change_of, record
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupLink,
    HistoryStatus,
    LinkedType,
    LinkRelationship,
)
from vedette.releases.models import (
    Commit,
    CommitAuthor,
    PullRequest,
    PullRequestCommit,
    PullRequestState,
    Repository,
)
from vedette.shipping.commitrows import address_of, authors
from vedette.shipping.grouplinks import members_of, relink
from vedette.shipping.messages import references

KEY_LENGTH = 64
TEXT_LENGTH = 64 * 1024
MOST_COMMITS = 1000
_OF_STATE = {
    PullRequestState.OPEN: ActivityType.PULL_REQUEST_REOPENED,
    PullRequestState.CLOSED: ActivityType.PULL_REQUEST_CLOSED,
    PullRequestState.MERGED: ActivityType.PULL_REQUEST_MERGED,
}


@dataclass(frozen=True, slots=True)
class PullRequestInput:
    """A pull request as its provider tells of it; None is what was not said, and stays as it is stored.

    `key` is its number. `author_external_id` (such as `github:1234`) finds an author whose commits came with it; the
    address and the name make one that is not known. `commits` are keys of commits that it holds; those that nobody has
    told of are left out. `created_at` is aware.
    """

    key: str
    title: str | None = None
    message: str | None = None
    author_name: str | None = None
    author_email: str | None = None
    author_external_id: str | None = None
    merge_commit_sha: str | None = None
    state: PullRequestState | None = None
    commits: Sequence[str] = ()
    created_at: datetime | None = None


def save_pull_requests(repository: Repository, said: Sequence[PullRequestInput], now: datetime) -> list[PullRequest]:
    """Keep these pull requests of `repository`, by key; of one that is told of twice the last counts.

    An issue that one names is linked to it and assigned to its author, if a member has proven to be that: once, when
    the link is made, so that whoever is assigned later stays. A link to an issue that it names no more goes. Not inside
    of a transaction: each pull request is one, and of two nodes that are told the same at once one tells it.
    """
    by_key = {_text(one.key, KEY_LENGTH): one for one in said}
    known = _authors(repository.organization_id, by_key.values())
    return [_save(repository, key, by_key[key], known, now) for key in sorted(by_key)]


def _authors(organization_id: int, said: Collection[PullRequestInput]) -> dict[str, int]:
    """Authors by what the requests say of them: their ids at the provider, else their addresses."""
    wanted = {one.author_external_id for one in said if one.author_external_id}
    rows = CommitAuthor.objects.filter(organization=organization_id, external_id__in=wanted)
    found: dict[str, int] = {str(external): pk for external, pk in rows.values_list("external_id", "pk")}
    names: dict[str, str] = {}
    for one in said:
        if one.author_external_id not in found and (email := address_of(one.author_email, one.author_name)):
            names.setdefault(email, one.author_name or "")
    return found | authors(organization_id, names)


def _save(repository: Repository, key: str, one: PullRequestInput, known: dict[str, int], now: datetime) -> PullRequest:
    author = known.get(one.author_external_id or "") or known.get(address_of(one.author_email, one.author_name))
    with transaction.atomic():
        fresh = PullRequest(
            organization_id=repository.organization_id,
            repository=repository,
            key=key,
            date_added=one.created_at or now,
        )
        sql.insert_if_missing(fresh)
        row = PullRequest.objects.select_for_update(no_key=True).get(repository=repository, key=key)
        before = row.state
        _take_over(row, one, author)
        _add_commits(row, one.commits)
        _link(row, now)
        if row.state is not None and _is_open(before) != _is_open(row.state) and before is not None:
            _tell_state(row, now)
    return row


def _take_over(row: PullRequest, one: PullRequestInput, author: int | None) -> None:
    """Write down what was said."""
    told: dict[str, Any] = {
        "title": _said(one.title),
        "message": _said(one.message),
        "author_id": author,
        "merge_commit_sha": _said(one.merge_commit_sha, KEY_LENGTH),
        "state": one.state,
    }
    changed = {name: value for name, value in told.items() if value is not None and getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        PullRequest.objects.filter(pk=row.pk).update(**changed)


def _add_commits(row: PullRequest, keys: Sequence[str]) -> None:
    if not keys:
        return
    commits = Commit.objects.filter(repository=row.repository_id, key__in=list(keys)[:MOST_COMMITS])
    PullRequestCommit.objects.bulk_create(
        [PullRequestCommit(pull_request=row, commit_id=pk) for pk in sorted(commits.values_list("pk", flat=True))],
        ignore_conflicts=True,
    )


def _link(row: PullRequest, now: datetime) -> None:
    named = references(f"{row.message or ''} {row.title or ''}")
    changes = relink(LinkedType.PULL_REQUEST, row.organization_id, {row.pk: named}, now)
    gone = [group for group, _ in changes.gone]
    projects = dict(Group.objects.filter(pk__in=gone).values_list("pk", "project_id"))
    _tell(row, [(projects[pk], pk) for pk in gone], ActivityType.PULL_REQUEST_UNLINKED, now)
    if not changes.made:
        return
    rows = Group.objects.filter(pk__in=[group for group, _ in changes.made])
    made = list(rows.select_related("project").order_by("pk"))
    actor = _actor(row)
    if actor is not None:
        assign(made, of_user(actor), actor, now)
    who = actor.pk if actor else None
    places = [(group.project_id, group.pk) for group in made]
    _tell(row, places, ActivityType.SET_RESOLVED_IN_PULL_REQUEST, now, who)
    record([change_of(group, HistoryStatus.SET_RESOLVED_IN_PULL_REQUEST, who) for group in made], now)


def _actor(row: PullRequest) -> User | None:
    """The member who wrote it: the oldest one with that address, proven."""
    members = members_of(row.organization_id, [row.author_id])
    ids = members.get(row.author_id or 0, [])
    return User.objects.filter(pk=ids[0]).first() if ids else None


def _tell_state(row: PullRequest, now: datetime) -> None:
    """Each issue that it resolves is told that it was closed, merged or opened again."""
    links = GroupLink.objects.filter(linked_type=LinkedType.PULL_REQUEST, relationship=LinkRelationship.RESOLVES)
    groups = list(links.filter(linked_id=row.pk).order_by("group_id").values_list("project_id", "group_id"))
    others = links.filter(group__in=[group for _, group in groups]).exclude(linked_id=row.pk)
    pairs = list(others.values_list("group_id", "linked_id"))
    states = dict(PullRequest.objects.filter(pk__in={pk for _, pk in pairs}).values_list("pk", "state"))
    still_open = {group for group, pk in pairs if pk in states and _is_open(states[pk])}
    kind = _OF_STATE[PullRequestState(row.state or 0)]
    for more in (True, False):
        places = [place for place in groups if (place[1] in still_open) == more]
        _tell(row, places, kind, now, more={"has_other_open_prs": more})


def _tell(
    row: PullRequest,
    places: Sequence[tuple[int, int]],
    kind: ActivityType,
    now: datetime,
    user: int | None = None,
    more: dict[str, Any] | None = None,
) -> None:
    """An entry in the history of each issue (project, issue)."""
    Activity.objects.bulk_create(
        Activity(
            project_id=project,
            group_id=group,
            type=kind,
            ident=str(row.pk),
            user_id=user,
            datetime=now,
            data={"pull_request": row.pk, **(more or {})},
        )
        for project, group in places
    )


def _is_open(state: int | None) -> bool:
    return state in (None, PullRequestState.OPEN)


def _said(value: str | None, longest: int = TEXT_LENGTH) -> str | None:
    return None if value is None else _text(value, longest)


def _text(value: str, longest: int) -> str:
    return value.replace("\0", "\ufffd")[:longest]
