"""Which paths belong to ingest.

Source: the ingest specification, 1. Runs of slashes count as one; the trailing slash is required but where the table
says otherwise. `/api/0/` is the API for people and tools, not a project.
"""

from dataclasses import dataclass
from functools import lru_cache

from vedette.wire.dsn import MAX_PROJECT_ID
from vedette.wire.refusals import Malformed

MAX_PATH_LENGTH = 256  # no endpoint comes near it, and what is cached must not be large
METHODS = {
    "envelope": ("POST",),
    "store": ("POST", "GET"),
    "security": ("POST",),
    "csp-report": ("POST",),
    "nel": ("POST",),
    "minidump": ("POST",),
    "attachments": ("POST",),
    "cron": ("POST", "GET"),
    "error-page": ("POST", "GET"),
    "loader": ("GET",),
}
_ENDPOINTS = frozenset(METHODS) - {
    "attachments",
    "cron",
    "error-page",
    "loader",
}  # those that are one word behind the project
_WITHOUT_SLASH = frozenset({"minidump", "cron", "loader"})


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint and the project as written in the path; None in the oldest form, where the key says it.

    `rest` are the words of the path that are the endpoint's own: an event's id, a monitor's slug and perhaps a key.
    """

    endpoint: str
    project: str | None
    rest: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """What may be done here, besides OPTIONS."""
        return METHODS[self.endpoint]


def is_ingest_path(path: str) -> bool:
    """Whether ingest answers this path, be it with 404: everything under a project's number."""
    return (
        path.startswith(("/api/", "/js-sdk-loader/", "//")) and len(path) <= MAX_PATH_LENGTH and _is_ingest_path(path)
    )


def find_route(path: str) -> Route | None:
    """The endpoint at this path; None where there is none."""
    return _find_route(path) if len(path) <= MAX_PATH_LENGTH else None


@lru_cache(maxsize=4096)
def _is_ingest_path(path: str) -> bool:
    match [part for part in path.split("/") if part]:
        case ["api", "store"] | ["api", "embed", "error-page"] | ["js-sdk-loader", _]:
            return True
        case ["api", "0", *_]:
            return False
        case ["api", project, *_] if project.isascii() and project.isdigit() and project.strip("0"):
            return True
        case ["api", _, endpoint, *_] if endpoint in _ENDPOINTS:
            return True
        case ["api", _, "cron", _, *_] | ["api", _, "events", _, "attachments"]:
            return True
    return False


@lru_cache(maxsize=4096)
def _find_route(path: str) -> Route | None:
    route = _named(path)
    return route if route is None or path.endswith("/") or route.endpoint in _WITHOUT_SLASH else None


def _named(path: str) -> Route | None:
    match [part for part in path.split("/") if part]:
        case ["api", "store"]:
            return Route("store", None)
        case ["api", "embed", "error-page"]:
            return Route("error-page", None)
        case ["js-sdk-loader", script] if script.endswith(".js"):
            return Route("loader", None)
        case ["api", project, endpoint] if endpoint in _ENDPOINTS:
            return Route(endpoint, project)
        case ["api", project, "events", event_id, "attachments"]:
            return Route("attachments", project, (event_id,))
        case ["api", project, "cron", slug, *key] if len(key) <= 1:
            return Route("cron", project, (slug, *key))
    return None


@lru_cache(maxsize=4096)
def project_id(text: str) -> int:
    """The number of the project in a path. Raises `Malformed` (400)."""
    if text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= MAX_PROJECT_ID:
        return int(text)
    raise Malformed("bad project path parameter")
