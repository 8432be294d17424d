"""`vedette password`: for people who forgot theirs, where no mail is sent or none arrives."""

import click

from vedette.core.errors import RuleBroken


@click.group("password")
def command() -> None:
    """Make a link by which somebody chooses a new password.

    Where this server sends mail, people ask for one themselves on the sign-in page.
    """


@command.command("link")
@click.argument("name")
def link(name: str) -> None:
    """Print a fresh link for one account, named by user name or address. It is good for an hour, and once.

    Whoever has it can take the account over, but for the code of its authenticator app: hand it on with care.
    """
    import django

    django.setup()
    from vedette.accounts.passwords import may_choose
    from vedette.cli.factors import the_one_named
    from vedette.cli.migrate import ensure_migrated
    from vedette.core import clock
    from vedette.mail.passwords import password_url

    ensure_migrated()
    user = the_one_named(name)
    if user.is_unclaimed:
        raise RuleBroken(f"{user.username} is not claimed yet: use vedette claims link")
    if not may_choose(user):
        raise RuleBroken(f"nobody signs in to {user.username}: it is deactivated, or a program's")
    click.echo(password_url(user, clock.now()))
