"""`vedette repository`: where the commits of releases are fetched from."""

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from vedette.orgs.models import Organization
    from vedette.releases.models import Repository

ORG = click.option("--org", required=True, metavar="SLUG", help="The organization that it belongs to.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")


@click.group("repository")
def command() -> None:
    """Say where the commits of a repository are fetched from."""


@command.command("add")
@click.argument("name")
@click.argument("path", type=click.Path(file_okay=False, resolve_path=True), required=False)
@ORG
@click.option("--url", metavar="URL", help="Where it is cloned from: `sentry-cli` knows a checkout by that (--auto).")
@click.option("--provider", type=click.Choice(["github", "gitlab"]), help="It is hosted there, and has no PATH.")
@click.option("--identifier", metavar="OWNER/NAME", help="Its name at the host, where it is not NAME.")
@click.option("--host-url", metavar="URL", help="The host, where it is not the public one.")
@click.option(
    "--token-file", type=click.File(), metavar="FILE", help="A file that holds a token for the host; - reads it."
)
@JSON
def add(name: str, path: str | None, org: str, url: str | None, as_json: bool, **hosted: Any) -> None:
    """Have the commits of the repository NAME fetched: from the git repository in the directory PATH, or from a host.

    The directory has to lie below one of VEDETTE_GIT_ROOTS. A repository that is there already keeps its commits.
    """
    if (path is None) == (hosted["provider"] is None):
        raise click.UsageError("Say either PATH or --provider.")
    if path is None and url is not None:
        raise click.UsageError("--url is for a repository with a PATH; a host knows its address.")
    organization = _organization(org)
    if path is None:
        row, is_new = _set_up_hosted(organization, name, **hosted)
    else:
        from django.conf import settings

        from vedette.shipping.repositories import set_up_local

        row, is_new = set_up_local(organization, name, path, settings.VEDETTE.git_roots, url)
    if as_json:
        shown = {"path": path} if path else {"provider": row.provider}
        click.echo(json.dumps({"id": str(row.pk), "name": row.name, **shown, "url": row.url, "new": is_new}))
    else:
        click.echo(f"commits of {row.name} are fetched from {path or row.url}")


@command.command("check")
@click.argument("name")
@ORG
@JSON
def check(name: str, org: str, as_json: bool) -> None:
    """Ask the host of the repository NAME for it, with the token that it was given. Exit status 1: it was not shown."""
    from vedette.core.errors import RuleBroken

    organization = _organization(org)

    from django.conf import settings

    from vedette.shipping.hosting import look
    from vedette.shipping.refs import active_repositories

    row = active_repositories(organization.pk, {name}).get(name)
    if row is None:
        raise RuleBroken({"name": [f"there is no repository {name!r}"]})
    looked = look(row, settings.VEDETTE)
    click.echo(json.dumps({"ok": looked.is_there, "detail": looked.sentence}) if as_json else looked.sentence)
    raise SystemExit(0 if looked.is_there else 1)


def _organization(slug: str) -> "Organization":
    import django

    django.setup()
    from vedette.cli.migrate import ensure_migrated
    from vedette.core.errors import RuleBroken
    from vedette.orgs.models import Organization

    ensure_migrated()
    organization = Organization.objects.filter(slug=slug).first()
    if organization is None:
        raise RuleBroken({"org": [f"there is no organization {slug!r}"]})
    return organization


def _set_up_hosted(
    organization: "Organization",
    name: str,
    *,
    provider: str,
    identifier: str | None,
    host_url: str | None,
    token_file: Any,
) -> "tuple[Repository, bool]":
    from django.conf import settings

    from vedette.core import clock
    from vedette.shipping.hosting import HostedWish, set_up_hosted
    from vedette.shipping.sender import Sender

    token = token_file.read(10_000).strip() if token_file else None
    wish = HostedWish(provider, identifier or name, name, host_url or "", token)
    return set_up_hosted(organization, wish, settings.VEDETTE, by=Sender(label="vedette repository"), now=clock.now())
