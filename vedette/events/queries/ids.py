"""The ids of stored events in a short form, to remember which are known.

The form is the first 64 bits of the id, mixed with the project: the same number here and in `key_of`.
"""

from datetime import date
from typing import Literal

from vedette.events.client import EventStore

IdTable = Literal["errors", "transactions"]
_MIX = 0x9E3779B97F4A7C15  # odd, without a pattern: neighbours among project ids come apart
_MASK = 2**64 - 1
_KEY = f"bitXor(toUInt64(bitShiftRight(toUInt128(event_id), 64)), project_id * toUInt64({_MIX}))"
_DAY = "toMonday(timestamp) = toMonday({day:Date}) AND toDate(timestamp) = {day:Date}"


def key_of(project_id: int, event_id: str) -> int:
    """The short form of an id of 32 hex digits: an unsigned number of 64 bits."""
    return (int(event_id[:16], 16) ^ (project_id * _MIX)) & _MASK


def count_ids(store: EventStore, table: IdTable, day: date) -> int:
    """How many rows the store has of a UTC day."""
    return int(store.value(f"SELECT count() FROM {table} WHERE {_DAY}", {"day": day}))


def id_keys(store: EventStore, table: IdTable, day: date, part: int, parts: int) -> list[int]:
    """The short forms of the ids of a UTC day, one of `parts` parts of about the same size."""
    rows = store.rows(
        f"SELECT {_KEY} FROM {table} WHERE {_DAY} AND cityHash64(event_id) % {{parts:UInt64}} = {{part:UInt64}}",
        {"day": day, "parts": parts, "part": part},
    )
    return [row[0] for row in rows]
