"""The stores that the suite runs against: the embedded engine always, a real ClickHouse when there is one."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.integration.events.engine_process import EngineProcess, running_engine
from vedette.core.addresses import read_events_url
from vedette.events.client import EventStore, connect
from vedette.events.connection import server_address
from vedette.events.migrate import migrate
from vedette.events.tables import TABLES

pytest.register_assert_rewrite("tests.integration.events.contract")

CLICKHOUSE_URL = os.environ.get("VEDETTE_TEST_CLICKHOUSE_URL", "")
_tokens = count()


@pytest.fixture(scope="session")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """One migrated engine for the whole session."""
    with running_engine(tmp_path_factory.mktemp("events")) as engine:
        migrate(engine.store())
        yield engine


@pytest.fixture(params=["chdb", *(["clickhouse"] if CLICKHOUSE_URL else [])])
def store(request: pytest.FixtureRequest) -> Iterator[EventStore]:
    """An empty, migrated event store."""
    if request.param == "chdb":
        store = request.getfixturevalue("shared_engine").store()
    else:
        store = connect(server_address(read_events_url(CLICKHOUSE_URL, Path())))
        migrate(store)
    for table in TABLES:
        store.run(f"TRUNCATE TABLE {table}")
    yield store
    store.close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    """An engine of the test's own, to be killed and restarted."""
    with running_engine(tmp_path / "store") as engine:
        migrate(engine.store())
        yield engine


@pytest.fixture
def token():
    """A fresh insert token per call."""
    return lambda: f"test-{os.getpid()}-{next(_tokens)}"
