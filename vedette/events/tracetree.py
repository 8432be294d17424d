"""The spans of a trace as a tree: who stands under whom.

Pure. Total over whatever strangers sent: parents that are missing, wrong or in a circle, and spans with one id.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from vedette.events.performance import StoredSpan


class TraceTree:
    """Every span stands exactly once. `orphans` are spans whose parent is not among them: each stands under its
    transaction, or at the top."""

    def __init__(self, spans: Sequence[StoredSpan]) -> None:
        self.spans = spans
        self.children: dict[int, list[int]] = defaultdict(list)
        self.orphans: set[int] = set()
        self._roots: list[int] = []
        place: dict[str, int] = {}
        segments: dict[tuple[int, str], int] = {}
        for index, span in enumerate(spans):
            place.setdefault(span.span_id, index)
            if span.is_segment:
                segments.setdefault((span.project_id, span.event_id), index)
        for index, span in enumerate(spans):
            parent = place.get(span.parent_span_id) if span.parent_span_id else None
            if parent is None or parent == index:
                if span.parent_span_id:
                    self.orphans.add(index)
                own = segments.get((span.project_id, span.event_id))
                parent = None if span.is_segment or own == index else own
            if parent is None:
                self._roots.append(index)
            else:
                self.children[parent].append(index)

    def in_order(self) -> list[tuple[int, int]]:
        """(place among the spans, depth), parents before children, siblings by the moment of their start."""
        order: list[tuple[int, int]] = []
        seen: set[int] = set()
        self._walk(self._roots, order, seen)
        # What is left goes round in circles: each circle is opened where it begins.
        for index in self._sorted(index for index in range(len(self.spans)) if index not in seen):
            if index not in seen:
                self.orphans.add(index)
                self._walk([index], order, seen)
        return order

    def _walk(self, roots: Iterable[int], order: list[tuple[int, int]], seen: set[int]) -> None:
        waiting = [(index, 0) for index in reversed(self._sorted(roots))]
        while waiting:
            index, depth = waiting.pop()
            if index in seen:
                continue
            seen.add(index)
            order.append((index, depth))
            waiting += [(child, depth + 1) for child in reversed(self._sorted(self.children.get(index, ())))]

    def _sorted(self, indexes: Iterable[int]) -> list[int]:
        return sorted(indexes, key=lambda index: (self.spans[index].started_at, -self.spans[index].duration_us, index))
