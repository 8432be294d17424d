"""What drills share: which stores this run is about, an event store outside of any server, and seams of processes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.events.engine_process import EngineProcess, running_engine
from tests.support.databases import TEST_DATABASE_URL
from tests.support.server import ROOT

SEAMS = Path(__file__).parent / "seams"

on_own_stores = pytest.mark.skipif(bool(TEST_DATABASE_URL), reason="the same in the run on the embedded stores")
on_shared_stores = pytest.mark.skipif(not TEST_DATABASE_URL, reason="in the run on PostgreSQL and Redis")


@pytest.fixture
def event_server(tmp_path: Path) -> Iterator[EngineProcess]:
    """An event store that several nodes may share: the real engine behind ClickHouse's protocol, as a server."""
    with running_engine(tmp_path / "events") as engine:
        yield engine


def events_url(port: int, secret: str) -> str:
    """As in VEDETTE_EVENTS_URL."""
    return f"clickhouse://default:{secret}@127.0.0.1:{port}/default"


def seam(name: str, **values: str) -> dict[str, str]:
    """Environment of a server whose processes load a seam of `seams/` before anything else: product code has none."""
    path = os.pathsep.join((str(SEAMS / name), str(ROOT)))
    return {"PYTHONPATH": path, **{f"VEDETTE_FAULT_{key.upper()}": value for key, value in values.items()}}
