"""How an import ends when it cannot go on."""

from vedette.core.errors import RuleBroken
from vedette.relocation.files.findings import Finding, FindingLog


class ImportFailed(RuleBroken):
    """Nothing of the failed batch (with one transaction: of the import) was written; `finding` says where and why.

    `findings` is the log of the import, once it has ended.
    """

    code = "import-failed"
    findings: FindingLog | None = None

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.sentence())
