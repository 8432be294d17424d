"""Content encodings: bodies made plain, and never further than a limit.

Source: the ingest specification, 3.1. Each stage inflates in steps and stops as soon as it is past the limit, so a
bomb costs no more than the limit, and a body that ends too early is refused.
"""

import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import zstandard

from vedette.wire.refusals import TooLarge, UndecodableBody

MAX_STAGES = 4
MAX_MEMBERS = 16  # of one gzip body; each costs a copy of what follows
_IGNORED = frozenset({"", "utf-8", "identity"})  # "utf-8": old Ruby and Android SDKs
_BROTLI_STEP = 64 * 1024
# Within 128 bytes zstd can say "4 MB of the same byte": the most that one step may be past the limit.
_ZSTD_STEP = 128
_ZSTD_WINDOW = 8 * 1024 * 1024
# What `decode_prefix` reads beyond its limit: a zstd block says nothing before all of it is there, 128 KiB at most.
_PREFIX_SLACK = 256 * 1024


def encodings(header: str | None) -> tuple[str, ...]:
    """The encodings that a Content-Encoding header names, in the order in which they were applied.

    Raises `UndecodableBody` for one that nobody here knows, or for a chain of more than four.
    """
    if not header:
        return ()
    names = tuple(name for part in header.lower().split(",") if (name := part.strip()) not in _IGNORED)
    for name in names:
        if name not in _STAGES:
            raise UndecodableBody(f"unsupported content encoding '{name[:40]}'")
    if len(names) > MAX_STAGES:
        raise UndecodableBody(f"more than {MAX_STAGES} content encodings")
    return names


def decode_body(body: bytes | memoryview, header: str | None, limit: int) -> bytes:
    """The plain bytes of a body that came with this Content-Encoding header; `limit` counts plain bytes.

    Raises `UndecodableBody` (400) for broken or truncated data, `TooLarge` (413) beyond the limit.
    """
    for name in reversed(encodings(header)):
        body = _STAGES[name](body, limit)
    if len(body) > limit:
        raise _too_large(limit)
    return body if isinstance(body, bytes) else bytes(body)


def decode_prefix(body: bytes, header: str | None, limit: int) -> bytes:
    """The first plain bytes of a body, at most `limit`: cheap, whatever the body would inflate to.

    A body that goes on or ends too early is no error here; `decode_body` will say so. Raises `UndecodableBody` (400)
    for broken data.
    """
    for name in reversed(encodings(header)):
        body = _PREFIXES[name](body[: limit + _PREFIX_SLACK], limit + _PREFIX_SLACK)
    return body[:limit]


def _gzip(data: bytes | memoryview, limit: int) -> bytes:
    return _zlib(data, limit, 31)


def _deflate(data: bytes | memoryview, limit: int) -> bytes:
    return _zlib(data, limit, 15)


def _zlib(data: bytes | memoryview, limit: int, window_bits: int) -> bytes:
    """In gzip members may follow each other, and zeros may follow the last one; zlib has one part only."""
    parts: list[bytes] = []
    size = 0
    while True:
        stage = zlib.decompressobj(window_bits)
        try:
            part = stage.decompress(data, limit - size + 1)
        except zlib.error as error:
            raise UndecodableBody("failed to decode the body", causes=(str(error),)) from error
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        if not stage.eof:
            raise _truncated()
        parts.append(part)
        data = stage.unused_data.lstrip(b"\0")
        if not data:
            return parts[0] if len(parts) == 1 else b"".join(parts)
        if window_bits == 15 or len(parts) == MAX_MEMBERS:
            raise UndecodableBody("failed to decode the body", causes=("data after its end",))


def _brotli(data: bytes | memoryview, limit: int) -> bytes:
    stage = brotli.Decompressor()
    parts: list[bytes] = []
    size = 0
    try:
        part = stage.process(data, output_buffer_limit=_BROTLI_STEP)
        while part or not stage.can_accept_more_data():
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
            if stage.is_finished():
                break
            part = stage.process(b"", output_buffer_limit=_BROTLI_STEP)
    except brotli.error as error:
        raise UndecodableBody("failed to decode the body", causes=(str(error),)) from error
    if not stage.is_finished():
        raise _truncated()
    return b"".join(parts)


def _zstd(data: bytes | memoryview, limit: int) -> bytes:
    parts: list[bytes] = []
    size = position = 0
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    try:
        while position < len(data) or not parts:
            stage = decompressor.decompressobj()
            while position < len(data) and not stage.eof:
                parts.append(stage.decompress(data[position : position + _ZSTD_STEP]))
                position += _ZSTD_STEP
                size += len(parts[-1])
                if size > limit:
                    raise _too_large(limit)
            if not stage.eof:
                raise _truncated()
            position = min(position, len(data)) - len(stage.unused_data)  # another frame may follow
    except zstandard.ZstdError as error:
        raise UndecodableBody("failed to decode the body", causes=(str(error),)) from error
    return b"".join(parts)


def _gzip_prefix(data: bytes, limit: int) -> bytes:
    return _zlib_prefix(data, limit, 31)


def _deflate_prefix(data: bytes, limit: int) -> bytes:
    return _zlib_prefix(data, limit, 15)


def _zlib_prefix(data: bytes, limit: int, window_bits: int) -> bytes:
    plain = b""
    for _ in range(MAX_MEMBERS):
        stage = zlib.decompressobj(window_bits)
        try:
            plain += stage.decompress(data, limit - len(plain))
        except zlib.error as error:
            raise UndecodableBody("failed to decode the body", causes=(str(error),)) from error
        data = stage.unused_data.lstrip(b"\0")
        if not data or len(plain) >= limit or window_bits == 15:  # a max_length of 0 would mean "no limit"
            break
    return plain


def _brotli_prefix(data: bytes, limit: int) -> bytes:
    stage = brotli.Decompressor()
    plain = b""
    try:
        part = stage.process(data, output_buffer_limit=_BROTLI_STEP)
        while part:
            plain += part
            if len(plain) >= limit or stage.is_finished():
                break
            part = stage.process(b"", output_buffer_limit=_BROTLI_STEP)
    except brotli.error as error:
        raise UndecodableBody("failed to decode the body", causes=(str(error),)) from error
    return plain[:limit]


def _zstd_prefix(data: bytes, limit: int) -> bytes:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    try:
        with decompressor.stream_reader(data, read_across_frames=True) as reader:
            return reader.read(limit)
    except zstandard.ZstdError as error:
        raise UndecodableBody("failed to decode the body", causes=(str(error),)) from error


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"request body is larger than {limit} bytes")


def _truncated() -> UndecodableBody:
    return UndecodableBody("failed to decode the body", causes=("it ends too early",))


_STAGES: dict[str, Callable[[bytes | memoryview, int], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
_PREFIXES: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip_prefix,
    "x-gzip": _gzip_prefix,
    "deflate": _deflate_prefix,
    "br": _brotli_prefix,
    "zstd": _zstd_prefix,
}
