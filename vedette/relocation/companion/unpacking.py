"""Unpacking a companion archive into the work directory: all of it is checked before any of it is used."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from vedette.relocation.companion.container import (
    CONTENTS,
    EXPORT,
    MANIFEST,
    MOST_PIECES,
    Contents,
    MemberReader,
    read_manifest,
    read_members,
)
from vedette.relocation.companion.keymap import KeyMap
from vedette.relocation.files.findings import FindingKind, refuse

LEAST_FREE_BYTES = 64 * 2**20  # of the disk of the work directory


@dataclass(slots=True)
class Unpacked:
    """An archive whose members lie in a directory, by numbers. `digest` stands for all of its content."""

    manifest: dict[str, Any]
    contents: Contents
    digest: str
    directory: Path
    numbers: dict[str, int]

    @property
    def export(self) -> Path:
        """Where Sentry's array lies."""
        return self.directory / str(self.numbers[EXPORT])

    def pieces(self, folder: str) -> list[tuple[str, Path]]:
        """The members of a folder in their order, by their names in the archive."""
        return [
            (name, self.directory / str(number))
            for name, number in sorted(self.numbers.items())
            if name.startswith(f"{folder}/")
        ]

    def folder_of(self, label: str) -> str | None:
        """The folder with the rows of a model."""
        for name in self.numbers:
            top, _, rest = name.partition("/")
            folder = rest.partition("/")[0]
            if top == "rows" and folder.partition("-")[2] == label:
                return f"{top}/{folder}"
        return None


def unpack(stream: BinaryIO, directory: Path, files: KeyMap) -> Unpacked:
    """Unpack and check the archive in `stream`. `files` learns where the file of each SHA-1 lies (the number of a file
    in `directory`). Raises `BadFile` for whatever is no whole archive."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    numbers: dict[str, int] = {}
    digests: dict[str, tuple[int, str]] = {}
    texts: dict[str, bytes] = {}
    count = blobs = blob_bytes = 0
    for member in read_members(stream):
        if CONTENTS in texts:
            raise refuse(FindingKind.MALFORMED_ARCHIVE, f"{member.name} comes after {CONTENTS}")
        if not count and member.name != MANIFEST:
            raise refuse(FindingKind.MALFORMED_ARCHIVE, f"the archive begins with {member.name}, not with {MANIFEST}")
        if member.name in numbers or member.name in texts:
            raise refuse(FindingKind.MALFORMED_ARCHIVE, f"{member.name} is twice in the archive")
        count += 1
        if member.name in (MANIFEST, CONTENTS):
            raw = texts[member.name] = b"".join(member.steps())
            digests[member.name] = (len(raw), hashlib.sha256(raw).hexdigest())
            if member.name == MANIFEST:
                read_manifest(raw)
            continue
        _need_room(directory, member)
        sha1, sha256 = _spill(member, directory / str(count))
        if member.name.startswith("files/"):
            _check_blob(member.name.removeprefix("files/"), sha1)
            files.note([(sha1, str(count))])
            blobs += 1
            blob_bytes += member.size
            continue
        if len(numbers) >= MOST_PIECES:
            raise refuse(FindingKind.TOO_LARGE, f"the archive has more than {MOST_PIECES:,} pieces")
        numbers[member.name] = count
        digests[member.name] = (member.size, sha256)
    if CONTENTS not in texts:
        raise refuse(FindingKind.TRUNCATED_FILE, f"the archive ends before {CONTENTS}: it is not whole")
    contents = Contents.from_bytes(texts[CONTENTS])
    _check(contents, digests, blobs, blob_bytes)
    return Unpacked(read_manifest(texts[MANIFEST]), contents, digests[CONTENTS][1], directory, numbers)


def _spill(member: MemberReader, path: Path) -> tuple[str, str]:
    sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
    is_blob = member.name.startswith("files/")
    with path.open("wb") as file:
        for step in member.steps():
            (sha1 if is_blob else sha256).update(step)
            file.write(step)
    return sha1.hexdigest(), sha256.hexdigest()


def _need_room(directory: Path, member: MemberReader) -> None:
    free = shutil.disk_usage(directory).free
    if member.size > free - LEAST_FREE_BYTES:
        reason = f"{member.name} has {member.size:,} bytes, and {directory} has only {free:,} left"
        raise refuse(FindingKind.TOO_LARGE, reason)


def _check_blob(name: str, sha1: str) -> None:
    if sha1 != name:
        raise refuse(FindingKind.MALFORMED_ARCHIVE, f"files/{name} holds something else: {sha1}")


def _check(contents: Contents, digests: dict[str, tuple[int, str]], blobs: int, blob_bytes: int) -> None:
    listed = {one.name: (one.size, one.sha256) for one in contents.members}
    found = {name: digest for name, digest in digests.items() if name != CONTENTS}
    for name in sorted(listed.keys() | found.keys()):
        if name not in found:
            raise refuse(FindingKind.MALFORMED_ARCHIVE, f"{name} is missing in the archive")
        if listed.get(name) != found[name]:
            raise refuse(FindingKind.MALFORMED_ARCHIVE, f"{name} is not what {CONTENTS} says that it is")
    if EXPORT not in found:
        raise refuse(FindingKind.MALFORMED_ARCHIVE, f"{EXPORT} is missing in the archive")
    if (blobs, blob_bytes) != (contents.files, contents.file_bytes):
        raise refuse(FindingKind.MALFORMED_ARCHIVE, "files are missing in the archive, or are there that do not belong")
