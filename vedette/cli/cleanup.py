"""`vedette cleanup`: what the engine does every hour, now."""

import json

import click


@click.command("cleanup")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(dry_run: bool, as_json: bool) -> None:
    """Delete events, attachments, outcomes and sign-ins that are older than the retention (VEDETTE_RETENTION_DAYS).

    The engine does this every hour. Events go in whole weeks. Works with the server running or stopped.
    """
    import django

    django.setup()
    from django.conf import settings

    from vedette.cli.migrate import ensure_migrated
    from vedette.cli.retention import sweep
    from vedette.cli.stores import open_event_store
    from vedette.core import clock
    from vedette.core.files import FileStore
    from vedette.events.migrate import migrate

    own = settings.VEDETTE
    ensure_migrated()
    with open_event_store(own) as store:
        migrate(store)
        swept = sweep(store, FileStore(own.files_dir), clock.now(), own.retention_days, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps({"dry_run": dry_run, "retention_days": own.retention_days, **swept.as_dict()}))
        return
    verb = "would delete" if dry_run else "deleted"
    click.echo(
        f"{verb} {len(swept.weeks)} weeks of events, {swept.attachments} attachments ({swept.files} files), "
        f"{swept.reports} user reports, {swept.outcomes} counts of outcomes, {swept.sessions} sign-ins that ran out, "
        f"and what was given up: {swept.projects} projects, {swept.organizations} organizations"
    )
    for week in swept.weeks:
        click.echo(f"  {week}")
