"""The chain of exceptions, the one that was reported first, and how each led to the next."""

from __future__ import annotations

from dataclasses import dataclass

from vedette.web.eventview.reading import as_bool, as_dict, as_link, as_text, values_of
from vedette.web.eventview.stacktraces import StackTrace, read_stacktrace
from vedette.web.eventview.values import NO_META, Meta, Pairs, Value, pairs_of, value_of

MOST_EXCEPTIONS = 30
MOST_THREADS = 60


@dataclass(frozen=True, slots=True)
class Mechanism:
    """How the SDK met the exception. `handled` is None when it did not say."""

    type: str
    handled: bool | None
    synthetic: bool
    description: str
    help_link: str
    details: Pairs


@dataclass(frozen=True, slots=True)
class ExceptionView:
    """One exception. `number` counts from 1, the reported one first; `relation` says how it hangs on the one above."""

    number: int
    type: str
    value: Value
    module: str
    mechanism: Mechanism | None
    stacktrace: StackTrace | None
    relation: str = ""

    @property
    def anchor(self) -> str:
        """The id of its heading on the page."""
        return f"exception-{self.number}"


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread; those that crashed or are current come first, with their frames open."""

    name: str
    id: str
    crashed: bool
    current: bool
    state: str
    stacktrace: StackTrace | None


def read_exceptions(node: object, meta: Meta = NO_META) -> tuple[ExceptionView, ...]:
    """The exceptions of an event, outermost first: SDKs send the innermost cause first."""
    sent = [(position, entry) for position, entry in enumerate(values_of(node)) if isinstance(entry, dict)]
    chain = sent[::-1][:MOST_EXCEPTIONS]
    return tuple(
        _exception(number, entry, meta.at("values", position), last=number == 1)
        for number, (position, entry) in enumerate(chain, start=1)
    )


def _exception(number: int, node: dict[str, object], meta: Meta, *, last: bool) -> ExceptionView:
    mechanism = as_dict(node.get("mechanism"))
    synthetic = as_bool(mechanism.get("synthetic")) is True
    kind = as_text(node.get("type"), 300)
    return ExceptionView(
        number=number,
        type=kind or "(no type)",
        value=value_of(node.get("value") if node.get("value") is not None else "", meta.at("value")),
        module=as_text(node.get("module"), 300),
        mechanism=_mechanism(mechanism, synthetic, meta.at("mechanism")) if mechanism else None,
        stacktrace=read_stacktrace(node.get("stacktrace"), meta.at("stacktrace")),
        relation="" if last else _relation(mechanism),
    )


def _relation(mechanism: dict[str, object]) -> str:
    source = as_text(mechanism.get("source"), 100)
    if source == "__context__":
        return "raised while handling"
    if "[" in source:  # `exceptions[0]`: a member of an exception group
        return "part of the group"
    return "caused by"


def _mechanism(node: dict[str, object], synthetic: bool, meta: Meta) -> Mechanism:
    known = {**as_dict(node.get("meta")), **as_dict(node.get("data"))}
    return Mechanism(
        type=as_text(node.get("type"), 128),
        handled=as_bool(node.get("handled")),
        synthetic=synthetic,
        description=as_text(node.get("description")),
        help_link=as_link(node.get("help_link")),
        details=pairs_of(list(known.items()), meta.at("data"), 30),
    )


def read_threads(node: object, meta: Meta = NO_META) -> tuple[Thread, ...]:
    """The threads of an event, the crashed and the current one first, otherwise in the order sent."""
    threads = [
        _thread(entry, meta.at("values", position))
        for position, entry in enumerate(values_of(node)[:MOST_THREADS])
        if isinstance(entry, dict)
    ]
    return tuple(sorted(threads, key=lambda thread: (not thread.crashed, not thread.current)))


def _thread(node: dict[str, object], meta: Meta) -> Thread:
    crashed, current = as_bool(node.get("crashed")) is True, as_bool(node.get("current")) is True
    return Thread(
        name=as_text(node.get("name"), 200),
        id=as_text(node.get("id"), 40),
        crashed=crashed,
        current=current,
        state=as_text(node.get("state"), 60),
        stacktrace=read_stacktrace(node.get("stacktrace"), meta.at("stacktrace"), open_first=crashed or current),
    )
