"""What was met while reading, importing, exporting or comparing: findings, and the file that lists them.

A finding says which row (model, pk, field, its number and its line in the file) and what became of it. Errors end the
work; warnings are about rows that lost something; notes tell what was done. Source: the relocation specification, 4.4,
6.1, 7.3 and 7.5; keys and kinds beyond those are Vedette's own.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

from vedette.core.errors import RuleBroken
from vedette.relocation.files.writer import as_ascii

KEPT_IN_MEMORY = 1000  # findings that a log can show without its file
_LONGEST_REASON = 20_000  # characters: a difference with its context may be long, a whole row is too long


class Origin(StrEnum):
    """The class of a finding, as its `finding` key tells it."""

    COMPARE = "ComparatorFinding"
    IMPORT = "RpcImportError"
    EXPORT = "RpcExportError"
    NOTE = "Note"


class Severity(StrEnum):
    """An error ends the work; a warning tells that something was lost or changed; a note that something was done."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class FindingKind(StrEnum):
    """Why. The first three groups are Sentry's own names (4.4, 6.1, 7.3); the last two are Vedette's."""

    # an import or an export ended
    UNKNOWN = "Unknown"
    INVALID_MIN_ORDINAL = "InvalidMinOrdinal"
    UNKNOWN_MODEL = "UnknownModel"
    INCORRECT_SILO_MODE = "IncorrectSiloModeForModel"
    UNSPECIFIED_SCOPE = "UnspecifiedScope"
    MISSING_IMPORT_UUID = "MissingImportUUID"
    UNEXPECTED_MODEL = "UnexpectedModel"
    VALIDATION_ERROR = "ValidationError"
    DESERIALIZATION_FAILED = "DeserializationFailed"
    INTEGRITY_ERROR = "IntegrityError"
    DATABASE_ERROR = "DatabaseError"
    UNEXPORTABLE_MODEL = "UnexportableModel"

    # two exports differ as a whole
    UNORDERED_INPUT = "UnorderedInput"
    DUPLICATE_CUSTOM_ORDINAL = "DuplicateCustomOrdinal"
    UNEQUAL_COUNTS = "UnequalCounts"
    UNEQUAL_JSON = "UnequalJSON"

    # two rows differ, as a comparator judges it
    AUTO_SUFFIX = "AutoSuffixComparator"
    AUTO_SUFFIX_EXISTENCE = "AutoSuffixComparatorExistenceCheck"
    DATETIME_EQUALITY = "DatetimeEqualityComparator"
    DATETIME_EQUALITY_EXISTENCE = "DatetimeEqualityComparatorExistenceCheck"
    DATE_UPDATED = "DateUpdatedComparator"
    DATE_UPDATED_EXISTENCE = "DateUpdatedComparatorExistenceCheck"
    EMAIL_OBFUSCATING = "EmailObfuscatingComparator"
    EMAIL_OBFUSCATING_EXISTENCE = "EmailObfuscatingComparatorExistenceCheck"
    EQUAL_OR_REMOVED = "EqualOrRemovedComparator"
    EQUAL_OR_REMOVED_EXISTENCE = "EqualOrRemovedComparatorExistenceCheck"
    HASH_OBFUSCATING = "HashObfuscatingComparator"
    HASH_OBFUSCATING_EXISTENCE = "HashObfuscatingComparatorExistenceCheck"
    FOREIGN_KEY = "ForeignKeyComparator"
    FOREIGN_KEY_EXISTENCE = "ForeignKeyComparatorExistenceCheck"
    IGNORED = "IgnoredComparator"
    SECRET_HEX = "SecretHexComparator"  # noqa: S105 - a kind, not a secret
    SECRET_HEX_EXISTENCE = "SecretHexComparatorExistenceCheck"  # noqa: S105
    SUBSCRIPTION_ID = "SubscriptionIDComparator"
    SUBSCRIPTION_ID_EXISTENCE = "SubscriptionIDComparatorExistenceCheck"
    UNORDERED_LIST = "UnorderedListComparator"
    UNORDERED_LIST_EXISTENCE = "UnorderedListComparatorExistenceCheck"
    UUID4 = "UUID4Comparator"
    UUID4_EXISTENCE = "UUID4ComparatorExistenceCheck"
    USER_PASSWORD = "UserPasswordObfuscatingComparator"  # noqa: S105
    USER_PASSWORD_EXISTENCE = "UserPasswordObfuscatingComparatorExistenceCheck"  # noqa: S105

    # the file is not what it should be
    MALFORMED_FILE = "MalformedFile"  # no UTF-8, no JSON, no array, something behind it
    TRUNCATED_FILE = "TruncatedFile"
    MALFORMED_ROW = "MalformedRow"  # JSON, but no row: a key is missing or of another type
    TOO_LARGE = "TooLarge"  # a row, a value or a packed text beyond its limit
    BAD_VALUE = "BadValue"  # a field that is not of its encoding
    HOSTILE_VALUE = "HostileValue"  # a pickled text that is more than plain values
    DUPLICATE_KEY = "DuplicatePrimaryKey"
    CIRCULAR_REFERENCE = "CircularReference"
    MALFORMED_ARCHIVE = "MalformedArchive"  # the container of an encrypted export
    DECRYPTION_ERROR = "DecryptionError"
    ENCRYPTION_ERROR = "EncryptionError"

    # what became of rows
    DROPPED_ROW = "DroppedRow"
    SKIPPED_ROW = "SkippedRow"  # out of scope, or filtered out, on request
    NULLED_REFERENCE = "NulledReference"
    UNMAPPED_REFERENCE = "UnmappedReference"  # an id inside of text or JSON that leads nowhere
    REMAPPED_REFERENCE = "RemappedReference"
    UNKNOWN_FIELD = "UnknownField"
    PRESERVED_MODEL = "PreservedModel"
    TRANSLATED = "Translated"  # an older shape, read as the newer one
    RENAMED = "Renamed"
    MERGED = "Merged"
    MINTED_TOKEN = "MintedToken"  # noqa: S105
    ALIASED_PROJECT = "AliasedProject"
    LEAKED_VALUE = "LeakedValue"  # a sanitised file still says something of its input
    ADDED_ROW = "AddedRow"  # made up, because readers need it
    UNKNOWN_SECRET = "UnknownSecret"  # noqa: S105 - only a hash is kept
    UNMATCHED_FILTER = "UnmatchedFilter"  # a name that nothing has


_ORIGINS = {origin.value: origin for origin in Origin}
_SEVERITIES = {severity.value: severity for severity in Severity}
_KINDS = {kind.value: kind for kind in FindingKind}


@dataclass(frozen=True, slots=True)
class Finding:
    """One of them. `ordinal`, `row` and `line` count from one; `left_pk` is the pk in the file (of the left side),
    `right_pk` the pk afterwards (of the right side). `reason` never carries a secret in full."""

    finding: Origin
    kind: FindingKind
    model: str | None = None
    ordinal: int | None = None
    left_pk: int | None = None
    right_pk: int | None = None
    reason: str = ""
    field: str | None = None
    line: int | None = None
    row: int | None = None
    severity: Severity = Severity.ERROR

    def as_dict(self) -> dict[str, Any]:
        """The shape of a findings file (7.5), with `field`, `line` and `row` where they are known and `severity`."""
        shape: dict[str, Any] = {
            "finding": str(self.finding),
            "kind": str(self.kind),
            "left_pk": self.left_pk,
            "on": {"model": self.model or "", "ordinal": self.ordinal},
            "reason": self.reason[:_LONGEST_REASON],
            "right_pk": self.right_pk,
            "severity": str(self.severity),
        }
        more = (("field", self.field), ("line", self.line), ("row", self.row))
        return shape | {name: value for name, value in more if value is not None}

    @classmethod
    def from_dict(cls, shape: dict[str, Any]) -> Self:
        """The finding that `as_dict` gave."""
        on = shape["on"]
        return cls(
            _ORIGINS[shape["finding"]],
            _KINDS[shape["kind"]],
            on["model"] or None,
            on["ordinal"],
            shape["left_pk"],
            shape["right_pk"],
            shape["reason"],
            shape.get("field"),
            shape.get("line"),
            shape.get("row"),
            _SEVERITIES[shape.get("severity", "error")],
        )

    def pretty(self) -> str:
        """For people, one line for each thing that is known (7.5)."""
        on = f"InstanceID(model: {self.model!r}, ordinal: {self.ordinal})" if self.ordinal is not None else None
        if on is None and self.model:
            on = f"InstanceID(model: {self.model!r})"
        known = (
            ("kind", str(self.kind)),
            ("on", on),
            ("left_pk", self.left_pk),
            ("right_pk", self.right_pk),
            ("field", self.field),
            ("row", self.row),
            ("line", self.line),
            ("reason", self.reason[:_LONGEST_REASON] or None),
        )
        lines = ",\n".join(f"    {name}: {value}" for name, value in known if value is not None)
        return f"{self.finding}(\n{lines}\n)"

    def sentence(self) -> str:
        """The same in one line: where, then why."""
        where = self.model or ""
        where += f" {self.left_pk}" if self.left_pk is not None else ""
        where += f".{self.field}" if self.field else ""
        if self.line is not None:
            where += f" (line {self.line})" if where else f"line {self.line}"
        return f"{where}: {self.reason}" if where else self.reason

    def located(self, **where: Any) -> "Finding":
        """The same finding with what only its caller knows: `model`, `left_pk`, `field`, `line`, `row`, …"""
        return replace(self, **where)


def import_error(kind: FindingKind, reason: str, **where: Any) -> Finding:
    """An error that ends an import; `where` names any other attribute of the finding."""
    return Finding(Origin.IMPORT, kind, reason=reason, **where)


def export_error(kind: FindingKind, reason: str, **where: Any) -> Finding:
    """An error that ends an export."""
    return Finding(Origin.EXPORT, kind, reason=reason, **where)


def warning(kind: FindingKind, reason: str, **where: Any) -> Finding:
    """Something was lost or changed on the way, and the work goes on."""
    return Finding(Origin.NOTE, kind, reason=reason, severity=Severity.WARNING, **where)


def note(kind: FindingKind, reason: str, **where: Any) -> Finding:
    """Something was done that people may want to know."""
    return Finding(Origin.NOTE, kind, reason=reason, severity=Severity.NOTE, **where)


class BadFile(RuleBroken):
    """A file cannot be read (or a row of it cannot be taken); `finding` says where and why."""

    code = "bad-file"

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.sentence())


def refuse(kind: FindingKind, reason: str, **where: Any) -> BadFile:
    """The exception for an error while reading a file, to be raised by the caller."""
    return BadFile(import_error(kind, reason, **where))


def write_findings(path: Path, findings: Iterable[Finding]) -> None:
    """Write the findings file (7.5): an array, keys sorted, indent 2; `[]` when there is nothing. Replaces `path` in
    one step, so that nobody reads half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as stream:
            dump_findings(stream, findings)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def dump_findings(stream: BinaryIO, findings: Iterable[Finding]) -> None:
    """The same into an open stream, never more than one finding in memory."""
    begin = b"[\n"
    for finding in findings:
        text = as_ascii(_dump(finding, orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2))
        stream.write(begin + b"  " + text.replace(b"\n", b"\n  "))
        begin = b",\n"
    stream.write(b"[]" if begin == b"[\n" else b"\n]")


def _dump(finding: Finding, options: int = 0) -> bytes:
    try:
        return orjson.dumps(finding.as_dict(), option=options)
    except orjson.JSONEncodeError:  # half of a character, in a text that somebody else wrote
        reason = finding.reason.encode(errors="replace").decode()
        return orjson.dumps(finding.located(reason=reason).as_dict(), option=options)


class FindingLog:
    """Findings as they come: all of them on the disk, one JSON line each, and only the first ones in memory.

    `path` is the file of the lines; one that is there already is gone on with, so that a resumed import tells all of
    its findings (a last line that was cut off is dropped). Not for several threads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.first: list[Finding] = []
        self.counts: Counter[tuple[Severity, FindingKind]] = Counter()
        self._stream = path.open("a+b")
        self._recall()

    def add(self, finding: Finding) -> None:
        """Keep it."""
        self._stream.write(_dump(finding) + b"\n")
        self._count(finding)

    def extend(self, findings: Iterable[Finding]) -> None:
        """Keep them all."""
        for finding in findings:
            self.add(finding)

    def __iter__(self) -> Iterator[Finding]:
        """All of them in their order, from the disk."""
        self.flush()
        with self.path.open("rb") as stream:
            for line in stream:
                yield Finding.from_dict(orjson.loads(line))

    def __len__(self) -> int:
        return sum(self.counts.values())

    def __bool__(self) -> bool:
        """Always true: a log without findings is a log."""
        return True

    def count(self, *severities: Severity) -> int:
        """How many of these severities."""
        return sum(number for (severity, _), number in self.counts.items() if severity in severities)

    def mark(self) -> int:
        """Where the log ends now, for `rewind`."""
        self.flush()
        return self._stream.seek(0, os.SEEK_END)

    def rewind(self, mark: int) -> None:
        """Forget what came after `mark`: the work that it is about was rolled back."""
        self.flush()
        self._stream.truncate(mark)
        self.first.clear()
        self.counts.clear()
        self._recall()

    def flush(self) -> None:
        """Hand what was added to the operating system."""
        if not self._stream.closed:
            self._stream.flush()

    def close(self) -> None:
        """Nothing is added any more; reading goes on working."""
        if not self._stream.closed:
            self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _count(self, finding: Finding) -> None:
        self.counts[finding.severity, finding.kind] += 1
        if len(self.first) < KEPT_IN_MEMORY:
            self.first.append(finding)

    def _recall(self) -> None:
        self._stream.seek(0)
        whole = 0
        for line in self._stream:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            self._count(Finding.from_dict(orjson.loads(line)))
        self._stream.truncate(whole)
        self._stream.seek(0, os.SEEK_END)
