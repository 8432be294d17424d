"""What of an event decides: exceptions, else threads, else the stack trace, else the template … else the message.

Source: the grouping specification, 1.3, 1.4 and section 7.
"""

from collections.abc import Callable

from vedette.grouping.components import Component, leaf, node
from vedette.grouping.csp import csp_component, report_component
from vedette.grouping.exceptions import choose, exceptions_component, prepare_exceptions
from vedette.grouping.stacktraces import APP, SYSTEM, Settling, stacktrace_component
from vedette.wire.event import Event, Stacktrace, Thread

Variants = dict[str, Component]
Found = tuple[Variants, int | None]
"""Variants, best first, and the index of the exception that names the event (None: the last)."""
_NOTHING: Found = ({}, None)


def variants_of(event: Event, settling: Settling) -> Found:
    """What the first strategy that contributes has found; nothing if none does."""
    for _, strategy in STRATEGIES:
        found = strategy(event, settling)
        if any(component.contributes for component in found[0].values()):
            return found
    return _NOTHING


def _exceptions(event: Event, settling: Settling) -> Found:
    if event.exception is None:
        return _NOTHING
    config = settling.enhancer.config
    chosen, main = choose(prepare_exceptions(event, settling), config)
    variants: Variants = {}
    for variant in (APP, SYSTEM):
        component = exceptions_component(chosen, variant, config)
        if component is not None:
            variants[variant] = component
    return variants, main


def _threads(event: Event, settling: Settling) -> Found:
    thread = _telling_thread(event)
    if thread is None or thread.stacktrace is None:
        return _NOTHING
    return _of_stacktrace(thread.stacktrace, settling, "threads")


def _telling_thread(event: Event) -> Thread | None:
    """The one that crashed, else the current one, else the only one."""
    threads = event.threads.values if event.threads is not None else []
    crashed = [thread for thread in threads if thread.crashed]
    current = [thread for thread in threads if thread.current]
    for candidates in (crashed, current, threads):
        if len(candidates) == 1:
            return candidates[0]
    return None


def _stacktrace(event: Event, settling: Settling) -> Found:
    return _NOTHING if event.stacktrace is None else _of_stacktrace(event.stacktrace, settling, None)


def _of_stacktrace(stacktrace: Stacktrace, settling: Settling, name: str | None) -> Found:
    prepared = settling.prepare(stacktrace)
    components = {variant: stacktrace_component(prepared, variant) for variant in (APP, SYSTEM)}
    return {variant: node(name, (one,)) if name else one for variant, one in components.items()}, None


def _template(event: Event, settling: Settling) -> Found:
    template = event.template
    if template is None:
        return _NOTHING
    parts = (leaf("filename", template.filename or template.abs_path), leaf("context-line", template.context_line))
    return {"default": node("template", parts)}, None


def _csp(event: Event, settling: Settling) -> Found:
    return ({"default": csp_component(event.csp)}, None) if event.csp else _NOTHING


def _other_report(event: Event, settling: Settling) -> Found:
    for kind, raw in (("hpkp", event.hpkp), ("expect-staple", event.expectstaple), ("expect-ct", event.expectct)):
        if bytes(raw):
            return {"default": report_component(kind, bytes(raw))}, None
    return _NOTHING


def _message(event: Event, settling: Settling) -> Found:
    entry = event.logentry
    text = (entry.message or entry.formatted) if entry is not None else None
    if not text:
        return _NOTHING
    return {"default": leaf("message", settling.enhancer.config.messages.normalise(text))}, None


STRATEGIES: tuple[tuple[str, Callable[[Event, Settling], Found]], ...] = (
    ("exception", _exceptions),
    ("threads", _threads),
    ("stacktrace", _stacktrace),
    ("template", _template),
    ("csp", _csp),
    ("report", _other_report),
    ("message", _message),
)


def has_stacktrace(component: Component) -> bool:
    """Whether a contributing stack trace is in the component."""
    if component.id == "stacktrace":
        return component.contributes
    for value in component.values:
        if isinstance(value, Component) and value.contributes and has_stacktrace(value):
            return True
    return False
