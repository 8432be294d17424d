"""The steps from the bytes of an event to the value that is stored, in their order.

Source: the ingest specification, section 13.
"""

from typing import Any

import msgspec
from msgspec import Raw

from vedette.core.clock import from_unix
from vedette.digest.decode import decode
from vedette.digest.draft import Draft, Dropping, Step
from vedette.digest.filtering import filter_event, filter_transaction
from vedette.digest.normalise import STEPS as NORMALISE
from vedette.digest.normalise.contexts import reread
from vedette.digest.normalise.limits import cut_to_size
from vedette.digest.normalise.users import identify
from vedette.digest.regroup import recipe, regroup
from vedette.digest.tags import handled_of, tag_fields, tag_interfaces
from vedette.digest.times import settle_times
from vedette.digest.titles import blame, entitle
from vedette.digest.transactions import freeze_transaction, settle_transaction, take_spans
from vedette.digest.values import PreparedEvent, PreparedTransaction, ProjectConfig
from vedette.grouping.group import group_event
from vedette.grouping.rule_text import rules_id
from vedette.scrub.event import scrub_event
from vedette.scrub.scrubber import scrubber_for
from vedette.wire.event import NOTHING, Event, Stacktrace
from vedette.wire.outcomes import Outcome

MAX_PAYLOAD_BYTES = 2_000_000
_MAX_CLIENT_ERRORS = 50
_MAX_FRAMES = 250  # of all stack traces together, in the columns that searches look at
_MAX_EXCEPTIONS = 50
_VALUE_LIMIT = 1024
_encode = msgspec.json.encode


def scrub(draft: Draft) -> Draft:
    """Take the secrets out, before anything is cut, named or stored."""
    config = draft.config
    scrubber = scrubber_for(
        config.scrub_data,
        config.scrub_defaults,
        config.scrub_ip_addresses,
        config.sensitive_fields,
        config.safe_fields,
    )
    for remark in scrub_event(draft.event, draft.free, scrubber):
        draft.notes.remark(remark.path, remark.rule, remark.kind, remark.start, remark.end, remark.length)
        if remark.path[0] == "contexts":
            reread(draft, remark.path[1])
    return draft


def fingerprint(draft: Draft) -> Draft:
    """Group the event; settles `in_app` of its frames."""
    config = draft.config
    own = recipe(config.grouping_config, config.grouping_enhancements, config.fingerprinting_rules)
    draft.grouping = group_event(draft.event, draft.tags, own)
    if config.secondary_grouping_config:
        before = recipe(config.secondary_grouping_config, config.grouping_enhancements, config.fingerprinting_rules)
        secondary = regroup(_encode(draft.event), draft.tags, before)
        hashes = secondary.hashes if secondary is not None else ()
        draft.secondary_hashes = tuple([value for value in hashes if value not in draft.grouping.hashes])
    return draft


def rules_in_force(config: ProjectConfig) -> dict[str, str]:
    """The ids of the project's own rules, to be kept with the event, so that its grouping can be explained later."""
    if not config.grouping_enhancements and not config.fingerprinting_rules:
        return {}
    return {
        "enhancements": rules_id(config.grouping_enhancements),
        "fingerprinting": rules_id(config.fingerprinting_rules),
    }


STEPS: tuple[Step, ...] = (
    decode,
    settle_times,
    *NORMALISE,
    filter_event,
    scrub,
    identify,
    cut_to_size,
    tag_fields,
    tag_interfaces,
    fingerprint,
    blame,
    entitle,
)
TRANSACTION_STEPS: tuple[Step, ...] = (
    decode,
    settle_times,
    *NORMALISE,
    settle_transaction,
    filter_transaction,
    scrub,
    identify,
    cut_to_size,
    tag_fields,
    tag_interfaces,
)


def run(steps: tuple[Step, ...], draft: Draft) -> Draft | Dropping:
    """The draft after all steps, or why it was dropped."""
    for step in steps:
        result = step(draft)
        if isinstance(result, Dropping):
            return result
        draft = result
    return draft


def prepare_event(draft: Draft) -> PreparedEvent | Dropping:
    """An error, a message or a security report."""
    result = run(STEPS, draft)
    if isinstance(result, Dropping):
        return result
    grouping = draft.grouping
    found: dict[str, Any] = {"title": draft.title, "location": draft.location, "metadata": draft.metadata}
    if grouping is not None:
        found["grouping"] = grouping.explain() | rules_in_force(draft.config)
    payload = _payload(draft, found)
    return payload if isinstance(payload, Dropping) else _freeze(draft, payload)


def prepare_transaction(draft: Draft) -> PreparedTransaction | Dropping:
    """A transaction."""
    result = run(TRANSACTION_STEPS, draft)
    if isinstance(result, Dropping):
        return result
    spans = take_spans(draft)
    payload = _payload(draft, {"title": draft.event.transaction})
    return payload if isinstance(payload, Dropping) else freeze_transaction(draft, spans, payload)


def _payload(draft: Draft, found: dict[str, Any]) -> bytes | Dropping:
    """The event as JSON, with what the digest found out behind its own members."""
    event = draft.event
    event.key_id = Raw(str(draft.receipt.key_id).encode())
    event.meta = Raw(_encode(draft.notes.meta)) if draft.notes.meta else NOTHING
    event.time_spent = event.ingest_path = event.scraping_attempts = NOTHING
    event.grouping_config = event.metrics = event.metrics_summary = event.dsc = NOTHING
    event.errors = _errors(draft)
    payload: bytes = _encode(event)[:-1] + b"," + _encode(found)[1:]
    return payload if len(payload) <= MAX_PAYLOAD_BYTES else Dropping(Outcome.INVALID, "too_large")


def _errors(draft: Draft) -> list[Any] | None:
    client = [error for error in draft.event.errors or () if isinstance(error, dict)][:_MAX_CLIENT_ERRORS]
    return [*client, *draft.notes.errors] or None


def _freeze(draft: Draft, payload: bytes) -> PreparedEvent:
    event, config, trace = draft.event, draft.config, draft.contexts.get("trace") or {}
    exceptions = event.exception.values[-_MAX_EXCEPTIONS:] if event.exception is not None else ()
    filenames, functions = _frame_words(event)
    return PreparedEvent(
        project_id=config.project_id,
        organization_id=config.organization_id,
        key_id=draft.receipt.key_id,
        event_id=draft.event_id,
        type=event.type,
        timestamp=from_unix(event.timestamp),
        received_at=from_unix(draft.received),
        platform=event.platform,
        level=event.level,
        logger=event.logger,
        title=draft.title,
        culprit=draft.culprit,
        location=draft.location,
        message=draft.message,
        metadata=draft.metadata,
        release=event.release or "",
        dist=event.dist or "",
        environment=event.environment or "",
        transaction=event.transaction or "",
        user=draft.user,
        tags=tuple(draft.tags.items()),
        hashes=draft.grouping.hashes if draft.grouping is not None else (),
        sdk_name=(event.sdk.name if event.sdk else None) or "",
        sdk_version=(event.sdk.version if event.sdk else None) or "",
        handled=handled_of(event),
        exception_types=tuple([one.type or "" for one in exceptions]),
        exception_values=tuple([(one.value or "")[:_VALUE_LIMIT] for one in exceptions]),
        frame_filenames=filenames,
        frame_functions=functions,
        trace_id=trace.get("trace_id", ""),
        span_id=trace.get("span_id", ""),
        error_count=len(event.errors or ()),
        payload=payload,
        secondary_hashes=draft.secondary_hashes,
    )


def _frame_words(event: Event) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """File names and functions of the event's own stack traces, each once."""
    stacktraces: list[Stacktrace | None] = [event.stacktrace]
    if event.exception is not None:
        stacktraces += [exception.stacktrace for exception in event.exception.values]
    frames = [frame for one in stacktraces if one is not None for frame in one.frames or ()][:_MAX_FRAMES]
    filenames = dict.fromkeys([frame.filename for frame in frames if frame.filename])
    functions = dict.fromkeys([frame.function for frame in frames if frame.function])
    return tuple(filenames), tuple(functions)
