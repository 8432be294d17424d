"""API scopes, organization roles and team roles.

Source: the API specification, section 4.
"""

from dataclasses import dataclass

ALL_SCOPES = frozenset(
    """org:read org:write org:admin org:integrations org:ci member:read member:write member:admin member:invite
    team:read team:write team:admin project:read project:write project:admin project:releases project:distribution
    event:read event:write event:admin alerts:read alerts:write openid profile email""".split()
)

_IMPLIED = {
    **{f"{f}:write": {f"{f}:read"} for f in ("org", "team", "project", "event", "alerts")},
    **{f"{f}:admin": {f"{f}:read", f"{f}:write"} for f in ("team", "project", "event")},
    "org:admin": {"org:read", "org:write", "org:integrations"},
    "member:invite": {"member:read"},
    "member:write": {"member:invite", "member:read"},
    "member:admin": {"member:write", "member:invite", "member:read"},
}


def expand_scopes(scopes: frozenset[str]) -> frozenset[str]:
    """`scopes` and every weaker one that they imply."""
    return scopes.union(*(_IMPLIED.get(scope, set()) for scope in scopes))


@dataclass(frozen=True, slots=True)
class Role:
    """What a member may do. `is_global`: acts on teams and projects without being in the team."""

    id: str
    name: str
    description: str
    scopes: frozenset[str]
    is_global: bool = False
    is_retired: bool = False
    minimum_team_role: str = "contributor"


_MEMBER = frozenset(
    """event:read event:write event:admin alerts:read alerts:write project:read project:releases team:read org:read
    member:read member:invite""".split()
)
_ADMIN = _MEMBER | {"project:write", "project:admin", "team:write", "team:admin", "org:integrations"}
_MANAGER = _ADMIN | {"org:write", "member:write", "member:admin"}

ROLES = (
    Role("member", "Member", "Sees and triages issues, and cuts releases.", _MEMBER),
    Role(
        "admin",
        "Admin",
        "Also manages projects and teams. Kept for older installations: give people a team role instead.",
        _ADMIN,
        is_retired=True,
        minimum_team_role="admin",
    ),
    Role(
        "manager",
        "Manager",
        "Manages projects, teams, members and settings, in every team.",
        _MANAGER,
        is_global=True,
        minimum_team_role="admin",
    ),
    Role(
        "owner",
        "Owner",
        "May do everything, including to delete the organization.",
        _MANAGER | {"org:admin"},
        is_global=True,
        minimum_team_role="admin",
    ),
)
_BY_ID = {role.id: role for role in ROLES}

_CONTRIBUTOR = frozenset(
    "event:read event:write project:read project:releases org:read member:read team:read alerts:read".split()
)
TEAM_ROLES = (
    Role("contributor", "Contributor", "Sees and triages the issues of the team's projects.", _CONTRIBUTOR),
    Role(
        "admin",
        "Team Admin",
        "Also manages the team and its projects.",
        _CONTRIBUTOR
        | {
            "event:admin",
            "project:write",
            "project:admin",
            "team:write",
            "team:admin",
            "org:integrations",
            "alerts:write",
        },
    ),
)
_TEAM_BY_ID = {role.id: role for role in TEAM_ROLES}


def role(name: str) -> Role:
    """The organization role called `name`; an unknown one (`billing`) is a member."""
    return _BY_ID.get(name, ROLES[0])


def place_of(name: str | None) -> int:
    """How high an organization role stands, from 0; what has no role stands below all."""
    return -1 if name is None else ROLES.index(role(name))


def team_role(name: str | None, organization_role: str) -> Role:
    """The team role that counts: the one given, or the least one that the organization role carries."""
    least = role(organization_role).minimum_team_role
    return _TEAM_BY_ID["admin" if "admin" in (name, least) else "contributor"]


def is_role(name: str) -> bool:
    """Whether there is an organization role of that name."""
    return name in _BY_ID
