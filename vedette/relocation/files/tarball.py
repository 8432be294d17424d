"""The container of an encrypted export: an uncompressed tar of three files.

Headers are read here and not by `tarfile`, which takes as much memory for long names as a stranger asks for.
Source: the relocation specification, 1.4, and the ustar format of POSIX (`pax`).
"""

import tarfile
from dataclasses import dataclass
from typing import BinaryIO

from vedette.relocation.files.findings import BadFile, FindingKind, refuse

EXPORT, DATA_KEY, PUBLIC_KEY = "export.json", "data.key", "key.pub"
MEMBERS = (EXPORT, DATA_KEY, PUBLIC_KEY)
BLOCK = 512

_RECORD = 20 * BLOCK
_LARGEST_USTAR = 8**11 - 1
_LARGEST_EXTRA = 2**16  # of a long name and the like
_MOST_HEADERS = 1000
_FILES, _PASSED_OVER = b"0\x007", b"1234569"  # the rest of the second: links, devices and directories
_WIDE_NUMBER = 0x80  # in front of a number that is binary


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: where its content begins, and its length."""

    name: str
    offset: int
    size: int


def header(name: str, size: int) -> bytes:
    """The block in front of a file of `size` bytes, with the defaults of the reference for all else."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT if size <= _LARGEST_USTAR else tarfile.GNU_FORMAT)


def padding(size: int) -> bytes:
    """What fills the last block of `size` bytes."""
    return bytes(-size % BLOCK)


def end(size: int) -> bytes:
    """What ends an archive of `size` bytes."""
    return bytes(2 * BLOCK + -(size + 2 * BLOCK) % _RECORD)


def is_tar(head: bytes) -> bool:
    """Whether a file that begins with these bytes is a tar; two blocks of nothing are an empty one."""
    return head[257:262] == b"ustar" or (len(head) >= BLOCK and _is_sound(head[:BLOCK]))


def members(source: BinaryIO) -> dict[str, Member]:
    """The three files of the archive in `source` (seekable, from its present position), in whatever order they are.

    Raises `BadFile` for a file of another name, one that is missing or there twice, and whatever is no archive.
    """
    found: dict[str, Member] = {}
    listed, is_whole = _walk(source)
    for member in listed:
        if member.name not in MEMBERS:
            raise _malformed(f"it holds {member.name[:100]!r}, which is no part of an encrypted export")
        if member.name in found:
            raise _malformed(f"it holds {member.name} twice")
        found[member.name] = member
    missing = [name for name in MEMBERS if name not in found]
    if missing and not is_whole:
        raise _cut_off()
    if missing:
        raise _malformed(f"it does not hold {' and '.join(missing)}")
    return found


def read_small(source: BinaryIO, member: Member, most: int) -> bytes:
    """The content of a file that has at most `most` bytes. Raises `BadFile`."""
    if member.size > most:
        raise refuse(FindingKind.TOO_LARGE, f"{member.name} of the encrypted export is larger than {most} bytes")
    source.seek(member.offset)
    return source.read(member.size)


def _walk(source: BinaryIO) -> tuple[list[Member], bool]:
    """The files, and whether the end of the archive is there."""
    at = source.tell()
    file_end = source.seek(0, 2)
    found: list[Member] = []
    extra: dict[str, str] = {}
    for _ in range(_MOST_HEADERS):
        source.seek(at)
        block = source.read(BLOCK)
        if not block.strip(b"\0"):
            return found, bool(block)
        if len(block) < BLOCK:
            raise _cut_off()
        if not _is_sound(block):
            raise _malformed("it is no tar archive" if not found else "the tar archive is damaged")
        kind = block[156:157]
        size = int(extra["size"]) if extra.get("size", "").isdecimal() else _number(block[124:136])
        begin, at = at + BLOCK, at + BLOCK + size + -size % BLOCK
        if begin + size > file_end:
            raise _cut_off()
        if kind in (b"x", b"L", b"K", b"g"):
            extra |= _extra(source, kind, begin, size)
            continue
        if kind in _FILES:
            found.append(Member(extra.get("path") or _name(block), begin, size))
        elif kind not in _PASSED_OVER:
            raise _malformed("it holds a kind of file that an export does not have")
        extra = {}
    raise _malformed("it holds too many files")


def _extra(source: BinaryIO, kind: bytes, begin: int, size: int) -> dict[str, str]:
    """What an extended header says about the next file: `path` and `size`, where it does."""
    if size > _LARGEST_EXTRA:
        raise _malformed("it has a header that is too long")
    source.seek(begin)
    text = source.read(size).decode(errors="replace")
    if kind == b"L":
        return {"path": text.rstrip("\0")}
    if kind != b"x":
        return {}
    records = (line.partition(" ")[2].partition("=") for line in text.split("\n"))
    return {name: value for name, _, value in records if name in ("path", "size")}


def _is_sound(block: bytes) -> bool:
    """Whether the checksum of a header is right."""
    told = block[148:156].strip(b" \0")
    if not told or not all(0x30 <= digit < 0x38 for digit in told):
        return False
    return int(told, 8) == sum(block[:148]) + sum(block[156:]) + 8 * 0x20


def _name(block: bytes) -> str:
    name, prefix = (block[cut].split(b"\0")[0].decode(errors="replace") for cut in (slice(0, 100), slice(345, 500)))
    return f"{prefix}/{name}" if prefix and block[257:263] == b"ustar\0" else name


def _number(field: bytes) -> int:
    if field[0] == _WIDE_NUMBER:
        return int.from_bytes(field[1:], "big")
    text = field.strip(b" \0") or b"0"
    try:
        return int(text, 8)
    except ValueError:
        raise _malformed("the tar archive is damaged") from None


def _cut_off() -> BadFile:
    return refuse(FindingKind.TRUNCATED_FILE, "the encrypted export is cut off")


def _malformed(reason: str) -> BadFile:
    return refuse(FindingKind.MALFORMED_ARCHIVE, f"this is no encrypted export: {reason}")
