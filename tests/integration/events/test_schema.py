"""The schema as the engine really has it: every setting, index and key that the design rests on."""

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.integration.events.engine_process import running_engine
from tests.integration.events.factories import NOON, a_window, an_error
from vedette.core.errors import Misconfigured
from vedette.events import queries
from vedette.events.filters import TAG_PAIRS
from vedette.events.migrate import migrate, migrations, schema_version
from vedette.events.spancolumns import SPAN_COLUMNS
from vedette.events.writer import ERROR_COLUMNS, TRANSACTION_COLUMNS, write_errors

ENFORCED = {
    "enable_block_number_column": "1",
    "enable_block_offset_column": "1",
    "map_serialization_version": "'with_buckets'",
    "map_serialization_version_for_zero_level_parts": "'basic'",
    "min_columns_to_activate_adaptive_write_buffer": "1",
    "fsync_after_insert": "1",
    "fsync_part_directory": "1",
    "non_replicated_deduplication_window": "1000",
}


@pytest.mark.parametrize(
    ("table", "key", "granularity", "columns"),
    [
        ("errors", "project_id, primary_hash, timestamp", "1024", ERROR_COLUMNS),
        ("transactions", "project_id, transaction, timestamp", "2048", TRANSACTION_COLUMNS),
        ("spans", "project_id, transaction, timestamp", "4096", SPAN_COLUMNS),
    ],
    ids=["errors", "transactions", "spans"],
)
def test_the_tables_are_what_the_migrations_say(shared_engine, table, key, granularity, columns):
    store = shared_engine.store()
    ((full, sorting, partition, engine),) = store.rows(
        "SELECT engine_full, sorting_key, partition_key, engine FROM system.tables"
        " WHERE database = currentDatabase() AND name = {t:String}",
        {"t": table},
    )
    settings = dict(pair.split(" = ") for pair in full.partition("SETTINGS ")[2].split(", "))

    assert (engine, sorting, partition) == ("MergeTree", key, "toMonday(timestamp)")
    assert settings["index_granularity"] == granularity
    enforced = {name: value for name, value in ENFORCED.items() if table != "spans" or not name.startswith("map_")}
    assert enforced.items() <= settings.items()
    found = dict(
        store.rows(
            "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {t:String}",
            {"t": table},
        )
    )
    assert found == columns


def test_the_indexes_answer_what_they_are_for(store, token):
    write_errors(
        store, [an_error(group_id=n, title=f"Title number{n}", tags={"n": str(n)}) for n in range(9000)], token()
    )
    store.run("OPTIMIZE TABLE errors FINAL")

    def plan(condition):
        return "\n".join(
            row[0] for row in store.rows(f"EXPLAIN indexes = 1 SELECT event_id FROM errors WHERE {condition}")
        )

    assert "Name: tag_pairs" in plan(f"has({TAG_PAIRS}, 'n=77')")
    assert "Name: tag_pairs" in plan(f"hasAny({TAG_PAIRS}, ['n=77', 'n=78'])")
    assert "Name: title_words" in plan("lowerUTF8(title) LIKE '% number77 %'")
    assert "Name: group_ids" in plan("group_id = 77")
    assert "Name: event_ids" in plan("event_id = '00000000000000000000000000000001'")


def test_tags_are_kept_in_buckets_once_parts_are_merged(store, token):
    tags = {f"key{n}": str(n) for n in range(20)}
    for _ in range(2):
        write_errors(store, [an_error(tags=tags) for _ in range(50)], token())
    store.run("OPTIMIZE TABLE errors FINAL")

    ((streams,),) = store.rows(
        "SELECT substreams FROM system.parts_columns WHERE active AND table = 'errors' AND column = 'tags'"
    )
    assert "tags.buckets_info" in streams
    assert queries.facets(store, a_window())[0].total == 100


def test_a_batch_is_one_part_per_week(store, token):
    rows = [an_error(payload=b"{}" * 20_000) for _ in range(300)]  # 12 MB: several blocks on the wire

    write_errors(store, rows, token())

    # A truncated table keeps empty parts for a while, and the patches of what was in it.
    parts = (
        "SELECT count() FROM system.parts WHERE active AND rows > 0 AND table = 'errors' AND NOT name LIKE 'patch-%'"
    )
    assert store.value(parts) == 1


class TestMigrations:
    def test_they_run_once(self, tmp_path):
        with running_engine(tmp_path / "store") as engine:
            store = engine.store()
            assert schema_version(store) == 0
            assert queries.store_facts(store).tables == ()

            assert migrate(store)[:3] == ["0001_errors", "0002_transactions", "0003_spans"]
            assert migrate(store) == []
            assert schema_version(store) == len(migrations())

    def test_an_interrupted_one_is_finished(self, tmp_path):
        with running_engine(tmp_path / "store") as engine:
            store = engine.store()
            migrate(store)
            store.run("ALTER TABLE schema_migrations DELETE WHERE number = 2")
            # As after a kill between the statements and the note: the table is there, the note is not.
            assert store.value("SELECT count() FROM schema_migrations") == len(migrations()) - 1

            migrate(store)
            assert store.value("SELECT count() FROM errors") == 0

    def test_a_newer_store_is_refused(self, tmp_path):
        with running_engine(tmp_path / "store") as engine:
            store = engine.store()
            migrate(store)
            store.insert("schema_migrations", ("number", "name"), ("UInt32", "String"), ((99,), ("later",)), token="99")

            with pytest.raises(Misconfigured, match="99"):
                migrate(store)


def test_a_defect_of_ours_is_not_dressed_up_as_an_outage(shared_engine):
    with pytest.raises(DatabaseError):
        shared_engine.store().rows("SELECT nonsense")


def test_moments_keep_their_microseconds(store, token):
    row = an_error(timestamp=NOON)
    write_errors(store, [row], token())

    assert queries.get_event(store, [1], row.event_id).summary.timestamp == NOON
