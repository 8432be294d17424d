"""Deploys. Source: the release specification, 6.3."""

from collections.abc import Iterable
from typing import TypedDict

from vedette.api.shapes.base import Moment, z
from vedette.core.clock import as_z
from vedette.releases.models import Deploy


class DeployShape(TypedDict):
    """A release that reached an environment."""

    id: str
    environment: str
    dateStarted: Moment | None
    dateFinished: Moment
    name: str | None
    url: str | None


def as_deploy(deploy: Deploy) -> DeployShape:
    """One deploy, with its environment at hand."""
    return {
        "id": str(deploy.pk),
        "environment": deploy.environment.name,
        "dateStarted": z(deploy.date_started),
        "dateFinished": as_z(deploy.date_finished),
        "name": deploy.name,
        "url": deploy.url,
    }


def deploys_by_id(ids: Iterable[int | None]) -> dict[int, DeployShape]:
    """Deploys by their ids, in one query; None and what is gone are left out."""
    wanted = {pk for pk in ids if pk}
    if not wanted:
        return {}
    rows = Deploy.objects.filter(pk__in=wanted).select_related("environment")
    return {deploy.pk: as_deploy(deploy) for deploy in rows}
