"""One value of an event, ready to print: bounded text, its kind, and what was done to it before it was stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vedette.web.eventview.reading import as_dict, as_link, as_list, as_text, json_text
from vedette.web.text import clip, visible

LONGEST_VALUE = 16_384
MOST_PAIRS = 200
FOLD_LENGTH, FOLD_LINES = 400, 8


class Meta:
    """The remarks that normalising left next to the event, walked along with it (`_meta`, ingest specification 7.2)."""

    __slots__ = ("_node",)

    def __init__(self, node: object = None) -> None:
        self._node = as_dict(node)

    def at(self, *keys: object) -> Meta:
        """The remarks on a part: keys of objects, or positions in lists."""
        node: Any = self._node
        for key in keys:
            node = as_dict(as_dict(node).get(str(key) if isinstance(key, (str, int)) else ""))
        return Meta(node)

    @property
    def remark(self) -> str:
        """`filtered`, `cut from 9000 characters`, or nothing."""
        own = as_dict(self._node.get(""))
        rules = [rule[0] for rule in as_list(own.get("rem")) if isinstance(rule, list) and rule]
        length = own.get("len")
        cut = "!limit" in rules or (not rules and isinstance(length, int))
        if any(isinstance(rule, str) and rule != "!limit" for rule in rules):
            return "filtered"
        if cut:
            return f"cut from {as_text(length)}" if isinstance(length, int) else "cut"
        return ""


NO_META = Meta()


@dataclass(frozen=True, slots=True)
class Value:
    """`kind` is `text`, `json`, `number`, `word` (true, false, null) or `filtered`; `link` is set for web addresses.

    `is_long` asks for a fold; `head` is what shows while folded.
    """

    text: str
    kind: str = "text"
    remark: str = ""
    link: str = ""

    @property
    def is_long(self) -> bool:
        """Whether the value would push everything else off the page."""
        return len(self.text) > FOLD_LENGTH or self.text.count("\n") >= FOLD_LINES

    @property
    def head(self) -> str:
        """The beginning of a long value, in one line."""
        return clip(" ".join(self.text[:FOLD_LENGTH].split()), 160)


@dataclass(frozen=True, slots=True)
class Pair:
    """A named value."""

    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class Pairs:
    """Named values; `left_out` says how many more there were than a page can hold."""

    rows: tuple[Pair, ...] = ()
    left_out: int = 0

    def __bool__(self) -> bool:
        return bool(self.rows)


NO_PAIRS = Pairs()


def value_of(value: object, meta: Meta = NO_META) -> Value:
    """Any JSON value, ready to print."""
    remark = meta.remark
    if value is None and remark == "filtered":
        return Value("[Filtered]", "filtered")
    if value is None or isinstance(value, bool):
        return Value("null" if value is None else str(value).lower(), "word", remark)
    if isinstance(value, (int, float)):
        return Value(as_text(value), "number", remark)
    if isinstance(value, str):
        if remark == "filtered" and "[Filtered]" in value:
            remark = ""  # the text says it itself
        return Value(_bounded(value), "text", remark, as_link(value))
    return Value(_bounded(json_text(value, indent=True)), "json", remark)


def _bounded(text: str) -> str:
    return clip(visible(text[: LONGEST_VALUE + 1]), LONGEST_VALUE)


def pairs_of(entries: list[tuple[Any, Any]], meta: Meta = NO_META, most: int = MOST_PAIRS) -> Pairs:
    """Named values in the order given; names that are no text are written as text."""
    rows = tuple(Pair(as_text(name, 200), value_of(value, meta.at(name))) for name, value in entries[:most])
    return Pairs(rows, max(0, len(entries) - most))
