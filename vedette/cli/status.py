"""`vedette status`: fast enough to be asked every second."""

import json
from typing import Any

import click


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(as_json: bool) -> None:
    """Say whether this node is ready, and what waits on it. Works with the server running or stopped."""
    from vedette.health.status import node_status
    from vedette.settings import VEDETTE

    found = node_status(VEDETTE)
    click.echo(json.dumps(found) if as_json else "\n".join(_lines(found)))


def _lines(found: dict[str, Any]) -> list[str]:
    if not found["running"]:
        state = "stopped"
    elif found["ready"]:
        state = f"ready at {found['url']}"
    else:
        state = "running, not ready"
    lines = [f"Vedette {found['version']}: {state}"]
    lines += [f"  {name}: {problem}" for name, problem in found.get("problems", {}).items()]
    lines.append(f"  spooled   {found['spooled']} ({found['spooled_bytes']} bytes), the oldest for {_seconds(found)} s")
    if found["running"]:
        lines.append(f"  digested  {found['digested']} since the engine started")
    lines.append(f"  parked    {found['parked']}")
    if found.get("trouble"):
        lines.append(f"  trouble   {found['trouble']}")
    return lines


def _seconds(found: dict[str, Any]) -> str:
    return f"{found['lag_seconds']:.1f}"
