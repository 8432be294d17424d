"""`vedette factors`: the authenticator apps that sign-in asks for codes of."""

from typing import TYPE_CHECKING

import click

from vedette.core.errors import RuleBroken

if TYPE_CHECKING:
    from vedette.accounts.models import User


@click.group("factors")
def command() -> None:
    """Show and remove the authenticator app of an account.

    Sign-in asks for its code, or for a recovery code. Somebody who has neither any more gets in again by the password
    alone once the app is removed.
    """


@command.command("list")
@click.argument("name")
def list_factors(name: str) -> None:
    """Say whether an account, named by user name or address, has an authenticator app, and how many recovery codes."""
    _set_up()
    from vedette.accounts.factors import factor_of
    from vedette.accounts.recovery import left_of

    for user in named(name):
        factor = factor_of(user)
        since = f"authenticator app, since {factor.created_at:%Y-%m-%d}" if factor else "no authenticator app"
        codes = f"; {left_of(user)} recovery codes left" if factor else ""
        click.echo(f"{user.username}  {since}{codes}")


@command.command("remove")
@click.argument("name")
def remove_factor(name: str) -> None:
    """Remove the authenticator app of one account and its recovery codes: from now on its password alone opens it.

    Whoever has the account is told by mail.
    """
    _set_up()
    from django.db import transaction

    from vedette.accounts.factors import remove
    from vedette.core import clock
    from vedette.mail.security import News, tell

    user = the_one_named(name)
    with transaction.atomic():
        if not remove(user):
            raise RuleBroken(f"{user.username} has no authenticator app")
        tell(user, News.APP_REMOVED, clock.now())
    click.echo(f"the authenticator app of {user.username} is removed")


def _set_up() -> None:
    import django

    django.setup()
    from vedette.cli.migrate import ensure_migrated

    ensure_migrated()


def the_one_named(name: str) -> "User":
    """Raises `RuleBroken` unless there is exactly one account of this name."""
    found = named(name)
    if len(found) > 1:
        raise RuleBroken(f"several accounts share this address: {', '.join(one.username for one in found)}")
    return found[0]


def named(name: str) -> "list[User]":
    """Raises `RuleBroken` when there is nobody of this name. An exact user name goes before an address."""
    from django.db.models import Q

    from vedette.accounts.models import User

    found = list(User.objects.filter(Q(username__iexact=name) | Q(email__iexact=name)).order_by("username")[:20])
    if not found:
        raise RuleBroken(f"there is no account {name!r}")
    return [one for one in found if one.username == name] or found
