"""Exceptions: one, a chain, or a group of them.

Source: the grouping specification, 7.2 to 7.4.
"""

from typing import Any

from msgspec import Struct

from vedette.grouping.components import Component, leaf, node, silent
from vedette.grouping.configs import Config
from vedette.grouping.enhancements import ExceptionNames
from vedette.grouping.stacktraces import (
    APP,
    SYSTEM,
    PreparedStacktrace,
    Settling,
    stacktrace_component,
)
from vedette.wire.event import Event, ExceptionValue

VARIANTS = (APP, SYSTEM)


class PreparedException(Struct, frozen=True, gc=False):
    """An exception and its stack trace after the rules, if it has one."""

    value: ExceptionValue
    stack: PreparedStacktrace | None


def prepare_exceptions(event: Event, settling: Settling) -> list[PreparedException]:
    """All exceptions of the event, oldest cause first, their frames settled."""
    prepared: list[PreparedException] = []
    for exception in event.exception.values if event.exception is not None else ():
        stack = None
        if exception.stacktrace is not None:
            mechanism = exception.mechanism
            names = ExceptionNames(exception.type, exception.value, mechanism.type if mechanism else None)
            stack = settling.prepare(exception.stacktrace, names)
        prepared.append(PreparedException(exception, stack))
    return prepared


def exception_component(exception: PreparedException, variant: str, config: Config) -> Component | None:
    """One exception in one variant; None where the variant does not know it."""
    value = exception.value
    if exception.stack is None and variant == SYSTEM:
        return None
    mechanism = value.mechanism
    stack = stacktrace_component(exception.stack, variant) if exception.stack else leaf("stacktrace", None)
    kind = leaf("type", value.type)
    if variant == APP and mechanism is not None and mechanism.synthetic:
        kind = silent("type", value.type, "the exception is synthetic")
    ns_error = _ns_error(mechanism.meta if mechanism else None)
    if stack.contributes or ns_error.contributes:
        hint = "the stack trace says more" if stack.contributes else "the error code says more"
        text = silent("value", value.value, hint)
    else:
        text = leaf("value", config.messages.normalise(value.value) if value.value else None)
    return node("exception", (kind, text, stack, ns_error))


def _ns_error(meta: dict[str, Any] | None) -> Component:
    error = (meta or {}).get("ns_error")
    if not isinstance(error, dict):
        return leaf("ns-error", None)
    parts = [leaf(name, str(error[name])[:200]) for name in ("domain", "code") if error.get(name) is not None]
    return node("ns-error", parts)


def exceptions_component(chosen: list[PreparedException], variant: str, config: Config) -> Component | None:
    """The exceptions that count, in one variant."""
    components = [one for one in (exception_component(item, variant, config) for item in chosen) if one is not None]
    if not components:
        return None
    return components[0] if len(components) == 1 else node("chained-exception", components)


def choose(exceptions: list[PreparedException], config: Config) -> tuple[list[PreparedException], int | None]:
    """The exceptions that count, and the index of the one that names the event (None: the last)."""
    if len(exceptions) < 2:
        return exceptions, None
    tree = _tree(exceptions)
    if tree is None:
        return exceptions, None
    root, children = tree
    if not _is_group(exceptions[root]):
        return exceptions, None
    top = _distinct(_top_level(exceptions, children, root), exceptions, config)
    if not top:
        return exceptions, None
    if len(top) > 1:
        return [*(exceptions[index] for index in top), exceptions[root]], None
    chain = [top[0]]
    while children.get(chain[-1]):
        chain.append(children[chain[-1]][0])
    return [exceptions[index] for index in sorted(chain, reverse=_is_newest_first(chain))], top[0]


def _is_newest_first(chain: list[int]) -> bool:
    """Whether the payload lists a cause behind its effect, against the custom."""
    return len(chain) > 1 and chain[0] < chain[1]


def _is_group(exception: PreparedException) -> bool:
    mechanism = exception.value.mechanism
    return mechanism is not None and bool(mechanism.is_exception_group)


def _tree(exceptions: list[PreparedException]) -> tuple[int, dict[int, list[int]]] | None:
    """(index of the root, index -> indexes of its children); None if the ids form no tree."""
    index_of: dict[int, int] = {}
    for index, exception in enumerate(exceptions):
        mechanism = exception.value.mechanism
        if mechanism is None or mechanism.exception_id is None or mechanism.exception_id in index_of:
            return None
        index_of[mechanism.exception_id] = index
    root = index_of.get(0)
    if root is None:
        return None
    children: dict[int, list[int]] = {}
    for exception_id in sorted(index_of):
        mechanism = exceptions[index_of[exception_id]].value.mechanism
        parent = mechanism.parent_id if mechanism else None
        if exception_id == 0:
            continue
        # A parent has the smaller id, so there is no cycle.
        if parent is None or parent not in index_of or parent >= exception_id:
            return None
        children.setdefault(index_of[parent], []).append(index_of[exception_id])
    return root, children


def _top_level(exceptions: list[PreparedException], children: dict[int, list[int]], root: int) -> list[int]:
    """The first nodes below the groups that are no groups themselves."""
    found: list[int] = []
    waiting = [root]
    while waiting:
        index = waiting.pop()
        if _is_group(exceptions[index]):
            waiting.extend(reversed(children.get(index, [])))
        else:
            found.append(index)
    return found


def _distinct(indexes: list[int], exceptions: list[PreparedException], config: Config) -> list[int]:
    """Sorted by type, neighbours that look the same dropped."""
    kept: list[int] = []
    last: tuple[str, ...] | None = None
    for index in sorted(indexes, key=lambda index: exceptions[index].value.type or ""):
        texts = tuple(
            component.text if component is not None else ""
            for component in (exception_component(exceptions[index], variant, config) for variant in VARIANTS)
        )
        if texts != last:
            kept.append(index)
        last = texts
    return kept
