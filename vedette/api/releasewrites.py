"""Making, changing and deleting releases, as the organization's and the projects' endpoints do it.

Source: the release specification, sections 3, 7, 8 and 16.
"""

from collections.abc import Sequence

from django.db.models import Q
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.accounts.models import User
from vedette.api.authentication import Kind
from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.errors import InsufficientScope
from vedette.api.filters import projects as projects_of
from vedette.api.operations import ORG_ADMIN, Parameter
from vedette.api.release_bodies import Read
from vedette.api.shapes.releases import ReleaseShape, as_release
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.orgs.models import InviteStatus, OrganizationMember, OrgAuthToken
from vedette.projects.access import reachable_projects
from vedette.projects.models import Project
from vedette.releases.models import Release
from vedette.shipping.commits import UnknownRelease
from vedette.shipping.create import ReleaseSaid, create_release, update_release
from vedette.shipping.sender import Sender

MERGE = Parameter("merge", "`1` keeps the commits of repositories that are not named.", choices=("0", "1"))
FORCE = Parameter(
    "force",
    "`1` also deletes what issues began in or what has sessions; needs `org:admin`.",
    choices=("0", "1"),
)
INVALID_PROJECTS = {"projects": ["Invalid project ids or slugs"]}
_CREDENTIALS = {
    Kind.USER_TOKEN: "user_auth_token",
    Kind.ORGANIZATION_TOKEN: "org_auth_token",
    Kind.HOOK: "api_key",
}
_MAX_ID = 2**63 - 1


def sender_of(endpoint: OrganizationEndpoint, request: Request, longest_agent: int | None = None) -> Sender:
    """Who asks, with which credential and program."""
    caller = endpoint.caller
    return Sender(
        user=caller.user,
        label=caller.label,
        credential=_CREDENTIALS.get(caller.kind),
        user_agent=request.META.get("HTTP_USER_AGENT", "").replace("\0", "")[:longest_agent],
        ip_address=endpoint.address,
    )


def create(
    endpoint: OrganizationEndpoint, request: Request, body: Read, projects: Sequence[Project], *, of_project: bool
) -> Response:
    """Make the release that a checked body asks for, or extend it: 201 when something was made, else 208.

    `of_project`: as the endpoint of a project does it.
    """
    by = sender_of(endpoint, request, 256 if of_project else None)
    columns = body.columns(clearing=False)
    if owner := body.values.get("owner"):
        columns["owner_id"] = owner_of(endpoint, owner)
    try:
        shipped = create_release(
            endpoint.organization,
            body.values["version"],
            said_of(request, body, columns),
            projects,
            reach=set(reachable_projects(endpoint.access).values_list("pk", flat=True)),
            by=by,
            now=clock.now(),
            announce_links=not of_project,
        )
    except UnknownRelease:
        raise NotFound from None
    _note_use(endpoint, projects)
    shape = shown(endpoint, shipped.release.pk)
    shape["firstEvent"] = shape["lastEvent"] = None  # a client must not come to rely on what is not asked for here
    made = bool(shipped.linked) or (shipped.is_new and not of_project)
    return Response(shape, status=201 if made else 208, headers=body.leniency.headers)


def update(endpoint: OrganizationEndpoint, request: Request, body: Read, release: Release) -> Response:
    """Change the release as a checked body says."""
    said = said_of(request, body, body.columns(clearing=True))
    try:
        update_release(release, said, by=sender_of(endpoint, request), now=clock.now())
    except UnknownRelease:
        raise NotFound from None
    return Response(shown(endpoint, release.pk), headers=body.leniency.headers)


def said_of(request: Request, body: Read, columns: dict[str, object]) -> ReleaseSaid:
    """What a checked body says about a release."""
    merge = request.query_params.get("merge") == "1"
    return ReleaseSaid(columns, body.status, body.commits, body.refs, merge)


def shown(endpoint: OrganizationEndpoint, pk: int) -> ReleaseShape:
    """The release as its caller sees it: with those of its projects that they reach. Raises `NotFound`."""
    release = Release.objects.filter(pk=pk).first()
    if release is None:
        raise NotFound  # somebody deleted it meanwhile
    return as_release(release, list(reachable_projects(endpoint.access).filter(releaseproject__release=release)))


def named_projects(endpoint: OrganizationEndpoint, request: Request, names: Sequence[int | str]) -> list[Project]:
    """The projects that `names` (ids, or slugs; digits are an id) name, each once. Raises `RuleBroken`.

    Of those that the caller may make releases for: with `?project=` what it names, otherwise what the caller is a
    member of; whoever acts on the whole organization is a member of all of it.
    """
    wanted = [number if isinstance(name, str) and (number := as_id(name)) is not None else name for name in names]
    ids = {name for name in wanted if isinstance(name, int) and 0 < name <= _MAX_ID}
    slugs = {name for name in wanted if isinstance(name, str)}
    rows = reachable_projects(endpoint.access).filter(Q(pk__in=ids) | Q(slug__in=slugs)).distinct()
    if request.query_params.getlist("project"):
        rows = rows.filter(pk__in=[project.pk for project in projects_of(request.query_params, endpoint.access)])
    elif not endpoint.access.is_global:
        rows = rows.filter(teams__in=list(endpoint.access.teams))
    found: dict[int | str, Project] = {}
    for project in rows:
        found[project.pk] = found[project.slug] = project
    if any(name not in found for name in wanted):
        raise RuleBroken(INVALID_PROJECTS)
    return list({found[name].pk: found[name] for name in wanted}.values())


def owner_of(endpoint: OrganizationEndpoint, name: str) -> int:
    """The id of the member with this user name or id. Raises `RuleBroken`.

    Who belongs to other organizations only is not found: whether they exist is not the caller's to know.
    """
    number = as_id(name)
    user = User.objects.filter(username=name) if number is None else User.objects.filter(pk=number)
    membership = OrganizationMember.objects.filter(organization=endpoint.organization, user_id__in=user.values("pk"))
    found = membership.first()
    if found is None or found.user_id is None:
        raise RuleBroken({"owner": ["Unable to find user"]})
    if found.invite_status != InviteStatus.APPROVED:
        raise RuleBroken({"owner": ["User does not have access to this organization"]})
    return found.user_id


def forced(endpoint: OrganizationEndpoint, request: Request) -> bool:
    """Whether the caller insists on deleting. Raises `InsufficientScope` for whoever may not."""
    if request.query_params.get("force") != "1":
        return False
    if not endpoint.access.has_any(*ORG_ADMIN):
        raise InsufficientScope(ORG_ADMIN)
    return True


def _note_use(endpoint: OrganizationEndpoint, projects: Sequence[Project]) -> None:
    token = endpoint.caller.token_id
    if token is not None and projects:
        used = {"date_last_used": clock.now(), "project_last_used_id": projects[0].pk}
        OrgAuthToken.objects.filter(pk=token).update(**used)
