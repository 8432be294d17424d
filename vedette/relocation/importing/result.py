"""What an import did, or would do: counts by model, renames, findings, new secrets."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from vedette.relocation.files.findings import FindingLog


@dataclass(slots=True)
class Counts:
    """What became of the rows of one model. Every row of the file is in one of them."""

    inserted: int = 0
    existing: int = 0
    overwritten: int = 0
    preserved: int = 0
    dropped: int = 0
    out_of_scope: int = 0  # or filtered, or left out because a merged user has their own

    def add(self, other: "Counts") -> None:
        """Count `other` in."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    def as_dict(self) -> dict[str, int]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rename:
    """A row that got another name than it had in the file."""

    model: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A token that was made anew. It is told once and kept nowhere."""

    model: str
    pk: int
    label: str
    secret: str


@dataclass(slots=True)
class ImportResult:
    """What an import did. `findings` is on the disk, in the place that the caller gave; `plan` goes by wire names."""

    import_uuid: str
    findings: FindingLog
    plan: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    renames: list[Rename] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    dry_run: bool = False
    resumed: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON, without the secrets."""
        return {
            "importUuid": self.import_uuid,
            "dryRun": self.dry_run,
            "resumed": self.resumed,
            "plan": {model: counts.as_dict() for model, counts in self.plan.items()},
            "renames": [asdict(rename) for rename in self.renames],
        }

    def take(self, model: str, counts: Counts, renames: Iterable[Rename], secrets: Iterable[Secret] = ()) -> None:
        """Add what a batch did."""
        self.plan[model].add(counts)
        self.renames.extend(renames)
        if not self.dry_run:  # which makes none that would be good for anything
            self.secrets.extend(secrets)
