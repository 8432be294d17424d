"""Setting up where the commits of a repository are fetched from."""

from collections.abc import Sequence
from pathlib import Path

from django.db import transaction
from django.db.models import Q

from vedette.core.errors import RuleBroken
from vedette.orgs.models import Organization
from vedette.releases.models import Repository, RepositoryStatus
from vedette.shipping.providers import LOCAL_GIT
from vedette.shipping.providers.base import ProviderAway, ProviderRefused
from vedette.shipping.providers.localgit import objects_of

LONGEST_NAME = 200
LONGEST_URL = 500


def set_up_local(
    organization: Organization, name: str, path: str, roots: Sequence[Path], url: str | None = None
) -> tuple[Repository, bool]:
    """Have the commits of the repository `name` fetched from the directory `path`; the row, and whether it is new.

    `url` is where people clone it from: by that `sentry-cli … set-commits --auto` knows a checkout of it. What commits
    have named already keeps them, and its address where none is given. Raises `RuleBroken` for what does not do.
    """
    if not name.strip() or len(name) > LONGEST_NAME:
        raise RuleBroken({"name": [f"a repository's name has 1 to {LONGEST_NAME} characters"]})
    if url is not None:
        _check_url(url)
    try:
        objects_of(path, roots)
    except (ProviderAway, ProviderRefused) as error:
        raise RuleBroken({"path": [str(error)]}) from error
    with transaction.atomic():
        Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)  # so that nobody makes it twice
        rows = Repository.objects.filter(organization=organization, name=name, status=RepositoryStatus.ACTIVE)
        row = rows.filter(Q(provider=LOCAL_GIT) | Q(provider=None)).order_by("-pk").first()
        if row is None:
            config = {"path": path}
            return Repository.objects.create(
                organization=organization, name=name, provider=LOCAL_GIT, config=config, url=url
            ), True
        row.provider, row.config, row.url = LOCAL_GIT, {**row.config, "path": path}, url or row.url
        row.save(update_fields=["provider", "config", "url"])
    return row, False


def _check_url(url: str) -> None:
    """Everybody who may read the organization's repositories reads the address: a secret has no place in it."""
    if not url.strip() or len(url) > LONGEST_URL or not url.isprintable():
        raise RuleBroken({"url": [f"a repository's address has 1 to {LONGEST_URL} printable characters"]})
    scheme, colon, rest = url.partition("://")
    user = rest.partition("/")[0].rpartition("@")[0] if colon else ""
    if user and (":" in user or scheme.lower().startswith("http")):
        raise RuleBroken({"url": ["a repository's address holds no user, no token and no password"]})
