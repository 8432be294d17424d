"""Numbered SQL migrations of the event store: the same files embedded and on a cluster.

A file holds statements that may run twice (IF NOT EXISTS, ADD COLUMN IF NOT EXISTS …), so a migration that a crash
interrupted is simply run again. Three marks are filled in when it runs: `@ON_CLUSTER@`, `@MERGE_TREE@` and
`@DEDUPLICATION@`; they are all that a cluster changes.
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files

from clickhouse_connect.driver.exceptions import DatabaseError

from vedette.core.errors import Misconfigured
from vedette.events.client import EventStore, StoreUnavailable

DEDUPLICATION_WINDOW = 1000  # blocks, so at least as many batches of one week
DEDUPLICATION_SECONDS = 7 * 24 * 3600
LOCK_SECONDS = 60  # a lock older than that was left by a process that died: a migration takes milliseconds

_FILE_NAME = re.compile(r"(\d{4})_(\w+)\.sql")
_CLUSTER_NAME = re.compile(r"[A-Za-z0-9_.{}-]{1,100}")
_TABLE_EXISTS = 57

_in_this_process = threading.Lock()

HISTORY = """
CREATE TABLE IF NOT EXISTS schema_migrations@ON_CLUSTER@
(
    number     UInt32,
    name       String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = @MERGE_TREE@
ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, @DEDUPLICATION@;
"""


@dataclass(frozen=True, slots=True)
class Topology:
    """What differs on a cluster: Replicated engines, and the cluster's name for ON CLUSTER (empty for none)."""

    replicated: bool = False
    cluster: str = ""

    def __post_init__(self) -> None:
        if self.cluster and not _CLUSTER_NAME.fullmatch(self.cluster):
            raise Misconfigured(f"{self.cluster!r} cannot be the name of a ClickHouse cluster")


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """All that this version of the code knows, in order."""
    found = [
        Migration(int(match[1]), match[2], entry.read_text("utf-8"))
        for entry in files("vedette.events").joinpath("migrations").iterdir()
        if (match := _FILE_NAME.fullmatch(entry.name))
    ]
    return sorted(found, key=lambda migration: migration.number)


def render(sql: str, topology: Topology = Topology()) -> list[str]:
    """The statements of a file, for this topology."""
    window = "replicated_deduplication_window" if topology.replicated else "non_replicated_deduplication_window"
    marks = {
        "@ON_CLUSTER@": f" ON CLUSTER '{topology.cluster}'" if topology.cluster else "",
        "@MERGE_TREE@": "ReplicatedMergeTree" if topology.replicated else "MergeTree",
        "@DEDUPLICATION@": f"{window} = {DEDUPLICATION_WINDOW}"
        + (f", replicated_deduplication_window_seconds = {DEDUPLICATION_SECONDS}" if topology.replicated else ""),
    }
    for mark, text in marks.items():
        sql = sql.replace(mark, text)
    lines = [line for line in sql.splitlines() if not line.lstrip().startswith("--")]
    return [statement.strip() for statement in re.split(r";\s*(?:\n|$)", "\n".join(lines)) if statement.strip()]


def migrate(store: EventStore, topology: Topology = Topology()) -> list[str]:
    """Bring the store to this version of the code; the names of the migrations that ran now.

    Several processes may try at once: one of them does it, the others wait for it. Raises `Misconfigured` when the
    store is newer than the code, `StoreUnavailable` when it is away or somebody else keeps migrating.
    """
    with _in_this_process, _only_one(store):
        for statement in render(HISTORY, topology):
            store.run(statement)
        applied = {int(row[0]) for row in store.rows("SELECT number FROM schema_migrations")}
        known = migrations()
        newest = known[-1].number
        if applied and max(applied) > newest:
            raise Misconfigured(
                f"the event store is at migration {max(applied)}, this version of Vedette knows only {newest}",
                "install the newer version again: a store does not go back",
            )
        ran = []
        for migration in known:
            if migration.number not in applied:
                _apply(store, migration, topology)
                ran.append(f"{migration.number:04d}_{migration.name}")
        return ran


def schema_version(store: EventStore) -> int:
    """The number of the newest migration that ran; 0 for a store without a schema."""
    here = "database = currentDatabase() AND name = 'schema_migrations'"
    if not store.value(f"SELECT count() FROM system.tables WHERE {here}"):
        return 0
    return int(store.value("SELECT max(number) FROM schema_migrations"))


def _apply(store: EventStore, migration: Migration, topology: Topology) -> None:
    for statement in render(migration.sql, topology):
        store.run(statement)
    store.insert(
        "schema_migrations",
        ("number", "name"),
        ("UInt32", "String"),
        ((migration.number,), (migration.name,)),
        token=f"migration-{migration.number}",
    )


@contextmanager
def _only_one(store: EventStore) -> Iterator[None]:
    """The mutex between processes: a table whose creation succeeds for one of them.

    The embedded engine is migrated by its own process before others see it, and needs none: one left behind by a kill
    would delay the next start.
    """
    if store.embedded:
        yield
        return
    deadline = time.monotonic() + LOCK_SECONDS
    while not _take(store):
        if time.monotonic() > deadline:
            raise StoreUnavailable("another process keeps migrating the event store")
        time.sleep(0.5)
    try:
        yield
    finally:
        store.run("DROP TABLE IF EXISTS schema_lock")


def _take(store: EventStore) -> bool:
    age = "SELECT dateDiff('second', metadata_modification_time, now()) FROM system.tables"
    left = store.value(f"{age} WHERE database = currentDatabase() AND name = 'schema_lock'")
    if left is not None and int(left) > LOCK_SECONDS:
        store.run("DROP TABLE IF EXISTS schema_lock")
    try:
        store.run("CREATE TABLE schema_lock (nothing UInt8) ENGINE = Memory")
    except DatabaseError as error:
        if error.code == _TABLE_EXISTS:
            return False
        raise
    return True
