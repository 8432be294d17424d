"""`vedette parked`: what could not be digested, and what becomes of it."""

import json
import math
from typing import TYPE_CHECKING

import click

from vedette.core.errors import RuleBroken

if TYPE_CHECKING:
    from vedette.spool.park import Park, Parked


@click.group("parked")
def command() -> None:
    """Look at what could not be digested, and replay or drop it.

    A parked request stays on this node's disk with the reason until somebody decides.
    """


def _open() -> "Park":
    from vedette.settings import VEDETTE
    from vedette.spool.park import Park

    return Park(VEDETTE.spool_dir)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.option("--traceback", "with_traceback", is_flag=True, help="Show where it failed, too.")
def list_parked(as_json: bool, with_traceback: bool) -> None:
    """List parked requests, oldest first."""
    park = _open()
    found = park.list(limit=10_000)
    park.close()
    if as_json:
        click.echo(json.dumps([_as_dict(parked) for parked in found]))
        return
    for parked in found:
        project = parked.receipt.project_id if parked.receipt else "unknown"
        click.echo(f"{parked.id}  project {project}  {parked.body_bytes} bytes  {parked.reason}")
        if with_traceback and parked.traceback:
            click.echo(parked.traceback.rstrip())
    if not found:
        click.echo("nothing is parked")


@command.command("replay")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="Every parked request.")
def replay(ids: tuple[int, ...], everything: bool) -> None:
    """Put requests back into the spool: they are digested again, and parked again if they still fail.

    Works with the server running or stopped. An event that was stored meanwhile is replaced, not counted twice.
    """
    from vedette.settings import VEDETTE
    from vedette.spool.files import REPLAY_NAME
    from vedette.spool.writer import SpoolLimits, claim_stream

    park = _open()
    chosen = _chosen(park, ids, everything)
    # What was parked is as old as it is.
    limits = SpoolLimits(max_bytes=VEDETTE.spool_max_bytes, max_age_seconds=math.inf)
    writer = claim_stream(VEDETTE.spool_dir, limits, REPLAY_NAME)
    try:
        for parked in chosen:
            found = park.get(parked.id)
            if found is None or parked.receipt is None:
                click.echo(f"{parked.id} cannot be replayed: its receipt is unreadable", err=True)
                continue
            writer.append_now(parked.receipt, found[1])
            park.remove(parked.id)
            click.echo(f"{parked.id} is in the spool again")
    finally:
        writer.close()
        park.close()


@command.command("drop")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="Every parked request.")
@click.option("--dry-run", is_flag=True, help="Say what would be dropped, and drop nothing.")
def drop(ids: tuple[int, ...], everything: bool, dry_run: bool) -> None:
    """Delete parked requests for good."""
    park = _open()
    for parked in _chosen(park, ids, everything):
        if not dry_run:
            park.remove(parked.id)
        click.echo(f"{parked.id} {'would be' if dry_run else 'is'} dropped: {parked.reason}")
    park.close()


def _chosen(park: "Park", ids: tuple[int, ...], everything: bool) -> "list[Parked]":
    """The parked requests that were named. Raises `RuleBroken` for one that is not there."""
    if bool(ids) == everything:
        raise RuleBroken("name the ids of parked requests, or say --all")
    found = park.list(limit=10_000)
    if everything:
        return found
    by_id = {parked.id: parked for parked in found}
    missing = [number for number in ids if number not in by_id]
    if missing:
        raise RuleBroken(f"nothing is parked under {', '.join(map(str, missing))}")
    return [by_id[number] for number in ids]


def _as_dict(parked: "Parked") -> dict[str, object]:
    return {
        "id": parked.id,
        "stream": parked.stream,
        "position": parked.position,
        "project_id": parked.receipt.project_id if parked.receipt else None,
        "received_at": parked.receipt.received_at if parked.receipt else None,
        "bytes": parked.body_bytes,
        "reason": parked.reason,
        "traceback": parked.traceback,
        "parked_at": parked.parked_at,
    }
