"""A disk is full: the spool's, the relational database's, the event store's. Senders are told, or events wait; nothing
that was acknowledged is lost, and room is all it takes to go on."""

import time
from pathlib import Path

import pytest

from tests.faults.conftest import on_own_stores
from tests.faults.sender import Senders
from tests.faults.stores import SmallDisk, small_disk
from tests.faults.truth import Crowd, check_everything, wait_for_complaint
from tests.support.machine import busy_seconds
from tests.support.server import LiveServer

FULL_SECONDS = 1.0


@pytest.fixture
def disk(tmp_path: Path):
    with small_disk(tmp_path / "disk") as disk:
        yield disk


@on_own_stores
def test_a_full_spool_answers_503_keeps_what_it_acknowledged_and_goes_on(tmp_path: Path):
    payloads = Crowd(issues=10)
    data_dir = tmp_path / "node" / "data"
    data_dir.mkdir(parents=True, mode=0o700)

    with small_disk(data_dir / "spool") as disk, LiveServer(directory=data_dir.parent) as server:
        shop = server.bootstrap()
        with Senders(shop["dsn"], payloads, 800) as senders:
            senders.wait_for(200, 20)
            disk.fill()
            server.wait_for(lambda: bool(senders.acknowledged.answers[503]), 10, "answering 503")
            told = wait_for_complaint(server, "disk", str(disk.path))
            disk.free()
            senders.wait_for(800, 30)
            sent = senders.acknowledged
        server.flush()

        assert told.verdict == "fail"
        complaints = server.log_path.read_text().count("does not take requests")
        assert 1 <= complaints <= 2 + sent.answers[503] // 50, "a line of log for each that is turned away"
        check_everything(server, shop, payloads, sent)


@on_own_stores
@pytest.mark.parametrize(
    ("variable", "url"),
    [("VEDETTE_DATABASE_URL", "sqlite:///{}/vedette.sqlite3"), ("VEDETTE_EVENTS_URL", "chdb://{}/events")],
    ids=["sqlite", "events"],
)
def test_while_a_store_s_disk_is_full_events_wait(start_server, disk: SmallDisk, variable, url):
    payloads = Crowd(issues=10)
    server: LiveServer = start_server(environment={variable: url.format(disk.path)})
    shop = server.bootstrap()

    with Senders(shop["dsn"], payloads, 800, threads=2) as senders:
        senders.wait_for(200, 20)
        disk.fill(65536)  # some batches still fit, one ends in the middle
        accepted = senders.count
        full_since = time.monotonic()
        senders.wait_for(accepted + 150, 10 + busy_seconds())
        told = wait_for_complaint(server, "disk", str(disk.path))
        wait_for_complaint(server, "server", "the digest waits")
        time.sleep(max(full_since + FULL_SECONDS - time.monotonic(), 0))
        disk.free()
        senders.wait_for(800, 30)
        sent = senders.acknowledged
    server.flush()

    assert told.verdict == "fail"
    assert not sent.answers, "somebody was told to come again"
    check_everything(server, shop, payloads, sent)
