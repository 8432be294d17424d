"""Step three of a batch: its events into the event store, under the batch's token.

A replayed insert is dropped by the store. What an engine refuses for good is found by halving, and parked, so that one
bad row never holds up the rest; the halves have tokens of their own, and a replay halves in the same places.
"""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from clickhouse_connect.driver.exceptions import ClickHouseError, DataError

from vedette.digest.batch import Batch, identity
from vedette.digest.models import DigestBatch
from vedette.digest.relate import storable
from vedette.digest.values import PreparedEvent, PreparedTransaction
from vedette.events.client import EventStore
from vedette.events.rows import ErrorRow, KnownEvent, TransactionRow
from vedette.events.writer import (
    complete_errors,
    complete_transactions,
    forget_replaced,
    write_errors,
    write_transactions,
)

log = logging.getLogger(__name__)

Row = TypeVar("Row", ErrorRow, TransactionRow)
Park = Callable[[int, str, str], None]
_REFUSALS = (ClickHouseError, DataError, ValueError, TypeError, OverflowError, UnicodeError)


def store(
    events: EventStore,
    mark: DigestBatch,
    batch: Batch,
    groups: Sequence[int | None],
    known: Sequence[KnownEvent],
    park: Park,
    *,
    replayed: bool = False,
) -> int:
    """Write what `batch` came to and forget the rows that it replaces; gives the number of rows written.

    `park(project_id, event_id, reason)` is told of each row that the store refuses for good. `replayed`: an earlier
    attempt may have got this far, so that the store has to be looked at. Raises `StoreUnavailable`: the same call may
    be made again.
    """
    rows = [
        error_row(event, group, mark.pk) for event, group in zip(batch.events, groups, strict=True) if group is not None
    ]
    transactions = [transaction_row(value, mark.pk) for value in batch.transactions]
    errors_in = complete_errors if replayed else write_errors
    transactions_in = complete_transactions if replayed else write_transactions
    written = _write(rows, f"{mark.token}-e", lambda part, token: errors_in(events, part, token), park)
    written += _write(transactions, f"{mark.token}-t", lambda part, token: transactions_in(events, part, token), park)
    if known:
        stored = {identity(event) for event, group in zip(batch.events, groups, strict=True) if group is not None}
        outdated = [row for row in known if (row.project_id, row.event_id, row.day) in stored]
        forget_replaced(events, outdated, mark.pk)
    return written


def _write(
    rows: Sequence[Row],
    token: str,
    write: Callable[[Sequence[Row], str], object],
    park: Park,
) -> int:
    if not rows:
        return 0
    try:
        write(rows, token)
        return len(rows)
    except _REFUSALS as error:
        if len(rows) == 1:
            log.error("the event store refuses event %s: %s", rows[0].event_id, error)
            park(rows[0].project_id, rows[0].event_id, f"the event store refuses it: {error}")
            return 0
    middle = len(rows) // 2
    return _write(rows[:middle], f"{token}0", write, park) + _write(rows[middle:], f"{token}1", write, park)


def error_row(event: PreparedEvent, group_id: int, batch_id: int) -> ErrorRow:
    """The row of the event store for an event that belongs to an issue."""
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
        payload=event.payload,
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
