"""Much at a time, a piece after the other: deleting, so that nobody waits long for a lock and what was done stays done,
and asking, because a statement takes only so many values."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from django.db.models import QuerySet

PIECE = 1000

T = TypeVar("T")


def pieces(values: Iterable[T], size: int = PIECE) -> Iterator[list[T]]:
    """The values without doubles, in order, at most `size` at a time."""
    ordered = sorted(set(values))  # type: ignore[type-var]
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def delete_in_pieces(rows: QuerySet[Any]) -> int:
    """Delete `rows`, and what hangs on them; how many of them there were."""
    deleted = 0
    while piece := list(rows.order_by("pk").values_list("pk", flat=True)[:PIECE]):
        rows.model._default_manager.filter(pk__in=piece).delete()
        deleted += len(piece)
    return deleted
