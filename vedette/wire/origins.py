"""Which web pages may send to a project.

Source: the ingest specification, 2.4.
"""

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def request_origin(origin: str | None, referer: str | None) -> str | None:
    """The page behind a request: `Origin`, else `Referer`, and only if it is http or https."""
    for value in (origin, referer):
        if value:
            return value if value.lower().startswith(("http://", "https://")) else None
    return None


def is_allowed_origin(origin: str | None, allowed_domains: Iterable[str]) -> bool:
    """Whether a project with these allowed domains takes data from the page at `origin` (None: not from a page)."""
    if origin is None:
        return True
    allowed_domains = tuple(allowed_domains)
    if "*" in allowed_domains:
        return True
    try:
        page = urlsplit(origin)
        _port(page)
    except ValueError:
        return False
    return any(_matches(page, domain.strip().lower()) for domain in allowed_domains)


def _matches(page: SplitResult, domain: str) -> bool:
    if not domain:
        return False
    if domain.startswith("*."):
        host = page.hostname or ""
        return host == domain[2:] or host.endswith(domain[1:])
    try:
        wanted = urlsplit(domain if "://" in domain else f"//{domain}")
        if wanted.hostname != page.hostname or (wanted.scheme and wanted.scheme != page.scheme):
            return False
        # A bare host means the scheme's own port.
        port = wanted.port or _DEFAULT_PORTS.get(page.scheme)
    except ValueError:
        return False
    return port == _port(page) and page.path.lower().startswith(wanted.path)


def _port(page: SplitResult) -> int | None:
    return page.port or _DEFAULT_PORTS.get(page.scheme)
