"""One unchanging view of the database for as long as an export reads, while others go on writing."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connections, transaction


@contextmanager
def snapshot(aliases: Iterable[str]) -> Iterator[None]:
    """Everything that is read of these databases inside is as it was at the first read.

    Nobody is kept from writing: SQLite's journal keeps the old pages, PostgreSQL the old rows, until the end. Two
    databases have two views, a moment apart. Inside of a transaction, that one's view is used as it is.
    """
    with ExitStack() as stack:
        for alias in sorted(set(aliases)):
            stack.enter_context(_of(connections[alias]))
        yield


@contextmanager
def _of(connection: Any) -> Iterator[None]:
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with _deferred(connection), transaction.atomic(using=connection.alias):
            _begin(connection, "SELECT 1 FROM sqlite_master LIMIT 1")  # takes the view now, not at the first row
            yield
    else:
        with transaction.atomic(using=connection.alias):
            _begin(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield


@contextmanager
def _deferred(connection: Any) -> Iterator[None]:
    """Transactions of this connection do not take the lock of the one writer when they begin."""
    connection.ensure_connection()  # which reads the mode from the settings
    mode, connection.transaction_mode = connection.transaction_mode, "DEFERRED"
    try:
        yield
    finally:
        connection.transaction_mode = mode


def _begin(connection: Any, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        if cursor.description:
            cursor.fetchall()
