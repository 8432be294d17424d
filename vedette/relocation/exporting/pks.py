"""Sets of pks that stay small: rows are exported in ascending order, so runs of neighbours are one entry."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator


class PkSet:
    """Pks that were added in ascending order, kept as runs: 16 bytes for each run, however long it is."""

    __slots__ = ("_count", "_first", "_last")

    def __init__(self, pks: Iterable[int] = ()) -> None:
        """With these to begin with, which ascend."""
        self._first = array("q")
        self._last = array("q")
        self._count = 0
        for pk in pks:
            self.add(pk)

    def add(self, pk: int) -> None:
        """Add one that is greater than all before. Raises ValueError when it is not."""
        if self._last and pk <= self._last[-1]:
            raise ValueError(f"{pk} does not come after {self._last[-1]}")
        if self._last and pk == self._last[-1] + 1:
            self._last[-1] = pk
        else:
            self._first.append(pk)
            self._last.append(pk)
        self._count += 1

    def __contains__(self, pk: int) -> bool:
        at = bisect_right(self._first, pk) - 1
        return at >= 0 and pk <= self._last[at]

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        """All of them, ascending."""
        for first, last in zip(self._first, self._last, strict=True):
            yield from range(first, last + 1)

    def if_few(self, most: int) -> list[int] | None:
        """All of them where there are no more than `most`, so that a query can name them."""
        return list(self) if self._count <= most else None
