"""The event store cannot be reached, or accepts connections and answers nothing: events wait, and then are digested."""

import os
import time

import pytest

from tests.faults.conftest import events_url, on_own_stores
from tests.faults.sender import Senders
from tests.faults.stores import Road
from tests.faults.truth import Crowd, check_everything, wait_for_complaint
from tests.support.machine import busy_seconds

AWAY_SECONDS = float(os.environ.get("VEDETTE_FAULT_OUTAGE", "3"))


@on_own_stores
@pytest.mark.parametrize(("mode", "words"), [("refuse", "does not answer"), ("hang", "no answer in 5 s")])
def test_events_wait_for_an_event_store_that_is_away(start_server, event_server, mode, words):
    payloads = Crowd(issues=10)
    road = Road(event_server.port)
    server = start_server(environment={"VEDETTE_EVENTS_URL": events_url(road.port, event_server.secret)})
    shop = server.bootstrap()

    with Senders(shop["dsn"], payloads, 700, threads=2) as senders:
        senders.wait_for(200, 20)
        road.set(mode)
        gone_since = time.monotonic()
        senders.wait_for(senders.count + 150, 15 + busy_seconds())
        told = wait_for_complaint(server, "events", words, 40)
        time.sleep(max(gone_since + AWAY_SECONDS - time.monotonic(), 0))
        road.set("pass")
        senders.wait_for(700, 30)
        sent = senders.acknowledged
    server.flush(30)

    assert told.verdict == "fail"
    assert not sent.answers, "somebody was told to come again"
    check_everything(server, shop, payloads, sent)
    server.close()
    road.close()
