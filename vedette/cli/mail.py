"""`vedette mail`: whether mail can be sent."""

import click

from vedette.core.errors import RuleBroken


@click.group("mail")
def command() -> None:
    """Try the mail server that VEDETTE_MAIL_URL names."""


@command.command("test")
@click.argument("address")
def test(address: str) -> None:
    """Send one message to ADDRESS at once, and say what the mail server made of it.

    Exit status 1: it was not taken; one line says why.
    """
    import django

    django.setup()
    from django.conf import settings
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email

    from vedette.core.addresses import DEFAULT_SENDER
    from vedette.mail.proof import send_proof

    try:
        validate_email(address)
    except ValidationError as error:
        raise RuleBroken({"address": error.messages}) from error
    took = send_proof(address)
    click.echo(f"{took} took a message for {address}, from {settings.DEFAULT_FROM_EMAIL}")
    if settings.DEFAULT_FROM_EMAIL == DEFAULT_SENDER:
        click.echo("Add ?from=ADDRESS to VEDETTE_MAIL_URL: mail from this sender counts as spam.", err=True)
