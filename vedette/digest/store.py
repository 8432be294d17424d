"""Step three of a batch: its events into the event store, under the batch's token.

A replayed insert is dropped by the store. What an engine refuses for good is found by halving, and parked, so that one
bad row never holds up the rest. An engine that is short of memory gets the halves, too, and is waited for when a single
row is too much. Halves have tokens of their own, and the store is looked at before them: a part may be there already.
What ends the engine's process each time is found in the same way, over several starts (`digest.watch`).
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from clickhouse_connect.driver.exceptions import ClickHouseError, DataError

from vedette.digest.batch import Batch, identity
from vedette.digest.models import DigestBatch
from vedette.digest.sessionrows import session_rows
from vedette.digest.storable import storable
from vedette.digest.storm import keeps_body
from vedette.digest.values import PreparedEvent, PreparedTransaction
from vedette.digest.watch import Deadly, watch_over
from vedette.events.client import EventStore, StoreShortOfMemory
from vedette.events.rows import ErrorRow, Known, KnownEvent, KnownTransaction, SpanRows, TransactionRow
from vedette.events.writer import (
    complete_errors,
    complete_sessions,
    complete_spans,
    complete_transactions,
    forget_replaced,
    forget_replaced_transactions,
    write_errors,
    write_sessions,
    write_spans,
    write_transactions,
)

log = logging.getLogger(__name__)

Row = TypeVar("Row", ErrorRow, TransactionRow, SpanRows)
Write = Callable[[EventStore, Sequence[Row], str], object]
Park = Callable[[int, str, str], None]
Watching = Callable[[str], AbstractContextManager[object]]
_REFUSALS = (ClickHouseError, DataError, Deadly, ValueError, TypeError, OverflowError, UnicodeError)


def store(
    events: EventStore,
    mark: DigestBatch,
    batch: Batch,
    groups: Sequence[int | None],
    known: Sequence[Known],
    park: Park,
    *,
    replayed: bool = False,
) -> int:
    """Write what `batch` came to and forget the rows that it replaces; gives the number of rows written.

    `park(project_id, event_id, reason)` is told of each row that the store refuses for good. `replayed`: an earlier
    attempt may have got this far, so that the store has to be looked at. Raises `StoreUnavailable`: the same call may
    be made again.
    """
    watch = watch_over(mark) or nullcontext
    rows = [
        error_row(event, group, mark.pk, has_body=keeps_body(mark.thinned, group, event.event_id))
        for event, group in zip(batch.events, groups, strict=True)
        if group is not None
    ]
    written = _write(events, rows, f"{mark.token}-e", None if replayed else write_errors, complete_errors, park, watch)
    written += _store_transactions(events, mark, batch.transactions, known, park, watch, replayed=replayed)
    sessions_in = complete_sessions if replayed else write_sessions
    for number, piece in enumerate(session_rows(batch.sessions, mark.pk)):
        sessions_in(events, piece, f"{mark.token}-s{number}")
    if known:
        stored = {identity(event) for event, group in zip(batch.events, groups, strict=True) if group is not None}
        outdated = [row for row in known if isinstance(row, KnownEvent) and row.identity in stored]
        forget_replaced(events, outdated, mark.pk)
    return written


def _store_transactions(
    events: EventStore,
    mark: DigestBatch,
    transactions: Sequence[PreparedTransaction],
    known: Sequence[Known],
    park: Park,
    watch: Watching,
    *,
    replayed: bool,
) -> int:
    """Transactions, then their spans: those of one that is refused are not written."""
    refused: set[tuple[int, str]] = set()

    def refuse(project_id: int, event_id: str, reason: str) -> None:
        refused.add((project_id, event_id))
        park(project_id, event_id, reason)

    rows = [transaction_row(value, mark.pk) for value in transactions]
    token = f"{mark.token}-t"
    written = _write(
        events, rows, token, None if replayed else write_transactions, complete_transactions, refuse, watch
    )
    kept = [value for value in transactions if (value.project_id, value.event_id) not in refused]
    spans = [span_rows(value, mark.pk) for value in kept]
    _write(events, spans, f"{mark.token}-spans", None if replayed else write_spans, complete_spans, park, watch)
    stored = {identity(value) for value in kept}
    outdated = [row for row in known if isinstance(row, KnownTransaction) and row.identity in stored]
    forget_replaced_transactions(events, outdated, mark.pk)
    return written


def _write(
    events: EventStore,
    rows: Sequence[Row],
    token: str,
    write: Write[Row] | None,
    complete: Write[Row],
    park: Park,
    watch: Watching,
) -> int:
    """`write` is for the first attempt at all of the rows, `complete` for whatever may have been tried before."""
    if not rows:
        return 0
    try:
        with watch(token):
            (write or complete)(events, rows, token)
        return len(rows)
    except StoreShortOfMemory:
        if len(rows) == 1:
            raise
    except _REFUSALS as error:
        if len(rows) == 1:
            log.error("the event store refuses event %s: %s", rows[0].event_id, error)
            park(rows[0].project_id, rows[0].event_id, f"the event store refuses it: {error}")
            return 0
    middle = len(rows) // 2
    written = _write(events, rows[:middle], f"{token}0", None, complete, park, watch)
    return written + _write(events, rows[middle:], f"{token}1", None, complete, park, watch)


def error_row(event: PreparedEvent, group_id: int, batch_id: int, *, has_body: bool = True) -> ErrorRow:
    """The row of the event store for an event that belongs to an issue; in a storm without its body."""
    return ErrorRow(
        project_id=event.project_id,
        group_id=group_id,
        primary_hash=event.hashes[0],
        timestamp=event.timestamp,
        received_at=event.received_at,
        event_id=event.event_id,
        batch_id=batch_id,
        type=event.type,
        platform=event.platform,
        level=event.level,
        logger=event.logger,
        environment=storable(event.environment),
        release=storable(event.release),
        dist=storable(event.dist),
        transaction=event.transaction,
        title=event.title,
        culprit=event.culprit,
        location=event.location,
        message=event.message,
        user=event.user.identity,
        user_id=event.user.id,
        user_email=event.user.email,
        user_name=event.user.username or event.user.name,
        user_ip=event.user.ip,
        sdk_name=event.sdk_name,
        sdk_version=event.sdk_version,
        trace_id=event.trace_id,
        span_id=event.span_id,
        handled=event.handled,
        exception_types=event.exception_types,
        exception_values=event.exception_values,
        frame_filenames=event.frame_filenames,
        frame_functions=event.frame_functions,
        tags=event.tags,
        error_count=event.error_count,
        payload=event.payload if has_body else b"",
        has_body=has_body,
    )


def transaction_row(value: PreparedTransaction, batch_id: int) -> TransactionRow:
    """The row of the event store for a transaction."""
    return TransactionRow(
        project_id=value.project_id,
        event_id=value.event_id,
        batch_id=batch_id,
        started_at=value.started_at,
        timestamp=value.timestamp,
        received_at=value.received_at,
        transaction=value.transaction,
        op=value.op,
        status=value.status,
        source=value.source,
        duration_ms=value.duration_ms,
        trace_id=value.trace_id,
        span_id=value.span_id,
        parent_span_id=value.parent_span_id,
        platform=value.platform,
        environment=storable(value.environment),
        release=storable(value.release),
        dist=storable(value.dist),
        user=value.user.identity,
        sdk_name=value.sdk_name,
        sdk_version=value.sdk_version,
        span_count=value.span_count,
        tags=value.tags,
        measurements=value.measurements,
        payload=value.payload,
    )


def span_rows(value: PreparedTransaction, batch_id: int) -> SpanRows:
    """The rows of the event store for a transaction's spans, itself the first of them."""
    spans = value.spans
    return SpanRows(
        project_id=value.project_id,
        event_id=value.event_id,
        batch_id=batch_id,
        timestamp=value.timestamp,
        transaction=value.transaction,
        environment=storable(value.environment),
        release=storable(value.release),
        trace_id=value.trace_id,
        span_ids=spans.span_ids,
        parent_span_ids=spans.parent_span_ids,
        started_us=spans.started_us,
        duration_us=spans.duration_us,
        exclusive_us=spans.exclusive_us,
        ops=spans.ops,
        statuses=spans.statuses,
        descriptions=spans.descriptions,
        raw_descriptions=spans.raw_descriptions,
        group_hashes=spans.group_hashes,
        details=spans.details,
    )
