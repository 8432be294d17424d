"""What every test may rely on: a clean environment, live servers, and nothing left behind."""

import gc
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack

import pytest
from clickhouse_connect.driver.client import Client
from django.conf import settings

from tests.integration.events.engine_process import EngineProcess, running_engine
from tests.support import server as live
from tests.support import statics
from tests.support.databases import empty_by_deleting, empty_redis
from tests.support.server import LiveServer
from tests.support.settings import TEST_DIR
from vedette.core import runtime
from vedette.events.client import EventStore
from vedette.events.connection import event_store
from vedette.events.migrate import migrate
from vedette.events.tables import TABLES


def pytest_configure(config: pytest.Config) -> None:
    """Before the first test. Looking for cycles among all that the tests have loaded takes a tenth of their time: it is
    done seldom."""
    gc.set_threshold(200_000, 50, 100)
    empty_by_deleting()
    statics.list_once()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A live server for the whole session. Make a project of your own in it; do not stop it, kill it or fill it.

    It reads git repositories below its `VEDETTE_GIT_ROOTS`.
    """
    with LiveServer(environment={"VEDETTE_GIT_ROOTS": str(tmp_path_factory.mktemp("git"))}) as server:
        yield server


@pytest.fixture
def start_server() -> Iterator[Callable[..., LiveServer]]:
    """Starts servers of the test's own: `start_server("--no-digest", environment={…})`."""
    with ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(LiveServer(*arguments, migrated=True, **options))


@pytest.fixture
def own_server(start_server: Callable[..., LiveServer]) -> LiveServer:
    """A live server of the test's own."""
    return start_server()


@pytest.fixture(scope="session")
def session_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """One migrated event store for the session, in a process of its own."""
    with running_engine(tmp_path_factory.mktemp("events")) as engine:
        store = engine.store()
        migrate(store)
        store.close()
        yield engine


@pytest.fixture(scope="session")
def idle_clients() -> Iterator[list[Client]]:
    """Connections to that store which outlive the tests: to make one takes longer than most of them."""
    clients: list[Client] = []
    yield clients
    for client in clients:
        client.close()


@pytest.fixture
def events(session_engine: EngineProcess, idle_clients: list[Client]) -> Iterator[EventStore]:
    """An empty event store, found by the code under test as the front finds it: through the runtime file."""
    path = settings.VEDETTE.runtime_file
    runtime.write(path, runtime.EngineRuntime(session_engine.port, session_engine.secret, pid=1))
    event_store.cache_clear()
    store = event_store()
    while idle_clients:
        store._idle.put(idle_clients.pop())
    for (table,) in store.rows("SELECT DISTINCT table FROM system.parts WHERE database = currentDatabase() AND active"):
        if table in TABLES:
            store.run(f"TRUNCATE TABLE {table}")
    yield store
    while not store._idle.empty():
        idle_clients.append(store._idle.get())
    path.unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """What a process remembers about its stores, and what Redis keeps, is forgotten between tests."""
    empty_redis()
    yield
    if event_store.cache_info().currsize:
        event_store().close()
        event_store.cache_clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the servers that run said last."""
    report = yield
    if report.failed:
        for server in live.running:
            report.sections.append((f"log of {server.url}", server.log_tail()))
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove this process's directory: each worker of a parallel run has its own."""
    shutil.rmtree(TEST_DIR, ignore_errors=True)
