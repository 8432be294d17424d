"""`vedette backup`: compare, encrypt, decrypt, sanitise and verify exports, without touching this installation.

Source: the relocation specification, 1.6, 3.3, 7 and 8.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import click

from vedette.cli.relocating import (
    Talk,
    give_up,
    is_archive,
    reading,
    replacing,
    reporting,
    scratch_dir,
    table,
    tell_findings,
    writing,
)
from vedette.cli.relocationoptions import HELP, WRITABLE, decryption, encryption, one_key, telling
from vedette.core.text import visible

F = TypeVar("F", bound=Callable[..., Any])
_STEP = 2**20
_DEST = click.Path(allow_dash=True, dir_okay=False)
_SOURCE = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)
SCOPES = ("users", "organizations", "config", "global")


@click.group("backup", context_settings=HELP)
def command() -> None:
    """Compare, encrypt, decrypt, sanitize and verify exports. This installation is left alone."""


def _source() -> Callable[[F], F]:
    return click.option("--src", required=True, type=_SOURCE, help="The file to read, - for standard input.")


@command.command("compare")
@click.argument("left", type=_SOURCE)
@click.argument("right", type=_SOURCE)
@decryption("left")
@decryption("right")
@click.option("--html", type=WRITABLE, help="Write a report for people to this file.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 also when the files differ, as Sentry does.")
@telling()
@click.pass_context
def compare_files(
    ctx: click.Context,
    left: str,
    right: str,
    decrypt_left_with: Path | None,
    decrypt_left_with_gcp_kms: Path | None,
    decrypt_right_with: Path | None,
    decrypt_right_with_gcp_kms: Path | None,
    html: Path | None,
    exit_zero: bool,
    findings_file: Path | None,
    silent: bool,
    as_json: bool,
) -> None:
    """Compare two exports, and tell what differs beyond what a restore may change.

    Prints the number of differences, and each of them on standard error. Exits with 1 when there are any.
    """
    left_key = one_key(decrypt_left_with, decrypt_left_with_gcp_kms, "decrypt-left-with")
    right_key = one_key(decrypt_right_with, decrypt_right_with_gcp_kms, "decrypt-right-with")
    if left == right == "-":
        raise click.UsageError("standard input can be one of the files, not both")
    talk = Talk(silent=silent, as_json=as_json)
    _set_up()
    from vedette.relocation.comparing.comparing import compare
    from vedette.relocation.files.findings import Origin, Severity

    with scratch_dir("compare") as work_dir, reporting(findings_file, Origin.COMPARE) as report:
        with (
            reading(left, left_key, _part(work_dir, "left")) as left_stream,
            reading(right, right_key, _part(work_dir, "right")) as right_stream,
            talk.progress() as progress,
        ):
            result = compare(left_stream, right_stream, work_dir=work_dir, progress=progress)
        report.findings = result.findings
        if html is not None:
            from vedette.relocation.comparing.report import write_report

            with replacing(str(html)) as stream:
                write_report(stream, result, left=left, right=right)
        if not silent and not as_json:
            for finding in result.findings:
                if finding.severity is not Severity.NOTE:
                    click.echo(visible(finding.pretty()), err=True)
            click.echo(_counted(result.differences))
        talk.result(
            {
                "differences": result.differences,
                "models": {
                    name: {"left": one.left, "right": one.right, "compared": one.compared, "differing": one.differing}
                    for name, one in result.models.items()
                },
            }
        )
        if result.differences and not exit_zero:
            ctx.exit(1)


@command.command("encrypt")
@click.argument("dest", type=_DEST)
@_source()
@encryption()
@telling()
def encrypt_file(
    dest: str,
    src: str,
    encrypt_with: Path | None,
    encrypt_with_gcp_kms: Path | None,
    findings_file: Path | None,
    silent: bool,
    as_json: bool,
) -> None:
    """Encrypt a plain export with a fresh data key, and that key with the public key."""
    key = one_key(encrypt_with, encrypt_with_gcp_kms, "encrypt-with", required=True)
    talk = Talk(silent=silent, as_json=as_json, is_piped=dest == "-")
    from vedette.relocation.files.findings import Origin
    from vedette.relocation.files.reader import read_rows
    from vedette.relocation.files.writer import RowWriter

    rows = 0
    with _scratch() as work_dir, reporting(findings_file, Origin.EXPORT):
        with reading(src, None, work_dir) as source, writing(dest, key) as stream, talk.progress() as progress:
            if is_archive(source):
                shutil.copyfileobj(source, stream, _STEP)
            else:
                progress.start("encrypting", None)
                writer = RowWriter(stream, indent=None)
                for row in read_rows(source):
                    writer.write(row.model, row.pk, row.fields)
                    rows += 1
                    if not rows % 1000:
                        progress.advance(row.model, 1000)
                writer.close()
        talk.result({"dest": dest, "rows": rows})


@command.command("decrypt")
@click.argument("dest", type=_DEST)
@_source()
@decryption()
@telling()
def decrypt_file(
    dest: str,
    src: str,
    decrypt_with: Path | None,
    decrypt_with_gcp_kms: Path | None,
    findings_file: Path | None,
    silent: bool,
    as_json: bool,
) -> None:
    """Decrypt an export; its bytes are written as they were sealed."""
    key = one_key(decrypt_with, decrypt_with_gcp_kms, "decrypt-with", required=True)
    talk = Talk(silent=silent, as_json=as_json, is_piped=dest == "-")
    from vedette.relocation.files.findings import Origin

    with _scratch() as work_dir, reporting(findings_file, Origin.IMPORT):
        with reading(src, key, work_dir) as source, replacing(dest) as stream:
            shutil.copyfileobj(source, stream, _STEP)
        talk.result({"dest": dest})


@command.command("sanitize")
@click.argument("dest", type=_DEST)
@_source()
@decryption()
@encryption()
@click.option("--days-offset", type=int, help="Move every date by so many days, too.")
@click.option("--seed", help="The same seed and file give the same result; otherwise every run differs.")
@telling()
def sanitize_file(
    dest: str,
    src: str,
    decrypt_with: Path | None,
    decrypt_with_gcp_kms: Path | None,
    encrypt_with: Path | None,
    encrypt_with_gcp_kms: Path | None,
    days_offset: int | None,
    seed: str | None,
    findings_file: Path | None,
    silent: bool,
    as_json: bool,
) -> None:
    """Replace personal data and secrets of an export, the same by the same, and look through the result for them."""
    source_key = one_key(decrypt_with, decrypt_with_gcp_kms, "decrypt-with")
    dest_key = one_key(encrypt_with, encrypt_with_gcp_kms, "encrypt-with")
    talk = Talk(silent=silent, as_json=as_json, is_piped=dest == "-")
    _set_up()
    from vedette.relocation.files.findings import Origin
    from vedette.relocation.files.writer import RowWriter
    from vedette.relocation.sanitizing.sanitizing import sanitize

    with scratch_dir("sanitize") as work_dir, reporting(findings_file, Origin.EXPORT) as report:
        with (
            reading(src, source_key, work_dir) as source,
            writing(dest, dest_key) as stream,
            RowWriter(stream, None if dest_key else 2) as writer,
            talk.progress() as progress,
        ):
            result = sanitize(
                source, writer, seed=seed, days_offset=days_offset or 0, work_dir=work_dir, progress=progress
            )
            report.findings = result.findings
            tell_findings(talk, result.findings)
            if not result.is_clean:
                give_up("the result still tells something of the file, so it is thrown away")
        talk.result({"dest": dest, "rows": result.rows, "models": result.models, "findings": len(result.findings)})


@command.command("verify")
@click.argument("file", type=_SOURCE)
@decryption()
@click.option(
    "--scope", type=click.Choice(SCOPES), default="global", show_default=True, help="Import and export in this scope."
)
@telling()
@click.pass_context
def verify_file(
    ctx: click.Context,
    file: str,
    decrypt_with: Path | None,
    decrypt_with_gcp_kms: Path | None,
    scope: str,
    findings_file: Path | None,
    silent: bool,
    as_json: bool,
) -> None:
    """Prove that a file can be restored: import it into a throw-away database, export it again, and compare.

    Exits with 1 when the import fails or what comes back differs.
    """
    key = one_key(decrypt_with, decrypt_with_gcp_kms, "decrypt-with")
    talk = Talk(silent=silent, as_json=as_json)
    _set_up()
    from vedette.relocation.files.findings import Origin
    from vedette.relocation.verifying import verify

    began = time.monotonic()
    with scratch_dir("verify") as work_dir, reporting(findings_file, Origin.IMPORT) as report:
        with reading(file, key, work_dir) as stream, talk.progress() as progress:
            result = verify(stream, scope, work_dir=work_dir, progress=progress)
        report.findings = result.findings
        tell_findings(talk, result.findings)
        if not silent and not as_json:
            rows = [[name, f"{left:,}", f"{right:,}"] for name, (left, right) in result.models.items()]
            talk.say(table("rows of the file, and of what came back", ["model", "file", "back"], rows))
            lost = f", {result.dropped:,} rows lost" if result.dropped else ""
            talk.say(
                "verified: what was imported comes back" if result.is_clean else _counted(result.differences) + lost
            )
        talk.result(
            {
                "clean": result.is_clean,
                "differences": result.differences,
                "dropped": result.dropped,
                "findings": len(result.findings),
                "models": {name: {"left": left, "right": right} for name, (left, right) in result.models.items()},
                "seconds": round(time.monotonic() - began, 2),
            }
        )
        if not result.is_clean:
            ctx.exit(1)


def _counted(differences: int) -> str:
    return f"{differences:,} difference{'' if differences == 1 else 's'}"


def _part(work_dir: Path, name: str) -> Path:
    path = work_dir / name
    path.mkdir()
    return path


@contextmanager
def _scratch() -> Iterator[Path]:
    """For standard input: transforming files needs no data directory."""
    with TemporaryDirectory(prefix="vedette-") as directory:
        yield Path(directory)


def _set_up() -> None:
    """Django without its database: transforming files needs none."""
    import django

    django.setup()
