"""What of an event decides: exceptions, else threads, else the stack trace, else the template … else the message.

Source: the grouping specification, 1.3, 1.4 and section 7.
"""

from collections.abc import Callable, Iterator

from vedette.grouping.components import Component, leaf, node
from vedette.grouping.csp import csp_component
from vedette.grouping.enhancements import ExceptionNames
from vedette.grouping.exceptions import exceptions_component, prepare_exceptions
from vedette.grouping.messages import normalise
from vedette.grouping.stacktraces import APP, SYSTEM, Enhancer, prepare_stacktrace, stacktrace_component
from vedette.wire.event import Event, Stacktrace, Thread

Variants = dict[str, Component]
_NO_EXCEPTION = ExceptionNames()


def variants_of(event: Event, enhancer: Enhancer) -> tuple[str, Variants]:
    """(name of the strategy, variants) of the first strategy that contributes; frames are settled on the way.

    The variants come best first. Nothing contributes: ("fallback", {}).
    """
    for name, strategy in STRATEGIES:
        variants = strategy(event, enhancer)
        if any(component.contributes for component in variants.values()):
            return name, variants
    return "fallback", {}


def settle_other_stacktraces(event: Event, enhancer: Enhancer) -> None:
    """Run the stack trace rules over every stack trace that grouping does not look at."""
    for stacktrace in _unused_stacktraces(event):
        prepare_stacktrace(stacktrace, event.platform, enhancer, _NO_EXCEPTION)


def _unused_stacktraces(event: Event) -> Iterator[Stacktrace]:
    if event.exception is not None:
        for exception in event.exception.values:
            if exception.raw_stacktrace is not None:
                yield exception.raw_stacktrace
    if event.stacktrace is not None:
        yield event.stacktrace
    if event.threads is not None:
        for thread in event.threads.values:
            if thread.stacktrace is not None:
                yield thread.stacktrace
            if thread.raw_stacktrace is not None:
                yield thread.raw_stacktrace


def _exceptions(event: Event, enhancer: Enhancer) -> Variants:
    if event.exception is None:
        return {}
    prepared = prepare_exceptions(event, enhancer)
    variants: Variants = {}
    for variant in (APP, SYSTEM):
        component = exceptions_component(prepared, variant)
        if component is not None:
            variants[variant] = component
    return variants


def _threads(event: Event, enhancer: Enhancer) -> Variants:
    thread = _telling_thread(event)
    if thread is None or thread.stacktrace is None:
        return {}
    return _of_stacktrace(event, thread.stacktrace, enhancer, "threads")


def _telling_thread(event: Event) -> Thread | None:
    """The one that crashed, else the current one, else the only one."""
    threads = event.threads.values if event.threads is not None else []
    crashed = [thread for thread in threads if thread.crashed]
    current = [thread for thread in threads if thread.current]
    for candidates in (crashed, current, threads):
        if len(candidates) == 1:
            return candidates[0]
    return None


def _stacktrace(event: Event, enhancer: Enhancer) -> Variants:
    return {} if event.stacktrace is None else _of_stacktrace(event, event.stacktrace, enhancer, None)


def _of_stacktrace(event: Event, stacktrace: Stacktrace, enhancer: Enhancer, name: str | None) -> Variants:
    prepared = prepare_stacktrace(stacktrace, event.platform, enhancer, _NO_EXCEPTION)
    components = {variant: stacktrace_component(prepared, variant) for variant in (APP, SYSTEM)}
    return {variant: node(name, (one,)) if name else one for variant, one in components.items()}


def _template(event: Event, enhancer: Enhancer) -> Variants:
    template = event.template
    if template is None:
        return {}
    parts = (leaf("filename", template.filename or template.abs_path), leaf("context-line", template.context_line))
    return {"default": node("template", parts)}


def _csp(event: Event, enhancer: Enhancer) -> Variants:
    return {"default": csp_component(event.csp)} if event.csp else {}


def _message(event: Event, enhancer: Enhancer) -> Variants:
    entry = event.logentry
    text = (entry.message or entry.formatted) if entry is not None else None
    return {"default": leaf("message", normalise(text))} if text else {}


STRATEGIES: tuple[tuple[str, Callable[[Event, Enhancer], Variants]], ...] = (
    ("exception", _exceptions),
    ("threads", _threads),
    ("stacktrace", _stacktrace),
    ("template", _template),
    ("csp", _csp),
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
