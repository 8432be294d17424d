"""Reading PostgreSQL's timestamps fast: lists of a thousand rows have some thousands of them.

Django reads them by a class in Python, which takes ten microseconds for each; its session is always in UTC, so that
the standard library can read them in less than one.
"""

from datetime import UTC, datetime
from typing import Any

from psycopg.abc import Buffer
from psycopg.types.datetime import TimestamptzLoader


class UtcLoader(TimestamptzLoader):
    """Reads `2026-01-02 03:04:05.678+00`; whatever is written otherwise is left to psycopg."""

    timezone = UTC  # Django compares it with that of its connection, and keeps a loader that agrees

    def load(self, data: Buffer) -> datetime:
        """The moment, in UTC."""
        try:
            read = datetime.fromisoformat(str(data, "ascii"))
        except ValueError:  # infinity, and years that Python has not: refused with psycopg's words
            read = super().load(data)
        return read if read.tzinfo is UTC else read.astimezone(UTC)


def read_fast(connection: Any) -> None:
    """Let Django's `connection` to PostgreSQL, which was just opened, read timestamps so."""
    if connection.timezone is UTC:
        connection.connection.adapters.register_loader("timestamptz", UtcLoader)
