"""Telling whoever listens that there is a new deploy: `deploy.created` of the field's webhooks.

It is told in the transaction that writes the deploy, so that whoever listens can write down there what follows, and
a deploy that is not kept is not told. Listeners write rows, and do nothing else: what they raise is raised to whoever
told of the deploy. Sources: the release specification, 11.2, step 7; the issue workflow specification, for the
transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.dispatch import Signal

from vedette.projects.models import Project
from vedette.releases.models import Deploy
from vedette.shipping.links import release_url

deploy_created = Signal()  # created: a DeployCreated


@dataclass(frozen=True, slots=True)
class ProjectTold:
    """A project that a release or a deploy is about."""

    id: int
    slug: str


@dataclass(frozen=True, slots=True)
class DeployCreated:
    """A new deploy. Moments are aware; `web_url` is the page of the release in the deploy's environment."""

    deploy_id: int
    organization_id: int
    release_id: int
    version: str
    environment: str
    name: str | None
    url: str | None
    date_started: datetime | None
    date_finished: datetime
    projects: tuple[ProjectTold, ...]
    web_url: str


def tell(deploy: Deploy, projects: Sequence[Project]) -> None:
    """This deploy was made just now. Only in its transaction."""
    release, environment = deploy.release, deploy.environment.name
    created = DeployCreated(
        deploy_id=deploy.pk,
        organization_id=release.organization_id,
        release_id=release.pk,
        version=release.version,
        environment=environment,
        name=deploy.name,
        url=deploy.url,
        date_started=deploy.date_started,
        date_finished=deploy.date_finished,
        projects=tuple(ProjectTold(each.pk, each.slug) for each in projects),
        web_url=release_url(release.organization, release.version, environment),
    )
    deploy_created.send(sender=None, created=created)
