"""The rows that a list of commits needs: repositories, authors, commits, changed files. Those that are there are used,
the others made, all of a kind at once.

What several nodes may make at the same time is inserted in one order, by its key, so that they wait for each other and
do not deadlock; updates come after all inserts, by id.

Source: the release specification, section 9, steps 4 to 6.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from vedette.core import sql
from vedette.releases.models import Commit, CommitAuthor, CommitFileChange, Repository, RepositoryStatus

if TYPE_CHECKING:
    from vedette.shipping.commits import CommitInput

NAME_LENGTH = 128
EMAIL_LENGTH = 200
REPOSITORY_LENGTH = 200
PATH_LENGTH = 510
FILE_TYPES = frozenset("ADM")

_NOT_IN_ADDRESSES = re.compile(r"[^A-Za-z0-9\-_.]+")


@dataclass(frozen=True, slots=True)
class Placed:
    """A commit, the repository that it is in, and its author if it names one."""

    commit: CommitInput
    repository_id: int
    author_id: int | None

    @property
    def key(self) -> tuple[int, str]:
        """What makes it one commit."""
        return self.repository_id, self.commit.key


@dataclass(frozen=True, slots=True)
class Saved:
    """The rows of a list of commits, in its order, and those of them that were inserted or changed."""

    commits: list[Commit]
    changed: list[Commit]


def place(organization_id: int, commits: Sequence[CommitInput]) -> list[Placed]:
    """Find or make the repositories and the authors that `commits` name."""
    names = [_text(commit.repository, REPOSITORY_LENGTH) or f"organization-{organization_id}" for commit in commits]
    emails = [address_of(commit.author_email, commit.author_name) for commit in commits]
    repositories = _repositories(organization_id, set(names))
    said: dict[str, str] = {}
    for commit, email in zip(commits, emails, strict=True):
        if email:
            said.setdefault(email, commit.author_name or "")
    found = authors(organization_id, said)
    return [
        Placed(commit, repositories[name], found[email] if email else None)
        for commit, name, email in zip(commits, names, emails, strict=True)
    ]


def address_of(email: str | None, name: str | None) -> str:
    """The address that an author is known by, in lower case; one of a name alone is made up. Empty: nobody."""
    if email is None and name:
        email = f"{_NOT_IN_ADDRESSES.sub('', name)}@localhost"
    return _text((email or "").lower(), EMAIL_LENGTH)


def save(organization_id: int, placed: Sequence[Placed], now: datetime) -> Saved:
    """Insert the commits that are new, bring the others up to date, and add their changed files. In a transaction."""
    known = _known({one.key for one in placed})
    new: dict[tuple[int, str], Commit] = {}
    for one in placed:
        if one.key not in known:
            new.setdefault(one.key, _new_commit(organization_id, one, now))
    Commit.objects.bulk_create([new[key] for key in sorted(new)], ignore_conflicts=True)
    known |= _known(new.keys())
    different = {one.key for one in placed if _differs(known[one.key], one)}
    sql.run_many(
        "UPDATE releases_commit SET author_id = %s, message = %s, date_added = %s WHERE id = %s",
        [
            (row.author_id, row.message, sql.moment(row.date_added), row.pk)
            for row in sorted((known[key] for key in different), key=lambda row: row.pk)
        ],
    )
    _add_files(organization_id, placed, known)
    return Saved([known[one.key] for one in placed], [known[key] for key in sorted(different | new.keys())])


def _new_commit(organization_id: int, one: Placed, now: datetime) -> Commit:
    return Commit(
        organization_id=organization_id,
        repository_id=one.repository_id,
        key=one.commit.key,
        author_id=one.author_id,
        message=_message(one.commit),
        date_added=one.commit.timestamp or now,
    )


def _differs(row: Commit, one: Placed) -> bool:
    """Take over into `row` what is said of the commit; whether that changes anything."""
    before = row.author_id, row.message, row.date_added
    row.author_id = one.author_id or row.author_id
    if one.commit.message is not None or one.commit.message_is_null:
        row.message = _message(one.commit)
    row.date_added = one.commit.timestamp or row.date_added
    return before != (row.author_id, row.message, row.date_added)


def _known(keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], Commit]:
    found = sql.matching("releases_commit", ("repository_id", "key"), keys, ("id",))
    rows = Commit.objects.in_bulk([pk for (pk,) in found])
    return {(row.repository_id, row.key): row for row in rows.values()}


def _add_files(organization_id: int, placed: Sequence[Placed], commits: dict[tuple[int, str], Commit]) -> None:
    """Of a file that is told of twice, now or before, the first type stays."""
    files: dict[tuple[int, str], str] = {}
    for one in placed:
        commit_id = commits[one.key].pk
        for change in one.commit.patch_set:
            path = _text(change.path, PATH_LENGTH)
            files.setdefault((commit_id, path), change.type if change.type in FILE_TYPES else "M")
    rows = [(organization_id, commit_id, path, files[commit_id, path]) for commit_id, path in sorted(files)]
    columns = ("organization_id", "commit_id", "filename", "type")
    sql.insert_rows(CommitFileChange._meta.db_table, columns, rows, tail="ON CONFLICT DO NOTHING")


def _repositories(organization_id: int, names: Collection[str]) -> dict[str, int]:
    """The active repository of each name, of several the one with the highest id."""
    found = _active_repositories(organization_id, names)
    if missing := sorted(set(names) - found.keys()):
        Repository.objects.bulk_create(
            [Repository(organization_id=organization_id, name=name) for name in missing], ignore_conflicts=True
        )
        found |= _active_repositories(organization_id, missing)
    return found


def _active_repositories(organization_id: int, names: Collection[str]) -> dict[str, int]:
    keys = [(organization_id, name) for name in names]
    rows = sql.matching("releases_repository", ("organization_id", "name"), keys, ("id", "name", "status"))
    return {name: pk for pk, name, status in sorted(rows) if status == RepositoryStatus.ACTIVE}


def authors(organization_id: int, names: Mapping[str, str]) -> dict[str, int]:
    """The author of each address (as `address_of` says it), called by the name that came with it, if one did."""
    names = {email: _text(name, NAME_LENGTH) for email, name in names.items()}
    found = _known_authors(organization_id, names)
    if missing := sorted(names.keys() - found.keys()):
        CommitAuthor.objects.bulk_create(
            [
                CommitAuthor(organization_id=organization_id, email=email, name=names[email] or None)
                for email in missing
            ],
            ignore_conflicts=True,
        )
        found |= _known_authors(organization_id, missing)
    renamed = sorted((pk, names[email]) for email, (pk, name) in found.items() if names[email] not in ("", name))
    sql.run_many("UPDATE releases_commitauthor SET name = %s WHERE id = %s", [(name, pk) for pk, name in renamed])
    return {email: pk for email, (pk, _) in found.items()}


def _known_authors(organization_id: int, emails: Collection[str]) -> dict[str, tuple[int, str | None]]:
    keys = [(organization_id, email) for email in emails]
    rows = sql.matching("releases_commitauthor", ("organization_id", "email"), keys, ("id", "email", "name"))
    return {email: (pk, name) for pk, email, name in rows}


def _message(commit: CommitInput) -> str | None:
    return None if commit.message is None else commit.message.replace("\0", "\ufffd")


def _text(value: str | None, length: int) -> str:
    return (value or "").replace("\0", "\ufffd")[:length]
