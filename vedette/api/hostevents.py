"""Where GitHub and GitLab send what happens in a repository. Whoever knows the repository's secret is its host.

Source: the release specification, section 9.
"""

import re
from typing import TypedDict
from urllib.parse import parse_qs

from rest_framework.exceptions import NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.bodies import FORM
from vedette.api.endpoint import OrganizationEndpoint, find_organization
from vedette.api.operations import Caller, Operation, operation
from vedette.core import clock, json
from vedette.core.ids import as_id
from vedette.orgs.models import OrganizationStatus
from vedette.releases.models import Repository, RepositoryStatus
from vedette.shipping.hostevents import is_from_its_host, take
from vedette.wire.refusals import TooLarge

MAX_BODY_BYTES = 8 * 2**20
_EVENT = re.compile(r"[a-z_]{1,64}")


class TakenShape(TypedDict):
    """What was done with it."""

    detail: str


class RepositoryEvents(OrganizationEndpoint):
    """What a repository's host sends."""

    tag = "Repositories"

    @operation(
        Operation("receiveRepositoryEvent", caller=Caller.ANYBODY, answers=TakenShape, statuses=(200,), fails=(413,))
    )
    def post(self, request: Request) -> Response:
        """Take in a push or a pull request (merge request), signed with the repository's secret.

        What is not signed by it finds nothing here. Other events are answered, and nothing else.
        """
        body = request._request.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"request body is larger than {MAX_BODY_BYTES} bytes")
        headers = {name.lower(): value for name, value in request.headers.items()}
        repository = self._repository()
        if repository is None or not is_from_its_host(repository, headers, body):
            raise NotFound
        event = headers.get("x-github-event", "")
        said = _decoded(body, headers.get("content-type", ""))
        sentence = take(repository, event if _EVENT.fullmatch(event) else "", body, said, clock.now())
        return Response(TakenShape(detail=sentence))

    def _repository(self) -> Repository | None:
        organization = find_organization(self.path["organization_id_or_slug"])
        if organization is None or organization.status != OrganizationStatus.ACTIVE:
            return None
        rows = Repository.objects.filter(organization=organization, status=RepositoryStatus.ACTIVE)
        return rows.filter(pk=as_id(self.path["repository_id"]) or 0).select_related("organization").first()


def _decoded(body: bytes, content_type: str) -> object:
    """GitHub sends JSON, or a form with JSON in it. Raises `ParseError`."""
    text: bytes | str = body
    if content_type.startswith(FORM):
        text = (parse_qs(body.decode("utf-8", "replace")).get("payload") or [""])[0]
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ParseError(f"JSON parse error - {error}") from None
