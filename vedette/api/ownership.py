"""Who gets a project's issues by themselves. There are no ownership rules yet; suspect commits are.

Source: the issue workflow specification, 8.2; paths and values are those that clients of Sentry send.
"""

from typing import Any, TypedDict

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.bodies import Wish, read
from vedette.api.endpoint import ProjectEndpoint
from vedette.api.operations import PROJECT_READ, PROJECT_WRITE, Operation, operation
from vedette.core.errors import RuleBroken
from vedette.projects.changes import change_project
from vedette.projects.options import ASSIGN_NOBODY, ASSIGN_OWNERS, ASSIGN_SUSPECTS, AUTO_ASSIGNMENT, get_option

NO_RULES = "Ownership rules are not supported."


class OwnershipShape(TypedDict):
    """Who gets issues. `autoAssignment` says it; everything else is what it is in a project without rules."""

    raw: str | None
    schema: dict[str, Any] | None
    fallthrough: bool
    isActive: bool
    dateCreated: str | None
    lastUpdated: str | None
    autoAssignment: str
    codeownersAutoSync: bool


class OwnershipWish(Wish):
    """What is absent stays. Rules are refused; what belongs to rules is known to clients and changes nothing."""

    autoAssignment = serializers.ChoiceField(required=False, choices=(ASSIGN_SUSPECTS, ASSIGN_OWNERS, ASSIGN_NOBODY))
    raw = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    fallthrough = serializers.BooleanField(required=False)
    codeownersAutoSync = serializers.BooleanField(required=False)


class ProjectOwnership(ProjectEndpoint):
    """Who gets the issues of a project."""

    tag = "Projects"

    @operation(Operation("getProjectOwnership", PROJECT_READ, answers=OwnershipShape))
    def get(self, request: Request) -> Response:
        """Whether issues are given to whoever wrote a suspect commit."""
        return Response(self.ownership())

    @operation(Operation("updateProjectOwnership", PROJECT_WRITE, takes=OwnershipWish, answers=OwnershipShape))
    def put(self, request: Request) -> Response:
        """Say whether issues that nobody has are given to whoever wrote a suspect commit.

        `Auto Assign to Issue Owner` is kept, and assigns nobody as long as there are no rules. Rules (`raw`) are
        refused.
        """
        wish = read(OwnershipWish, request.data)
        if (wish.get("raw") or "").strip():
            raise RuleBroken({"raw": [NO_RULES]})
        if "autoAssignment" in wish:
            changes = {AUTO_ASSIGNMENT.field: wish["autoAssignment"]}
            change_project(self.project, changes, by=self.user, ip_address=self.address)
        return Response(self.ownership())

    def ownership(self) -> OwnershipShape:
        """What holds now."""
        return OwnershipShape(
            raw=None,
            schema=None,
            fallthrough=True,
            isActive=True,
            dateCreated=None,
            lastUpdated=None,
            autoAssignment=get_option(self.project, AUTO_ASSIGNMENT),
            codeownersAutoSync=True,
        )
