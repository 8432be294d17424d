"""An export that may be given away: the same rows in the same order, and nobody in it.

Three passes. The first notes every moment and every text of the input; the second replaces, and looks up all that comes
of it: a text of the input that is still there is a finding, and the result is not clean. Only what is clean is written
by the third. Source: the relocation specification, 8; complete, repeatable and verified as its section 9 (#18) asks.
"""

import os
import secrets
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO, Protocol, Self
from uuid import uuid4

import orjson

from vedette.core.relocation import Relocation
from vedette.relocation.files.findings import Finding, FindingKind, FindingLog, Origin, Severity, note
from vedette.relocation.files.reader import read_rows
from vedette.relocation.graph import graph
from vedette.relocation.progress import Progress, Silent
from vedette.relocation.sanitizing.drawing import Drawing
from vedette.relocation.sanitizing.fields import Fields, ModelFields, unpacked
from vedette.relocation.sanitizing.interning import Interning
from vedette.relocation.sanitizing.leaks import Leaks
from vedette.relocation.sanitizing.moments import Moments, as_milliseconds
from vedette.relocation.sanitizing.structures import Structures, texts_of
from vedette.relocation.scratch import open_scratch, told_of_scratch

_TOLD_EVERY = 1000  # rows
_CACHE_KIB = 24 * 1024


class Destination(Protocol):
    """What takes the rows: a `RowWriter`, or what wraps one."""

    def write(self, model: str, pk: int, fields: dict[str, Any]) -> None:
        """One row."""


@dataclass(slots=True)
class SanitizeResult:
    """What was done. Not clean: the output would have held something of the input, so that nothing was written, and a
    finding of the kind `LeakedValue` names each model and field."""

    findings: FindingLog
    rows: int = 0
    models: dict[str, int] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether nothing of the input was found in the output."""
        return self.findings.count(Severity.ERROR) == 0


def sanitize(
    source: BinaryIO,
    destination: Destination,
    *,
    work_dir: Path,
    seed: str | int | None = None,
    days_offset: int = 0,
    progress: Progress | None = None,
) -> SanitizeResult:
    """Write `source`, a plain export that is read once, into `destination` with everything personal replaced.

    With a `seed` the same input always gives the same output; whoever knows the seed can test guesses about the input,
    so it is to be kept like the input. Without one nobody can. `days_offset` is added to every moment. The caller
    closes `destination`, and throws it away unless the result is clean. `work_dir` holds a copy of the rows of either
    kind meanwhile; the findings stay there for the caller to remove. Raises `BadFile` and `ScratchBroken`.
    """
    progress = progress or Silent()
    log = FindingLog(work_dir / f"sanitize-{uuid4().hex}.findings")
    result = SanitizeResult(log)
    try:
        with told_of_scratch(work_dir), _Sanitizing(work_dir, _key(seed), days_offset, result, progress) as work:
            work.read(source)
            work.replace()
            if result.is_clean:
                work.write(destination)
    except BaseException:
        log.close()
        log.path.unlink(missing_ok=True)
        raise
    log.flush()
    return result


def _key(seed: str | int | None) -> bytes:
    if seed is None:
        return secrets.token_bytes(32)
    return blake2b(str(seed).encode(), digest_size=32, person=b"sanitize").digest()


class _Sanitizing:
    """One run. Rows wait between the passes in a file that only its owner may read."""

    def __init__(
        self, work_dir: Path, key: bytes, days_offset: int, result: SanitizeResult, progress: Progress
    ) -> None:
        name = uuid4().hex
        self._rows = work_dir / f"sanitize-{name}.rows"
        self._new_rows = work_dir / f"sanitize-{name}.new"
        self._scratch = work_dir / f"sanitize-{name}.db"
        self._done = 0  # rows of this pass
        self._result = result
        self._progress = progress
        self._db = open_scratch(self._scratch, _CACHE_KIB)
        drawing = Drawing(key)
        self._leaks = Leaks(self._db)
        self._moments = Moments(self._db, drawing, days_offset)
        self._interning = Interning(self._db, drawing, self._leaks.is_free)
        self._structures = Structures(self._interning, self._moments, drawing)
        self._models: dict[str, ModelFields] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()
        for path in (self._scratch, self._rows, self._new_rows):
            path.unlink(missing_ok=True)

    def read(self, source: BinaryIO) -> None:
        """The first pass: note everything, keep the rows."""
        self._progress.start("reading", None)
        counts = self._result.models
        with _private(self._rows) as kept:
            for row in read_rows(source):
                if row.model not in counts:
                    counts[row.model] = 0
                    self._meet(row.model, row.line)
                counts[row.model] += 1
                self._note(self._models[row.model], row.fields, self._wire(row.model))
                kept.write(orjson.dumps([row.model, row.pk, row.line, row.fields]) + b"\n")
                self._tell(row.model)
        self._progress.advance("", self._done % _TOLD_EVERY)
        self._result.rows = self._done
        self._moments.settle()
        self._leaks.settle()

    def replace(self) -> None:
        """The second pass: replace and verify."""
        self._progress.start("replacing", self._result.rows)
        self._done = 0
        told: set[tuple[str, str]] = set()
        with self._rows.open("rb") as kept, _private(self._new_rows) as clean:
            for model, pk, line, old in map(orjson.loads, kept):
                fields = self._models[model]
                new = fields.replace(old)
                for name, text in fields.texts(new):
                    if (model, name) not in told and not self._leaks.is_free(text):
                        told.add((model, name))
                        self._result.findings.add(_leak(model, name, pk, line))
                clean.write(orjson.dumps([model, pk, new]) + b"\n")
                self._tell(model)
        self._progress.advance("", self._done % _TOLD_EVERY)

    def write(self, destination: Destination) -> None:
        """The last pass, of what was found clean: hand it on."""
        self._progress.start("writing", self._result.rows)
        self._done = 0
        with self._new_rows.open("rb") as clean:
            for model, pk, fields in map(orjson.loads, clean):
                destination.write(model, pk, fields)
                self._tell(model)
        self._progress.advance("", self._done % _TOLD_EVERY)

    def _meet(self, model: str, line: int) -> None:
        wire = self._wire(model)
        self._models[model] = ModelFields(wire, self._interning, self._moments, self._structures)
        if wire is None:
            reason = "this model is not known: every text and every number of its rows is replaced"
            self._result.findings.add(note(FindingKind.UNKNOWN_MODEL, reason, model=model, line=line))

    def _wire(self, model: str) -> Relocation | None:
        declared = graph().find(model)
        return declared.wire if declared else None

    def _note(self, model: ModelFields, fields: Fields, wire: Relocation | None) -> None:
        for _, text in model.texts(fields):
            self._leaks.note(text)
        for name, value in fields.items():
            if isinstance(value, str | list | dict):
                for text in texts_of(unpacked(wire.fields.get(name) if wire else None, value)):
                    milliseconds = as_milliseconds(text)
                    if milliseconds is not None:
                        self._moments.note(milliseconds)

    def _tell(self, model: str) -> None:
        self._done += 1
        if self._done % _TOLD_EVERY == 0:
            self._progress.advance(model, _TOLD_EVERY)


def _private(path: Path) -> IO[bytes]:
    """A new file that only its owner may read, open for writing."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _leak(model: str, name: str, pk: int, line: int) -> Finding:
    reason = "a text of the input is still there after sanitising; further ones of this field are not listed"
    return Finding(
        Origin.NOTE,
        FindingKind.LEAKED_VALUE,
        model,
        left_pk=pk,
        reason=reason,
        field=name,
        line=line,
        severity=Severity.ERROR,
    )
