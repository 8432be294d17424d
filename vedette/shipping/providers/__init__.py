"""Providers: where the commits of a repository can be asked for, by the name in its row.

A repository that nobody set up has no provider, and its commits come with the requests of builds only. Names are those
that clients know: `sentry-cli … --auto` compares them.
"""

from vedette.core.outgoing import Outgoing
from vedette.core.sealing import unseal
from vedette.releases.models import Repository, RepositorySecret
from vedette.settings import Settings
from vedette.shipping.providers.base import Provider
from vedette.shipping.providers.github import GitHub
from vedette.shipping.providers.gitlab import GitLab
from vedette.shipping.providers.hosts import Host
from vedette.shipping.providers.localgit import LocalGit

LOCAL_GIT = "git"
GITHUB = "integrations:github"
GITHUB_ENTERPRISE = "integrations:github_enterprise"
GITLAB = "integrations:gitlab"
TOKEN_PURPOSE = "repository token"  # noqa: S105 (names what is sealed)
_KINDS: dict[str, type[GitHub] | type[GitLab]] = {GITHUB: GitHub, GITHUB_ENTERPRISE: GitHub, GITLAB: GitLab}


def provider_of(repository: Repository, settings: Settings) -> Provider | None:
    """Whom to ask for commits of the repository; None where there is nobody."""
    if repository.provider == LOCAL_GIT:
        return LocalGit(settings.git_roots) if "path" in repository.config else None
    return hosted(repository, settings)


def hosted(repository: Repository, settings: Settings) -> GitHub | GitLab | None:
    """The host of the repository, to be spoken to with the token that somebody gave; None for other repositories.

    Of one that was moved to another host since it was read, the token is for that host, and not told to this one.
    """
    kind = _KINDS.get(repository.provider or "")
    if kind is None:
        return None
    row = RepositorySecret.objects.select_related("repository").filter(repository=repository).first()
    is_here = row is not None and _place(row.repository) == _place(repository)
    token = unseal(row.token, TOKEN_PURPOSE) if row and is_here else None
    return kind(Outgoing(settings.outgoing_allow), token)


def _place(repository: Repository) -> tuple[str | None, str]:
    return repository.provider, Host.of(repository).url
