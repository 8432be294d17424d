"""Inbound filters of a project as a list of switches; the lists of texts among them are options of the project.

Source: the ingest specification, section 11, and the API specification, section 12.
"""

from typing import Any, TypedDict

from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.bodies import Wish, read
from vedette.api.endpoint import ProjectEndpoint
from vedette.api.operations import PROJECT_READ, PROJECT_WRITE, Operation, operation
from vedette.core.errors import RuleBroken
from vedette.orgs.options import Option
from vedette.projects import options
from vedette.projects.changes import change_project
from vedette.wire import filters

_ABOUT: dict[str, tuple[str, str, Option[Any]]] = {
    filters.EXTENSIONS: (
        "Filter out errors known to be caused by browser extensions",
        "Errors of extensions that run in the page; only for JavaScript.",
        options.FILTER_EXTENSIONS,
    ),
    filters.LOCALHOST: (
        "Filter out events coming from localhost",
        "What people's own machines report while they develop.",
        options.FILTER_LOCALHOST,
    ),
    filters.HEALTH_CHECKS: (
        "Filter out health check transactions",
        "Transactions that only ask whether the service is alive.",
        options.FILTER_HEALTH_CHECKS,
    ),
    filters.LEGACY_BROWSERS: (
        "Filter out known errors from legacy browsers",
        "Browsers older than the versions that are named.",
        options.FILTER_LEGACY_BROWSERS,
    ),
    filters.CRAWLERS: (
        "Filter out known web crawlers",
        "What search engines and other programs that read pages meet.",
        options.FILTER_CRAWLERS,
    ),
    filters.HYDRATION: (
        "Filter out hydration errors",
        "Errors of React that extensions and translators mostly cause.",
        options.FILTER_HYDRATION,
    ),
    filters.CHUNKS: (
        "Filter out ChunkLoadError(s)",
        "Parts of a page's script that could not be loaded, mostly after a deploy.",
        options.FILTER_CHUNKS,
    ),
}


class FilterShape(TypedDict):
    """A filter. `active` is a switch; of old browsers it is the list of those that are filtered, or false."""

    id: str
    name: str
    description: str
    active: bool | list[str]


class FilterWish(Wish):
    """On or off; for old browsers a list of them, of which an empty one is off."""

    active = serializers.BooleanField(required=False)
    subfilters = serializers.ListField(child=serializers.CharField(max_length=64), required=False, max_length=64)


class ProjectFilters(ProjectEndpoint):
    """The filters of a project."""

    tag = "Projects"

    @operation(Operation("listProjectFilters", PROJECT_READ, answers=list[FilterShape]))
    def get(self, request: Request) -> Response:
        """The filters of a project, and which of them are on."""
        values = options.options_of([self.project.pk])[self.project.pk]
        return Response(
            [
                FilterShape(id=name, name=title, description=about, active=_active(values[option.field]))
                for name, (title, about, option) in sorted(_ABOUT.items())
            ]
        )


class ProjectFilter(ProjectEndpoint):
    """One filter of a project."""

    tag = "Projects"

    @operation(Operation("updateProjectFilter", PROJECT_WRITE, takes=FilterWish, statuses=(204,)))
    def put(self, request: Request) -> Response:
        """Switch a filter on or off, or choose the browsers that count as old."""
        found = _ABOUT.get(self.path["filter_id"])
        if found is None:
            raise NotFound
        wish, field = read(FilterWish, request.data), found[2].field
        if "subfilters" in wish and self.path["filter_id"] == filters.LEGACY_BROWSERS:
            value: Any = wish["subfilters"] or False
        elif "active" in wish:
            value = wish["active"]
        else:
            raise RuleBroken({"active": ["This field is required."]})
        try:
            change_project(self.project, {field: value}, by=self.user, ip_address=self.address)
        except RuleBroken as broken:
            raise RuleBroken({"subfilters": broken.errors[field]}) from broken
        return Response(status=204)


def _active(value: Any) -> bool | list[str]:
    return list(value) if isinstance(value, tuple) else bool(value)
