"""The options that exports, imports and transformations share, spelt as Sentry spells them.

Source: the relocation specification, 3; those that it does not name are Vedette's own.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

# Commands remember how their help is asked for from the first time, so it is said also where they are called alone.
HELP = {"help_option_names": ["-h", "--help"]}
READABLE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
WRITABLE = click.Path(dir_okay=False, writable=True, path_type=Path)
_HEX = re.compile(r"[0-9a-f]{32}")
_SEPARATOR = re.compile(r"[,\n]")
_LARGEST_LIST = 64 * 2**20  # bytes of a file of names


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key as the command line names it: a PEM file, or the JSON that says which key of Google's KMS it is."""

    path: Path
    is_kms: bool


def together(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Several decorators as one, in the order in which the help shows them."""

    def decorate(command: F) -> F:
        for one in reversed(decorators):
            command = one(command)
        return command

    return decorate


def encryption() -> Callable[[F], F]:
    """`--encrypt-with` and `--encrypt-with-gcp-kms`."""
    return together(
        click.option("--encrypt-with", type=READABLE, help="A PEM file with the RSA public key to encrypt with."),
        click.option(
            "--encrypt-with-gcp-kms",
            type=READABLE,
            help="A JSON file that names an asymmetric key of Google Cloud KMS: project_id, location, key_ring, key, "
            "version.",
        ),
    )


def decryption(side: str = "") -> Callable[[F], F]:
    """`--decrypt-with` and `--decrypt-with-gcp-kms`, or those of one `side` (`left`, `right`)."""
    name = f"decrypt-{side}-with" if side else "decrypt-with"
    what = f"the {side} file" if side else "the file"
    return together(
        click.option(f"--{name}", type=READABLE, help=f"A PEM file with the RSA private key that decrypts {what}."),
        click.option(
            f"--{name}-gcp-kms",
            type=READABLE,
            help="A JSON file that names the key of Google Cloud KMS, as for encrypting.",
        ),
    )


def telling() -> Callable[[F], F]:
    """Findings file, silence, JSON."""
    return together(
        click.option(
            "--findings-file",
            type=WRITABLE,
            help="Write what was found to this file as JSON: errors, and what became of rows. Also when it fails.",
        ),
        click.option("--silent", is_flag=True, help="Print nothing but errors."),
        click.option(
            "--json", "as_json", is_flag=True, help="Print the result as JSON, and progress as JSON lines to stderr."
        ),
    )


def no_prompt() -> Callable[[F], F]:
    """`--no-prompt`."""
    return click.option("--no-prompt", is_flag=True, help="Answer every question with yes.")


def filter_usernames() -> Callable[[F], F]:
    """`--filter-usernames` and its file."""
    return together(
        click.option("--filter-usernames", help="Only these users, by user name, separated by commas."),
        click.option("--filter-usernames-file", type=READABLE, help="The same from a file: commas or lines."),
    )


def filter_organizations() -> Callable[[F], F]:
    """`--filter-org-slugs`, its file, and `--filter-projects`."""
    return together(
        click.option("--filter-org-slugs", help="Only these organizations, by slug, separated by commas."),
        click.option("--filter-org-slugs-file", type=READABLE, help="The same from a file: commas or lines."),
        click.option(
            "--filter-projects",
            help="Only these projects of them, by slug or organization/slug, separated by commas.",
        ),
    )


def one_key(local: Path | None, kms: Path | None, name: str, *, required: bool = False) -> KeyFile | None:
    """The key that the options `--NAME` and `--NAME-gcp-kms` name. Raises `UsageError` for both of them, and for none
    where one is `required`."""
    if local and kms:
        raise click.UsageError(f"`--{name}` and `--{name}-gcp-kms` are mutually exclusive")
    if local:
        return KeyFile(local, is_kms=False)
    if kms:
        return KeyFile(kms, is_kms=True)
    if required:
        raise click.UsageError(f"give `--{name}` or `--{name}-gcp-kms`")
    return None


def names(text: str | None, path: Path | None, option: str) -> frozenset[str] | None:
    """The names that `--OPTION` or `--OPTION-file` lists, trimmed; None without either. A list without a name lets
    nothing through. Raises `UsageError`."""
    if text is not None and path is not None:
        raise click.UsageError(f"`--{option}` and `--{option}-file` are mutually exclusive")
    if path is not None:
        try:
            if path.stat().st_size > _LARGEST_LIST:
                raise click.UsageError(f"{path} is too large for a list of names")
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise click.UsageError(f"{path} is not UTF-8") from error
    if text is None:
        return None
    return frozenset(filter(None, (one.strip() for one in _SEPARATOR.split(text))))


def pairs(values: tuple[str, ...], option: str) -> dict[str, str]:
    """What several `--OPTION old=new` say. Raises `UsageError`."""
    found: dict[str, str] = {}
    for value in values:
        old, sign, new = (part.strip() for part in value.partition("="))
        if not (sign and old and new):
            raise click.UsageError(f"`--{option}` wants old=new, not {value!r}")
        if found.setdefault(old, new) != new:
            raise click.UsageError(f"`--{option}` names {old!r} twice")
    return found


def uuid(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """A callback: 32 hex digits, in lower case; dashes are taken out."""
    if value is None:
        return None
    digits = value.replace("-", "").lower()
    if not _HEX.fullmatch(digits):
        raise click.BadParameter("not a UUID: 32 hex digits", ctx, parameter)
    return digits
