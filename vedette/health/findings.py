"""What a check of `vedette doctor` comes to."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is. Only `FAIL` makes the command fail."""

    OK = "ok"
    NOTE = "note"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: a sentence, and the next step where there is one."""

    check: str
    verdict: Verdict
    detail: str
    hint: str = ""
