"""What an export is asked for. Source: the relocation specification, 2 and 3.1."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from vedette.core.errors import RuleBroken
from vedette.core.relocation import Generation, RelocationScope
from vedette.relocation.files.findings import Finding, FindingKind, export_error

ALLOWED = {  # which relocation scopes an export of each scope holds
    RelocationScope.USER: frozenset({RelocationScope.USER}),
    RelocationScope.ORGANIZATION: frozenset({RelocationScope.USER, RelocationScope.ORGANIZATION}),
    RelocationScope.CONFIG: frozenset({RelocationScope.USER, RelocationScope.CONFIG}),
    RelocationScope.GLOBAL: frozenset(
        {RelocationScope.USER, RelocationScope.ORGANIZATION, RelocationScope.CONFIG, RelocationScope.GLOBAL}
    ),
}

_FILTERS = {  # each filter, and the one scope that knows it
    "usernames": RelocationScope.USER,
    "org_slugs": RelocationScope.ORGANIZATION,
    "project_slugs": RelocationScope.ORGANIZATION,
}


class ExportFailed(RuleBroken):
    """The export ended; `finding` says where and why (6.1)."""

    code = "export-failed"

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.sentence())


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What to export, and for whom.

    A filter that is None lets everything through, an empty one nothing. `project_slugs` are slugs, or
    `organization/project`, and leave the organizations of those projects where `org_slugs` names none. `indent` None
    is the compact form of sealed files. `only_known` leaves out what Sentry does not know and Vedette has kept
    nevertheless: models and fields that the format does not name, and Vedette's own options. It is implied by a
    generation before the newest, because a file with an unknown field could not be read there at all.
    `withholds` leaves credentials out (`withholding`), for readers who are not the keepers of the server.
    """

    scope: RelocationScope
    org_slugs: frozenset[str] | None = None
    usernames: frozenset[str] | None = None
    project_slugs: frozenset[str] | None = None
    generation: Generation = Generation.EARLY_2025
    indent: int | None = 2
    only_known: bool = False
    withholds: bool = False

    def checked(self) -> "ExportOptions":
        """The same with trimmed filters and what is implied. Raises `ExportFailed` for a scope that cannot be
        exported, and for a filter that the scope does not know."""
        if self.scope not in ALLOWED:
            reason = f"{self.scope} is no scope of an export"
            raise ExportFailed(export_error(FindingKind.UNSPECIFIED_SCOPE, reason))
        for name, scope in _FILTERS.items():
            if getattr(self, name) is not None and self.scope != scope:
                words = name.replace("_", " ")
                reason = f"{words} filter exports of scope {scope}, not those of scope {self.scope}"
                raise ExportFailed(export_error(FindingKind.UNKNOWN, reason))
        return replace(
            self,
            org_slugs=_trimmed(self.org_slugs),
            usernames=_trimmed(self.usernames),
            project_slugs=_trimmed(self.project_slugs),
            only_known=self.only_known or self.generation < max(Generation),
        )

    @property
    def allowed(self) -> frozenset[RelocationScope]:
        """The relocation scopes that the export holds."""
        return ALLOWED[self.scope]

    @property
    def is_global(self) -> bool:
        """Whether it is an export of everything."""
        return self.scope == RelocationScope.GLOBAL

    def describe(self) -> str:
        """In words, for logs: `Organization, org slugs: acme`."""
        said = [str(self.scope)]
        for field in fields(self):
            values = getattr(self, field.name)
            if field.name in _FILTERS and values is not None:
                said.append(f"{field.name.replace('_', ' ')}: {' '.join(sorted(values)) or 'none'}")
        return ", ".join(said)


def _trimmed(values: Iterable[str] | None) -> frozenset[str] | None:
    """Without the blanks and the final newline that a list from a file brings along."""
    return None if values is None else frozenset(filter(None, (value.strip() for value in values)))
