"""Connections to the relational database, set up for what we ask of it: many small questions, and lists of some
thousands of rows.

Where its operator left PostgreSQL at its defaults, it plans for discs that turn, and reads whole tables where an index
would do; and it compiles what runs for two milliseconds, which takes three.

Timestamps are read fast: Django's ways take four microseconds for each on SQLite and ten on PostgreSQL; the standard
library reads what both write, which is always in UTC, in less than one.
"""

import sqlite3
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime

_PLANS = """
    SELECT set_config(name, ours.value, false)
    FROM (VALUES ('jit', 'off'), ('random_page_cost', '1.1')) AS ours (name, value)
    JOIN pg_settings USING (name) WHERE source = 'default'
"""


def set_up(connection: Any, **_: Any) -> None:
    """Set up Django's `connection`, which was just opened."""
    if connection.vendor == "postgresql":
        connection.connection.execute(_PLANS)
        from vedette.core.timestamps import UtcLoader  # its driver is not loaded where nobody needs it

        if connection.timezone is UTC:
            connection.connection.adapters.register_loader("timestamptz", UtcLoader)
    else:
        sqlite3.register_converter("datetime", read_datetime)  # for the whole process, in the place of Django's
        connection.ops.convert_datetimefield_value = _converted


def read_datetime(text: bytes) -> datetime | None:
    """The moment that Django wrote into a column of SQLite as `2026-01-02 03:04:05.678`, in UTC; None, as with Django,
    for what is no moment."""
    return _read(text.decode())


def _read(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text + "+00:00")  # its time zone costs less so than to be put in afterwards
    except ValueError:
        found = parse_datetime(text)
    return found and found.astimezone(UTC)


def _converted(value: str | datetime | None, *_: Any) -> datetime | None:
    """What Django makes of a moment that it read: columns have it already, functions of SQLite give a text."""
    return _read(value) if isinstance(value, str) else value
