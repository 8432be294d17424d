"""Commits of repositories at GitHub, also at a GitHub Enterprise Server, by its REST API (version 2022-11-28).

`compare/{base}...{head}` lists what the head holds and the base does not, the oldest first, in pages; so of a long list
the last pages are asked for. Source: GitHub's documentation of "Compare two commits" and "List commits".
"""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

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

PUBLIC = "https://github.com"
_LETTERS = {"added": "A", "copied": "A", "removed": "D"}


@dataclass(frozen=True, slots=True)
class GitHub:
    """The repository that a row's `config` names by `slug`, at the host that it names by `host_url`."""

    outgoing: Outgoing
    token: str | None = None

    def commits(self, repository: Repository, start: str | None, end: str) -> list[CommitInput]:
        """As the protocol says. Files of the newest hundred commits are told as well, as far as the host gives them."""
        for ref in (start, end):
            if ref is not None:
                check_ref(ref)
        until = clock.monotonic() + BUDGET_SECONDS
        rest, where = self._rest(repository), _path(repository)
        if start:
            commits = _between(rest, where, start, end, until, repository.name)
        else:
            commits = _commits(rest.get(f"{where}/commits", sha=end, per_page=DEFAULT_COMMITS)[0], repository.name)
        return _with_files(rest, where, commits, until)

    def look(self, repository: Repository) -> Found:
        """What the host says about the repository itself."""
        said, _ = self._rest(repository).get(_path(repository))
        number = inner(said, "id")
        return Found(str(number) if isinstance(number, int) else None, text_at(said, "html_url"))

    def _rest(self, repository: Repository) -> Rest:
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return Rest("GitHub", api_root(Host.of(repository).url or PUBLIC), headers, self.outgoing)


def api_root(host_url: str) -> str:
    """Where the API of a host is: beside GitHub's own pages, below those of a server of one's own."""
    parts = urlsplit(host_url)
    if parts.hostname == "github.com":
        return "https://api.github.com"
    return host_url if (parts.hostname or "").startswith("api.") else f"{host_url}/api/v3"


def _path(repository: Repository) -> str:
    return f"/repos/{quote(Host.of(repository).slug)}"


def _between(rest: Rest, where: str, start: str, end: str, until: float, repository: str) -> list[CommitInput]:
    """What `end` holds and `start` does not, newest first. Of each answer only that is kept: it may be large."""
    path = f"{where}/compare/{quote(start, safe='')}...{quote(end, safe='')}"
    first, _ = rest.get(path, per_page=PAGE, page=1)
    total = inner(first, "total_commits")
    last = -(-(total if isinstance(total, int) else 0) // PAGE)
    oldest = _commits(inner(first, "commits"), repository)
    del first
    found: list[CommitInput] = []
    for number in range(last, 1, -1):
        if len(found) >= MAX_COMMITS:
            break
        if clock.monotonic() > until:
            raise ProviderAway("GitHub: the commits are many, and come slowly")
        found += reversed(_commits(inner(rest.get(path, per_page=PAGE, page=number)[0], "commits"), repository))
    return [*found, *reversed(oldest)][:MAX_COMMITS]


def _commits(said: Any, repository: str) -> list[CommitInput]:
    return [_commit(one, repository) for one in objects(said)[:PAGE] if text_at(one, "sha")]


def _commit(said: dict[str, Any], repository: str) -> CommitInput:
    return CommitInput(
        key=(text_at(said, "sha") or "")[:64],
        repository=repository,
        message=(text_at(said, "commit", "message") or "")[:MAX_MESSAGE],
        author_name=word_at(said, "commit", "author", "name"),
        author_email=word_at(said, "commit", "author", "email"),
        timestamp=moment_at(said, "commit", "committer", "date") or moment_at(said, "commit", "author", "date"),
    )


def _with_files(rest: Rest, where: str, commits: list[CommitInput], until: float) -> list[CommitInput]:
    """The commits, the newest ones with what they changed. A host that has enough of it ends that, and nothing else."""
    told = list(commits)
    for place, commit in enumerate(commits[:MAX_DETAILED]):
        if clock.monotonic() > until:
            break
        try:
            said, _ = rest.get(f"{where}/commits/{quote(commit.key, safe='')}")
        except ProviderAway:
            break
        told[place] = replace(commit, patch_set=_files(objects(inner(said, "files"))))
    return told


def _files(said: list[dict[str, Any]]) -> list[FileChange]:
    changes: list[FileChange] = []
    for one in said[:MAX_FILES]:
        path, status, before = word_at(one, "filename"), text_at(one, "status"), word_at(one, "previous_filename")
        if path is None:
            continue
        if status == "renamed" and before:
            changes += (FileChange(before, "D"), FileChange(path, "A"))
        else:
            changes.append(FileChange(path, _LETTERS.get(status or "", "M")))
    return changes
