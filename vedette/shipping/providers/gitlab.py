"""Commits of repositories at GitLab, also at one of one's own, by its REST API (v4).

A range of commits is a revision range (`A..B`) of the list of commits: that comes in pages, the newest first, with
whole messages, where `repository/compare` answers all commits and all their differences in one piece. Source: GitLab's
documentation of "Commits API".
"""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from vedette.core import clock
from vedette.core.outgoing import Outgoing
from vedette.releases.models import Repository
from vedette.shipping.commits import CommitInput, FileChange
from vedette.shipping.providers.base import DEFAULT_COMMITS, MAX_COMMITS, MAX_MESSAGE, ProviderAway
from vedette.shipping.providers.hosts import Found, Host
from vedette.shipping.providers.rest import (
    BUDGET_SECONDS,
    MAX_DETAILED,
    MAX_FILES,
    PAGE,
    Rest,
    check_ref,
    inner,
    moment_at,
    objects,
    text_at,
    word_at,
)

PUBLIC = "https://gitlab.com"


@dataclass(frozen=True, slots=True)
class GitLab:
    """The project that a row's `config` names by `slug`, at the host that it names by `host_url`."""

    outgoing: Outgoing
    token: str | None = None

    def commits(self, repository: Repository, start: str | None, end: str) -> list[CommitInput]:
        """As the protocol says. Files of the newest hundred commits are told as well, as far as the host gives them."""
        for ref in (start, end):
            if ref is not None:
                check_ref(ref)
        until = clock.monotonic() + BUDGET_SECONDS
        rest, where = self._rest(repository), f"{_path(repository)}/repository/commits"
        commits: list[CommitInput] = []
        if start is None:
            commits = _commits(objects(rest.get(where, ref_name=end, per_page=DEFAULT_COMMITS)[0]), repository.name)
        else:
            for page in rest.pages(where, ref_name=f"{start}..{end}"):
                commits += _commits(page, repository.name)  # and nothing else of a page, which may be large
                if clock.monotonic() > until:
                    raise ProviderAway("GitLab: the commits are many, and come slowly")
        return _with_files(rest, where, commits[:MAX_COMMITS], until)

    def look(self, repository: Repository) -> Found:
        """What the host says about the project itself."""
        said, _ = self._rest(repository).get(_path(repository))
        number = inner(said, "id")
        return Found(str(number) if isinstance(number, int) else None, text_at(said, "web_url"))

    def _rest(self, repository: Repository) -> Rest:
        headers = {"PRIVATE-TOKEN": self.token} if self.token else {}
        return Rest("GitLab", f"{Host.of(repository).url or PUBLIC}/api/v4", headers, self.outgoing)


def _path(repository: Repository) -> str:
    return f"/projects/{quote(Host.of(repository).slug, safe='')}"


def _commits(said: list[dict[str, Any]], repository: str) -> list[CommitInput]:
    return [_commit(one, repository) for one in said[:PAGE] if text_at(one, "id")]


def _commit(said: dict[str, Any], repository: str) -> CommitInput:
    return CommitInput(
        key=(text_at(said, "id") or "")[:64],
        repository=repository,
        message=(text_at(said, "message") or text_at(said, "title") or "")[:MAX_MESSAGE],
        author_name=word_at(said, "author_name"),
        author_email=word_at(said, "author_email"),
        timestamp=moment_at(said, "committed_date") or moment_at(said, "created_at"),
    )


def _with_files(rest: Rest, where: str, commits: list[CommitInput], until: float) -> list[CommitInput]:
    """The commits, the newest ones with what they changed. A host that has enough of it ends that, and nothing else."""
    told = list(commits)
    for place, commit in enumerate(commits[:MAX_DETAILED]):
        changes: list[FileChange] = []
        try:
            for page in rest.pages(f"{where}/{quote(commit.key, safe='')}/diff", MAX_FILES // PAGE):
                changes += (change for one in page for change in _changes(one))
        except ProviderAway:
            break
        told[place] = replace(commit, patch_set=changes)
        if clock.monotonic() > until:
            break
    return told


def _changes(said: dict[str, Any]) -> list[FileChange]:
    before, after = word_at(said, "old_path"), word_at(said, "new_path")
    if before is None or after is None:
        return []
    if said.get("renamed_file"):
        return [FileChange(before, "D"), FileChange(after, "A")]
    if said.get("deleted_file"):
        return [FileChange(before, "D")]
    return [FileChange(after, "A" if said.get("new_file") else "M")]
