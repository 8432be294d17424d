"""Multipart bodies, as crash reporters and forms send them: parts as views into a body that is all there.

Everything is bounded: the length of a boundary and of its padding, the number of parts and of lines that only begin
like a boundary, the size of each part's header. A form beyond a bound is `Malformed` (400), like one that breaks the
grammar. Contents are not copied, and each byte is looked for a boundary once. Source: RFC 7578 and RFC 2046 (5.1); the
ingest specification, 1.3.
"""

import re
from dataclasses import dataclass
from ntpath import basename
from urllib.parse import unquote

from vedette.wire.refusals import Malformed

MAX_PARTS = 500
MAX_PART_HEADER_BYTES = 8 * 1024
MAX_BOUNDARY_LENGTH = 200  # RFC 2046 allows 70
MAX_PADDING = 100  # behind a boundary
MAX_NEAR_MISSES = 1000  # lines that only begin like a boundary, in a whole body
_PARAMETER = re.compile(r';\s*([\w*-]{1,40})\s*=\s*("(?:[^"\\]++|\\.)*+"?|[^;\s]*+)')
_CRLF = b"\r\n"
_LINE_END = re.compile(rb"[ \t]{0,%d}+(?=\r\n)" % MAX_PADDING)


@dataclass(frozen=True, slots=True)
class Part:
    """One part. `filename` is None for a plain field; of a path only the last step is kept. `start` is where the
    content begins in the body."""

    name: str
    filename: str | None
    content_type: str
    content: memoryview
    start: int = 0


def boundary_of(content_type: str | None) -> bytes | None:
    """The boundary that a Content-Type of `multipart/…` names; None for any other type.

    Raises `Malformed` (400) for a multipart type without a usable boundary.
    """
    kind, _, _ = (content_type or "").partition(";")
    if content_type is None or not kind.strip().lower().startswith("multipart/"):
        return None
    boundary = _parameters(content_type).get("boundary", "").encode("utf-8", "replace")
    if not 0 < len(boundary) <= MAX_BOUNDARY_LENGTH:
        raise _broken("the boundary is missing or too long")
    return boundary


def boundary_in(content: memoryview) -> bytes | None:
    """The boundary of a multipart body that comes without its Content-Type: its first line, if that can be one."""
    line, found, _ = bytes(content[: MAX_BOUNDARY_LENGTH + 4]).partition(_CRLF)
    return line[2:] if found and line.startswith(b"--") and len(line) > 2 else None


def parse_multipart(body: bytes, boundary: bytes, within: Part | None = None) -> tuple[Part, ...]:
    """The parts of `body`, or of the form that is the content of its part `within`, in their order.

    Raises `Malformed` (400).
    """
    start, end = (0, len(body)) if within is None else (within.start, within.start + len(within.content))
    view, markers = memoryview(body), _Markers(body, boundary, end)
    marker = markers.text
    # The first marker may stand at the very beginning, without a line break before it.
    position = start + len(marker) - 2 if body.startswith(marker[2:], start, end) else markers.behind(start)
    parts: list[Part] = []
    while not body.startswith(b"--", position, end):
        if len(parts) == MAX_PARTS:
            raise _broken(f"more than {MAX_PARTS} parts")
        head, first = _head(body, position, end)
        position = markers.behind(first - 2)  # an empty part ends where its head does
        parts.append(_part(head, view[first : max(first, position - len(marker))], first))
    return tuple(parts)


class _Markers:
    """The markers of a body, looked for from its beginning to `end`."""

    __slots__ = ("_body", "_end", "_left", "text")

    def __init__(self, body: bytes, boundary: bytes, end: int) -> None:
        self._body = body
        self._end = end
        self._left = MAX_NEAR_MISSES
        self.text = _CRLF + b"--" + boundary

    def behind(self, position: int) -> int:
        """Where the next marker ends. What only begins like it (a longer boundary) is content."""
        while True:
            found = self._body.find(self.text, position, self._end)
            if found < 0:
                raise _broken("it ends too early")
            position = found + len(self.text)
            closes = self._body.startswith(b"--", position, self._end)
            if closes or _line_end(self._body, position, self._end) is not None:
                return position
            self._left -= 1
            if self._left < 0:
                raise _broken(f"more than {MAX_NEAR_MISSES} lines only begin like a boundary")


def _line_end(body: bytes, position: int, end: int) -> int | None:
    """Where the line ends that holds nothing but some padding from `position` on; None if it holds more."""
    found = _LINE_END.match(body, position, end)
    return found.end() if found else None


def _head(body: bytes, position: int, body_end: int) -> tuple[dict[str, str], int]:
    """The headers of the part whose marker ends at `position`, and where its content begins."""
    start = _line_end(body, position, body_end)
    if start is None:
        raise _broken("a boundary does not end its line")
    end = body.find(b"\r\n\r\n", start, min(start + MAX_PART_HEADER_BYTES, body_end))
    if end < 0:
        raise _broken(f"the header of a part does not end within {MAX_PART_HEADER_BYTES} bytes")
    head: dict[str, str] = {}
    for line in body[start:end].decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        head.setdefault(name.strip().lower(), value.strip())
    return head, end + 4


def _part(head: dict[str, str], content: memoryview, start: int) -> Part:
    said = _parameters(head.get("content-disposition", ""))
    filename = said.get("filename")
    if "filename*" in said:
        charset, _, rest = said["filename*"].partition("'")
        if charset.lower() == "utf-8":
            filename = unquote(rest.partition("'")[2], errors="replace")
    if filename is not None:
        filename = basename(filename)
    return Part(said.get("name", ""), filename, head.get("content-type", ""), content, start)


def _parameters(header: str) -> dict[str, str]:
    """The parameters of a header; a name that comes twice counts once."""
    found: dict[str, str] = {}
    for name, value in _PARAMETER.findall(header):
        if value.startswith('"'):
            # Only quotes are escaped; a backslash before anything else belongs to a path of Windows.
            value = value[1:].removesuffix('"').replace('\\"', '"').replace("%22", '"')
        found.setdefault(name.lower(), value)
    return found


def _broken(cause: str) -> Malformed:
    return Malformed("invalid multipart body", causes=(cause,), reason="invalid_multipart")
