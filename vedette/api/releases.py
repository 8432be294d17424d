"""Releases: the list and one, as events have made them."""

from django.db.models import Q, QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.filters import asked_range, environments, projects, search_words
from vedette.api.operations import (
    ENVIRONMENT,
    PAGING,
    PROJECT,
    RELEASE_READ,
    TIME,
    Operation,
    Parameter,
    operation,
)
from vedette.api.paging import by_number
from vedette.api.shapes.releases import ReleaseShape, as_release, as_releases
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.releases.models import Release, ReleaseProjectEnvironment, ReleaseStatus

STATUS = Parameter("status", "By default `open`; empty is any.", choices=("open", "archived", ""))
SORT = Parameter("sort", "Newest first.", choices=("date",))


class ReleaseList(OrganizationEndpoint):
    """The releases of an organization."""

    tag = "Releases"

    @operation(
        Operation(
            "listOrganizationReleases",
            RELEASE_READ,
            query=(
                Parameter("query", "Text in the version."),
                STATUS,
                SORT,
                *PROJECT,
                *ENVIRONMENT,
                *TIME,
                *PAGING,
            ),
            answers=list[ReleaseShape],
        )
    )
    def get(self, request: Request) -> Response:
        """The releases of the projects that the caller reaches, newest first."""
        query = request.query_params
        if query.get("sort", "date") != "date":
            raise RuleBroken("invalid sort")
        view = projects(query, self.access)
        where = environments(query, self.organization)
        if not view:
            return Response([])
        rows = with_status(Release.objects.filter(organization=self.organization), query.get("status", "open"))
        rows = rows.filter(project_links__project__in=view).distinct()
        if where:
            seen = ReleaseProjectEnvironment.objects.filter(project__in=view, environment__name__in=where)
            rows = rows.filter(pk__in=seen.values("release_id"))
        if asked := asked_range(query, clock.now()):
            rows = rows.filter(date_added__range=(asked.start, asked.end))
        page = by_number(searched(rows, search_words(query)).order_by("-date_added", "-pk"), query)
        return self.paged(page, as_releases(page.rows, view, where))


def with_status(rows: QuerySet[Release], status: str) -> QuerySet[Release]:
    """The releases of a status. Raises `RuleBroken` for a word that is none."""
    if status == "archived":
        return rows.filter(status=ReleaseStatus.ARCHIVED)
    if status == "open":
        return rows.filter(Q(status=ReleaseStatus.OPEN) | Q(status__isnull=True))
    if status:
        raise RuleBroken("invalid value for status")
    return rows


def searched(rows: QuerySet[Release], words: list[str]) -> QuerySet[Release]:
    """The releases whose version holds each of `words`; `release:` names one. Raises `RuleBroken` for other keys."""
    for word in words:
        key, colon, value = word.partition(":")
        if colon and key != "release":
            raise RuleBroken(f"Invalid key for this search: {key[:50]}")
        rows = rows.filter(version=value) if colon else rows.filter(version__icontains=word)
    return rows


class ReleaseItem(OrganizationEndpoint):
    """One release."""

    tag = "Releases"

    @operation(Operation("getOrganizationRelease", RELEASE_READ, query=PROJECT, answers=ReleaseShape))
    def get(self, request: Request) -> Response:
        """One release by its full version."""
        view = projects(request.query_params, self.access)
        rows = Release.objects.filter(organization=self.organization, version=self.path["version"])
        release = rows.filter(project_links__project__in=view).first()
        if release is None:
            raise NotFound
        return Response(as_release(release, view))
