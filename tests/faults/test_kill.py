"""kill -9 of everything at random moments: what was acknowledged is stored once and counted once.

`VEDETTE_FAULT_EVENTS` and `VEDETTE_FAULT_KILLS` scale it (`make test-faults-full` sends 10,000 and kills 21 times);
`VEDETTE_FAULT_SEED` repeats a run that failed.
"""

import os
import random
import time
from collections import Counter
from typing import Any

from bench.payloads import Payloads
from tests.faults.sender import Acknowledged, Senders
from tests.support.server import LiveServer
from vedette.events.client import EngineAddress, connect

EVENTS = int(os.environ.get("VEDETTE_FAULT_EVENTS", "3000"))
KILLS = int(os.environ.get("VEDETTE_FAULT_KILLS", "9"))
SEED = int(os.environ.get("VEDETTE_FAULT_SEED") or random.SystemRandom().randrange(10**6))
ISSUES = 40
TARGETS = ("everything", "front", "engine")


def test_what_was_acknowledged_is_stored_once_and_counted_once(own_server: LiveServer):
    chance = random.Random(SEED)
    print(f"VEDETTE_FAULT_SEED={SEED}")
    shop = own_server.bootstrap()
    targets = [TARGETS[index % len(TARGETS)] for index in range(KILLS)]
    chance.shuffle(targets)
    moments = sorted(chance.randrange(EVENTS // 50, EVENTS) for _ in targets)

    with Senders(shop["dsn"], Payloads(issues=ISSUES, seed=SEED), EVENTS) as senders:
        for moment, target in zip(moments, targets, strict=True):
            senders.wait_for(moment, 120)
            time.sleep(chance.uniform(0, 0.35))  # the digest is behind by about this much
            _kill(own_server, target)
        senders.wait_for(EVENTS, 120)
        sent = senders.acknowledged
    own_server.wait_until_ready()
    own_server.flush(120)

    assert not sent.refused
    assert len(sent.issue_of) == EVENTS
    _check_store(own_server, sent)
    _check_counts(own_server, shop, sent)
    status = own_server.command("status", "--json").stdout
    assert '"parked": 0' in status, status
    assert '"spooled": 0' in status, status


def _kill(server: LiveServer, target: str) -> None:
    """An operator, or a supervisor, brings back what was killed."""
    if target == "everything":
        server.kill_all()
        server.start()
        return
    if target in server.pids():  # it may still be away from the time before
        server.kill(target)


def _check_store(server: LiveServer, sent: Acknowledged) -> None:
    """The event store has each event once, in one issue per issue."""
    told = server.runtime()
    store = connect(lambda: EngineAddress("127.0.0.1", told.port, told.secret))
    try:
        rows = [(str(event_id).replace("-", ""), int(group)) for event_id, group in _rows(store)]
    finally:
        store.close()
    counted = Counter(event_id for event_id, _ in rows)

    assert not [event_id for event_id, times in counted.items() if times > 1], "stored twice"
    assert not set(sent.issue_of) - set(counted), "acknowledged and lost"
    assert not set(counted) - set(sent.issue_of), "never sent"
    assert len({(sent.issue_of[event_id], group) for event_id, group in rows}) == ISSUES, "an issue has two groups"


def _rows(store: Any) -> list[tuple[Any, Any]]:
    return [(row[0], row[1]) for row in store.rows("SELECT event_id, group_id FROM errors")]


def _check_counts(server: LiveServer, shop: dict[str, Any], sent: Acknowledged) -> None:
    """Each issue's counter is the number of its different events."""
    api = server.api(shop["auth_token"])
    told = Counter[str]()
    payloads = Payloads(issues=ISSUES, seed=SEED)
    expected = Counter(payloads.pick(issue).title for issue in sent.issue_of.values())
    for issue in api.get(f"/api/0/organizations/{shop['organization']}/issues/?query=&limit=100").json():
        detail = api.get(f"/api/0/organizations/{shop['organization']}/issues/{issue['id']}/").json()
        told[detail["title"]] += int(detail["count"])

    assert told == expected
