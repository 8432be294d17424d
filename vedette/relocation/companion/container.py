"""The container of a companion archive: an uncompressed tar of plain files, written and read in one pass.

The first member says what it is, the last one what has to be in it: without that one an archive is cut off. Nothing of
a tar but plain files with names that we give is read, no name is ever used as a path, and no size is believed: that is
why the headers are read here and not by `tarfile`, whose long names and extended headers take as much memory as a
stranger asks for.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tarfile import GNU_FORMAT, TarInfo
from typing import Any, BinaryIO, Protocol

import orjson

from vedette.relocation.files.findings import FindingKind, refuse

MANIFEST, EXPORT, CONTENTS = "manifest.json", "export.json", "contents.json"
FORMAT, VERSION = "vedette-archive", 1
BLOCK = 512
MOST_MEMBERS = 5_000_000
MOST_PIECES = 1_000_000  # members that `contents.json` lists: they are held in memory
_STEP = 2**20
_GIBIBYTE = 2**30
_NAMES = (  # what a member may be called, and how many bytes it may have
    (re.compile(r"manifest\.json"), 2**20),
    (re.compile(r"contents\.json"), 256 * 2**20),
    (re.compile(r"export\.json"), 64 * _GIBIBYTE),
    (re.compile(r"(rows|events)/[0-9a-z.\-]{1,60}/[0-9]{4,7}\.jsonl\.zst"), _GIBIBYTE),
    (re.compile(r"files/[0-9a-f]{40}"), 8 * _GIBIBYTE),
)


class Writable(Protocol):
    """Where an archive goes."""

    def write(self, data: bytes, /) -> Any:
        """Take all of the bytes."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive. `rows` is 0 where it has none, `sha256` 64 hex digits."""

    name: str
    size: int
    sha256: str
    rows: int = 0


@dataclass(slots=True)
class Contents:
    """What is in an archive: its members but the files, whose names say what they hold, and how many files with how
    many bytes. `counts` are rows by model or table."""

    members: list[Member] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    organizations: list[str] = field(default_factory=list)
    files: int = 0
    file_bytes: int = 0

    def as_bytes(self) -> bytes:
        """As the last member holds it."""
        members = [[one.name, one.size, one.sha256, one.rows] for one in self.members]
        told = {"counts": self.counts, "files": self.files, "file_bytes": self.file_bytes, "members": members}
        return orjson.dumps(told | {"organizations": self.organizations}, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Contents":
        """What `as_bytes` gave. Raises `BadFile`."""
        try:
            told = orjson.loads(raw)
            members = [
                Member(str(name), int(size), str(sha256), int(rows)) for name, size, sha256, rows in told["members"]
            ]
            counts = {str(name): int(count) for name, count in told["counts"].items()}
            organizations = [str(slug) for slug in told["organizations"]]
            return cls(members, counts, organizations, int(told["files"]), int(told["file_bytes"]))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise refuse(FindingKind.MALFORMED_ARCHIVE, f"{CONTENTS} does not say what is in the archive") from error


class ArchiveWriter:
    """Writes members one after the other; each has its size before it is written. Call `close` at the end."""

    def __init__(self, stream: Writable, manifest: dict[str, Any]) -> None:
        self._stream = stream
        self.contents = Contents()
        self._add_bytes(MANIFEST, orjson.dumps({"format": FORMAT, "version": VERSION, **manifest}))

    def add_file(self, name: str, path: Path, rows: int = 0) -> None:
        """Put a file of this machine in, listed with its digest."""
        digest, size = hashlib.sha256(), path.stat().st_size
        with path.open("rb") as file:
            self._copy(name, size, file, digest)
        self.contents.members.append(Member(name, size, digest.hexdigest(), rows))

    def add_blob(self, name: str, path: Path) -> bool:
        """Put a file in whose name says what it holds; False, and nothing is written, when it is not there."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return False
        with file:
            size = path.stat().st_size
            self._copy(f"files/{name}", size, file, hashlib.sha256())
        self.contents.files += 1
        self.contents.file_bytes += size
        return True

    def close(self) -> None:
        """Write what is in it, and the end. The stream stays open."""
        raw = self.contents.as_bytes()
        self._stream.write(_header(CONTENTS, len(raw)) + raw + _padding(len(raw)) + bytes(2 * BLOCK))

    def _add_bytes(self, name: str, raw: bytes) -> None:
        self._stream.write(_header(name, len(raw)) + raw + _padding(len(raw)))
        self.contents.members.append(Member(name, len(raw), hashlib.sha256(raw).hexdigest()))

    def _copy(self, name: str, size: int, file: BinaryIO, digest: "hashlib._Hash") -> None:
        self._stream.write(_header(name, size))
        left = size
        while left:
            step = file.read(min(_STEP, left))
            if not step:
                raise OSError(f"{name} became shorter while it was read")
            digest.update(step)
            self._stream.write(step)
            left -= len(step)
        self._stream.write(_padding(size))


class MemberReader:
    """The bytes of the member that is being read."""

    def __init__(self, stream: BinaryIO, name: str, size: int) -> None:
        self.name, self.size = name, size
        self._stream, self._left = stream, size

    def steps(self) -> Iterator[bytes]:
        """Its bytes, some at a time. Raises `BadFile` when the archive ends in it."""
        while self._left:
            step = self._stream.read(min(_STEP, self._left))
            if not step:
                raise refuse(FindingKind.TRUNCATED_FILE, f"the archive ends in the middle of {self.name}")
            self._left -= len(step)
            yield step

    def skip(self) -> None:
        """Read on to the next one's header."""
        for _ in self.steps():
            pass
        _exactly(self._stream, -self.size % BLOCK)


def looks_like_archive(head: bytes) -> bool:
    """Whether bytes that begin like these (512 are enough) are a companion archive and no export."""
    return len(head) >= BLOCK and head.startswith(MANIFEST.encode() + b"\0") and head[257:262] == b"ustar"


def read_members(stream: BinaryIO) -> Iterator[MemberReader]:
    """The members of an archive, one after the other, up to the end of the tar; what is not read of one is skipped.

    Raises `BadFile` for whatever is no archive of ours.
    """
    for _ in range(MOST_MEMBERS):
        header = stream.read(BLOCK)
        while header and len(header) < BLOCK and (more := stream.read(BLOCK - len(header))):
            header += more
        if header == bytes(BLOCK):
            return
        if len(header) < BLOCK:
            raise refuse(FindingKind.TRUNCATED_FILE, "the archive ends before its contents are told")
        member = MemberReader(stream, *_read_header(header))
        yield member
        member.skip()
    raise refuse(FindingKind.TOO_LARGE, f"the archive has more than {MOST_MEMBERS:,} members")


def read_manifest(raw: bytes) -> dict[str, Any]:
    """What the first member says. Raises `BadFile` for an archive of another kind or of a later version."""
    try:
        told = orjson.loads(raw)
        made_by = (told["format"], int(told["version"]))
    except (ValueError, TypeError, KeyError) as error:
        raise refuse(FindingKind.MALFORMED_ARCHIVE, f"{MANIFEST} is none of a Vedette archive") from error
    if made_by[0] != FORMAT:
        raise refuse(FindingKind.MALFORMED_ARCHIVE, f"{MANIFEST} is none of a Vedette archive")
    if made_by[1] > VERSION:
        reason = f"the archive has version {made_by[1]}; this Vedette reads versions up to {VERSION}: update it"
        raise refuse(FindingKind.MALFORMED_ARCHIVE, reason)
    manifest: dict[str, Any] = told
    return manifest


def _header(name: str, size: int) -> bytes:
    info = TarInfo(name)
    info.size = size
    return info.tobuf(GNU_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK)


def _read_header(header: bytes) -> tuple[str, int]:
    """Name and size of a plain file. Raises `BadFile` for anything else, however tar would understand it."""
    told = header[:148] + b" " * 8 + header[156:]
    try:
        checksum = int(header[148:156].strip(b"\0 "), 8)
        name = header[:100].rstrip(b"\0").decode("ascii")
        raw = header[124:136]
        size = int.from_bytes(raw[1:], "big") if raw[0] == 0x80 else int(raw.strip(b"\0 ") or b"0", 8)
    except ValueError:
        checksum, name, size = -1, "", 0
    if checksum != sum(told) or header[156:157] not in (b"0", b"\0") or header[345:500].strip(b"\0"):
        raise refuse(FindingKind.MALFORMED_ARCHIVE, "the archive has a member that is no plain file, or is damaged")
    most = next((limit for pattern, limit in _NAMES if pattern.fullmatch(name)), None)
    if most is None:
        raise refuse(FindingKind.MALFORMED_ARCHIVE, f"the archive has a member that does not belong there: {name!r}")
    if not 0 <= size <= most:
        raise refuse(FindingKind.TOO_LARGE, f"{name} has {size:,} bytes, of {most:,} that it may have")
    return name, size


def _exactly(stream: BinaryIO, size: int) -> None:
    while size:
        step = stream.read(size)
        if not step:
            raise refuse(FindingKind.TRUNCATED_FILE, "the archive ends in the middle of a member")
        size -= len(step)
