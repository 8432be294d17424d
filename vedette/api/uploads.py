"""Uploading in pieces: how it is done, the pieces, and assembling them to bundles of artifacts.

Errors are `{"error": "…"}` here, which is what clients of uploads read. Debug files are not taken yet, and whoever
wants to assemble one is told so in a sentence: a 404 would not do, for `sentry-cli` takes that for a missing project,
or tries older ways of uploading. Source: the release specification, R12, R22 and appendix A.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict
from urllib.parse import urlsplit

from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.bodies import PartsOrJsonBody, Wish
from vedette.api.endpoint import OrganizationEndpoint, ProjectEndpoint
from vedette.api.operations import RELEASE_READ, RELEASE_WRITE, Operation, operation
from vedette.api.releasefiles import own_files
from vedette.api.releasereach import writable_release
from vedette.api.releasewrites import named_projects
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.files import name_of
from vedette.projects.access import reachable_projects
from vedette.projects.models import ObjectStatus, Project
from vedette.releases.bundles import CHUNK_BYTES, MOST_BYTES, MOST_CHUNKS, BundleWish, assemble
from vedette.releases.files import LONGEST_DIST, put_chunk
from vedette.wire.encoding import decode_body
from vedette.wire.refusals import TooLarge, UndecodableBody

CHUNKS_PER_REQUEST = 64
MOST_REQUEST_BYTES = 32 * 2**20
GZIP_BYTES = 2**14  # by so much gzip makes a chunk larger that cannot be made smaller
# Debug files are among it so that clients ask for them here, and print what they are told.
ACCEPTED = ["debug_files", "release_files", "sources", "artifact_bundles", "artifact_bundles_v2"]
_SHA1 = re.compile(r"[0-9a-f]{40}")


class NotTaken(APIException):
    """What the client uploads is not taken, and why."""

    status_code = 400

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class UploadOptions(TypedDict):
    """How files are uploaded. Sizes are in bytes."""

    url: str
    chunkSize: int
    chunksPerRequest: int
    maxFileSize: int
    maxRequestSize: int
    maxWait: int
    concurrency: int
    hashAlgorithm: str
    compression: list[str]
    accept: list[str]


class AssemblyShape(TypedDict):
    """What became of a bundle: `not_found` (send the missing chunks), `assembling`, `ok`, `error` (see `detail`)."""

    state: str
    missingChunks: list[str]
    detail: str | None


class ChunkWish(Wish):
    """A form in parts; each file is called by the SHA-1 of the chunk as it is when plain."""

    file = serializers.ListField(child=serializers.FileField(), required=False)
    file_gzip = serializers.ListField(child=serializers.FileField(), required=False)


class ReleaseBundleWish(Wish):
    """A bundle for a release and all its projects."""

    checksum = serializers.RegexField(_SHA1)
    chunks = serializers.ListField(child=serializers.RegexField(_SHA1))


class ArtifactBundleWish(ReleaseBundleWish):
    """A bundle for projects, and for a version of them, which need not be there."""

    projects = serializers.ListField(child=serializers.JSONField(), help_text="Slugs or ids.")
    version = serializers.CharField(required=False, allow_null=True)
    dist = serializers.CharField(required=False, allow_null=True)


class _Upload(OrganizationEndpoint):
    """Something about uploading."""

    tag = "Releases"
    parser_classes = [PartsOrJsonBody]

    def handle_exception(self, exc: Exception) -> Response:
        """What is not taken is told under `error`."""
        if isinstance(exc, NotTaken):
            response = Response({"error": exc.text}, status=400)
            response.exception = True
            return response
        return super().handle_exception(exc)


class ChunkUpload(_Upload):
    """The uploading of files in pieces."""

    @operation(Operation("getChunkUploadOptions", RELEASE_READ, answers=UploadOptions))
    def get(self, request: Request) -> Response:
        """How files are uploaded: in chunks of what size, and where to."""
        shape: UploadOptions = {
            "url": f"{_address(request)}/api/0/organizations/{self.organization.slug}/chunk-upload/",
            "chunkSize": CHUNK_BYTES,
            "chunksPerRequest": CHUNKS_PER_REQUEST,
            "maxFileSize": MOST_BYTES,
            "maxRequestSize": MOST_REQUEST_BYTES,
            "maxWait": 0,
            "concurrency": 4,
            "hashAlgorithm": "sha1",
            "compression": ["gzip"],
            "accept": ACCEPTED,
        }
        return Response(shape)

    @operation(Operation("uploadChunks", RELEASE_WRITE, takes=ChunkWish, fails=(413,)))
    def post(self, request: Request) -> Response:
        """Upload chunks, as a form in parts.

        They belong to the organization and count for a day; sending one again is harmless.
        """
        plain, packed = request.FILES.getlist("file"), request.FILES.getlist("file_gzip")
        if len(plain) + len(packed) > CHUNKS_PER_REQUEST:
            raise NotTaken("Too many chunks")
        size = sum(part.size for part in plain) + sum(max(0, part.size - GZIP_BYTES) for part in packed)
        if size > MOST_REQUEST_BYTES:
            raise NotTaken("Request too large")
        files, now = own_files(), clock.now()
        for part, encoding in (*((part, None) for part in plain), *((part, "gzip") for part in packed)):
            put_chunk(files, self.organization.pk, _chunk_of(part, encoding), now)
        return Response(status=200)


def _address(request: Request) -> str:
    """This server as the client calls it. By the external address it is what the settings say: a proxy that speaks TLS
    may not tell of it, and nobody should send a token without."""
    external = settings.VEDETTE.url
    return external if urlsplit(external).netloc == request.get_host() else request.build_absolute_uri("/")[:-1]


def _chunk_of(part: Any, encoding: str | None) -> bytes:
    """The plain bytes, no more than a chunk may have, whatever they would inflate to. Raises `NotTaken`."""
    if part.size > CHUNK_BYTES + (GZIP_BYTES if encoding else 0):
        raise NotTaken("Chunk size too large")
    try:
        content = decode_body(part.read(), encoding, CHUNK_BYTES)
    except TooLarge:
        raise NotTaken("Chunk size too large") from None
    except UndecodableBody:
        raise NotTaken("A chunk is damaged: it is no gzip") from None
    if name_of(content) != part.name:
        raise NotTaken("A chunk does not have the checksum that it is called by")
    return content


class AssembleArtifactBundle(_Upload):
    """Assembling a bundle for projects."""

    @operation(Operation("assembleArtifactBundle", RELEASE_WRITE, takes=ArtifactBundleWish, answers=AssemblyShape))
    def post(self, request: Request) -> Response:
        """Make a bundle of artifacts out of chunks, or bind one that is there to more projects and versions.

        Ask, send what is missing, and ask again. Repeating a request is safe.
        """
        body = _body(request.data, {"checksum", "chunks", "projects"}, {"version", "dist"})
        version, dist = _text(body, "version", 250), _text(body, "dist", LONGEST_DIST)
        if "/" in version:
            raise NotTaken("Invalid version: a version has no slash")
        names = body["projects"]
        if not isinstance(names, list) or any(isinstance(n, bool) or not isinstance(n, str | int) for n in names):
            raise NotTaken("Invalid projects: a list of slugs or ids")
        if not names:
            raise NotTaken("You need to specify at least one project")
        if dist and not version:
            raise NotTaken("You need to specify a release together with a dist")
        try:
            found = named_projects(self, request, names)
        except RuleBroken:
            raise NotTaken("One or more projects are invalid") from None
        return _assembled(self, body, found, version, dist)


class AssembleRelease(_Upload):
    """Assembling a bundle for a release."""

    @operation(Operation("assembleReleaseBundle", RELEASE_WRITE, takes=ReleaseBundleWish, answers=AssemblyShape))
    def post(self, request: Request) -> Response:
        """Make a bundle of artifacts for a release and all its projects, of which the caller reaches every one."""
        release = writable_release(self.access, self.path["version"])
        body = _body(request.data, {"checksum", "chunks"}, None)
        found = Project.objects.filter(releaseproject__release=release, status=ObjectStatus.ACTIVE)
        return _assembled(self, body, list(found), release.version, "")


class AssembleDebugFiles(_Upload, ProjectEndpoint):
    """Assembling debug files."""

    @operation(Operation("assembleDebugFiles", RELEASE_WRITE))
    def post(self, request: Request) -> Response:
        """Assemble debug files: not yet, which a sentence says."""
        raise NotTaken("This server takes no debug files yet.")


def _assembled(
    endpoint: OrganizationEndpoint, body: Mapping[str, Any], projects: Sequence[Project], version: str, dist: str
) -> Response:
    reach = set(reachable_projects(endpoint.access).values_list("pk", flat=True))
    wish = BundleWish(body["checksum"], body["chunks"], projects, version, dist)
    done = assemble(own_files(), endpoint.organization, wish, reach=reach, now=clock.now())
    shape: AssemblyShape = {"state": done.state.value, "missingChunks": list(done.missing), "detail": done.detail}
    return Response(shape)


def _body(data: Any, required: set[str], optional: set[str] | None) -> Mapping[str, Any]:
    """The checked body; `optional` None lets any other key through. Raises `NotTaken`."""
    if not isinstance(data, Mapping) or not required <= data.keys():
        raise NotTaken(f"The body needs {', '.join(sorted(required))}")
    if optional is not None and (unknown := sorted(str(key) for key in data.keys() - required - optional)):
        raise NotTaken(f"The body knows no {unknown[0][:50]}")
    chunks = data["chunks"]
    if not isinstance(chunks, list) or not all(_is_hash(name) for name in (data["checksum"], *chunks)):
        raise NotTaken("A checksum is 40 lower-case hex digits")
    if len(chunks) > MOST_CHUNKS:
        raise NotTaken("Too many chunks")
    return data


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and _SHA1.fullmatch(value) is not None


def _text(body: Mapping[str, Any], key: str, longest: int) -> str:
    value = body.get(key)
    if value is not None and (not isinstance(value, str) or len(value) > longest):
        raise NotTaken(f"Invalid {key}: a text of at most {longest} characters")
    return value or ""
