"""PostgreSQL's timestamps, read by the standard library; see `vedette.core.connections`."""

from datetime import UTC, datetime

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
