"""Where a hosted repository is: what its row's `config` says, and what the host says about it."""

from dataclasses import dataclass

from vedette.releases.models import Repository

SLUG, HOST_URL = "slug", "host_url"


@dataclass(frozen=True, slots=True)
class Host:
    """`slug` names the repository at the host; `url` is the host, without a slash; empty where everybody has it."""

    slug: str
    url: str = ""

    @classmethod
    def of(cls, repository: Repository) -> "Host":
        """As the row says; one that says nothing is called like the repository."""
        slug, url = repository.config.get(SLUG), repository.config.get(HOST_URL)
        return cls(slug if isinstance(slug, str) and slug else repository.name, url if isinstance(url, str) else "")


@dataclass(frozen=True, slots=True)
class Found:
    """What a host says about a repository: its number there, and the address of its page."""

    external_id: str | None
    url: str | None
