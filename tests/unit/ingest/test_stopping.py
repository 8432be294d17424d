"""What the door has counted when it is asked to stop is written down, also where the spool takes nothing at first."""

import asyncio
import json
import logging
from typing import Any

import pytest

from vedette.ingest import handler
from vedette.ingest.handler import IngestApp
from vedette.ingest.keys import KeyDirectory, KeyInfo
from vedette.ingest.settings import IngestSettings
from vedette.ingest.stats import IngestStats
from vedette.spool.errors import SpoolUnavailable
from vedette.wire.outcomes import Category, Outcome

KEY = KeyInfo(1, 7, 70, "a" * 32)


class FailingSpool:
    """Refuses the first `refusals` requests: at once, or only when its disk was asked."""

    def __init__(self, refusals: int, at_once: bool) -> None:
        self.refusals, self.at_once = refusals, at_once
        self.taken: list[dict[str, Any]] = []

    def append(self, receipt: Any, body: bytes, *, beyond_limits: bool = False) -> "asyncio.Future[int]":
        assert beyond_limits
        written: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.refusals -= 1
        if self.refusals < 0:
            self.taken += json.loads(body)
            written.set_result(1)
        elif self.at_once:
            raise SpoolUnavailable("no room")
        else:
            written.set_exception(SpoolUnavailable("no room"))
        return written


def stopped(spool: FailingSpool, *, is_started: bool = True) -> None:
    async def run() -> None:
        door = IngestApp(IngestSettings(), KeyDirectory(lambda _: None), spool, IngestStats())  # type: ignore[arg-type]
        for number in range(3):
            door._ledger.note(KEY, Outcome.INVALID, Category.ERROR, f"reason {number}", 2, 1000.0)
        if is_started:
            door.start()
        await door.stop()

    asyncio.run(run())


@pytest.mark.parametrize("is_started", [True, False])
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("refusals", [0, 1, 5])
def test_a_stop_writes_down_what_is_counted(caplog, is_started, at_once, refusals):
    spool = FailingSpool(refusals, at_once)

    stopped(spool, is_started=is_started)

    assert sorted(line["reason"] for line in spool.taken) == ["reason 0", "reason 1", "reason 2"]
    assert not caplog.records


def test_a_spool_that_takes_nothing_is_not_waited_for_and_what_is_lost_is_said(monkeypatch, caplog):
    monkeypatch.setattr(handler, "_LAST_FLUSHES_SECONDS", 0.0)
    spool = FailingSpool(10**9, at_once=True)

    with caplog.at_level(logging.WARNING):
        stopped(spool)

    assert spool.taken == []
    assert "6 refusals stay without an outcome" in caplog.text
