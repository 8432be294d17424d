"""Moving data over the API: owners export their organization and import others; who runs the server approves those.

The same as on the pages (`web.views.moves`), for scripts and for files that are too large for a form: these are sent
in pieces to `chunk-upload/` first. Paths are Vedette's own. Source: the relocation specification, 9 ("hosted
relocation"), and the API specification, section 12.
"""

import re
from typing import Any, TypedDict

from django.conf import settings
from django.http import FileResponse
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.accounts.models import User
from vedette.api.bodies import Wish, read
from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.errors import FORBIDDEN
from vedette.api.operations import ORG_ADMIN, PAGING, Operation, operation
from vedette.api.paging import by_number
from vedette.api.releasefiles import own_files
from vedette.api.shapes.base import Moment
from vedette.core import clock
from vedette.core.clock import as_z
from vedette.core.errors import RuleBroken
from vedette.releases.files import missing_chunks
from vedette.relocation import hosted, uploaded
from vedette.relocation.hosting import EXPORT
from vedette.relocation.models import Move, MoveKind, MoveState
from vedette.relocation.progress import ProgressFile

MOST_CHUNKS = 10_000
_SHA1 = re.compile(r"[0-9a-f]{40}")
_ACTIONS = ("confirm", "cancel", "approve", "reject")


class RelocationProgress(TypedDict):
    """How far the work is."""

    phase: str
    rows: int
    total: int | None


class RelocationShape(TypedDict):
    """An export or an import. `plan` tells by model what would be done, or was; `counts` what an export holds."""

    uuid: str
    kind: str
    state: str
    error: str
    full: bool
    withEvents: bool
    encrypted: bool
    plan: dict[str, dict[str, int]]
    counts: dict[str, int]
    renames: list[dict[str, str]]
    warnings: list[str]
    organizations: list[str]
    fileBytes: int | None
    progress: RelocationProgress | None
    createdBy: str
    dateCreated: Moment
    dateEnded: Moment | None
    dateExpires: Moment


class RelocationAnswer(TypedDict):
    """What was begun; or what has to be sent to `chunk-upload/` before the same request begins it."""

    relocation: RelocationShape | None
    missingChunks: list[str]


class RelocationWish(Wish):
    """What to move. An export may be encrypted; an import is a file that was sent in pieces."""

    kind = serializers.ChoiceField(choices=MoveKind.choices)
    full = serializers.BooleanField(required=False, help_text="Of an export: releases, files and issues too.")
    withEvents = serializers.BooleanField(required=False, help_text="Of an export: events too.")
    publicKey = serializers.CharField(
        required=False, max_length=hosted.MOST_KEY_BYTES, trim_whitespace=False, help_text="PEM, of an export."
    )
    checksum = serializers.RegexField(_SHA1, required=False, help_text="The SHA-1 of the file to import.")
    chunks = serializers.ListField(
        child=serializers.RegexField(_SHA1), required=False, max_length=MOST_CHUNKS, help_text="Its pieces, in order."
    )
    privateKey = serializers.CharField(
        required=False, max_length=hosted.MOST_KEY_BYTES, trim_whitespace=False, help_text="PEM, of an import."
    )


class RelocationChange(Wish):
    """What is decided. To approve and to reject is for who runs the server."""

    action = serializers.ChoiceField(choices=_ACTIONS)


class _Relocating(OrganizationEndpoint):
    """Something about moving data: for owners, in person."""

    tag = "Organizations"

    @property
    def owner(self) -> User:
        """Who calls. Raises `PermissionDenied` for a credential of nobody."""
        if self.user is None:
            raise PermissionDenied(FORBIDDEN)
        return self.user

    def move(self) -> Move:
        """The move that the path names, of this very organization. Raises `NotFound`."""
        rows = Move.objects.select_related("organization").filter(organization=self.organization)
        found = rows.filter(uuid=self.path["uuid"]).first()
        if found is None:
            raise NotFound
        return found


class RelocationList(_Relocating):
    """The moves of an organization."""

    @operation(Operation("listRelocations", ORG_ADMIN, query=PAGING, answers=list[RelocationShape]))
    def get(self, request: Request) -> Response:
        """The exports and imports that were asked for in the organization, newest first."""
        _ = self.owner
        rows = Move.objects.filter(organization=self.organization).order_by("-date_added", "-pk")
        page = by_number(rows, request.query_params)
        return self.paged(page, [as_relocation(move) for move in page.rows])

    @operation(
        Operation(
            "createRelocation",
            ORG_ADMIN,
            takes=RelocationWish,
            answers=RelocationAnswer,
            statuses=(200, 201),
        )
    )
    def post(self, request: Request) -> Response:
        """Have the organization exported, or a file tried that was sent in pieces to `chunk-upload/`.

        An import answers with 200 and the missing pieces until all are there. Nothing is imported before it is
        confirmed, and nobody sees it before it is approved.
        """
        by, wish = self.owner, read(RelocationWish, request.data)
        if wish["kind"] == MoveKind.EXPORT:
            move = hosted.ask_export(
                self.organization,
                by,
                full=wish.get("full", False),
                with_events=wish.get("withEvents", False),
                public_key=wish.get("publicKey", "").encode(),
                ip_address=self.address,
            )
            return _begun(move)
        chunks, checksum = wish.get("chunks") or [], wish.get("checksum")
        if not chunks or not checksum:
            raise RuleBroken({"chunks": ["A file to import has pieces and a checksum."]})
        files = own_files()
        if missing := missing_chunks(files, self.organization.pk, chunks, clock.now()):
            return Response(RelocationAnswer(relocation=None, missingChunks=missing))
        move = hosted.ask_import(
            self.organization,
            by,
            uploaded.content_of(files, chunks, checksum),
            private_key=wish.get("privateKey", "").encode(),
            ip_address=self.address,
            most_bytes=settings.VEDETTE.import_max_bytes,
        )
        uploaded.forget(self.organization, chunks)
        return _begun(move)


class RelocationItem(_Relocating):
    """One move."""

    @operation(Operation("getRelocation", ORG_ADMIN, answers=RelocationShape))
    def get(self, request: Request) -> Response:
        """One export or import: how far it is, and what it would do or did."""
        _ = self.owner
        return Response(as_relocation(self.move()))

    @operation(Operation("changeRelocation", ORG_ADMIN, takes=RelocationChange, answers=RelocationShape))
    def put(self, request: Request) -> Response:
        """Confirm a plan or give a move up; approve or reject an import, for who runs the server."""
        by, action = self.owner, read(RelocationChange, request.data)["action"]
        if action in ("approve", "reject") and not by.is_superuser:
            raise PermissionDenied(FORBIDDEN)
        move = self.move()
        acts: dict[str, Any] = {
            "confirm": hosted.confirm,
            "cancel": hosted.cancel,
            "approve": hosted.approve,
            "reject": hosted.reject,
        }
        acts[action](move, by, self.address)
        return Response(as_relocation(self.move()))


class RelocationDownload(_Relocating):
    """The file of an export."""

    @operation(Operation("downloadRelocation", ORG_ADMIN))
    def get(self, request: Request) -> FileResponse:
        """The bytes of an export, for a day."""
        by, move = self.owner, self.move()
        if move.kind != MoveKind.EXPORT or move.state != MoveState.READY:
            raise NotFound
        answer = _file(move, EXPORT, "application/octet-stream")
        hosted.note_download(move, by, self.address)
        return answer


class RelocationFindings(_Relocating):
    """What was met on the way."""

    @operation(Operation("getRelocationFindings", ORG_ADMIN))
    def get(self, request: Request) -> FileResponse:
        """The findings of an export or an import, as a JSON array."""
        _ = self.owner
        return _file(self.move(), hosted.FINDINGS, "application/json")


def as_relocation(move: Move) -> RelocationShape:
    """A move, without anybody's name that is not the caller's business."""
    outcome, options = move.outcome, move.options
    return {
        "uuid": move.uuid,
        "kind": move.kind,
        "state": move.state,
        "error": move.error,
        "full": bool(options.get("full")),
        "withEvents": bool(options.get("with_events")),
        "encrypted": bool(options.get("sealed")),
        "plan": outcome.get("plan") or {},
        "counts": outcome.get("counts") or {},
        "renames": outcome.get("renames") or [],
        "warnings": outcome.get("warnings") or [],
        "organizations": [one["slug"] for one in outcome.get("organizations", ())],
        "fileBytes": move.file_bytes,
        "progress": _progress(move),
        "createdBy": str(move.user_id),
        "dateCreated": as_z(move.date_added),
        "dateEnded": as_z(move.ended_at) if move.ended_at else None,
        "dateExpires": as_z(move.expires_at),
    }


def _progress(move: Move) -> RelocationProgress | None:
    moment = ProgressFile.read(hosted.directory_of(move) / hosted.PROGRESS)
    return {"phase": moment["phase"], "rows": moment["rows"], "total": moment["total"]} if moment else None


def _begun(move: Move) -> Response:
    return Response(RelocationAnswer(relocation=as_relocation(move), missingChunks=[]), status=201)


def _file(move: Move, name: str, content_type: str) -> FileResponse:
    try:
        stream = (hosted.directory_of(move) / name).open("rb")
    except FileNotFoundError:
        raise NotFound from None
    answer = FileResponse(stream, as_attachment=True, filename=f"{move.uuid[:8]}-{name}", content_type=content_type)
    answer["Cache-Control"] = "no-store"
    return answer
