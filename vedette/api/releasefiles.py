"""The files of a release: list, add, read, rename, delete; by way of the organization or of a project.

Source: the release specification, R11 and section 3.
"""

from typing import Any, TypedDict, cast

from django.conf import settings
from django.http import FileResponse, QueryDict
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.bodies import PartsOrJsonBody, Wish, read
from vedette.api.endpoint import OrganizationEndpoint, ProjectEndpoint
from vedette.api.errors import FORBIDDEN, Conflict
from vedette.api.filters import projects
from vedette.api.operations import (
    PAGING,
    PROJECT,
    RELEASE_DELETE,
    RELEASE_READ,
    RELEASE_WRITE,
    Operation,
    Parameter,
    operation,
)
from vedette.api.paging import by_number
from vedette.api.releasereach import readable_release, readable_release_of, writable_release
from vedette.api.shapes.base import Moment
from vedette.core.clock import as_z
from vedette.core.errors import RuleBroken
from vedette.core.files import FileStore
from vedette.core.handouts import handed_out
from vedette.core.ids import as_id
from vedette.core.nul import holds_nul
from vedette.issues.attachments import may_download
from vedette.orgs.options import DEBUG_FILES_ROLE
from vedette.projects.models import Project
from vedette.releases.files import LONGEST_DIST, FileExists, add_file, rename
from vedette.releases.models import Release, ReleaseFile
from vedette.releases.models.file import LONGEST_NAME
from vedette.wire.refusals import TooLarge

MOST_BYTES = 32 * 2**20
MOST_HEADERS = 50
LONGEST_HEADER = 2000
QUERY = (
    Parameter("query", "Text in the name.", many=True),
    Parameter("checksum", "The SHA-1 of the file.", many=True),
)
DOWNLOAD = Parameter("download", "Given at all: the bytes instead of the description.")


class ReleaseFileShape(TypedDict):
    """A file of a release."""

    id: str
    name: str
    dist: str | None
    headers: dict[str, str]
    size: int
    sha1: str
    dateCreated: Moment


class NewFile(Wish):
    """A form in parts: `file`, and what it is called; `header` may come several times."""

    file = serializers.FileField(help_text="At most 32 MiB.")
    name = serializers.CharField(required=False, max_length=LONGEST_NAME, help_text="By default that of the file.")
    dist = serializers.CharField(required=False, max_length=LONGEST_DIST, allow_blank=True)
    header = serializers.ListField(child=serializers.CharField(), required=False, help_text="`Name: value` each.")


class FileWish(Wish):
    """What a file of a release is called."""

    name = serializers.CharField(max_length=LONGEST_NAME)


def as_release_file(file: ReleaseFile) -> ReleaseFileShape:
    """A file, without its bytes."""
    return {
        "id": str(file.pk),
        "name": file.name,
        "dist": file.dist.name if file.dist else None,
        "headers": file.headers,
        "size": file.size,
        "sha1": file.sha1,
        "dateCreated": as_z(file.date_added),
    }


def own_files() -> FileStore:
    """Where this server keeps files."""
    return FileStore(settings.VEDETTE.files_dir)


class _Files(OrganizationEndpoint):
    """What both ways to the files of a release have in common."""

    tag = "Releases"
    parser_classes = [PartsOrJsonBody]

    def view(self) -> list[Project]:
        """The projects that the request is about."""
        return list(projects(self.request.query_params, self.access))

    def readable(self) -> Release:
        """The release, for reading. Raises `NotFound`."""
        return readable_release(self.access, self.path["version"], self.view())

    def writable(self) -> Release:
        """The release, for writing: the caller reaches every project of it. Raises `NotFound`."""
        return writable_release(self.access, self.path["version"])

    def file(self, release: Release) -> ReleaseFile:
        """The file that the path names. Raises `NotFound`."""
        rows = ReleaseFile.objects.filter(release=release, pk=as_id(self.path["file_id"]) or 0)
        found = rows.select_related("dist").first()
        if found is None:
            raise NotFound
        return found

    def listed(self) -> Response:
        """A page of the files, by name."""
        rows = ReleaseFile.objects.filter(release=self.readable()).select_related("dist")
        query = self.request.query_params
        for text in query.getlist("query"):
            rows = rows.filter(name__icontains=text)
        if checksums := query.getlist("checksum"):
            rows = rows.filter(sha1__in=checksums[:100])
        page = by_number(rows.order_by("name", "pk"), query)
        return self.paged(page, [as_release_file(file) for file in page.rows])

    def added(self) -> Response:
        """A new file, out of a form in parts."""
        release = self.writable()
        name, dist, headers, file = _read_form(self.request)
        try:
            added = add_file(own_files(), release, name, dist, headers, file.read())
        except FileExists as error:
            raise Conflict(str(error)) from None
        return Response(as_release_file(added), status=201)

    def opened(self) -> Response | FileResponse:
        """A file, or its bytes."""
        file = self.file(self.readable())
        if "download" not in self.request.query_params:
            return Response(as_release_file(file))
        if not may_download(self.access, DEBUG_FILES_ROLE):
            raise PermissionDenied(FORBIDDEN)
        try:
            return handed_out(own_files().path(file.sha1).open("rb"), file.name.rpartition("/")[2] or "file")
        except FileNotFoundError:
            raise NotFound from None

    def renamed(self) -> Response:
        """A file under its new name."""
        file = self.file(self.writable())
        try:
            rename(file, _name(read(FileWish, self.request.data)["name"]))
        except FileExists as error:
            raise Conflict(str(error)) from None
        return Response(as_release_file(file))

    def deleted(self) -> Response:
        """Forget a file; its bytes go with the next clean-up, unless others name them."""
        self.file(self.writable()).delete()
        return Response(status=204)


def _read_form(request: Request) -> tuple[str, str, dict[str, str], Any]:
    """Name, dist, headers and file of the form. Raises `RuleBroken`, and `TooLarge` for the file."""
    form, file = cast(QueryDict, request.data), request.FILES.get("file")
    if file is None:
        raise RuleBroken("Missing uploaded file")
    if file.size > MOST_BYTES:
        raise TooLarge(f"the file is larger than {MOST_BYTES} bytes")
    dist = str(form.get("dist") or "")
    if len(dist) > LONGEST_DIST or any(sign in dist for sign in "\r\n\t"):
        raise RuleBroken({"dist": ["Invalid distribution name."]})
    headers = dict(_header(line) for line in form.getlist("header")[:MOST_HEADERS])
    headers = {"Content-Type": _type(file.content_type), **headers}
    return _name(form.get("name") or file.name or ""), dist, headers, file


def _type(said: str | None) -> str:
    """What the file is said to be, if a database takes it."""
    return said[:200] if said and not holds_nul(said) else "application/octet-stream"


def _name(text: str) -> str:
    if not text or text == "file":
        raise RuleBroken("File name must be specified")
    if any(sign in text for sign in "\r\n\t\f\v\b"):
        raise RuleBroken("File name must not contain special whitespace characters")
    if len(text) > LONGEST_NAME:
        raise RuleBroken(f"File name must not be longer than {LONGEST_NAME} characters")
    return text


def _header(line: str) -> tuple[str, str]:
    key, colon, value = line.partition(":")
    if not colon or not key.strip():
        raise RuleBroken("header value was not formatted correctly")
    if any(sign in line for sign in "\r\n\t") or len(line) > LONGEST_HEADER:
        raise RuleBroken("header value must not contain special whitespace characters, nor be very long")
    return key.strip(), value.strip()


class ReleaseFiles(_Files):
    """The files of a release."""

    @operation(
        Operation("listReleaseFiles", RELEASE_READ, query=(*QUERY, *PROJECT, *PAGING), answers=list[ReleaseFileShape])
    )
    def get(self, request: Request) -> Response:
        """The files of a release, by name; bundles are not among them."""
        return self.listed()

    @operation(
        Operation(
            "addReleaseFile",
            RELEASE_WRITE,
            takes=NewFile,
            answers=ReleaseFileShape,
            statuses=(201,),
            fails=(409, 413),
        )
    )
    def post(self, request: Request) -> Response:
        """Add a file to a release, as a form in parts.

        The caller has to reach every project of the release. 409 when it has a file of this name and dist.
        """
        return self.added()


class ReleaseFileItem(_Files):
    """One file of a release."""

    @operation(Operation("getReleaseFile", RELEASE_READ, query=(DOWNLOAD, *PROJECT), answers=ReleaseFileShape))
    def get(self, request: Request) -> Response | FileResponse:
        """One file of a release: what it is, or with `download` its bytes.

        The bytes are for those whose role is at least the organization's `debugFilesRole`.
        """
        return self.opened()

    @operation(Operation("renameReleaseFile", RELEASE_WRITE, takes=FileWish, answers=ReleaseFileShape, fails=(409,)))
    def put(self, request: Request) -> Response:
        """Call a file of a release differently."""
        return self.renamed()

    @operation(Operation("deleteReleaseFile", RELEASE_DELETE, statuses=(204,)))
    def delete(self, request: Request) -> Response:
        """Delete one file of a release."""
        return self.deleted()


class _FilesOfProject(_Files, ProjectEndpoint):
    """The same by way of a project: the release is one of the project's."""

    def view(self) -> list[Project]:
        """The project alone."""
        return [self.project]

    def readable(self) -> Release:
        """The release, if it is the project's. Raises `NotFound`."""
        return readable_release_of(self.access, self.path["version"], self.project)

    def writable(self) -> Release:
        """The same for writing. Raises `NotFound`."""
        self.readable()
        return super().writable()


class ProjectReleaseFiles(_FilesOfProject):
    """The files of a release of a project."""

    @operation(
        Operation("listProjectReleaseFiles", RELEASE_READ, query=(*QUERY, *PAGING), answers=list[ReleaseFileShape])
    )
    def get(self, request: Request) -> Response:
        """The files of a release, by name; bundles are not among them."""
        return self.listed()

    @operation(
        Operation(
            "addProjectReleaseFile",
            RELEASE_WRITE,
            takes=NewFile,
            answers=ReleaseFileShape,
            statuses=(201,),
            fails=(409, 413),
        )
    )
    def post(self, request: Request) -> Response:
        """Add a file to a release, as a form in parts.

        The caller has to reach every project of the release. 409 when it has a file of this name and dist.
        """
        return self.added()


class ProjectReleaseFileItem(_FilesOfProject):
    """One file of a release of a project."""

    @operation(Operation("getProjectReleaseFile", RELEASE_READ, query=(DOWNLOAD,), answers=ReleaseFileShape))
    def get(self, request: Request) -> Response | FileResponse:
        """One file of a release: what it is, or with `download` its bytes.

        The bytes are for those whose role is at least the organization's `debugFilesRole`.
        """
        return self.opened()

    @operation(
        Operation("renameProjectReleaseFile", RELEASE_WRITE, takes=FileWish, answers=ReleaseFileShape, fails=(409,))
    )
    def put(self, request: Request) -> Response:
        """Call a file of a release differently."""
        return self.renamed()

    @operation(Operation("deleteProjectReleaseFile", RELEASE_DELETE, statuses=(204,)))
    def delete(self, request: Request) -> Response:
        """Delete one file of a release."""
        return self.deleted()
