"""`vedette version`."""

import json as plain_json
import platform

import click

from vedette import __version__


@click.command("version")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(as_json: bool) -> None:
    """Print the version."""
    if as_json:
        click.echo(plain_json.dumps({"vedette": __version__, "python": platform.python_version()}))
    else:
        click.echo(__version__)
