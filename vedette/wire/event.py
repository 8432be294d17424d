"""The event payload as types: what an SDK may put into an event, and how long each part may be.

A well-formed payload decodes straight into these structs, checked in C; a payload that breaks the schema somewhere is
repaired against the same declarations (`vedette.digest.lenient`) and then decoded again. So this is the only place
that knows the shape. `Raw` members keep their JSON text: free-form data that nobody reads until a limit or the
scrubber has a reason to. Unknown members of nested structs are dropped; unknown members of `Event` break the schema.

Fields whose rules need more than a type (level, tags, user …) are `Any` here and settled by `vedette.digest.normalise`.

Source: the ingest specification, section 7.
"""

from typing import Annotated, Any

from msgspec import Meta, Raw, Struct, field

NOTHING = Raw(b"")
"""The value of a free-form member that is not there."""


def _trimmed(limit: int, allowance: int = 0) -> Meta:
    return Meta(max_length=limit + allowance, extra={"limit": limit})


Text128 = Annotated[str, _trimmed(128)]
Text256 = Annotated[str, _trimmed(256, 20)]
Text512 = Annotated[str, _trimmed(512, 20)]
Text1024 = Annotated[str, _trimmed(1024, 100)]
Text8192 = Annotated[str, _trimmed(8192, 200)]
Path256 = Annotated[str, _trimmed(256, 40)]
Name128 = Annotated[str, _trimmed(128, 20)]
Natural = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Object = Annotated[Raw, Meta(extra={"shape": "object"})]
"""A JSON object in its own text, or `NOTHING`. The decoder does not look inside: `vedette.digest.trim` does."""
Lines = list[str]


class Frame(Struct, omit_defaults=True, gc=False):
    """One call. The order in a stack trace is oldest call first."""

    function: Text512 | None = None
    raw_function: Text512 | None = None
    symbol: Annotated[str, _trimmed(512)] | None = None
    module: Text1024 | None = None  # the specification names no bound for these four; patterns run over each of them
    package: Text1024 | None = None
    filename: Text1024 | None = None
    abs_path: Text1024 | None = None
    lineno: Natural | None = None
    colno: Natural | None = None
    pre_context: Lines | None = None
    context_line: str | None = None
    post_context: Lines | None = None
    in_app: bool | None = None
    vars: Object = NOTHING
    platform: str | None = None
    data: dict[str, Any] | None = None
    image_addr: str | int | None = None
    instruction_addr: str | int | None = None
    symbol_addr: str | int | None = None
    addr_mode: str | None = None
    stack_start: bool | None = None
    lock: Raw = NOTHING
    source_link: str | None = None
    trust: str | None = None


class Stacktrace(Struct, omit_defaults=True, gc=False):
    """Frames, oldest call first. `registers` maps names to hex strings."""

    frames: list[Frame] | None = None
    registers: dict[str, Any] | None = None
    snapshot: bool | None = None
    lang: str | None = None


class Mechanism(Struct, omit_defaults=True, gc=False):
    """How an exception was caught. `exception_id` and `parent_id` form the tree of an exception group."""

    type: Text128
    description: str | None = None
    help_link: Path256 | None = None
    handled: bool | None = None
    synthetic: bool | None = None
    source: Text128 | None = None
    is_exception_group: bool | None = None
    exception_id: Natural | None = None
    parent_id: Natural | None = None
    data: Object = NOTHING
    meta: dict[str, Any] | None = None


class ExceptionValue(Struct, omit_defaults=True, gc=False):
    """One exception of a chain, oldest cause first."""

    type: Text256 | None = None
    value: Text8192 | None = None
    module: Text256 | None = None
    thread_id: Integer | str | None = None
    mechanism: Mechanism | None = None
    stacktrace: Stacktrace | None = None
    raw_stacktrace: Stacktrace | None = None


class Thread(Struct, omit_defaults=True, gc=False):
    """One thread at the moment of the event."""

    id: Integer | str | None = None
    name: Text1024 | None = None
    crashed: bool | None = None
    current: bool | None = None
    main: bool | None = None
    state: str | None = None
    held_locks: Raw = NOTHING
    stacktrace: Stacktrace | None = None
    raw_stacktrace: Stacktrace | None = None


class Breadcrumb(Struct, omit_defaults=True, gc=False):
    """What happened before. `timestamp` is Unix seconds after normalisation."""

    timestamp: Any = None
    type: Text128 | None = None
    category: Text128 | None = None
    level: str | None = None
    message: str | None = None
    data: Object = NOTHING
    event_id: str | None = None
    ty: Text128 | None = None  # the old spelling of `type`


class Exceptions(Struct, gc=False):
    """The chain."""

    values: list[ExceptionValue]


class Threads(Struct, gc=False):
    """All threads."""

    values: list[Thread]


class Breadcrumbs(Struct, gc=False):
    """The trail."""

    values: list[Breadcrumb]


class LogEntry(Struct, omit_defaults=True, gc=False):
    """A message: its template, its parameters, and both put together. Trimmed after scrubbing."""

    message: str | None = None
    formatted: str | None = None
    params: Raw = NOTHING


class Template(Struct, omit_defaults=True, gc=False):
    """The place in a template that failed."""

    filename: Name128 | None = None
    abs_path: Path256 | None = None
    lineno: Natural | None = None
    colno: Natural | None = None
    pre_context: Lines | None = None
    context_line: str | None = None
    post_context: Lines | None = None


class Sdk(Struct, omit_defaults=True, gc=False):
    """Who sent the event."""

    name: Text256 | None = None
    version: Text256 | None = None
    integrations: list[Any] | None = None
    packages: list[Any] | None = None
    features: list[Any] | None = None
    settings: dict[str, Any] | None = None
    client_ip: str | None = None


class DebugMeta(Struct, omit_defaults=True, gc=False):
    """The binaries and source maps of the process."""

    images: list[Any] | None = None
    sdk_info: dict[str, Any] | None = None


class Span(Struct, omit_defaults=True, gc=False):
    """One timed step of a transaction. Times are Unix seconds after normalisation."""

    trace_id: Any = None
    span_id: Any = None
    parent_span_id: Any = None
    start_timestamp: Any = None
    timestamp: Any = None
    op: str | None = None
    description: str | None = None
    status: str | None = None
    data: Object = NOTHING
    tags: Object = NOTHING
    origin: str | None = None
    same_process_as_parent: bool | None = None
    exclusive_time: float | None = None
    measurements: Object = NOTHING
    fingerprint: Any = None


class Event(Struct, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One error, message, security report or transaction. See the module for what `Any` and `Raw` mean here."""

    event_id: Any = None
    type: Any = None
    timestamp: Any = None
    start_timestamp: Any = None
    received: Any = None
    platform: Any = None
    level: Any = None
    logger: Any = None
    transaction: Any = None
    culprit: Any = None
    server_name: Any = None
    site: Any = None
    release: Any = None
    dist: Any = None
    environment: Any = None
    message: Any = None
    logentry: LogEntry | None = None
    exception: Exceptions | None = None
    stacktrace: Stacktrace | None = None
    threads: Threads | None = None
    template: Template | None = None
    breadcrumbs: Breadcrumbs | None = None
    user: Any = None
    request: Any = None
    contexts: dict[str, Raw] | None = None
    tags: Any = None
    extra: dict[str, Raw] | None = None
    modules: Object = NOTHING
    fingerprint: Any = None
    checksum: Any = None
    sdk: Sdk | None = None
    debug_meta: DebugMeta | None = None
    spans: list[Span] | None = None
    measurements: Object = NOTHING
    breakdowns: Object = NOTHING
    transaction_info: dict[str, Any] | None = None
    csp: dict[str, Any] | None = None
    hpkp: Object = NOTHING
    expectct: Object = NOTHING
    expectstaple: Object = NOTHING
    nel: Object = NOTHING
    applecrashreport: Object = NOTHING
    errors: Any = None
    # Owned by the server: what a client sends under these names is never read.
    project: Any = None
    key_id: Raw = NOTHING
    version: Any = None
    time_spent: Raw = NOTHING
    ingest_path: Raw = NOTHING
    scraping_attempts: Raw = NOTHING
    grouping_config: Raw = NOTHING
    metrics: Raw = field(default=NOTHING, name="_metrics")
    metrics_summary: Raw = field(default=NOTHING, name="_metrics_summary")
    dsc: Raw = field(default=NOTHING, name="_dsc")
    meta: Raw = field(default=NOTHING, name="_meta")


def stacktraces(event: Event) -> list[Stacktrace]:
    """Every stack trace of the event: of its exceptions, its own, of its threads."""
    found = [event.stacktrace]
    if event.exception is not None:
        for exception in event.exception.values:
            found += (exception.stacktrace, exception.raw_stacktrace)
    if event.threads is not None:
        for thread in event.threads.values:
            found += (thread.stacktrace, thread.raw_stacktrace)
    return [stacktrace for stacktrace in found if stacktrace is not None]
