"""`vedette import`: users, organizations, settings or everything, from a file of Vedette's or Sentry's.

Source: the relocation specification, 3.2 and 4; what it does not name is Vedette's own.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from vedette.cli.importing import Wish, run
from vedette.cli.relocationoptions import (
    HELP,
    WRITABLE,
    decryption,
    filter_organizations,
    filter_usernames,
    names,
    no_prompt,
    one_key,
    pairs,
    telling,
    together,
    uuid,
)

F = TypeVar("F", bound=Callable[..., Any])


@click.group("import", context_settings=HELP)
def command() -> None:
    """Read users, organizations, settings or everything from a file.

    SRC is a file of `vedette export` or of Sentry's own export, plain or encrypted, or - for standard input. It is
    checked whole before anything is written, and written all or nothing (unless --in-batches). Works with the server
    running or stopped.
    """


def _shared() -> Callable[[F], F]:
    return together(
        click.argument("src", type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)),
        decryption(),
        click.option("--dry-run", is_flag=True, help="Do everything, print the plan, and undo it."),
        click.option("--strict", is_flag=True, help="A row that would be dropped ends the import."),
        click.option(
            "--map-user",
            "map_users",
            multiple=True,
            metavar="OLD=NEW",
            help="The account NEW of this server stands for OLD of the file. Can be given more than once.",
        ),
        click.option(
            "--rename-org",
            "rename_orgs",
            multiple=True,
            metavar="OLD=NEW",
            help="The organization OLD of the file gets the slug NEW. Can be given more than once.",
        ),
        click.option(
            "--in-batches",
            is_flag=True,
            help="Commit every few thousand rows: a running server waits less, and an import that was cut off can go "
            "on, but one that fails leaves what it wrote until then.",
        ),
        click.option(
            "--import-uuid", callback=uuid, metavar="UUID", help="The name of this import. Made up if not given."
        ),
        click.option(
            "--resume",
            is_flag=True,
            help="Go on with the import of --import-uuid, or with the only one that was cut off. Needs the same file "
            "and the same options.",
        ),
        click.option(
            "--secrets-file",
            type=WRITABLE,
            help="Where tokens go that had to be made anew, as JSON for your eyes only. Unless given, a file in the "
            "data directory.",
        ),
        click.option("--no-mail", is_flag=True, help="Tell nobody by mail that there is an account to claim."),
        telling(),
        no_prompt(),
    )


def _merge_users() -> Callable[[F], F]:
    return click.option(
        "--merge-users",
        is_flag=True,
        help="A user name that is here already means the same person: that account stays as it is and joins the "
        "imported organizations. Otherwise a new account gets a suffix.",
    )


@command.command("users")
@filter_usernames()
@_merge_users()
@_shared()
def import_users(filter_usernames: str | None, filter_usernames_file: Path | None, **said: Any) -> None:
    """Read user accounts, without anybody's password or privileges."""
    chosen = names(filter_usernames, filter_usernames_file, "filter-usernames")
    _import("User", usernames=chosen, **said)


@command.command("organizations")
@filter_organizations()
@_merge_users()
@_shared()
def import_organizations(
    filter_org_slugs: str | None, filter_org_slugs_file: Path | None, filter_projects: str | None, **said: Any
) -> None:
    """Read organizations with everything that hangs on them, and their members."""
    _import(
        "Organization",
        org_slugs=names(filter_org_slugs, filter_org_slugs_file, "filter-org-slugs"),
        project_slugs=names(filter_projects, None, "filter-projects"),
        **said,
    )


@command.command("config")
@_merge_users()
@click.option("--overwrite-configs", is_flag=True, help="Settings that are here already take the values of the file.")
@_shared()
def import_config(**said: Any) -> None:
    """Read the settings of an installation, and the accounts of those who run it."""
    _import("Config", **said)


@command.command("global")
@click.option(
    "--wipe",
    is_flag=True,
    help="Delete what is here first. Without it, an installation that is in use refuses a full restore.",
)
@click.option("--no-safety-export", is_flag=True, help="With --wipe: keep no copy of what is deleted.")
@_shared()
def import_global(**said: Any) -> None:
    """Restore everything, passwords and privileges included, into an empty installation."""
    _import("Global", **said)


def _import(
    scope: str,
    *,
    src: str,
    decrypt_with: Path | None,
    decrypt_with_gcp_kms: Path | None,
    map_users: tuple[str, ...],
    rename_orgs: tuple[str, ...],
    no_prompt: bool,
    **said: Any,
) -> None:
    key = one_key(decrypt_with, decrypt_with_gcp_kms, "decrypt-with")
    if scope == "Global" and src == "-" and not no_prompt and not said["dry_run"]:
        raise click.UsageError("a full restore asks before it starts, and standard input is the file: say --no-prompt")
    wish = Wish(
        scope=scope,
        src=src,
        key=key,
        map_users=pairs(map_users, "map-user"),
        rename_orgs=pairs(rename_orgs, "rename-org"),
        no_prompt=no_prompt,
        began=time.monotonic(),
        **said,
    )
    run(wish)
