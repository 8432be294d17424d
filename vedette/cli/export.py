"""`vedette export`: users, organizations, settings or everything, as a file that Sentry reads too.

Source: the relocation specification, 3.1 and 6.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vedette.cli.relocating import Talk, reporting, scratch_dir, set_up, table, tell_findings, writing
from vedette.cli.relocationoptions import (
    HELP,
    KeyFile,
    encryption,
    filter_organizations,
    filter_usernames,
    names,
    no_prompt,
    one_key,
    telling,
    together,
)

if TYPE_CHECKING:
    from vedette.relocation.exporting.options import ExportOptions

F = TypeVar("F", bound=Callable[..., Any])
GENERATIONS = ("2024", "2025")


@click.group("export", context_settings=HELP)
def command() -> None:
    """Write users, organizations, settings or everything into one file.

    DEST is a file, or - for standard output (the default). The file is what `vedette import` and Sentry's own import
    read. Works with the server running or stopped; the database stands still for the export, and nobody waits for it.
    """


def _shared() -> Callable[[F], F]:
    return together(
        click.argument("dest", default="-", type=click.Path(allow_dash=True, dir_okay=False)),
        encryption(),
        click.option(
            "--indent",
            default=2,
            show_default=True,
            type=click.IntRange(0),
            help="Spaces for each level of the JSON; ignored when encrypting.",
        ),
        click.option(
            "--target",
            type=click.Choice(GENERATIONS),
            default=GENERATIONS[-1],
            show_default=True,
            help="Which Sentry is to read it: self-hosted of mid-2024, or of 2025.",
        ),
        click.option(
            "--only-known",
            is_flag=True,
            help="Leave out what no Sentry knows: kept rows of unknown models, and Vedette's own settings. Implied by "
            "--target 2024.",
        ),
        telling(),
        no_prompt(),
    )


def _full() -> Callable[[F], F]:
    return together(
        click.option(
            "--full",
            is_flag=True,
            help="Write Vedette's own archive: the export, and releases, commits, deploys, files, and issues with "
            "their history.",
        ),
        click.option("--with-events", is_flag=True, help="With --full: events, attachments and release health, too."),
    )


@command.command("users")
@filter_usernames()
@_shared()
def export_users(dest: str, filter_usernames: str | None, filter_usernames_file: Path | None, **said: Any) -> None:
    """Write user accounts and what is theirs, without anybody's privileges."""
    from vedette.core.relocation import RelocationScope

    chosen = names(filter_usernames, filter_usernames_file, "filter-usernames")
    _export(dest, RelocationScope.USER, {"usernames": chosen}, **said)


@command.command("organizations")
@filter_organizations()
@_full()
@_shared()
def export_organizations(
    dest: str,
    filter_org_slugs: str | None,
    filter_org_slugs_file: Path | None,
    filter_projects: str | None,
    **said: Any,
) -> None:
    """Write organizations with everything that hangs on them, and their members."""
    from vedette.core.relocation import RelocationScope

    filters = {
        "org_slugs": names(filter_org_slugs, filter_org_slugs_file, "filter-org-slugs"),
        "project_slugs": names(filter_projects, None, "filter-projects"),
    }
    _export(dest, RelocationScope.ORGANIZATION, filters, **said)


@command.command("config")
@_shared()
def export_config(dest: str, **said: Any) -> None:
    """Write the settings of this installation, and the accounts of those who run it."""
    from vedette.core.relocation import RelocationScope

    _export(dest, RelocationScope.CONFIG, {}, **said)


@command.command("global")
@_full()
@_shared()
def export_global(dest: str, **said: Any) -> None:
    """Write everything that an export can hold: a full backup, passwords and tokens included."""
    from vedette.core.relocation import RelocationScope

    _export(dest, RelocationScope.GLOBAL, {}, **said)


def _export(
    dest: str,
    scope: Any,
    filters: dict[str, frozenset[str] | None],
    *,
    encrypt_with: Path | None,
    encrypt_with_gcp_kms: Path | None,
    indent: int,
    target: str,
    only_known: bool,
    findings_file: Path | None,
    silent: bool,
    as_json: bool,
    no_prompt: bool,
    full: bool = False,
    with_events: bool = False,
) -> None:
    key = one_key(encrypt_with, encrypt_with_gcp_kms, "encrypt-with")
    if with_events and not full:
        raise click.UsageError("`--with-events` goes with `--full`: Sentry's format has no place for events")
    talk = Talk(silent=silent, as_json=as_json, is_piped=dest == "-")
    for name, chosen in filters.items():
        if chosen is not None and not chosen:
            talk.warn(f"the filter of {name.replace('_', ' ')} names nothing, so nothing passes it")
    set_up()
    from vedette.core.relocation import Generation
    from vedette.relocation.exporting.options import ExportOptions
    from vedette.relocation.files.findings import Origin

    options = ExportOptions(
        scope,
        generation=Generation(int(target)),
        indent=None if key or full else indent,
        only_known=only_known,
        **filters,  # type: ignore[arg-type]
    )
    began = time.monotonic()
    with scratch_dir("export") as work_dir, reporting(findings_file, Origin.EXPORT) as report:
        counts, findings = _write(dest, key, options, work_dir, talk, full=full, with_events=with_events)
        report.findings = findings
        tell_findings(talk, findings)
        rows = sum(counts.values())
        if not silent and not as_json and dest != "-":
            talk.say(table(f"{rows:,} rows", ["model", "rows"], [[name, f"{n:,}"] for name, n in counts.items() if n]))
        talk.result(
            {
                "scope": str(scope),
                "dest": dest,
                "rows": rows,
                "models": counts,
                "findings": len(list(findings)),
                "seconds": round(time.monotonic() - began, 2),
            }
        )


def _write(
    dest: str,
    key: KeyFile | None,
    options: "ExportOptions",
    work_dir: Path,
    talk: Talk,
    *,
    full: bool,
    with_events: bool,
) -> tuple[dict[str, int], Any]:
    from vedette.relocation.exporting.run import export_rows

    with talk.progress() as progress, writing(dest, key) as stream:
        if full:
            from vedette.cli.companion import export_archive

            return export_archive(stream, options, with_events=with_events, work_dir=work_dir, progress=progress)
        result = export_rows(stream, options, work_dir=work_dir, progress=progress)
        return dict(result.counts), result.findings
