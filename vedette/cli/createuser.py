"""`vedette createuser`."""

import json
import sys

import click


@click.command("createuser")
@click.option("--email", required=True, help="Their address, by which they sign in.")
@click.option("--password", help="Asked for, twice, when it is missing and somebody is there to answer.")
@click.option("--no-password", is_flag=True, help="Nobody can sign in until a password is set.")
@click.option("--name", default="", help="What pages call them.")
@click.option("--superuser", is_flag=True, help="They own everything on this server.")
@click.option("--org", metavar="SLUG", help="Make them a member of this organization.")
@click.option("--role", default="member", show_default=True, help="Their role there: member, admin, manager or owner.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(
    email: str,
    password: str | None,
    no_password: bool,
    name: str,
    superuser: bool,
    org: str | None,
    role: str,
    as_json: bool,
) -> None:
    """Make a user, and put them into an organization if one is given."""
    import django

    django.setup()
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email
    from django.db import transaction

    from vedette.accounts.users import create_user
    from vedette.cli.migrate import ensure_migrated
    from vedette.core.errors import RuleBroken
    from vedette.orgs.models import Organization
    from vedette.orgs.services import add_member

    try:
        validate_email(email)
    except ValidationError as error:
        raise RuleBroken({"email": error.messages}) from error
    if not password and not no_password:
        if not sys.stdin.isatty():
            raise click.UsageError("give --password or --no-password: nobody is here to be asked")
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    ensure_migrated()
    _check(password, email)
    with transaction.atomic():
        user = create_user(email, password, name=name, superuser=superuser, verified=True)
        if org:
            organization = Organization.objects.filter(slug=org).first()
            if organization is None:
                raise RuleBroken({"org": [f"there is no organization {org!r}"]})
            add_member(organization, user, role)
    if as_json:
        click.echo(json.dumps({"id": str(user.pk), "email": user.email, "superuser": superuser, "organization": org}))
    else:
        click.echo(f"made {user.email}" + (f", {role} of {org}" if org else ""))


def _check(password: str | None, email: str) -> None:
    """The same rules as on the pages. Raises `RuleBroken`."""
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    from vedette.accounts.models import User
    from vedette.core.errors import RuleBroken

    if password is None:
        return
    try:
        validate_password(password, User(username=email, email=email))
    except ValidationError as error:
        raise RuleBroken({"password": error.messages}) from error
