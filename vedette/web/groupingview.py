"""An event's grouping for people: what counted, what did not and why."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from vedette.digest.explanation import Explanation
from vedette.grouping.components import Component
from vedette.grouping.result import Grouping, Variant

_FOLD_FROM = 4  # so many frames in a row that do not count are folded
_LONGEST = 500
_LABELS = {
    "type": "Type",
    "value": "Value",
    "message": "Message",
    "stacktrace": "Stack trace",
    "exception": "Exception",
    "chained-exception": "Chained exceptions, the cause first",
    "ns-error": "Error code",
    "threads": "Thread",
    "template": "Template",
    "csp": "Policy violation",
    "salt": "Kind",
    "violation": "Violation",
    "uri": "Blocked address",
    "filename": "File",
    "context-line": "Source line",
    "fingerprint": "Fingerprint",
    "checksum": "Checksum",
    "fallback": "Nothing",
}
_VARIANTS = {
    "app": "In-app frames",
    "system": "All frames",
    "default": "The event itself",
    "custom": "Fingerprint",
    "checksum": "Checksum",
    "fallback": "Nothing",
}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A text that counts, or does not."""

    text: str
    counts: bool
    hint: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class FrameLine:
    """One frame: its module or file, function and source line."""

    counts: bool
    hint: str
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Frames one after the other, the crash first, that all count or all do not."""

    frames: tuple[FrameLine, ...]
    is_folded: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A component with what is in it."""

    label: str
    counts: bool
    hint: str
    texts: tuple[str, ...]
    parts: tuple["Part", ...] = ()
    runs: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True)
class VariantView:
    """One way of grouping, with the hash it gave."""

    label: str
    hash: str
    hint: str
    is_new: bool  # the hash is not the one that was stored
    part: Part


@dataclass(frozen=True, slots=True)
class GroupingView:
    """The whole answer. `because` is its first sentence; a rule is told by its text, and its line if it has one."""

    config: str
    because: str
    rule: str = ""
    rule_line: int | None = None
    fingerprint: tuple[str, ...] = ()
    client_fingerprint: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    variants: tuple[VariantView, ...] = field(default=())
    differs: bool = False
    has_lost_rules: bool = False


def view_of(told: Explanation) -> GroupingView:
    """What the page shows of an explanation."""
    grouping = told.grouping
    stored = tuple(dict.fromkeys(told.stored.values()))
    if grouping is None:
        return GroupingView(
            told.config.id,
            "The body of this event was not kept, so that nobody can say how it was grouped.",
            hashes=stored,
        )
    is_custom = grouping.kind in ("custom", "hybrid")
    return GroupingView(
        config=told.config.id,
        because=_because(grouping),
        rule=grouping.rule.text if grouping.rule else "",
        rule_line=grouping.rule.line if grouping.rule else None,
        fingerprint=grouping.fingerprint if is_custom else (),
        client_fingerprint=grouping.client_fingerprint if grouping.rule else (),
        hashes=stored or grouping.hashes,
        variants=tuple(_variant(one, told) for one in grouping.variants),
        differs=told.differs,
        has_lost_rules=told.has_lost_rules,
    )


def _because(grouping: Grouping) -> str:
    if grouping.kind == "checksum":
        return "The client sent a checksum: events with the same one belong together."
    if grouping.kind == "fallback":
        return "There is nothing in this event to group by: all such events of the project are one issue."
    if grouping.kind == "custom":
        who = "A fingerprint rule" if grouping.rule else "The client's fingerprint"
        return f"{who} decides: events with the same fingerprint belong together, whatever else is in them."
    text = _by_default([one for one in grouping.variants if one.hash])
    if grouping.kind == "hybrid":
        return f"{text} Events with another fingerprint are apart."
    return text


def _by_default(counting: list[Variant]) -> str:
    if not counting:
        return "Only the fingerprint counts."
    ids = {one.component.id for one in counting}
    if ids <= {"message"}:
        return "Its message decides: events with the same one belong together, whatever numbers and dates are in it."
    if ids <= {"csp"}:
        return "The directive and what was blocked decide."
    if any("stacktrace" in _ids(one.component) for one in counting):
        which = "in-app frames" if counting[0].name == "app" else "frames"
        also = ", or all frames," if len(counting) > 1 else ""
        return f"Its stack trace decides: events with the same {which}{also} belong together."
    return "Its exception decides: events with the same type and value belong together."


def _ids(component: Component) -> Iterator[str]:
    if component.contributes:
        yield component.id
        for value in component.values:
            if isinstance(value, Component):
                yield from _ids(value)


def _variant(variant: Variant, told: Explanation) -> VariantView:
    return VariantView(
        label=_VARIANTS.get(variant.name, variant.name),
        hash=variant.hash or "",
        hint=variant.hint or variant.component.hint or "",
        is_new=variant.hash is not None and variant.hash not in told.stored.values(),
        part=_part(variant.component),
    )


def _part(component: Component) -> Part:
    inner = [value for value in component.values if isinstance(value, Component)]
    texts = tuple(value[:_LONGEST] for value in component.values if isinstance(value, str))
    label = _LABELS.get(component.id, component.id)
    if component.id == "stacktrace":
        return Part(label, component.contributes, component.hint or "", texts, (), tuple(_runs(inner)))
    shown = tuple(_part(one) for one in inner if one.values or one.hint)
    return Part(label, component.contributes, component.hint or "", texts, shown)


def _runs(frames: list[Component]) -> Iterator[Run]:
    lines = [_frame(frame) for frame in reversed(frames)]
    for counts, run in groupby(lines, key=lambda line: line.counts):
        found = tuple(run)
        yield Run(found, not counts and len(found) >= _FOLD_FROM)


def _frame(frame: Component) -> FrameLine:
    leaves = [leaf for leaf in frame.values if isinstance(leaf, Component) and leaf.values]
    return FrameLine(
        frame.contributes,
        frame.hint or "",
        tuple(Leaf(str(leaf.values[0])[:_LONGEST], leaf.contributes, leaf.hint or "", leaf.id) for leaf in leaves),
    )
