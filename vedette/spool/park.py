"""Parked requests: what could not be digested, kept with the reason until somebody replays or drops it.

One SQLite file per node, written by the digest, read by `vedette doctor` and the replay. It has a bound: beyond it
nothing is parked and nothing is lost. The digest of that stream waits, what is accepted stays in the spool, and when
that is full, too, senders are told to wait; it goes on as soon as something is replayed or dropped.
"""

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from vedette.spool.errors import ParkFull
from vedette.spool.files import decode_receipt, encode_receipt
from vedette.spool.records import Receipt

PARK_NAME = "parked.sqlite"
MAX_BYTES = 2**30  # so much waits for a decision before the digest does
_SCHEMA = """create table if not exists parked (
    id integer primary key autoincrement, stream text not null, position integer not null, receipt blob not null,
    body blob not null, reason text not null, traceback text not null, parked_at real not null,
    unique (stream, position)
)"""
_LISTED = "id, stream, position, receipt, length(body), reason, traceback, parked_at"


@dataclass(frozen=True, slots=True)
class Parked:
    """One parked request without its body. `receipt` is None when it was unreadable; `parked_at` is Unix time."""

    id: int
    stream: str
    position: int
    receipt: Receipt | None
    body_bytes: int
    reason: str
    traceback: str
    parked_at: float


class Park:
    """The parked requests under a spool's root. Safe from several processes; one thread at a time."""

    def __init__(self, root: Path, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._connection = sqlite3.connect(
            root / PARK_NAME, isolation_level=None, timeout=10.0, check_same_thread=False
        )
        self._connection.execute("pragma journal_mode=wal")
        self._connection.execute("pragma synchronous=full")
        self._connection.execute(_SCHEMA)

    def put(
        self,
        stream: str,
        position: int,
        receipt: Receipt | bytes,
        body: bytes,
        reason: str,
        traceback: str = "",
        *,
        beyond_limit: bool = False,
    ) -> None:
        """Park one request, on disk when this returns; the same position again only renews the reason.

        Raises `ParkFull` where there is no room for it, unless `beyond_limit`: for what cannot wait elsewhere.
        """
        if not beyond_limit and self.size() + len(body) > self._max_bytes:
            raise ParkFull(f"more than {self._max_bytes / 10**6:.0f} MB are parked: replay or drop some")
        blob = receipt if isinstance(receipt, bytes) else encode_receipt(receipt)
        self._connection.execute(
            "insert into parked (stream, position, receipt, body, reason, traceback, parked_at) values (?,?,?,?,?,?,?) "
            "on conflict (stream, position) do update set reason = excluded.reason, traceback = excluded.traceback, "
            "parked_at = excluded.parked_at",
            (stream, position, blob, body, reason, traceback, time.time()),
        )

    def list(self, limit: int = 100, after_id: int = 0) -> list[Parked]:
        """The oldest first, behind `after_id`."""
        rows = self._connection.execute(
            f"select {_LISTED} from parked where id > ? order by id limit ?",  # noqa: S608 (constant columns)
            (after_id, limit),
        )
        return [_parked(row) for row in rows]

    def count(self) -> int:
        """How many are parked."""
        return int(self._connection.execute("select count(*) from parked").fetchone()[0])

    def size(self) -> int:
        """How many bytes of the file are in use."""
        pages, free, page_bytes = (
            int(self._connection.execute(f"pragma {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * page_bytes

    def get(self, parked_id: int) -> tuple[Parked, bytes] | None:
        """One parked request with its body."""
        with closing(
            self._connection.execute(
                f"select {_LISTED}, body from parked where id = ?",  # noqa: S608 (constant columns)
                (parked_id,),
            )
        ) as cursor:
            row = cursor.fetchone()
        return (_parked(row[:-1]), row[-1]) if row else None

    def remove(self, parked_id: int) -> bool:
        """Drop one, after its replay or because somebody decided so; False if it was gone already."""
        return self._connection.execute("delete from parked where id = ?", (parked_id,)).rowcount > 0

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def parked_count(root: Path) -> int:
    """How many requests are parked under a spool's root; makes no file when there is none."""
    if not (root / PARK_NAME).exists():
        return 0
    with closing(Park(root)) as park:
        return park.count()


def _parked(row: tuple[int, str, int, bytes, int, str, str, float]) -> Parked:
    number, stream, position, receipt, body_bytes, reason, traceback, parked_at = row
    try:
        read = decode_receipt(receipt)
    except ValueError:  # msgspec's errors are
        read = None
    return Parked(number, stream, position, read, body_bytes, reason, traceback, parked_at)
