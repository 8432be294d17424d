"""What the digest found fault with, and what it changed: the `errors` and the `_meta` of an event.

Source: the ingest specification, 7.2, 7.9 and 10.6.
"""

from collections.abc import Sequence
from typing import Any

Path = tuple[str, ...]
_MAX_ERRORS = 100
_MAX_VALUE = 200


class Notes:
    """Grows while an event is prepared. `meta` stays None until the first change."""

    __slots__ = ("errors", "meta")

    def __init__(self) -> None:
        self.errors: list[dict[str, Any]] = []
        self.meta: dict[str, Any] | None = None

    def error(self, kind: str, path: Path | str, **more: Any) -> None:
        """Report an error of `kind` (`invalid_data` …) at `path`. `value` may be given for fields that are never
        scrubbed; long ones are cut. At most a hundred errors are kept."""
        if len(self.errors) >= _MAX_ERRORS:
            return
        value = more.get("value")
        if isinstance(value, str):
            more["value"] = value[:_MAX_VALUE]
        elif isinstance(value, (dict, list)):
            del more["value"]
        name = path if isinstance(path, str) else ".".join(path)
        self.errors.append({"type": kind, "name": name[:_MAX_VALUE], **more})

    def remark(
        self, path: Path, rule: str = "", kind: str = "", start: int = 0, end: int = 0, length: int | None = None
    ) -> None:
        """Remember a change of the value at `path`; without a rule, only that it had `length` entries before."""
        node = self.meta = self.meta if self.meta is not None else {}
        for step in path:
            node = node.setdefault(step, {})
        entry = node.setdefault("", {})
        if rule:
            entry.setdefault("rem", []).append([rule, kind, start, end] if kind == "s" else [rule, kind])
        if length is not None:
            entry.setdefault("len", length)

    def renumber(self, path: Path, kept: Sequence[int]) -> None:
        """The list at `path` kept only its entries `kept`: remarks about them move with them, the others' go."""
        node = self._node(path)
        if node:
            own = {"": node[""]} if "" in node else {}
            moved = {str(new): node[str(old)] for new, old in enumerate(kept) if str(old) in node}
            node.clear()
            node.update(own | moved)

    def move(self, old: Path, new: Path) -> None:
        """What was at `old` is at `new` now, and so are the remarks about it."""
        holder = self._node(old[:-1])
        if holder and old[-1] in holder:
            moved = holder.pop(old[-1])
            node = self.meta = self.meta if self.meta is not None else {}
            for step in new[:-1]:
                node = node.setdefault(step, {})
            node[new[-1]] = moved

    def _node(self, path: Path) -> dict[str, Any] | None:
        node = self.meta
        for step in path:
            if node is None:
                return None
            node = node.get(step)
        return node
