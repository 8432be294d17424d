"""The engine's rules, each where it would break: fork, a second opener, exits, memory, settings, kill -9."""

import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.integration.events.engine_process import ROOT, EngineProcess, running_engine
from tests.integration.events.factories import DAY, NOON, a_window, an_error
from vedette.events import queries
from vedette.events.client import EngineAddress, StoreUnavailable, connect
from vedette.events.migrate import migrate, migrations
from vedette.events.writer import complete_errors, write_errors

OPEN = """
import os, sys, threading, time, multiprocessing
from pathlib import Path
from vedette.core.errors import Misconfigured
from vedette.events.engine import Engine, EngineBusy, EngineError, EngineOptions
directory = Path(sys.argv[1])
"""


def run_script(body: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run `body` in a fresh interpreter, on a store's directory of its own."""
    command = [sys.executable, "-c", OPEN + body, str(directory / "store")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def answer_of(body: str, directory: Path) -> str:
    done = run_script(body, directory)
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout.strip()


class TestFork:
    def test_a_forked_child_may_not_touch_the_engine(self, tmp_path):
        said = answer_of(
            """
engine = Engine.open(EngineOptions(directory))
pid = os.fork()
if pid == 0:
    for work in (lambda: engine.query("SELECT 1"), engine.close):
        try:
            work()
        except RuntimeError as error:
            os.write(1, b"refused " if "fork" in str(error) else b"?")
    os._exit(0)
os.waitpid(pid, 0)
print(engine.query("SELECT 2").body.decode(), engine.close())
""",
            tmp_path,
        )

        assert said == "refused refused 2\n True"

    def test_a_child_forked_after_the_import_is_told_instead_of_hanging(self, tmp_path):
        said = answer_of(
            """
Engine.open(EngineOptions(directory)).close()
pid = os.fork()
if pid == 0:
    try:
        Engine.open(EngineOptions(directory))
    except Misconfigured as error:
        os.write(1, str(error).encode())
    os._exit(0)
os.waitpid(pid, 0)
""",
            tmp_path,
        )

        assert "forked" in said

    def test_the_fork_start_method_is_refused_and_spawn_becomes_the_default(self, tmp_path):
        assert "fork start method" in answer_of(
            """
multiprocessing.set_start_method("fork")
try:
    Engine.open(EngineOptions(directory))
except Misconfigured as error:
    print(error)
""",
            tmp_path,
        )
        said = answer_of(
            "Engine.open(EngineOptions(directory)).close()\nprint(multiprocessing.get_start_method())", tmp_path
        )
        assert said == "spawn"


class TestOpening:
    def test_a_second_opener_is_told_who_has_it(self, engine):
        done = subprocess.run(
            [sys.executable, "-m", "vedette.events.engine", "--dir", str(engine.directory)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
        )

        assert done.returncode == 2
        assert f"another process (process {engine.process.pid}) has the event store" in done.stderr
        assert "VEDETTE_DATA_DIR" in done.stderr
        assert "Cannot lock" not in done.stderr
        assert engine.store().ping()

    def test_pinned_settings_are_in_force(self, shared_engine):
        store = shared_engine.store()
        server = dict(store.rows("SELECT name, value FROM system.server_settings"))
        session = dict(store.rows("SELECT name, value FROM system.settings"))

        assert 0 < int(server["max_server_memory_usage"]) <= 900_000_000
        caches = ("mark_cache_size", "primary_index_cache_size", "index_mark_cache_size", "query_condition_cache_size")
        assert all(int(server[name]) <= 64 * 1024 * 1024 for name in caches)
        assert server["background_pool_size"] == "2"
        assert session["async_insert"] == "0"
        assert session["max_execution_time"] == "60"

    @pytest.mark.parametrize("which", ["server_settings", "session_settings"])
    def test_a_setting_that_the_engine_ignores_stops_the_start(self, tmp_path, which):
        said = answer_of(
            f"""
class Options(EngineOptions):
    def {which}(self):
        wanted = EngineOptions.{which}(self)
        return wanted | ({{"no_such_setting": 1}} if "{which}" == "server_settings" else {{"max_threads": "0"}})
try:
    Engine.open(Options(directory))
except Misconfigured as error:
    print(error)
os._exit(0)
""",
            tmp_path,
        )

        assert "did not take its settings" in said
        assert "no_such_setting is unknown" in said or "max_threads is " in said

    def test_what_chdb_drags_along_stays_out(self, tmp_path):
        said = answer_of(
            """
engine = Engine.open(EngineOptions(directory))
print([name for name in ("pandas", "pyarrow", "polars") if sys.modules.get(name)], engine.close())
""",
            tmp_path,
        )

        assert said == "[] True"

    def test_the_directory_is_private(self, engine):
        assert engine.directory.stat().st_mode & 0o077 == 0


class TestClosing:
    @pytest.mark.parametrize("attempt", range(10))
    def test_it_ends_in_order_while_queries_run(self, tmp_path, attempt):
        done = run_script(
            """
engine = Engine.open(EngineOptions(directory, handles=4))
def work():
    while True:
        try:
            engine.query("SELECT sum(cityHash64(number)) FROM numbers(30000000)")
        except (EngineBusy, EngineError):
            return
threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads:
    thread.start()
time.sleep(0.2)
began = time.monotonic()
closed = engine.close(timeout_seconds=10)
print(closed, time.monotonic() - began < 10, flush=True)
os._exit(0)
""",
            tmp_path,
        )

        assert (done.returncode, done.stdout.strip()) == (0, "True True"), done.stderr

    def test_a_query_that_never_ends_is_told_to_stop(self, tmp_path):
        said = answer_of(
            """
engine = Engine.open(EngineOptions(directory))
def forever():
    try:
        engine.query("SELECT count() FROM system.numbers")
    except EngineError as error:
        print(error.code)
thread = threading.Thread(target=forever)
thread.start()
time.sleep(0.3)
print(engine.close(timeout_seconds=4))
thread.join(5)
""",
            tmp_path,
        )

        assert sorted(said.split()) == ["394", "True"]

    def test_sigterm_under_load_loses_nothing_and_exits_with_zero(self, engine, token):
        stop = threading.Event()
        written = []

        def write():
            store = engine.store()
            while not stop.is_set():
                try:
                    write_errors(store, [an_error() for _ in range(20)], token())
                    written.append(20)
                except StoreUnavailable:
                    return

        threads = [threading.Thread(target=write) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.7)
        status = engine.stop()
        stop.set()
        for thread in threads:
            thread.join()

        assert status == 0
        engine.start()
        assert queries.project_counts(engine.store(), a_window())[1] >= sum(written) > 0

    def test_a_closing_engine_refuses_new_work_and_a_full_one_says_so(self, tmp_path):
        said = answer_of(
            """
engine = Engine.open(EngineOptions(directory, handles=1, wait_for_handle_seconds=0.05))
threading.Thread(target=lambda: engine.query("SELECT sleep(0.5)")).start()
time.sleep(0.2)
try:
    engine.query("SELECT 1")
except EngineBusy as error:
    print(error)
print(engine.close())
try:
    engine.query("SELECT 1")
except EngineBusy as error:
    print(error)
""",
            tmp_path,
        )

        assert said.split("\n") == [
            "every handle of the event store is in use",
            "True",
            "the event store is closing",
        ]


class TestTrouble:
    def test_a_memory_error_is_back_pressure(self, tmp_path):
        with running_engine(tmp_path / "store", "--memory-bytes", "150000000") as engine:
            store = engine.store()

            with pytest.raises(StoreUnavailable, match="241"):
                store.rows("SELECT uniqExact(number) FROM numbers(20000000)")
            assert store.ping()

    def test_an_insert_that_fails_in_its_last_step_is_never_taken_for_written(self, engine, token):
        """The last step writes the part: no room on the disk and no memory show only there, like this."""
        store = engine.store()
        store.run("CREATE TABLE strict (a UInt8, CONSTRAINT small CHECK a < 10) ENGINE = MergeTree ORDER BY a")

        with pytest.raises(DatabaseError, match="VIOLATED_CONSTRAINT"):
            store.insert("strict", ("a",), ("UInt8",), ((99,),), token=token())

        assert store.value("SELECT count() FROM strict") == 0

    def test_a_store_heals_when_the_engine_comes_back_elsewhere(self, engine, token):
        store = engine.store()
        write_errors(store, [an_error()], token())
        before = engine.address
        engine.kill()

        with pytest.raises(StoreUnavailable):
            store.rows("SELECT 1")
        assert not store.ping()
        engine.start()
        assert engine.address != before
        assert queries.project_counts(store, a_window())[1] == 1

    def test_kill_9_during_inserts_loses_no_acknowledged_batch(self, engine, token):
        """Each batch spans four weeks, so a kill may fall between its parts: a replay adds what is missing."""
        chance = random.Random(7)
        batches: dict[str, list] = {}
        acknowledged: set[str] = set()
        for goal in (3, 6, 9, 12, 15):
            stop = threading.Event()

            def write(stop=stop):
                store = engine.store()
                while not stop.is_set():
                    name = token()
                    batches[name] = [an_error(timestamp=NOON + n % 4 * 7 * DAY) for n in range(40)]
                    try:
                        write_errors(store, batches[name], name)
                    except StoreUnavailable:
                        return
                    acknowledged.add(name)

            thread = threading.Thread(target=write)
            thread.start()
            deadline = time.monotonic() + 30
            while len(acknowledged) < goal and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(chance.random() * 0.2)
            engine.kill()
            stop.set()
            thread.join()
            engine.start()
        store = engine.store()

        stored = {row[0].hex for row in store.rows("SELECT event_id FROM errors")}
        assert len(acknowledged) >= 15
        assert all(row.event_id in stored for name in acknowledged for row in batches[name])
        for name, rows in batches.items():
            complete_errors(store, rows, name)
        assert queries.project_counts(store, a_window())[1] == sum(map(len, batches.values()))

    def test_a_batch_of_which_one_week_was_written_is_completed_by_its_replay(self, engine):
        store = engine.store()
        rows = [an_error(timestamp=NOON + n % 3 * 7 * DAY) for n in range(30)]
        only_first_week = [row for row in rows if row.timestamp == NOON]
        write_errors(store, only_first_week, "same")

        write_errors(store, rows, "same")

        assert queries.project_counts(store, a_window())[1] == 30

    def test_two_processes_migrate_once(self, tmp_path):
        with running_engine(tmp_path / "store") as engine:
            ran = []
            threads = [threading.Thread(target=lambda: ran.append(migrate(engine.store()))) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

            assert sorted(map(len, ran)) == [0, 0, len(migrations())]

    def test_an_unreachable_store_says_so_without_its_secret(self):
        store = connect(lambda: EngineAddress("127.0.0.1", 9, "very-secret"))

        with pytest.raises(StoreUnavailable) as caught:
            store.rows("SELECT 1")
        assert "very-secret" not in str(caught.value)


def test_the_fixture_leaves_no_process_behind(tmp_path):
    engine = EngineProcess(tmp_path / "store").start()
    process = engine.process

    assert engine.stop() == 0
    assert process.poll() == 0
