"""How far a project has come in telling of its releases.

Source: the release specification, 15.6.
"""

from collections.abc import Callable
from typing import TypedDict

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import ProjectEndpoint
from vedette.api.operations import RELEASE_READ, Operation, operation
from vedette.issues.models import Group
from vedette.projects.models import Project
from vedette.releases.models import Deploy, ReleaseCommit, Repository
from vedette.releases.ordering import releases_of

DONE_SECONDS, NOT_DONE_SECONDS = 3600, 60
NEWEST_RELEASES = 1000


class SetupStep(TypedDict):
    """One thing to do, and whether it is done."""

    step: str
    complete: bool


def _has_commits(project: Project) -> bool:
    newest = releases_of(project.pk).order_by("-sort_date", "-pk").values_list("pk", flat=True)[:NEWEST_RELEASES]
    return ReleaseCommit.objects.filter(release__in=list(newest)).exists()


STEPS: dict[str, Callable[[Project], bool]] = {
    "tag": lambda project: Group.objects.filter(project=project, first_release__isnull=False).exists(),
    "repo": lambda project: Repository.objects.filter(organization=project.organization_id).exists(),
    "commit": _has_commits,
    "deploy": lambda project: Deploy.objects.filter(organization_id=project.organization_id).exists(),
}


class ProjectReleaseCompletion(ProjectEndpoint):
    """What a project still lacks to make the most of its releases."""

    tag = "Releases"

    @operation(Operation("getProjectReleaseCompletion", RELEASE_READ, answers=list[SetupStep]))
    def get(self, request: Request) -> Response:
        """Whether events name releases, the organization has a repository, releases have commits, and deploys are told.

        What is done is remembered for an hour, what is not for a minute.
        """
        return Response([SetupStep(step=step, complete=_is_done(step, self.project)) for step in STEPS])


def _is_done(step: str, project: Project) -> bool:
    key = f"release-setup:{project.pk}:{step}"
    known = cache.get(key)
    if known is None:
        known = STEPS[step](project)
        cache.set(key, known, DONE_SECONDS if known else NOT_DONE_SECONDS)
    return bool(known)
