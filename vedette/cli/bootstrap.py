"""`vedette bootstrap`: from an empty server to keys in one command that scripts may repeat.

Tokens are stored as hashes and cannot be read back, so each run makes a new pair, named for the project, and removes
the pair that an earlier run made for the same person and project.
"""

import json
import secrets
from typing import TYPE_CHECKING, Any

import click

from vedette.core import runtime
from vedette.settings import Settings

if TYPE_CHECKING:
    from vedette.accounts.models import User
    from vedette.orgs.models import Organization
    from vedette.projects.models import Project


@click.command("bootstrap")
@click.option("--org", required=True, metavar="SLUG", help="The organization; made if it is missing.")
@click.option("--project", required=True, metavar="SLUG", help="Its project; made if it is missing.")
@click.option("--email", required=True, help="The owner; made if they are missing.")
@click.option("--password", help="For a new owner; without it one is made and printed. An existing one keeps theirs.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def command(org: str, project: str, email: str, password: str | None, as_json: bool) -> None:
    """Make an owner, an organization and a project where they are missing, and print how to reach them.

    Works with the server running or stopped. Each run makes new tokens and removes those of the run before
    for the same project.
    """
    import django

    django.setup()
    from django.conf import settings

    from vedette.cli.alone import alone
    from vedette.cli.migrate import ensure_migrated

    ensure_migrated()
    with alone("bootstrap", settings.VEDETTE.runtime_file.parent):  # two at once would make the same things
        printed = bootstrap(org, project, email, password, server_url(settings.VEDETTE))
    if as_json:
        click.echo(json.dumps(printed))
        return
    for name, value in printed.items():
        click.echo(f"{name + ':':16} {value}")


def bootstrap(org: str, project: str, email: str, password: str | None, url: str) -> dict[str, Any]:
    """Make what is missing, and give what is printed. Raises `RuleBroken` for a bad slug or address."""
    from django.db import transaction

    from vedette.projects.services import create_key, default_key, dsn_of

    with transaction.atomic():
        user, new_password = _user(email, password)
        organization = _organization(org, user)
        found = _project(organization, project, user)
        key = default_key(found) or create_key(found, by=user)
        auth_token, org_auth_token = _tokens(user, organization, found.slug, url)
    printed: dict[str, Any] = {
        "url": url,
        "dsn": dsn_of(key, url),
        "organization": organization.slug,
        "project": found.slug,
        "project_id": str(found.pk),
        "email": user.email,
    }
    if new_password:
        printed["password"] = new_password
    return {**printed, "auth_token": auth_token, "org_auth_token": org_auth_token}


def server_url(settings: Settings) -> str:
    """The external address: of the server that runs on this data, else as the settings say."""
    server = runtime.server_of(settings.runtime_file)
    return (server.url if server else "") or settings.url


def _user(email: str, password: str | None) -> "tuple[User, str | None]":
    """The person with this address, and the password of one who had to be made."""
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email

    from vedette.accounts.models import User
    from vedette.accounts.users import create_user, find_user
    from vedette.core.errors import RuleBroken

    found = find_user(email)
    if found:
        return found, None
    try:
        validate_email(email)
    except ValidationError as error:
        raise RuleBroken({"email": error.messages}) from error
    password = password or secrets.token_urlsafe(12)
    is_first = not User.objects.exists()
    return create_user(email, password, superuser=is_first, verified=True), password


def _organization(slug: str, owner: "User") -> "Organization":
    from vedette.orgs.models import Organization, OrganizationMember
    from vedette.orgs.services import add_member, create_organization

    organization = Organization.objects.filter(slug=slug).first()
    if organization is None:
        return create_organization(slug, slug, owner)
    if not OrganizationMember.objects.filter(organization=organization, user_id=owner.pk).exists():
        add_member(organization, owner, "owner", teams=organization.teams.filter(slug=slug), by=owner)
    return organization


def _project(organization: "Organization", slug: str, by: "User") -> "Project":
    from vedette.projects.models import Project
    from vedette.projects.services import create_project

    found = Project.objects.filter(organization=organization, slug=slug).first()
    team = organization.teams.order_by("date_added", "id").first()
    return found or create_project(organization, slug, slug, team=team, by=by)


def _tokens(user: "User", organization: "Organization", project: str, url: str) -> tuple[str, str]:
    from vedette.accounts.models import ApiToken
    from vedette.accounts.tokens import create_user_token
    from vedette.orgs.models import OrgAuthToken
    from vedette.orgs.roles import ALL_SCOPES
    from vedette.orgs.tokens import create_org_token

    name = f"bootstrap {organization.slug}/{project}"
    older_users = ApiToken.objects.filter(user=user, name=name)
    older_orgs = OrgAuthToken.objects.filter(organization_id=organization.pk, name=name, created_by=user)
    older_users.delete()
    older_orgs.delete()
    _, auth_token = create_user_token(user, ALL_SCOPES, name=name)
    _, org_auth_token = create_org_token(organization, url, name=name, by=user)
    return auth_token, org_auth_token
