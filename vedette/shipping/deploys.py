"""Deploys: a release reached an environment, and what follows from that.

Deploys of one release are written one after the other (its row is locked), so that "the last deploy" is the one that
finished last, whoever comes last. Rows are taken in the order in which the digest takes them: environments, the
release, where it was seen. Source: the release specification, section 11.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from vedette.issues.models import Activity, ActivityType
from vedette.orgs.audit import AuditEvent, record
from vedette.projects.models import Environment, EnvironmentProject, Project
from vedette.releases.models import (
    Deploy,
    DeployProject,
    LatestRelease,
    Release,
    ReleaseCommit,
    ReleaseHeadCommit,
    ReleaseProject,
    ReleaseProjectEnvironment,
)
from vedette.shipping.deploymail import tell_people
from vedette.shipping.deploytold import tell
from vedette.shipping.fetchqueue import awaits_fetch
from vedette.shipping.sender import Sender

IDENT_LENGTH = 64


@dataclass(frozen=True, slots=True)
class DeployInput:
    """A deploy as somebody tells of it. Without `date_finished` it finished just now."""

    environment: str
    name: str | None = None
    url: str | None = None
    date_started: datetime | None = None
    date_finished: datetime | None = None


def create_deploy(
    release: Release,
    wish: DeployInput,
    projects: Sequence[Project],
    *,
    by: Sender,
    now: datetime,
) -> Deploy | None:
    """Write down that `release` reached an environment of `projects`, which are its own; announce it if it is ready.

    None if the release was deleted meanwhile.
    """
    with transaction.atomic():
        environment = _environment(release, wish.environment, projects)
        if not lock(release):
            return None
        deploy = Deploy.objects.create(
            organization_id=release.organization_id,
            release=release,
            environment=environment,
            date_finished=wish.date_finished or now,
            date_started=wish.date_started,
            name=wish.name,
            url=wish.url,
        )
        DeployProject.objects.bulk_create(DeployProject(deploy=deploy, project_id=each.pk) for each in projects)
        Release.objects.filter(pk=release.pk).update(total_deploys=Coalesce(F("total_deploys"), 0) + 1)
        _note_last(deploy, projects, now)
        record_latest(release, [deploy])
        tell(deploy, projects)
        announce(deploy, now)
        record(
            AuditEvent.DEPLOY_CREATE,
            release.organization,
            by=by.user,
            label=by.label,
            target=deploy.pk,
            data={"version": release.version, "environment": wish.environment, "name": wish.name},
            ip_address=by.ip_address,
        )
    release.refresh_from_db(fields=["total_deploys", "last_deploy_id"])
    return deploy


def lock(release: Release) -> bool:
    """Keep other deploys of the release, and the end of a fetch of its commits, waiting until the transaction ends.

    False if the release is gone. Events of the release do not wait.
    """
    return Release.objects.select_for_update(no_key=True).filter(pk=release.pk).first() is not None


def latest_deploys(release: Release, projects: Collection[Project]) -> QuerySet[Deploy]:
    """The last deploy to each environment of each of `projects`, each once, newest first."""
    seen = ReleaseProjectEnvironment.objects.filter(release=release, project__in=projects)
    return _newest_first(release).filter(pk__in=seen.exclude(last_deploy_id=None).values("last_deploy_id"))


def deploys_of(release: Release, projects: Collection[Project]) -> QuerySet[Deploy]:
    """All deploys that are about one of `projects`, newest first."""
    about = DeployProject.objects.filter(deploy__release=release, project_id__in=[each.pk for each in projects])
    return _newest_first(release).filter(pk__in=about.values("deploy_id"))


def record_latest(release: Release, deploys: Collection[Deploy]) -> None:
    """Note for the repositories of the release's head commits that it is what runs where `deploys` went.

    A deploy that finished later keeps its place, of whichever release. Only in a transaction.
    """
    heads = list(ReleaseHeadCommit.objects.filter(release=release).order_by("repository_id"))
    if not heads or not deploys:
        return
    last: dict[int, Deploy] = {}
    for deploy in sorted(deploys, key=_age):
        last[deploy.environment_id] = deploy
    for environment_id, deploy in sorted(last.items()):
        LatestRelease.objects.bulk_create(
            [
                LatestRelease(
                    repository_id=head.repository_id,
                    environment_id=environment_id,
                    release=release,
                    deploy=deploy,
                    commit_id=head.commit_id,
                )
                for head in heads
            ],
            ignore_conflicts=True,
        )
        _replace(environment_id, deploy, {head.repository_id: head.commit_id for head in heads})


def announce(deploy: Deploy, now: datetime) -> bool:
    """Write a deploy into the history of each of its release's projects and have people told of it, once; True if that
    happened now.

    While the commits of a release that has none yet are still to be fetched it waits: the fetch calls again. A release
    without projects has no history to write into, and its deploys stay unannounced.
    """
    release = deploy.release
    if awaits_fetch(release) and not ReleaseCommit.objects.filter(release=release).exists():
        return False
    with transaction.atomic():
        projects = list(ReleaseProject.objects.filter(release=release).order_by("project_id").values_list("project_id"))
        if not projects or not Deploy.objects.filter(pk=deploy.pk, notified=False).update(notified=True):
            return False
        data = {"version": release.version, "deploy_id": deploy.pk, "environment": deploy.environment.name}
        Activity.objects.bulk_create(
            Activity(
                project_id=project_id,
                type=ActivityType.DEPLOY,
                ident=release.version[:IDENT_LENGTH],
                data=data,
                datetime=deploy.date_finished,
            )
            for (project_id,) in projects
        )
        tell_people(deploy, now)
    deploy.notified = True
    return True


def _environment(release: Release, name: str, projects: Collection[Project]) -> Environment:
    environment, _ = Environment.objects.get_or_create(organization_id=release.organization_id, name=name)
    EnvironmentProject.objects.bulk_create(
        [EnvironmentProject(project=each, environment=environment) for each in sorted(projects, key=_pk)],
        ignore_conflicts=True,
    )
    return environment


def _note_last(deploy: Deploy, projects: Collection[Project], now: datetime) -> None:
    """Make it the last deploy of its release, and there of each project, unless another one finished later."""
    later = Deploy.objects.filter(pk=OuterRef("last_deploy_id"), release_id=deploy.release_id).filter(
        Q(date_finished__gt=deploy.date_finished) | Q(date_finished=deploy.date_finished, pk__gt=deploy.pk)
    )
    Release.objects.filter(~Exists(later), pk=deploy.release_id).update(last_deploy_id=deploy.pk)
    where = {"release_id": deploy.release_id, "environment_id": deploy.environment_id}
    ReleaseProjectEnvironment.objects.bulk_create(
        [
            ReleaseProjectEnvironment(project=each, first_seen=now, last_seen=now, **where)
            for each in sorted(projects, key=_pk)
        ],
        ignore_conflicts=True,
    )
    rows = ReleaseProjectEnvironment.objects.filter(~Exists(later), project__in=projects, **where)
    rows.update(last_deploy_id=deploy.pk)


def _replace(environment_id: int, deploy: Deploy, commits: dict[int, int]) -> None:
    """Put `deploy` where an older one is recorded, with its commits by repository."""
    rows = LatestRelease.objects.select_for_update(of=("self",)).filter(
        environment_id=environment_id, repository__in=list(commits)
    )
    for row in rows.select_related("deploy").order_by("repository_id"):
        if row.deploy is None or _age(row.deploy) <= _age(deploy):
            row.release_id, row.deploy, row.commit_id = deploy.release_id, deploy, commits[row.repository_id]
            row.save(update_fields=["release", "deploy", "commit"])


def _newest_first(release: Release) -> QuerySet[Deploy]:
    return Deploy.objects.filter(release=release).select_related("environment").order_by("-date_finished", "-pk")


def _age(deploy: Deploy) -> tuple[datetime, int]:
    return deploy.date_finished, deploy.pk


def _pk(project: Project) -> int:
    return project.pk
