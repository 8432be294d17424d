"""`vedette factors`: the authenticator apps that sign-in asks for codes of."""

from typing import TYPE_CHECKING

import click

from vedette.core.errors import RuleBroken

if TYPE_CHECKING:
    from vedette.accounts.models import User


@click.group("factors")
def command() -> None:
    """Show and remove the authenticator app of an account.

    Sign-in asks for its code. Somebody who lost the phone gets in again by the password alone once it is removed.
    """


@command.command("list")
@click.argument("name")
def list_factors(name: str) -> None:
    """Say whether an account, named by user name or address, has an authenticator app."""
    _set_up()
    from vedette.accounts.factors import factor_of

    for user in _named(name):
        factor = factor_of(user)
        since = f"authenticator app, since {factor.created_at:%Y-%m-%d}" if factor else "no authenticator app"
        click.echo(f"{user.username}  {since}")


@command.command("remove")
@click.argument("name")
def remove_factor(name: str) -> None:
    """Remove the authenticator app of one account: from now on its password alone opens it."""
    _set_up()
    from vedette.accounts.factors import remove

    found = _named(name)
    if len(found) > 1:
        raise RuleBroken(f"several accounts share this address: {', '.join(one.username for one in found)}")
    if not remove(found[0]):
        raise RuleBroken(f"{found[0].username} has no authenticator app")
    click.echo(f"the authenticator app of {found[0].username} is removed")


def _set_up() -> None:
    import django

    django.setup()
    from vedette.cli.migrate import ensure_migrated

    ensure_migrated()


def _named(name: str) -> "list[User]":
    """Raises `RuleBroken` when there is nobody of this name. An exact user name goes before an address."""
    from django.db.models import Q

    from vedette.accounts.models import User

    found = list(User.objects.filter(Q(username__iexact=name) | Q(email__iexact=name)).order_by("username")[:20])
    if not found:
        raise RuleBroken(f"there is no account {name!r}")
    return [one for one in found if one.username == name] or found
