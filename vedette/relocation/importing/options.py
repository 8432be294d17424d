"""What whoever imports may choose. Source: the relocation specification, 2.2 to 2.4, and 9."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from vedette.core.relocation import RelocationScope


class ImportScope(StrEnum):
    """Which part of a file is wanted; the rest is skipped."""

    USER = "User"
    ORGANIZATION = "Organization"
    CONFIG = "Config"
    GLOBAL = "Global"

    @property
    def allowed(self) -> frozenset[RelocationScope]:
        """The relocation scopes that it lets in (2.2)."""
        return _ALLOWED[self]


_ALLOWED = {
    ImportScope.USER: frozenset({RelocationScope.USER}),
    ImportScope.ORGANIZATION: frozenset({RelocationScope.USER, RelocationScope.ORGANIZATION}),
    ImportScope.CONFIG: frozenset({RelocationScope.USER, RelocationScope.CONFIG}),
    ImportScope.GLOBAL: frozenset(set(RelocationScope) - {RelocationScope.EXCLUDED}),
}


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """`None` for a filter lets all through, an empty set lets nothing through; names are trimmed.

    `map_users` leads from usernames of the file to usernames of accounts that stand for them, `rename_orgs` from slugs
    of the file to slugs. `import_uuid` (32 hex digits) is made up where none is given. `in_batches` commits batch by
    batch instead of all at once. `wipe` lets a Global import replace what is there. `strict` turns every dropped row
    into an error.
    """

    scope: ImportScope
    org_slugs: frozenset[str] | None = None
    usernames: frozenset[str] | None = None
    project_slugs: frozenset[str] | None = None
    merge_users: bool = False
    overwrite_configs: bool = False
    import_uuid: str | None = None
    hide_organizations: bool = False
    dry_run: bool = False
    strict: bool = False
    map_users: Mapping[str, str] = field(default_factory=dict)
    rename_orgs: Mapping[str, str] = field(default_factory=dict)
    in_batches: bool = False
    wipe: bool = False

    def __post_init__(self) -> None:
        for name in ("org_slugs", "usernames", "project_slugs"):
            names = getattr(self, name)
            if names is not None:
                object.__setattr__(self, name, frozenset(one.strip() for one in names) - {""})
        object.__setattr__(self, "scope", ImportScope(self.scope))

    @property
    def is_global(self) -> bool:
        """Whether passwords, privileges and everything bound to this instance come along."""
        return self.scope is ImportScope.GLOBAL
