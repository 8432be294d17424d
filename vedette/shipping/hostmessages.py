"""What GitHub and GitLab send by themselves, taken apart: pushes, and what becomes of pull (merge) requests.

Pure. What is missing or of another type is as if it had not been said; what is too much is cut. Sources: GitHub's
documentation of "Webhook events and payloads", GitLab's of "Webhook events".
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vedette.releases.models import PullRequestState
from vedette.shipping.commits import CommitInput, FileChange
from vedette.shipping.providers.base import MAX_COMMITS, MAX_MESSAGE
from vedette.shipping.providers.rest import MAX_FILES, inner, moment_at, objects, text_at
from vedette.shipping.pullrequests import PullRequestInput

_LISTS = (("added", "A"), ("removed", "D"), ("modified", "M"))


@dataclass(frozen=True, slots=True)
class Message:
    """`slug` and `number` say of which repository; of what means nothing here, a `ping` too, the rest is empty."""

    slug: str = ""
    number: str = ""
    commits: tuple[CommitInput, ...] = ()
    requests: tuple[PullRequestInput, ...] = ()


def is_genuine(kind: str, secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether whoever sent this knows the secret. Names of headers are in lower case. Takes as long for a wrong one."""
    if kind == "github":
        expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        given = headers.get("x-hub-signature-256", "")
    else:
        expected, given = secret, headers.get("x-gitlab-token", "")
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def read_message(kind: str, event: str, said: Any, repository: str) -> Message:
    """The message of one request; `event` is what its header names, `repository` what commits say they are in."""
    if kind == "github":
        return _github(event, said, repository)
    return _gitlab(said, repository)


def _github(event: str, said: Any, repository: str) -> Message:
    slug, number = text_at(said, "repository", "full_name") or "", _number(inner(said, "repository", "id"))
    if event == "push":
        return Message(slug, number, commits=_commits(said, repository))
    request = inner(said, "pull_request")
    key = _number(inner(request, "number"))
    if event != "pull_request" or not key:
        return Message(slug, number)
    is_merged = inner(request, "merged") is True
    state = PullRequestState.OPEN if inner(request, "state") == "open" else PullRequestState.CLOSED
    author, head = _number(inner(request, "user", "id")), text_at(request, "head", "sha")
    told = PullRequestInput(
        key=key,
        title=text_at(request, "title"),
        message=(text_at(request, "body") or "")[:MAX_MESSAGE],
        author_external_id=f"github:{author}" if author else None,
        merge_commit_sha=text_at(request, "merge_commit_sha") if is_merged else None,  # before, it is only a try
        state=PullRequestState.MERGED if is_merged else state,
        commits=(head,) if head else (),
        created_at=moment_at(request, "created_at"),
    )
    return Message(slug, number, requests=(told,))


def _gitlab(said: Any, repository: str) -> Message:
    slug, number = text_at(said, "project", "path_with_namespace") or "", _number(inner(said, "project", "id"))
    kind, request = inner(said, "object_kind"), inner(said, "object_attributes")
    if kind == "push":
        return Message(slug, number, commits=_commits(said, repository))
    key = _number(inner(request, "iid"))
    if kind != "merge_request" or not key:
        return Message(slug, number)
    word, head = inner(request, "state"), text_at(request, "last_commit", "id")
    is_merged = word == "merged"
    author = _number(inner(request, "author_id"))
    is_own = author != "" and author == _number(inner(said, "user", "id"))  # else `user` is somebody who touched it
    email = text_at(said, "user", "email") if is_own else None
    # A merge that adds no commit of its own (fast forward) is known by the squashed one, or the last.
    merged = text_at(request, "merge_commit_sha") or text_at(request, "squash_commit_sha") or head
    told = PullRequestInput(
        key=key,
        title=text_at(request, "title"),
        message=(text_at(request, "description") or "")[:MAX_MESSAGE],
        author_name=text_at(said, "user", "name") if email and "@" in email else None,
        author_email=email if email and "@" in email else None,
        author_external_id=f"gitlab:{author}" if author else None,
        merge_commit_sha=merged if is_merged else None,
        state=PullRequestState.MERGED
        if is_merged
        else PullRequestState.CLOSED
        if word == "closed"
        else PullRequestState.OPEN,
        commits=(head,) if head else (),
        created_at=moment_at(request, "created_at"),
    )
    return Message(slug, number, requests=(told,))


def _commits(said: Any, repository: str) -> tuple[CommitInput, ...]:
    """The commits of a push, which both tell alike; a branch that was deleted has none."""
    newest = objects(inner(said, "commits"))[-MAX_COMMITS:]
    return tuple(
        CommitInput(
            key=(text_at(one, "id") or "")[:64],
            repository=repository,
            message=(text_at(one, "message") or "")[:MAX_MESSAGE],
            author_name=text_at(one, "author", "name"),
            author_email=text_at(one, "author", "email"),
            timestamp=moment_at(one, "timestamp"),
            patch_set=_files(one),
        )
        for one in newest
        if text_at(one, "id")
    )


def _files(said: dict[str, Any]) -> list[FileChange]:
    changes: list[FileChange] = []
    for name, letter in _LISTS:
        paths = said.get(name)
        if isinstance(paths, list):
            changes += (FileChange(path.replace("\0", ""), letter) for path in paths if isinstance(path, str) and path)
    return changes[:MAX_FILES]


def _number(value: Any) -> str:
    """A number as text; empty for what is none."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63 else ""
