"""`vedette claims`: accounts that came from another server and wait for their owners."""

import json
from typing import TYPE_CHECKING

import click

from vedette.core.errors import RuleBroken

if TYPE_CHECKING:
    from vedette.accounts.models import User

_MOST = 10_000


@click.group("claims")
def command() -> None:
    """List accounts that wait to be claimed, and send or show their links.

    Imported accounts have no password: a link, good for an hour, lets their owners choose one.
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_unclaimed(as_json: bool) -> None:
    """List the accounts that nobody claimed yet."""
    _set_up()
    found = _waiting()[:_MOST]
    if as_json:
        click.echo(json.dumps([{"id": str(one.pk), "username": one.username, "email": one.email} for one in found]))
        return
    for one in found:
        click.echo(f"{one.username}  {one.email or 'no address'}")
    if not found:
        click.echo("every account is claimed")


@command.command("send")
@click.argument("names", nargs=-1)
@click.option("--all", "everybody", is_flag=True, help="Everybody whose account waits.")
def send(names: tuple[str, ...], everybody: bool) -> None:
    """Send the mail with the link again, to accounts named by user name or address."""
    _set_up()
    from django.conf import settings

    from vedette.core import clock
    from vedette.mail.claims import send_claims

    if bool(names) == everybody:
        raise RuleBroken("name accounts, or say --all")
    if not settings.VEDETTE.sends_mail:
        raise RuleBroken("this server sends no mail: set VEDETTE_MAIL_URL, or use vedette claims link")
    chosen = [one.pk for one in _waiting()] if everybody else [one.pk for name in names for one in _named(name)]
    sent = send_claims(chosen, clock.now())
    click.echo(f"{sent} mail{'' if sent == 1 else 's'} on the way")


@command.command("link")
@click.argument("name")
def link(name: str) -> None:
    """Print a fresh link for one account. Whoever has it can take the account over: hand it on with care."""
    _set_up()
    from vedette.core import clock
    from vedette.mail.claims import claim_url

    found = _named(name)
    if len(found) > 1:
        raise RuleBroken(f"several accounts share this address: {', '.join(one.username for one in found)}")
    click.echo(claim_url(found[0], clock.now()))


def _set_up() -> None:
    import django

    django.setup()
    from vedette.cli.migrate import ensure_migrated

    ensure_migrated()


def _waiting() -> "list[User]":
    from vedette.accounts.models import User

    return list(User.objects.active().filter(is_unclaimed=True).order_by("username"))


def _named(name: str) -> "list[User]":
    """Raises `RuleBroken` when nobody of this name waits. An exact user name goes before an address."""
    from vedette.accounts.claims import unclaimed_named
    from vedette.accounts.models import User

    found = list(User.objects.filter(pk__in=unclaimed_named(name)).order_by("username"))
    exact = [one for one in found if one.username == name]
    if not found:
        raise RuleBroken(f"no account {name!r} waits to be claimed")
    return exact or found
