"""Whether an export can be restored: it is imported into a throw-away database, exported again, and compared.

A full export is compared with what comes back. In a narrower scope, or where names had to be changed because the file
uses them twice, what comes back differs from the file as it must; then what came back is restored once more, into
another database, and what comes back of that is compared. The databases belong to processes of their own, with
settings of their own, so that nothing of this installation can be touched. Source: the relocation specification, 7.1.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

from vedette.relocation.companion.container import BLOCK, EXPORT, looks_like_archive, read_members
from vedette.relocation.comparing import compare
from vedette.relocation.files.findings import (
    BadFile,
    Finding,
    FindingKind,
    FindingLog,
    Severity,
    import_error,
    note,
    warning,
)
from vedette.relocation.files.reader import read_rows
from vedette.relocation.files.writer import RowWriter
from vedette.relocation.progress import Progress, Silent

SCOPES = ("users", "organizations", "config", "global")
_STEP = 2**20
_SAID_LINES = 20  # of what a process says that fails without a finding


@dataclass(slots=True)
class VerifyResult:
    """What came back. `models` are (rows before, rows afterwards) by wire name, `dropped` the rows that an import lost,
    `findings` everything that was met."""

    findings: FindingLog
    models: dict[str, tuple[int, int]] = field(default_factory=dict)
    differences: int = 0
    dropped: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost and nothing differs beyond what a restore may change."""
        return self.differences == 0 and self.dropped == 0


def verify(
    stream: BinaryIO, scope: str = "global", *, work_dir: Path, progress: Progress | None = None
) -> VerifyResult:
    """Restore the plain export in `stream` in the `scope` (one of `SCOPES`) and say what came back.

    Needs room for the file, the databases and the comparison in `work_dir`: some five times the file. The findings stay
    there. Raises `BadFile` for a file that cannot be imported, with the finding of the import.
    """
    told = progress or Silent()
    given, back, again = (work_dir / name for name in ("given.json", "back.json", "again.json"))
    result = VerifyResult(FindingLog(work_dir / "verify.findings"))
    with given.open("wb") as copy:
        shutil.copyfileobj(stream, copy, _STEP)
    archive = _set_apart(given, work_dir / "given.vedette")
    was_renamed = _round(archive or given, back, scope, work_dir / "first", result, told)
    if scope == "global" and not was_renamed:
        _leave_out_newer_fields(given, back, again, result)
        _compare(given, again, work_dir, result, told)
    else:
        _round(back, again, scope, work_dir / "second", result, told)
        _compare(back, again, work_dir, result, told)
    for path in (given, back, again, work_dir / "given.vedette"):
        path.unlink(missing_ok=True)
    result.findings.flush()
    return result


def _set_apart(given: Path, archive: Path) -> Path | None:
    """Move Vedette's own archive to `archive`, and leave Sentry's array in `given`; None where the file is no archive.

    What is beside the array is imported as well, and counted, but not compared. Raises `BadFile`.
    """
    with given.open("rb") as stream:
        if not looks_like_archive(stream.read(BLOCK)):
            return None
    given.replace(archive)
    with archive.open("rb") as stream, given.open("wb") as array:
        for member in read_members(stream):
            if member.name == EXPORT:
                for step in member.steps():
                    array.write(step)
    return archive


def _round(source: Path, dest: Path, scope: str, data_dir: Path, result: VerifyResult, progress: Progress) -> bool:
    """Import `source` into a new database and export that to `dest`; whether something was renamed."""
    data_dir.mkdir(mode=0o700)
    try:
        facts = _vedette(data_dir, ("import", scope, str(source), "--no-prompt", "--no-mail"), result, progress)
        result.dropped += sum(counts["dropped"] for counts in facts["plan"].values())
        _vedette(data_dir, ("export", scope, str(dest), "--no-prompt"), result, progress)
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)
    return bool(facts["renames"])


def _leave_out_newer_fields(given: Path, back: Path, dest: Path, result: VerifyResult) -> None:
    """Copy what came back without the fields that no row of their model in the file has: an older Sentry wrote it, and
    they came back with the value that they have by themselves."""
    known: dict[str, set[str]] = {}
    with given.open("rb") as stream:
        for row in read_rows(stream):
            known.setdefault(row.model, set()).update(row.fields)
    told = set()
    with back.open("rb") as stream, dest.open("wb") as copy, RowWriter(copy) as writer:
        for row in read_rows(stream):
            if row.model in known:
                for name in row.fields.keys() - known[row.model]:
                    del row.fields[name]
                    if (row.model, name) not in told:
                        told.add((row.model, name))
                        reason = "the file is older than this field, which comes back with its usual value"
                        result.findings.add(note(FindingKind.UNKNOWN_FIELD, reason, model=row.model, field=name))
            writer.write(row.model, row.pk, row.fields)


def _compare(left: Path, right: Path, work_dir: Path, result: VerifyResult, progress: Progress) -> None:
    with left.open("rb") as one, right.open("rb") as other:
        compared = compare(one, other, work_dir=work_dir, progress=progress)
    result.findings.extend(compared.findings)
    result.differences = compared.differences
    result.models = {name: (counts.left, counts.right) for name, counts in compared.models.items()}
    compared.findings.close()
    compared.findings.path.unlink(missing_ok=True)


def _vedette(data_dir: Path, arguments: tuple[str, ...], result: VerifyResult, progress: Progress) -> dict[str, Any]:
    """Run the command in a process of its own on its own data directory; what it answers with `--json`.

    Its findings are added to the result's. Raises `BadFile` when it fails.
    """
    findings_file = data_dir / "findings.json"
    command = [sys.executable, "-m", "vedette", *arguments, "--json", "--findings-file", str(findings_file)]
    process = subprocess.Popen(  # noqa: S603 (our own command, our own words)
        command,
        env=_environment(data_dir),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None  # noqa: S101 (pipes were asked for)
    assert process.stderr is not None  # noqa: S101
    said: deque[str] = deque(maxlen=_SAID_LINES)
    teller = threading.Thread(target=_tell, args=(process.stderr, progress, said))
    try:
        teller.start()
        answer = process.stdout.read()
        status = process.wait()
        teller.join()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        teller.join()
        process.stdout.close()
        process.stderr.close()
    findings = list(_read(findings_file))
    if status:
        fatal = next((one for one in reversed(findings) if one.severity is Severity.ERROR), None)
        raise BadFile(fatal or import_error(FindingKind.UNKNOWN, " ".join(said) or f"exit status {status}"))
    result.findings.extend(findings)
    facts: dict[str, Any] = json.loads(answer)
    return facts


def _environment(data_dir: Path) -> dict[str, str]:
    """Nothing of this installation's settings: an SQLite database in `data_dir`, no mail, no other store."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VEDETTE_", "DJANGO_"))}
    package_root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (package_root, os.environ.get("PYTHONPATH"))))
    return {**kept, "PYTHONPATH": path, "VEDETTE_DATA_DIR": str(data_dir)}


def _tell(stream: IO[str], progress: Progress, said: "deque[str]") -> None:
    """Pass the progress of a process on; what is no progress is kept for when it fails."""
    phase, rows = "", 0
    for line in stream:
        moment = _parsed(line)
        if "phase" not in moment:
            said.append(str(moment.get("note", line.strip())))
            continue
        if moment["phase"] != phase or moment["rows"] < rows:
            phase, rows = moment["phase"], 0
            progress.start(phase, moment["total"])
        progress.advance(moment["model"], moment["rows"] - rows)
        rows = moment["rows"]


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _read(path: Path) -> Iterator[Finding]:
    """The findings of a process; one that could not write them has told why."""
    try:
        shapes = json.loads(path.read_bytes())
    except (OSError, ValueError):
        yield warning(FindingKind.UNKNOWN, "the findings of a part of the verification are missing")
        return
    for shape in shapes:
        yield Finding.from_dict(shape)
