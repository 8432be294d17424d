"""The pure half of the loopback front: bodies, parameters, statements and statuses of ClickHouse's HTTP protocol."""

import gzip
import re
import sys
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import lz4.frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:  # what clickhouse-connect itself depends on
    from backports import zstd

# Parameters that steer the transport. Everything else in a request's query string is a setting of the engine.
TRANSPORT_PARAMETERS = frozenset(
    (
        *("query", "query_id", "database", "default_format", "user", "password", "role", "quota_key", "stacktrace"),
        *("session_id", "session_check", "session_timeout", "client_protocol_version", "add_http_cors_header"),
        *("compress", "decompress", "enable_http_compression", "buffer_size", "wait_end_of_query"),
        *("send_progress_in_http_headers", "http_headers_progress_interval_ms"),
        "cancel_http_readonly_queries_on_client_close",
    )
)
ENCODINGS = ("lz4", "zstd", "gzip", "deflate")

_TRAILING_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*$", re.IGNORECASE)
_INSERT = re.compile(rb"\s*(INSERT\s+INTO\s.*?)\s+FORMAT\s+(\w+)[ \t\r]*(?:\n|$)", re.IGNORECASE | re.DOTALL)
_FIRST_WORD = re.compile(rb"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*\(*\s*(\w+)", re.DOTALL)
_ANSWERING = frozenset((b"SELECT", b"WITH", b"SHOW", b"DESCRIBE", b"DESC", b"EXISTS", b"EXPLAIN", b"CHECK"))
# They would change the session of a handle that other clients share, and sessions are not kept here.
_STATEFUL = frozenset((b"SET", b"USE"))
_TEMPORARY = re.compile(rb"\s*CREATE\s+(OR\s+REPLACE\s+)?TEMPORARY\b", re.IGNORECASE)
_INSERT_HEAD_BYTES = 256 * 1024

_STATUS_OF_CODE = {
    **dict.fromkeys((6, 25, 26, 27, 36, 38, 41, 43, 53, 62, 69, 70, 72, 130, 131, 168, 186, 386, 456, 457), 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 81, 115), 404),
    **dict.fromkeys((192, 193, 194, 516), 403),
    **dict.fromkeys((223, 229), 413),
    **dict.fromkeys((48,), 501),
    **dict.fromkeys((202,), 503),
    **dict.fromkeys((159,), 408),
}


class HttpRefused(Exception):
    """A request that is answered without asking the engine: an HTTP status, and ClickHouse's code for it."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {message}")
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Target:
    """A request line taken apart: the path, the transport's parameters, the statement's, and the settings."""

    path: str
    transport: dict[str, str]
    params: dict[str, str]
    settings: dict[str, str]


def read_target(target: str) -> Target:
    """The parts of a request's path and query string. Raises `HttpRefused` when it has too many fields."""
    parts = urlsplit(target)
    try:
        fields = parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape", max_num_fields=1000)
    except ValueError:
        raise HttpRefused(400, 36, "too many parameters") from None
    read = Target(parts.path, {}, {}, {})
    for name, value in fields:
        take_field(read, name, value)
    return read


def take_field(target: Target, name: str, value: str) -> None:
    """File one parameter of a query string or a form under its kind."""
    if name.startswith("param_"):
        target.params[name[6:]] = value
    elif name in TRANSPORT_PARAMETERS:
        target.transport[name] = value
    elif value != "":
        target.settings[name] = value


def read_form(body: bytes, content_type: str) -> dict[str, str]:
    """The plain fields of a multipart/form-data body. Raises `HttpRefused` for a broken one, or one with files."""
    boundary = re.search(r'boundary="?([^";,]{1,200})"?', content_type)
    if not boundary:
        raise HttpRefused(400, 36, "multipart body without a boundary")
    fields: dict[str, str] = {}
    for part in body.split(b"--" + boundary[1].encode("latin-1"))[1:]:
        if part.startswith(b"--"):
            return fields
        head, separator, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        if not separator or not name or b"filename=" in head:
            raise HttpRefused(501, 48, "external data is not supported by the embedded event store")
        fields[name[1].decode()] = value.removesuffix(b"\r\n").decode("utf-8", "surrogateescape")
    raise HttpRefused(400, 36, "multipart body without its end")


def split_insert(body: bytes) -> tuple[str, str, bytes] | None:
    """(statement without FORMAT, format, data) of an insert that carries data; None for any other statement."""
    head = body[:_INSERT_HEAD_BYTES]
    match = _INSERT.match(head)
    if not match or first_word(head) != b"INSERT":
        return None
    return match[1].decode(), match[2].decode(), body[match.end() :]


def first_word(statement: bytes) -> bytes:
    """The statement's first keyword, upper case, behind comments and parentheses; empty if there is none."""
    match = _FIRST_WORD.match(statement)
    return match[1].upper() if match else b""


def refuse_stateful(statement: bytes) -> None:
    """Raise `HttpRefused` for a statement whose effect lives in a session."""
    if first_word(statement) in _STATEFUL or _TEMPORARY.match(statement):
        raise HttpRefused(501, 48, "the embedded event store keeps no sessions: send settings with the request")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as the engine gets it. `output_format` is None when it gives no rows; `inline_settings` tells
    whether its settings stand in its text already."""

    text: bytes
    output_format: str | None
    inline_settings: bool


def shape_statement(body: bytes, default_format: str, clause: str) -> Statement:
    """`body` with its output format written out and the settings `clause` behind it, where grammar allows that.

    A statement that gives rows takes FORMAT and then SETTINGS at its end. Any other takes neither: its settings have
    to be set on the handle.
    """
    text = body.strip().rstrip(b";").rstrip()
    if first_word(text) not in _ANSWERING:
        return Statement(text, None, False)
    match = _TRAILING_FORMAT.search(text)
    output_format = match[1].decode() if match else default_format
    if not match:
        text += f"\nFORMAT {output_format}".encode()
    return Statement(text + (f"\nSETTINGS {clause}".encode() if clause else b""), output_format, True)


def status_of(code: int) -> int:
    """The HTTP status that goes with ClickHouse's error code."""
    return _STATUS_OF_CODE.get(code, 500)


def inflate(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    """`body` without its Content-Encoding, through all of its frames: a client may send one per block.

    Raises `HttpRefused` when the result would exceed the limit, or when the body is broken or cut short.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in ENCODINGS:
        raise HttpRefused(400, 36, f"unknown content encoding {encoding[:20]!r}")
    out: list[bytes] = []
    room = limit_bytes
    try:
        while body:
            piece, body = _inflate_frame(body, encoding, room + 1)
            room -= len(piece)
            if room < 0:
                raise HttpRefused(413, 223, f"the request inflates to more than {limit_bytes} bytes")
            out.append(piece)
    except (RuntimeError, zlib.error, zstd.ZstdError, EOFError) as error:
        raise HttpRefused(400, 271, f"the body is no {encoding}: {error}") from None
    return out[0] if len(out) == 1 else b"".join(out)


def _inflate_frame(body: bytes, encoding: str, limit: int) -> tuple[bytes, bytes]:
    """(content, rest) of the first frame; content of `limit` bytes may be less than there is."""
    decoder = _decoder(encoding)
    piece: bytes = decoder.decompress(body, limit)
    if len(piece) < limit and not decoder.eof:
        raise EOFError("it ends too early")
    return piece, decoder.unused_data or b""


def _decoder(encoding: str) -> Any:
    if encoding == "lz4":
        return lz4.frame.LZ4FrameDecompressor()  # type: ignore[no-untyped-call]
    if encoding == "zstd":
        return zstd.ZstdDecompressor()
    return zlib.decompressobj(31 if encoding == "gzip" else 15)


def choose_encoding(accepted: str) -> str:
    """The first of our encodings that an Accept-Encoding header names without q=0; empty for none."""
    names = [part.partition(";") for part in accepted.lower().replace(" ", "").split(",")]
    return next((name for name, _, q in names if name in ENCODINGS and q != "q=0"), "")


def deflate(body: bytes, encoding: str) -> bytes:
    """`body` in one frame of the encoding, at the fastest level."""
    if encoding == "lz4":
        return bytes(lz4.frame.compress(body, compression_level=0))  # type: ignore[attr-defined]
    if encoding == "zstd":
        return zstd.compress(body, level=1)
    if encoding == "gzip":
        return gzip.compress(body, compresslevel=1)
    if encoding == "deflate":
        return zlib.compress(body, level=1)
    return body
