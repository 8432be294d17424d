"""What exports, imports and transformations share when they run: files, keys, findings, and how they end.

Exit status: 0 done; 1 the work failed, or files differ; 2 the command line is wrong, or the operator has to change
something. Output goes to a draft beside its destination that replaces it when it is whole, readable by its owner only.
Findings are written however the work ends.
"""

import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import click

from vedette.cli.relocationoptions import KeyFile
from vedette.core.errors import TryAgain
from vedette.core.text import visible

if TYPE_CHECKING:
    from vedette.relocation.files.findings import Finding, Origin
    from vedette.relocation.progress import Silent

_STEP = 2**20
_MOST_TOLD = 20


class Failed(click.ClickException):
    """The work failed: one sentence, exit status 1."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        """On standard error, as all commands complain."""
        click.echo(f"vedette: {visible(self.message)}", err=True, file=file)


class Talk:
    """What a command says to whoever called it. `is_piped` means that standard output is the export itself.

    What strangers wrote into a file cannot move the cursor, nor hide.
    """

    def __init__(self, *, silent: bool, as_json: bool, is_piped: bool = False) -> None:
        self.silent = silent
        self.as_json = as_json
        self._to_stderr = is_piped

    def say(self, text: str) -> None:
        """One line for people."""
        if not self.silent and not self.as_json:
            click.echo(visible(text), err=self._to_stderr)

    def warn(self, text: str) -> None:
        """One line on standard error."""
        if not self.silent:
            click.echo(json.dumps({"note": text}) if self.as_json else visible(text), err=True)

    def result(self, facts: dict[str, Any]) -> None:
        """The JSON object that `--json` asks for."""
        if self.as_json:
            click.echo(json.dumps(facts), err=self._to_stderr)

    def progress(self) -> "Silent":
        """Who tells how far the work has come."""
        from vedette.relocation.progress import choose

        return choose(silent=self.silent, as_json=self.as_json)


class Report:
    """The findings of one command, for its file."""

    def __init__(self) -> None:
        self.findings: Iterable[Finding] = ()


@contextmanager
def reporting(findings_file: Path | None, origin: "Origin") -> Iterator[Report]:
    """Write the findings file however the block ends. What failed in a known way ends the command with `Failed`."""
    from vedette.relocation.files.findings import Finding, FindingKind, write_findings

    report = Report()
    failure: Finding | None = None
    try:
        yield report
    except click.UsageError:
        findings_file = None  # nothing was begun
        raise
    except (click.exceptions.Exit, click.Abort):
        raise
    except Failed as error:
        failure = Finding(origin, FindingKind.UNKNOWN, reason=error.message)
        raise
    except TryAgain as error:
        failure = Finding(origin, FindingKind.DATABASE_ERROR, reason=str(error))
        raise
    except OSError as error:
        failure = Finding(origin, FindingKind.UNKNOWN, reason=_os_sentence(error))
        raise Failed(_os_sentence(error)) from error
    except Exception as error:
        found = getattr(error, "finding", None)
        logged = getattr(error, "findings", None)  # with that one in it
        if logged:
            report.findings = logged
        else:
            failure = found or Finding(origin, FindingKind.UNKNOWN, reason=f"{type(error).__name__}: {error}"[:2000])
        if found is None:
            raise
        raise Failed(found.sentence()) from error
    finally:
        if findings_file is not None:
            told = [*report.findings, failure] if failure is not None else report.findings
            _write(findings_file, told, write_findings)
        close = getattr(report.findings, "close", None)
        if close is not None:  # a log on the disk
            close()


def _write(path: Path, findings: "Iterable[Finding]", write: Any) -> None:
    try:
        write(path, findings)
    except OSError as error:
        click.echo(f"vedette: the findings cannot be written: {_os_sentence(error)}", err=True)


def _os_sentence(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or type(error).__name__}"


@contextmanager
def scratch_dir(name: str = "") -> Iterator[Path]:
    """A directory of this command's own under the data directory, removed afterwards. Its disk has to take what a
    large file becomes while it is sorted."""
    from django.conf import settings

    parent = settings.VEDETTE.data_dir / "relocation"
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = Path(tempfile.mkdtemp(prefix=f"{name or 'work'}-", dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def replacing(dest: str) -> Iterator[BinaryIO]:
    """Where an export goes: `-` is standard output, and a file is replaced in one step when the block ends well."""
    if dest == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(dest)
    if not path.parent.is_dir():
        raise click.UsageError(f"{path.parent} is no directory")
    if path.is_dir():
        raise click.UsageError(f"{path} is a directory")
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):  # a pipe, /dev/null
        with path.open("wb") as stream:
            yield stream
        return
    path = path.resolve()
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def reading(src: str, key: KeyFile | None, work_dir: Path) -> Iterator[BinaryIO]:
    """The plain bytes of an export, unsealed if need be; `-` is standard input. Raises `BadFile` and `OSError`."""
    from vedette.relocation.files.findings import FindingKind, refuse
    from vedette.relocation.files.sealing import is_sealed, unseal

    with ExitStack() as stack:
        path = _kept(work_dir / "stdin") if src == "-" else Path(src)
        stream = stack.enter_context(path.open("rb"))
        sealed = is_sealed(stream) and not is_archive(stream)
        if sealed and key is None:
            raise refuse(FindingKind.DECRYPTION_ERROR, "the file is encrypted: say which key decrypts it")
        if not sealed and key is not None:
            raise refuse(FindingKind.DECRYPTION_ERROR, "the file is not encrypted, but a key is given")
        yield stack.enter_context(unseal(stream, private_key(key), work_dir=work_dir)) if key else stream


def is_archive(stream: BinaryIO) -> bool:
    """Whether this is Vedette's own archive, not encrypted (any more). The position stays."""
    from vedette.relocation.companion.container import BLOCK, looks_like_archive

    return looks_like_archive(stream.peek(BLOCK)[:BLOCK])  # type: ignore[attr-defined]


def _kept(path: Path) -> Path:
    """Standard input as a file: what is sealed is read more than once."""
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file, _STEP)
    return path


@contextmanager
def writing(dest: str, key: KeyFile | None) -> Iterator[BinaryIO]:
    """Where plain bytes go, sealed on the way if there is a key."""
    from vedette.relocation.files.sealing import seal

    opener = public_key(key) if key else None  # a key that cannot be read is told before anything is written
    with replacing(dest) as stream:
        if opener is None:
            yield stream
            return
        with seal(stream, opener) as sealed:
            yield sealed


def private_key(key: KeyFile) -> Any:
    """Raises `BadFile` for a file that holds no such key."""
    from vedette.relocation.files.sealing import LocalPrivateKey

    content = key.path.read_bytes()
    return _kms(content) if key.is_kms else LocalPrivateKey(content)


def public_key(key: KeyFile) -> Any:
    """Raises `BadFile` for a file that holds no such key."""
    from vedette.relocation.files.sealing import LocalPublicKey

    content = key.path.read_bytes()
    return _kms(content) if key.is_kms else LocalPublicKey(content)


def _kms(config: bytes) -> Any:
    from django.conf import settings

    from vedette.relocation.files.sealing import GcpKms

    return GcpKms(config, base_url=settings.VEDETTE.gcp_kms_url)


def set_up() -> None:
    """Django, on a database that is up to date."""
    import django

    django.setup()
    from vedette.cli.migrate import ensure_migrated

    ensure_migrated()


def tell_findings(talk: Talk, findings: "Iterable[Finding]") -> None:
    """The first warnings and errors, one line each, on standard error; how many more there are."""
    from vedette.relocation.files.findings import Severity

    told = more = 0
    for finding in findings:
        if finding.severity is Severity.NOTE:
            continue
        if told < _MOST_TOLD:
            talk.warn(f"{finding.severity}: {finding.sentence()}")
            told += 1
        else:
            more += 1
    if more:
        talk.warn(f"and {more} more: --findings-file keeps them all")


def write_private(path: Path, content: bytes) -> None:
    """A file for its owner's eyes, replaced in one step."""
    with replacing(str(path)) as stream:
        stream.write(content)


def give_up(sentence: str) -> NoReturn:
    """End the command with exit status 1."""
    raise Failed(sentence)


def table(title: str, columns: list[str], rows: list[list[str]]) -> str:
    """A table for a terminal, numbers to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        made.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    console = Console(width=max(shutil.get_terminal_size().columns, 100), no_color=True)
    with suppress(BrokenPipeError), console.capture() as capture:
        console.print(made)
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n"))
