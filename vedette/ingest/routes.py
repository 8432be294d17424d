"""Which paths belong to ingest.

Source: the ingest specification, 1. Runs of slashes count as one; the trailing slash is required. `/api/0/` is the
API for people and tools, not a project.
"""

from dataclasses import dataclass
from functools import lru_cache

from vedette.wire.dsn import MAX_PROJECT_ID
from vedette.wire.refusals import Malformed

MAX_PATH_LENGTH = 256  # no endpoint comes near it, and what is cached must not be large
ENDPOINTS = {"envelope": ("POST",), "store": ("POST", "GET")}


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint and the project as written in the path; None in the oldest form, where the key says it."""

    endpoint: str
    project: str | None

    @property
    def methods(self) -> tuple[str, ...]:
        """What may be done here, besides OPTIONS."""
        return ENDPOINTS[self.endpoint]


def is_ingest_path(path: str) -> bool:
    """Whether ingest answers this path, be it with 404: everything under a project's number."""
    return path.startswith(("/api/", "//")) and len(path) <= MAX_PATH_LENGTH and _is_ingest_path(path)


def find_route(path: str) -> Route | None:
    """The endpoint at this path; None where there is none."""
    return _find_route(path) if len(path) <= MAX_PATH_LENGTH else None


@lru_cache(maxsize=4096)
def _is_ingest_path(path: str) -> bool:
    match [part for part in path.split("/") if part]:
        case ["api", "store"]:
            return True
        case ["api", project, *_] if project.isascii() and project.isdigit() and project.strip("0"):
            return True
        case ["api", project, endpoint, *_]:
            return project != "0" and endpoint in ENDPOINTS
    return False


@lru_cache(maxsize=4096)
def _find_route(path: str) -> Route | None:
    if not path.endswith("/"):
        return None
    match [part for part in path.split("/") if part]:
        case ["api", "store"]:
            return Route("store", None)
        case ["api", project, endpoint] if endpoint in ENDPOINTS:
            return Route(endpoint, project)
    return None


@lru_cache(maxsize=4096)
def project_id(text: str) -> int:
    """The number of the project in a path. Raises `Malformed` (400)."""
    if text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= MAX_PROJECT_ID:
        return int(text)
    raise Malformed("bad project path parameter")
