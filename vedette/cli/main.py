"""The `vedette` command: one group, each subcommand in a module that is imported when it is called.

Exit status: 0 done, 1 something failed, 2 the operator has to change something (one line, and a hint).
"""

import importlib
import os
import sys
from typing import Any, NoReturn

import click

from vedette import __version__
from vedette.core.errors import Misconfigured, RuleBroken, TryAgain, VedetteError

# name -> (module, what the list of commands says)
COMMANDS = {
    "serve": ("vedette.cli.serve", "Run the server of this node."),
    "bootstrap": ("vedette.cli.bootstrap", "Make an owner, an organization and a project, and print their keys."),
    "createuser": ("vedette.cli.createuser", "Make a user."),
    "claims": ("vedette.cli.claims", "Send or show the links of accounts that wait for their owners."),
    "password": ("vedette.cli.password", "Make a link by which somebody chooses a new password."),
    "factors": ("vedette.cli.factors", "Show and remove the authenticator app of an account."),
    "mail": ("vedette.cli.mail", "Send a message to see that mail works."),
    "status": ("vedette.cli.status", "Say whether this node is ready, and what waits on it."),
    "doctor": ("vedette.cli.doctor", "Check stores, disk, clock, spool and settings."),
    "parked": ("vedette.cli.parked", "List, replay or drop what could not be digested."),
    "export": ("vedette.cli.export", "Write users, organizations, settings or everything into a file."),
    "import": ("vedette.cli.import_", "Read users, organizations, settings or everything from a file."),
    "backup": ("vedette.cli.backup", "Compare, encrypt, decrypt, sanitize and verify exports."),
    "repository": ("vedette.cli.repository", "Say where the commits of a repository are fetched from."),
    "releases": ("vedette.cli.releases", "Ask a running server about releases: whether one may go on."),
    "cleanup": ("vedette.cli.cleanup", "Delete what is older than the retention allows."),
    "migrate": ("vedette.cli.migrate", "Bring both stores to this version; `serve` does it too."),
    "version": ("vedette.cli.version", "Print the version."),
}


class _Lazy(click.Group):
    """Knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, meaning) for name, (_, meaning) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def cli() -> None:
    """Error tracking that a team hosts itself.

    Settings come from environment variables; docs/reference/settings.md lists them.
    """


def main() -> NoReturn:
    """The entry point. Never returns, never shows a traceback for something that the operator has to change."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vedette.settings")
    os.umask(0o077)  # whatever a command makes is its user's alone
    try:
        result: Any = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except VedetteError as error:
        sys.exit(complain(error))
    except _absences() as error:
        sys.exit(complain(TryAgain(f"the relational database is not reachable: {str(error).strip().splitlines()[0]}")))
    sys.exit(result if isinstance(result, int) else 0)


def complain(error: VedetteError) -> int:
    """One line on standard error, and a hint if there is one; the exit status that goes with it."""
    click.echo(f"vedette: {error}", err=True)
    if error.hint:
        click.echo(f"hint: {error.hint}", err=True)
    return 2 if isinstance(error, (Misconfigured, RuleBroken)) else 1


def _absences() -> tuple[type[Exception], ...]:
    """What the database driver raises when the database is away; nothing where Django was not needed."""
    module = sys.modules.get("django.db.utils")
    return (module.OperationalError,) if module else ()
