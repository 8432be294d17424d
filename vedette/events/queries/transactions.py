"""Transactions, as far as they are looked at yet: a list and a count."""

from vedette.events.client import EventStore
from vedette.events.filters import in_window
from vedette.events.rows import TransactionSummary, Window


def list_transactions(
    store: EventStore, window: Window, *, name: str = "", limit: int = 100, offset: int = 0
) -> list[TransactionSummary]:
    """Transactions of the window, newest first; only those called `name` when it is given."""
    sql = in_window(window)
    if name:
        sql.add(f"transaction = {sql.bind(name, 'String')}")
    rows = store.rows(
        "SELECT event_id, project_id, started_at, timestamp, transaction, op, status, duration_ms, trace_id, span_id,"
        f" environment, release, user, span_count FROM transactions{sql.clause} ORDER BY timestamp DESC, event_id DESC"
        f" LIMIT {sql.bind(limit, 'UInt64')} OFFSET {sql.bind(offset, 'UInt64')}",
        sql.params,
    )
    return [TransactionSummary(event_id.hex, *rest) for event_id, *rest in rows]


def count_transactions(store: EventStore, window: Window) -> int:
    """How many transactions the window holds."""
    sql = in_window(window)
    return int(store.value(f"SELECT count() FROM transactions{sql.clause}", sql.params))
