"""`vedette cleanup`: what the schedule does about old and given-up things, now."""

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vedette.cli.deletion import GivenUp
    from vedette.cli.retention import Swept


@click.command("cleanup")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(dry_run: bool, as_json: bool) -> None:
    """Delete what is older than the retention of its organization, and what people gave up.

    The retention is VEDETTE_RETENTION_DAYS and VEDETTE_ATTACHMENT_RETENTION_DAYS, or what an organization set for
    itself; bundles of artifacts are kept for VEDETTE_ARTIFACT_RETENTION_DAYS after they were last needed. The server
    does this by itself, every hour and every minute. Works with the server running or stopped.
    """
    import django

    django.setup()
    from django.conf import settings

    from vedette.cli.deletion import count_what_was_given_up, delete_what_was_given_up
    from vedette.cli.jobs import kept_by
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
        now, files = clock.now(), FileStore(own.files_dir)
        swept = sweep(store, files, now, kept_by(own), dry_run=dry_run)
        given_up = count_what_was_given_up() if dry_run else delete_what_was_given_up(store, files, now)
    if as_json:
        told = {**swept.as_dict(), "given_up": given_up.as_dict()}
        click.echo(json.dumps({"dry_run": dry_run, "retention_days": own.retention_days, **told}))
    else:
        _tell(swept, given_up, "would delete" if dry_run else "deleted")


def _tell(swept: "Swept", given_up: "GivenUp", verb: str) -> None:
    for one in swept.organizations:
        click.echo(
            f"{one.slug} keeps events for {one.retention_days} days, attachments for {one.attachment_retention_days}; "
            f"{verb} {one.rows} rows of the event store, {one.issues} issues, {one.attachments} attachments, "
            f"{one.reports} user reports, {one.outcomes} counts of outcomes"
        )
    click.echo(
        f"{verb} {len(swept.weeks)} weeks of events that nobody keeps, {swept.bundles} bundles, {swept.files} files, "
        f"{swept.sign_ins} sign-ins that ran out"
    )
    for week in swept.weeks:
        click.echo(f"  {week}")
    click.echo(
        f"{verb} what was given up: {given_up.issues} issues, {given_up.projects} projects, "
        f"{given_up.organizations} organizations, {given_up.repositories} repositories"
    )
