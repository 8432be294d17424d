"""Taking in what a repository's host sends by itself: commits of pushes, and pull requests.

A push resolves nothing: its commits are kept and linked to the issues that they name, until a release holds them. What
a host sends twice, or somebody else sends again, is known by its content and not taken again; and taking it again would
change nothing that was not said anew. Source: the release specification, 9.1 and 9.2.
"""

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from vedette.core.errors import Refused
from vedette.releases.models import Repository, RepositoryDelivery
from vedette.shipping.commitrows import Placed, address_of, authors, save
from vedette.shipping.commits import SKIP, CommitInput
from vedette.shipping.hosting import hook_secret_of, kind_of
from vedette.shipping.hostmessages import Message, is_genuine, read_message
from vedette.shipping.providers.hosts import Host
from vedette.shipping.pullrequests import save_pull_requests
from vedette.shipping.resolving import link_commits

log = logging.getLogger(__name__)

REMEMBERED_FOR = timedelta(days=30)


class OtherRepository(Refused):
    """The host tells of another repository than the one whose secret it knows."""

    code = "other-repository"


def is_from_its_host(repository: Repository, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether this comes from the repository's host: from somebody who knows its secret."""
    kind, secret = kind_of(repository), hook_secret_of(repository)
    return kind is not None and secret is not None and is_genuine(kind, secret, headers, body)


def take(repository: Repository, event: str, body: bytes, said: Any, now: datetime) -> str:
    """Keep what `said` (the decoded `body`, proven to come from the host) tells; a sentence about it.

    Not inside of a transaction. Raises `OtherRepository`.
    """
    message = read_message(kind_of(repository) or "", event, said, repository.name)
    if not message.commits and not message.requests:
        return "There is nothing in this that is kept."
    _check_repository(repository, message)
    key = hashlib.sha256(body).hexdigest()
    if RepositoryDelivery.objects.filter(repository=repository, key=key).exists():
        return "This was taken before."
    _save_commits(repository, [one for one in message.commits if SKIP not in (one.message or "")], now)
    save_pull_requests(repository, message.requests, now)
    _remember(repository, key, now)
    return f"{len(message.commits)} commits, {len(message.requests)} pull requests."


def _check_repository(repository: Repository, message: Message) -> None:
    """A repository that was renamed is known by its number, where its host was looked at."""
    known = (repository.external_id or "").rpartition(":")[2]
    if message.slug.lower() != Host.of(repository).slug.lower() and (not known or message.number != known):
        raise OtherRepository("This is about another repository.", status=400)


def _save_commits(repository: Repository, commits: list[CommitInput], now: datetime) -> None:
    if not commits:
        return
    names: dict[str, str] = {}
    for one in commits:
        if email := address_of(one.author_email, one.author_name):
            names.setdefault(email, one.author_name or "")
    known = authors(repository.organization_id, names)
    placed = [Placed(one, repository.pk, known.get(address_of(one.author_email, one.author_name))) for one in commits]
    with transaction.atomic():
        saved = save(repository.organization_id, placed, now)
        link_commits(saved.changed, now)


def _remember(repository: Repository, key: str, now: datetime) -> None:
    """Note what was taken, and forget what was taken long ago."""
    RepositoryDelivery.objects.bulk_create(
        [RepositoryDelivery(repository=repository, key=key, date_added=now)], ignore_conflicts=True
    )
    RepositoryDelivery.objects.filter(repository=repository, date_added__lt=now - REMEMBERED_FOR).delete()
