"""Crash dumps: unpacked, and known by their first bytes.

Source: the ingest specification, 1.3.
"""

import bz2
import lzma
from collections.abc import Callable

from vedette.wire.encoding import decode_body
from vedette.wire.refusals import Malformed, TooLarge, UndecodableBody

MAGIC = (b"MDMP", b"PMDM")
# What a decoder of xz may take for its dictionary; `xz -9` makes files that want 65 MiB.
_XZ_MEMORY_BYTES = 72 * 1024 * 1024


def is_packed(content: memoryview) -> bool:
    """Whether the content begins like something that `unpack_dump` unpacks."""
    return _unpacker(content) is not None


def unpack_dump(content: memoryview, limit: int) -> bytes | memoryview:
    """The plain bytes of a minidump that may be packed with gzip, xz, bzip2 or zstd, once; a plain one is not copied.

    Raises `Malformed` (400) for anything that is no minidump, `TooLarge` (413) beyond `limit` plain bytes.
    """
    plain: bytes | memoryview = content
    unpack = _unpacker(content)
    if unpack is not None:
        try:
            plain = unpack(content, limit)
        except (UndecodableBody, lzma.LZMAError, OSError, EOFError, ValueError) as error:
            raise _invalid(f"it cannot be unpacked: {error}") from error
    if bytes(plain[: len(MAGIC[0])]) not in MAGIC:
        raise _invalid("it does not begin like one")
    return plain


def _unpacker(content: memoryview) -> Callable[[memoryview, int], bytes] | None:
    start = bytes(content[:_LONGEST_MAGIC])
    return next((unpack for magic, unpack in _PACKED.items() if start.startswith(magic)), None)


def _gzip(content: memoryview, limit: int) -> bytes:
    return decode_body(content, "gzip", limit)


def _zstd(content: memoryview, limit: int) -> bytes:
    return decode_body(content, "zstd", limit)


def _xz(content: memoryview, limit: int) -> bytes:
    return _whole(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES), content, limit)


def _bzip2(content: memoryview, limit: int) -> bytes:
    return _whole(bz2.BZ2Decompressor(), content, limit)


def _whole(stage: lzma.LZMADecompressor | bz2.BZ2Decompressor, content: memoryview, limit: int) -> bytes:
    plain = stage.decompress(content, limit + 1)
    if len(plain) > limit:
        raise TooLarge(f"the dump is larger than {limit} bytes")
    if not stage.eof:
        raise EOFError("it ends too early")
    return plain


def _invalid(cause: str) -> Malformed:
    return Malformed("invalid minidump", causes=(cause,), reason="invalid_minidump")


_PACKED: dict[bytes, Callable[[memoryview, int], bytes]] = {
    b"\x1f\x8b": _gzip,
    b"\xfd7zXZ\0": _xz,
    b"BZh": _bzip2,
    b"\x28\xb5\x2f\xfd": _zstd,
}
_LONGEST_MAGIC = max(map(len, _PACKED))
