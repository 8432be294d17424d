"""Repositories that GitHub or GitLab host: setting them up, changing them, giving them up.

Tokens go in and never come out again: they are sealed beside the repository, and whoever moves a repository to another
host has to give the token anew, so that nobody can have it sent to a server of theirs.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from vedette.core.errors import RuleBroken
from vedette.core.ids import new_hex
from vedette.core.outgoing import Outgoing, OutgoingRefused, read_url
from vedette.core.sealing import seal, unseal
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.models import Organization
from vedette.releases.models import Repository, RepositorySecret, RepositoryStatus
from vedette.settings import Settings
from vedette.shipping.providers import GITHUB, GITHUB_ENTERPRISE, GITLAB, LOCAL_GIT, TOKEN_PURPOSE, hosted
from vedette.shipping.providers import github as at_github
from vedette.shipping.providers import gitlab as at_gitlab
from vedette.shipping.providers.base import ProviderAway, ProviderRefused
from vedette.shipping.providers.hosts import HOST_URL, SLUG
from vedette.shipping.repositories import LONGEST_NAME
from vedette.shipping.sender import Sender

HOOK_PURPOSE = "repository hook"
LONGEST_TOKEN = 1000
LONGEST_EXTERNAL = 64
KINDS = ("github", "gitlab")
_PUBLIC = {"github": at_github.PUBLIC, "gitlab": at_gitlab.PUBLIC}
_SLUGS = {
    "github": re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+"),
    "gitlab": re.compile(r"[\w.-]+(/[\w.-]+)+"),
}


@dataclass(frozen=True, slots=True)
class HostedWish:
    """A repository at a host: `kind` is `github` or `gitlab`, `slug` its name there (`acme/web`), `name` what builds
    call it, by default the same. `host_url` is the host where it is not the public one. A `token` of None keeps what
    was given before; the empty one forgets it."""

    kind: str
    slug: str
    name: str = ""
    host_url: str = ""
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of looking at a repository: whether its host shows it, and a sentence."""

    is_there: bool
    sentence: str


def set_up_hosted(
    organization: Organization, wish: HostedWish, settings: Settings, *, by: Sender, now: datetime
) -> tuple[Repository, bool]:
    """Have the commits of a repository fetched from its host; the row, and whether it is new.

    One that commits have named already keeps them. Nobody is asked yet: `look` does that. Raises `RuleBroken`.
    """
    checked = _checked(wish, settings)
    with transaction.atomic():
        Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)  # so that nobody makes it twice
        rows = Repository.objects.filter(
            Q(provider=_provider(checked)) | Q(provider=None),
            organization=organization,
            name=checked.name,
            status=RepositoryStatus.ACTIVE,
        )
        row = rows.order_by("-pk").first()
        is_new = row is None
        row = row or Repository(organization=organization, name=checked.name, config={})
        _write(row, checked, now)
        _note(AuditEvent.REPOSITORY_ADD if is_new else AuditEvent.REPOSITORY_EDIT, row, by)
    return row, is_new


def set_up_by_hand(organization: Organization, name: str, url: str, *, by: Sender) -> tuple[Repository, bool]:
    """Know a repository by its name, and by the address of its page if one is given. Raises `RuleBroken`."""
    _check_name(name)
    address = _checked_url("url", url) if url else None
    with transaction.atomic():
        Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        rows = Repository.objects.filter(organization=organization, name=name, status=RepositoryStatus.ACTIVE)
        row = rows.order_by("-pk").first()
        if row is not None:
            return row, False
        row = Repository.objects.create(
            organization=organization, name=name, url=address, provider=LOCAL_GIT if address else None
        )
        _note(AuditEvent.REPOSITORY_ADD, row, by)
    return row, True


def change_hosted(repository: Repository, wish: HostedWish, settings: Settings, *, by: Sender, now: datetime) -> None:
    """Change where a hosted repository is, or its token. Raises `RuleBroken`."""
    checked = _checked(wish, settings)
    with transaction.atomic():
        taken = Repository.objects.filter(
            organization_id=repository.organization_id, name=checked.name, status=RepositoryStatus.ACTIVE
        ).exclude(pk=repository.pk)
        if checked.name != repository.name and taken.exists():
            raise RuleBroken({"name": ["There is a repository of this name already."]})
        repository.name = checked.name
        _write(repository, checked, now)
        _note(AuditEvent.REPOSITORY_EDIT, repository, by)


def set_in_use(repository: Repository, in_use: bool, *, by: Sender) -> None:
    """Use a repository, or leave it aside: refs cannot name it then. Raises `RuleBroken` for a name that is taken."""
    status = RepositoryStatus.ACTIVE if in_use else RepositoryStatus.DISABLED
    if repository.status == status:
        return
    try:
        with transaction.atomic():
            Repository.objects.filter(pk=repository.pk).update(status=status)
            _note(AuditEvent.REPOSITORY_EDIT, repository, by)
    except IntegrityError:
        raise RuleBroken({"status": ["Another repository of this name is in use."]}) from None
    repository.status = status


def give_up(repository: Repository, *, by: Sender) -> None:
    """Have a repository deleted soon, with its commits; its secrets go at once, and its place at the host is free."""
    with transaction.atomic():
        RepositorySecret.objects.filter(repository=repository).delete()
        Repository.objects.filter(pk=repository.pk).update(status=RepositoryStatus.PENDING_DELETION, external_id=None)
        _note(AuditEvent.REPOSITORY_REMOVE, repository, by)
    repository.status, repository.external_id = RepositoryStatus.PENDING_DELETION, None


def look(repository: Repository, settings: Settings) -> Looked:
    """Ask the host for the repository, and note its number there and its page's address."""
    host = hosted(repository, settings)
    if host is None:
        return Looked(False, "This repository has no host that could be asked.")
    try:
        found = host.look(repository)
    except (ProviderAway, ProviderRefused) as error:
        return Looked(False, str(error))
    own = urlsplit(str(repository.config.get(HOST_URL) or "")).hostname
    number = f"{own}:{found.external_id}" if own and found.external_id else found.external_id
    try:
        with transaction.atomic():
            rows = Repository.objects.filter(pk=repository.pk)
            rows.update(external_id=number if number and len(number) <= LONGEST_EXTERNAL else None)
    except IntegrityError:
        return Looked(False, "Another repository of the organization is the same one at the host.")
    return Looked(True, "The host shows the repository.")


def new_hook_secret(repository: Repository, *, by: Sender, now: datetime) -> str:
    """A new secret for what the host sends; the one before is void. It is not shown again."""
    secret = new_hex(32)
    with transaction.atomic():
        RepositorySecret.objects.update_or_create(
            repository=repository, defaults={"hook_secret": seal(secret, HOOK_PURPOSE), "date_changed": now}
        )
        _note(AuditEvent.REPOSITORY_EDIT, repository, by)
    return secret


def hook_secret_of(repository: Repository) -> str | None:
    """The secret that the host's deliveries have to know; None where nobody made one."""
    row = RepositorySecret.objects.filter(repository=repository).first()
    return unseal(row.hook_secret, HOOK_PURPOSE) if row else None


def hook_address(repository: Repository) -> str:
    """Where the host of a repository sends what happens there."""
    own = f"/api/0/organizations/{repository.organization_id}/repos/{repository.pk}/events/"
    return f"{django_settings.VEDETTE.url}{own}"


def kind_of(repository: Repository) -> str | None:
    """`github` or `gitlab`; None for other repositories."""
    return {GITHUB: "github", GITHUB_ENTERPRISE: "github", GITLAB: "gitlab"}.get(repository.provider or "")


def _provider(wish: HostedWish) -> str:
    if wish.kind == "gitlab":
        return GITLAB
    return GITHUB_ENTERPRISE if wish.host_url else GITHUB


def _checked(wish: HostedWish, settings: Settings) -> HostedWish:
    if wish.kind not in KINDS:
        raise RuleBroken({"provider": [f"The provider is one of {', '.join(KINDS)}."]})
    slug, host_url = wish.slug.strip().strip("/"), wish.host_url.strip().rstrip("/")
    name = wish.name.strip() or slug
    if len(slug) > LONGEST_NAME or not _SLUGS[wish.kind].fullmatch(slug) or {".", ".."} & set(slug.split("/")):
        raise RuleBroken({"identifier": ["This is the repository's name at its host, such as acme/web."]})
    _check_name(name)
    if host_url == _PUBLIC[wish.kind]:
        host_url = ""
    if host_url:
        host_url = _checked_url("hostUrl", host_url)
        try:
            Outgoing(settings.outgoing_allow).check(host_url)
        except OutgoingRefused as error:
            raise RuleBroken({"hostUrl": [f"{error}. {error.hint}"]}) from None
    token = wish.token
    if token is not None and (len(token) > LONGEST_TOKEN or not token.isascii() or not token.isprintable()):
        raise RuleBroken({"token": [f"A token has at most {LONGEST_TOKEN} plain characters."]})
    return HostedWish(wish.kind, slug, name, host_url, token.strip() if token is not None else None)


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise RuleBroken({"name": [f"A repository's name has 1 to {LONGEST_NAME} printable characters."]})


def _checked_url(field: str, url: str) -> str:
    try:
        parts = read_url(url)
    except OutgoingRefused as error:
        raise RuleBroken({field: [f"{error}."]}) from None
    if len(url) > 500 or (field == "hostUrl" and parts.query):
        raise RuleBroken({field: ["This is the address of the host alone."]})
    return url


def _write(row: Repository, wish: HostedWish, now: datetime) -> None:
    moved = row.pk is not None and (row.config.get(HOST_URL) or "", row.provider) != (wish.host_url, _provider(wish))
    renamed = row.config.get(SLUG) not in (None, wish.slug)
    row.provider = _provider(wish)
    row.url = f"{wish.host_url or _PUBLIC[wish.kind]}/{wish.slug}"
    row.config = {**row.config, SLUG: wish.slug, HOST_URL: wish.host_url}
    written = ["name", "provider", "url", "config"]  # and nothing else: somebody may give it up at this moment
    if moved or renamed:
        row.external_id = None
        written.append("external_id")
    row.save(update_fields=written if row.pk else None)
    token = "" if moved and wish.token is None else wish.token
    if token is not None:
        RepositorySecret.objects.update_or_create(
            repository=row, defaults={"token": seal(token, TOKEN_PURPOSE), "date_changed": now}
        )


def _note(event: AuditEvent, row: Repository, by: Sender) -> None:
    record(
        event,
        row.organization,
        by=by.user,
        label=by.label,
        target=row.pk,
        data={"name": row.name, "provider": row.provider},
        ip_address=by.ip_address,
    )
