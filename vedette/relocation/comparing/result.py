"""What a comparison comes to."""

from dataclasses import dataclass, field

from vedette.relocation.files.findings import FindingLog, Severity


@dataclass(slots=True)
class ModelCounts:
    """One model of a comparison: its rows on either side, how many pairs were compared, how many of them differ."""

    left: int
    right: int
    compared: int = 0
    differing: int = 0


@dataclass(slots=True)
class CompareResult:
    """All findings, on the disk, and the counts of every model that either side has, in canonical order."""

    findings: FindingLog
    models: dict[str, ModelCounts] = field(default_factory=dict)

    @property
    def differences(self) -> int:
        """How many findings are differences; notes are none."""
        return self.findings.count(Severity.ERROR)

    @property
    def is_clean(self) -> bool:
        """Whether there is no difference beyond what the comparators tolerate."""
        return self.differences == 0
