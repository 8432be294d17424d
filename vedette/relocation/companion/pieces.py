"""Rows of an archive as members: lines of JSON, compressed, in pieces of a bounded size."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from vedette.relocation.companion.container import ArchiveWriter
from vedette.relocation.files.findings import FindingKind, refuse

if sys.version_info >= (3, 14):
    from compression import zstd
else:  # what clickhouse-connect itself depends on
    from backports import zstd

PIECE_BYTES = 64 * 2**20  # of lines, before a new piece begins
LONGEST_LINE = 32 * 2**20
MOST_BYTES = 2 * PIECE_BYTES + LONGEST_LINE  # of one piece
_LEVEL = 3


class PieceWriter:
    """Writes lines into members `<folder>/0001.jsonl.zst`, … of an archive, each spilled to the work directory first,
    because a tar has to know sizes ahead. `head` is the first line of each piece. As a context manager: what is left is
    written at the end of a block that goes well."""

    def __init__(self, archive: ArchiveWriter, folder: str, work_dir: Path, head: bytes = b"") -> None:
        self.rows = 0
        self._archive, self._folder, self._head = archive, folder, head
        self._path = work_dir / "piece.jsonl.zst"
        self._number = self._written = self._rows_of_piece = 0
        self._file: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._end_piece()
        elif self._file is not None:
            self._file.close()
        self._path.unlink(missing_ok=True)

    def add(self, lines: Iterable[bytes]) -> None:
        """Append lines; each ends in a newline."""
        for line in lines:
            if self._file is None:
                self._file = zstd.open(self._path, "wb", level=_LEVEL)
                self._file.write(self._head)
            self._file.write(line)
            self._written += len(line)
            self._rows_of_piece += 1
            self.rows += 1
            if self._written >= PIECE_BYTES:
                self._end_piece()

    def _end_piece(self) -> None:
        if self._file is None:
            return
        self._file.close()
        self._file = None
        self._number += 1
        self._archive.add_file(f"{self._folder}/{self._number:04d}.jsonl.zst", self._path, self._rows_of_piece)
        self._written = self._rows_of_piece = 0


def read_lines(path: Path, name: str) -> Iterator[bytes]:
    """The lines of a piece that was unpacked to `path`; `name` is what a refusal calls it.

    Raises `BadFile` for a line or a piece that is too long, and for bytes that do not decompress.
    """
    left = MOST_BYTES
    try:
        with zstd.open(path, "rb") as file:
            while line := file.readline(min(LONGEST_LINE, left) + 1):
                left -= len(line)
                if left < 0 or len(line) > LONGEST_LINE:
                    raise refuse(FindingKind.TOO_LARGE, f"{name} holds more than a piece of an archive may")
                yield line
    except (zstd.ZstdError, EOFError) as error:
        raise refuse(FindingKind.MALFORMED_ARCHIVE, f"{name} does not decompress: {error}") from error
