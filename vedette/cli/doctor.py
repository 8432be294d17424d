"""`vedette doctor`: the checks of `vedette.health.checks`, as a table or as JSON."""

import json
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vedette.health.findings import Finding

_STYLES = {"ok": "green", "note": "cyan", "warn": "yellow", "fail": "bold red"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(as_json: bool) -> int:
    """Check stores, disk, clock, spool, parked requests and settings. Exits with 1 when something fails."""
    import django

    django.setup()
    from vedette.cli.migrate import pending_migrations
    from vedette.health.checks import examine
    from vedette.health.findings import Verdict

    findings = examine(pending_migrations)
    failed = any(finding.verdict == Verdict.FAIL for finding in findings)
    if as_json:
        rows = [{"check": f.check, "verdict": f.verdict, "detail": f.detail, "hint": f.hint} for f in findings]
        click.echo(json.dumps({"ok": not failed, "findings": rows}))
    else:
        _show(findings)
    return int(failed)


def _show(findings: "list[Finding]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("check", "", "what"):
        table.add_column(heading)
    for finding in findings:
        what = Text(finding.detail)
        if finding.hint:
            what.append(f"\n{finding.hint}", style="dim")
        table.add_row(finding.check, Text(finding.verdict, style=_STYLES[finding.verdict]), what)
    # A file or a pipe has no width: nothing is wrapped there, so that paths can be searched for and copied.
    Console(width=None if sys.stdout.isatty() else 1000).print(table)
