"""Deploys of a release: the list, and telling of a new one.

Source: the release specification, 5.4 and section 11.
"""

from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.bodies import FormOrJsonBody, Wish, read
from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.filters import projects
from vedette.api.operations import PAGING, PROJECT, RELEASE_READ, RELEASE_WRITE, Operation, Parameter, operation
from vedette.api.paging import by_number
from vedette.api.releasereach import readable_release, writable_release
from vedette.api.releasewrites import sender_of
from vedette.api.shapes.deploys import DeployShape, as_deploy
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.orgs.access import Access
from vedette.projects.access import reachable_projects
from vedette.projects.models import ObjectStatus, Project
from vedette.releases.models import Release
from vedette.shipping.deploys import DeployInput, create_deploy, deploys_of, latest_deploys

ALL = Parameter(
    "all", "`1` lists every deploy; by default only the last one to each environment of a project.", choices=("0", "1")
)
LONGEST_NAME = 64
LONGEST_URL = 500


class InvalidProjects(APIException):
    """Projects that the release does not belong to."""

    status_code = 400

    def __init__(self, slugs: list[str], version: str) -> None:
        super().__init__(
            {
                "code": "parameter-validation-error",
                "message": f"Invalid projects ({', '.join(slugs)}) for release {version}",
                "extra": {"context": ""},
            }
        )


class DeployWish(Wish):
    """What a caller tells of a deploy."""

    environment = serializers.CharField(max_length=LONGEST_NAME)
    name = serializers.CharField(max_length=LONGEST_NAME, required=False, allow_null=True, allow_blank=True)
    url = serializers.URLField(max_length=LONGEST_URL, required=False, allow_null=True, allow_blank=True)
    dateStarted = serializers.DateTimeField(required=False, allow_null=True)
    dateFinished = serializers.DateTimeField(required=False, allow_null=True, help_text="By default now.")
    projects = serializers.ListField(
        child=serializers.JSONField(allow_null=True),  # refused with the others that name no project
        required=False,
        allow_empty=False,
        help_text="Slugs or ids; by default all projects of the release.",
    )

    def validate_environment(self, value: str) -> str:
        """A name that fits into a path and on a line."""
        if any(character in value for character in "\n\r\f/"):
            raise serializers.ValidationError("Invalid value for environment")
        return value


class DeployList(OrganizationEndpoint):
    """The deploys of a release."""

    tag = "Releases"
    parser_classes = [FormOrJsonBody]

    @operation(Operation("listReleaseDeploys", RELEASE_READ, query=(ALL, *PROJECT, *PAGING), answers=list[DeployShape]))
    def get(self, request: Request) -> Response:
        """The last deploy of the release to each environment of each project, newest first."""
        query = request.query_params
        view = projects(query, self.access)
        release = readable_release(self.access, self.path["version"], view)
        page = by_number(deploys_of(release, view) if _is_on(query, "all") else latest_deploys(release, view), query)
        return self.paged(page, [as_deploy(deploy) for deploy in page.rows])

    @operation(Operation("createReleaseDeploy", RELEASE_WRITE, takes=DeployWish, answers=DeployShape, statuses=(201,)))
    def post(self, request: Request) -> Response:
        """Tell that the release reached an environment.

        The caller has to reach every project of the release.
        """
        release = writable_release(self.access, self.path["version"])
        wish = read(DeployWish, request.data)
        deploy = create_deploy(
            release,
            DeployInput(
                environment=wish["environment"],
                name=wish.get("name"),
                url=wish.get("url"),
                date_started=wish.get("dateStarted"),
                date_finished=wish.get("dateFinished"),
            ),
            _projects_of(release, wish.get("projects"), self.access),
            by=sender_of(self, request),
            now=clock.now(),
        )
        if deploy is None:
            raise NotFound
        return Response(as_deploy(deploy), status=201)


def _is_on(query: QueryDict, name: str) -> bool:
    return query.get(name) == "1"


def _projects_of(release: Release, names: list[Any] | None, access: Access) -> list[Project]:
    """The projects that a deploy is about, each once. Raises `RuleBroken`, and `InvalidProjects` for others."""
    linked = {link.project_id for link in release.project_links.all()}
    active = Project.objects.filter(organization=access.organization, status=ObjectStatus.ACTIVE)
    if names is None:
        return list(active.filter(pk__in=linked).order_by("pk"))
    known: dict[str, Project] = {}
    for project in active:
        known |= {str(project.pk): project, project.slug: project}
    reached = set(reachable_projects(access).values_list("pk", flat=True))
    named = dict.fromkeys(_project(name, known, reached) for name in names)
    strangers = [project.slug for project in named if project.pk not in linked]
    if strangers:
        raise InvalidProjects(strangers, release.version)
    return list(named)


def _project(name: Any, known: dict[str, Project], reached: set[int]) -> Project:
    """The project with this slug or id. Errors carry no index: the first one stands for the list."""
    project = known.get(str(name)) if isinstance(name, str | int) and not isinstance(name, bool) else None
    if project is None:
        raise RuleBroken({"projects": ["Invalid project"]})
    if project.pk not in reached:
        raise RuleBroken({"projects": ["Insufficient access to project"]})
    return project
