"""What a method of an endpoint promises: who may call it, what it takes, what it answers.

Declared once, next to the code. The permission check, the OpenAPI document and the tests read the declaration.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from rest_framework.serializers import BaseSerializer

F = TypeVar("F", bound=Callable[..., Any])


class Caller(Enum):
    """Whom an operation lets in."""

    ANYBODY = "anybody"
    CREDENTIAL = "any valid credential"
    USER = "any user"
    SCOPED = "whoever holds one of the scopes"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter, or a path parameter with its meaning. `type` is JSON schema's word."""

    name: str
    about: str
    type: str = "string"
    many: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one endpoint.

    `scopes`: holding any of them is enough. `takes`: the serializer of the body. `answers`: the type of the body of
    a success (a TypedDict, a list of one, None for no body), `statuses` its statuses. `fails`: statuses beyond the
    usual 400, 401, 403 and 404.
    """

    id: str
    scopes: tuple[str, ...] = ()
    caller: Caller = Caller.SCOPED
    query: tuple[Parameter, ...] = ()
    takes: type[BaseSerializer[Any]] | None = None
    answers: Any = None
    statuses: tuple[int, ...] = (200,)
    fails: tuple[int, ...] = ()
    takes_dsn: bool = False
    summary: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        if (self.caller is Caller.SCOPED) != bool(self.scopes):
            raise TypeError(f"{self.id}: say scopes, or who else may call")


def operation(declared: Operation) -> Callable[[F], F]:
    """Declares the decorated method. The first line of its docstring is the summary, the rest the description."""

    def declare(method: F) -> F:
        summary, _, about = (method.__doc__ or "").strip().partition("\n\n")
        if not summary:
            raise TypeError(f"{declared.id}: an operation needs a docstring")
        text = " ".join(about.split())
        method.operation = replace(declared, summary=summary, about=text)  # type: ignore[attr-defined]
        return method

    return declare


# Scopes by family (section 4 of the specification): holding any one is enough.
ORG_READ = ("org:read", "org:write", "org:admin")
ORG_WRITE = ("org:write", "org:admin")
ORG_ADMIN = ("org:admin",)
MEMBER_READ = ("member:read", "member:write", "member:admin")
MEMBER_INVITE = ("member:invite", "member:write", "member:admin")
MEMBER_REMOVE = MEMBER_READ  # anybody leaves
PLACE_WRITE = ("org:read", "org:write", "org:admin", "team:write", "team:admin")
TEAM_READ = ("team:read", "team:write", "team:admin")
TEAM_WRITE = ("team:write", "team:admin")
TEAM_ADMIN = ("team:admin",)
TEAM_CREATE = ("org:write", "org:admin", "team:write", "team:admin")
PROJECT_READ = ("project:read", "project:write", "project:admin")
PROJECT_WRITE = ("project:write", "project:admin")
PROJECT_ADMIN = ("project:admin",)
EVENT_READ = ("event:read", "event:write", "event:admin")
EVENT_WRITE = ("event:write", "event:admin")
EVENT_ADMIN = ("event:admin",)
RELEASE_READ = ("project:read", "project:write", "project:admin", "project:releases", "org:ci")
RELEASE_WRITE = ("project:write", "project:admin", "project:releases", "org:ci")
RELEASE_DELETE = ("project:admin", "project:releases")
REPOSITORY_READ = ("org:read", "org:write", "org:admin", "org:integrations", "org:ci")
REPOSITORY_WRITE = ("org:write", "org:admin", "org:integrations")
REPOSITORY_DELETE = ("org:admin", "org:integrations")

# Query parameters that many operations share.
CURSOR = Parameter("cursor", "Where the page begins: a cursor of a `Link` header; empty for the first page.")
PER_PAGE = Parameter("per_page", "How many rows a page holds, at most 100.", "integer")
PAGING = (CURSOR, PER_PAGE)
TIME = (
    Parameter("statsPeriod", "A window that ends now: a number and one of s, m, h, d, w, such as `14d`."),
    Parameter("start", "The beginning of the window, ISO 8601 or Unix seconds; needs `end`."),
    Parameter("end", "The end of the window."),
)
PROJECT = (Parameter("project", "Only these projects: ids or slugs; `-1` is all of them.", many=True),)
ENVIRONMENT = (Parameter("environment", "Only these environments, by name.", many=True),)
