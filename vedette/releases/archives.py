"""Archives of artifacts: what their manifest says, read without trusting a number in them.

Only the list of contents and the manifest are read, both bounded before they are; nothing is unpacked. An archive that
would unpack to far more than it holds is refused now, for it would be trouble later. Source: the release specification,
A.4.
"""

import hashlib
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from vedette.core import json
from vedette.core.errors import RuleBroken
from vedette.core.nul import holds_nul

MANIFEST = "manifest.json"
MOST_LISTED_BYTES = 4 * 2**20  # of the list of contents, which is read as a whole: about 40,000 files
MOST_MANIFEST_BYTES = 8 * 2**20
MOST_UNPACKED_BYTES = 4 * 2**30
MOST_RATIO = 200  # source maps come to 1:20; what is small may be anything
SMALL_BYTES = 10 * 2**20
_END = struct.Struct("<4s4H2LH")
_ENCRYPTED = 0x1
_STEP = 2**20


class BadArchive(RuleBroken):
    """What was uploaded is no archive of artifacts, or one that is not taken."""

    code = "bad-archive"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive is and how many files it holds. `dist` is empty when it says none."""

    bundle_id: UUID
    dist: str
    file_count: int


def read_archive(path: Path) -> Manifest:
    """What the manifest of the archive says. Raises `BadArchive`.

    An archive without an id of its own gets one by its bytes, so that the same archive is the same bundle.
    """
    with path.open("rb") as file:
        _check_end(file)
        try:
            with zipfile.ZipFile(file) as archive:
                _check_sizes(archive.infolist())
                manifest = _manifest_of(archive)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
            raise BadArchive("The archive is damaged, or no zip archive.") from error
        return _read(manifest, file)


def _check_end(file: BinaryIO) -> None:
    """What closes an archive says how long the list of contents is: nothing may read a list that is too long."""
    size = file.seek(0, 2)
    if size < _END.size:
        raise BadArchive("The archive is damaged, or no zip archive.")
    file.seek(max(0, size - _END.size - 20))
    tail = file.read()
    mark, _, _, _, _, listed_bytes, _, comment = _END.unpack(tail[-_END.size :])
    if mark != b"PK\5\6" or comment:
        raise BadArchive("The archive is damaged, or no zip archive.")
    if tail[: -_END.size].startswith(b"PK\6\7") or listed_bytes > MOST_LISTED_BYTES:
        raise BadArchive("The archive holds too many files.")


def _check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise BadArchive("The archive is encrypted.")
    heavy = (entry for entry in entries if entry.file_size > SMALL_BYTES)
    if any(entry.file_size > MOST_RATIO * max(1, entry.compress_size) for entry in heavy):
        raise BadArchive("The archive unpacks to too much.")
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED_BYTES:
        raise BadArchive("The archive unpacks to too much.")


def _manifest_of(archive: zipfile.ZipFile) -> Any:
    try:
        entry = archive.getinfo(MANIFEST)
    except KeyError:
        raise BadArchive("The archive has no manifest.json.") from None
    if entry.file_size > MOST_MANIFEST_BYTES:
        raise BadArchive("The manifest.json of the archive is too large.")
    with archive.open(entry) as file:
        content = file.read(MOST_MANIFEST_BYTES + 1)
    if len(content) > MOST_MANIFEST_BYTES:
        raise BadArchive("The manifest.json of the archive is too large.")
    try:
        return json.loads(content)
    except json.JSONDecodeError:
        raise BadArchive("The manifest.json of the archive is no JSON.") from None


def _read(manifest: Any, file: BinaryIO) -> Manifest:
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict) or not all(isinstance(one, dict) for one in files.values()):
        raise BadArchive("The manifest.json of the archive names no files.")
    dist, own = manifest.get("dist"), manifest.get("debug_id")
    if holds_nul(dist):
        raise BadArchive("The manifest.json of the archive names a dist with null characters.")
    return Manifest(_id_of(own, file), dist if isinstance(dist, str) else "", len(files))


def _id_of(text: Any, file: BinaryIO) -> UUID:
    try:
        return UUID(text[:36])  # native tools append the age
    except (TypeError, ValueError, AttributeError):
        found = hashlib.sha256()
        file.seek(0)
        while step := file.read(_STEP):
            found.update(step)
        return UUID(found.hexdigest()[:32])
