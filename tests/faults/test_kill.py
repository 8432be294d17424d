"""kill -9 of everything at random moments: what was acknowledged is stored once and counted once.

`VEDETTE_FAULT_EVENTS` and `VEDETTE_FAULT_KILLS` scale it (`make test-faults-full` sends 10,000 and kills 21 times);
`VEDETTE_FAULT_SEED` repeats a run that failed.
"""

import os
import random
import time

from tests.faults.sender import Senders
from tests.faults.truth import Crowd, check_everything
from tests.support.server import LiveServer

EVENTS = int(os.environ.get("VEDETTE_FAULT_EVENTS", "3000"))
KILLS = int(os.environ.get("VEDETTE_FAULT_KILLS", "9"))
SEED = int(os.environ.get("VEDETTE_FAULT_SEED") or random.SystemRandom().randrange(10**6))
ISSUES = 40
TARGETS = ("everything", "front", "engine", "preparer")


def test_what_was_acknowledged_is_stored_once_and_counted_once(own_server: LiveServer):
    chance = random.Random(SEED)
    print(f"VEDETTE_FAULT_SEED={SEED}")
    shop = own_server.bootstrap()
    targets = [TARGETS[index % len(TARGETS)] for index in range(KILLS)]
    chance.shuffle(targets)
    moments = sorted(chance.randrange(EVENTS // 50, EVENTS) for _ in targets)

    payloads = Crowd(issues=ISSUES, seed=SEED)
    with Senders(shop["dsn"], payloads, EVENTS) as senders:
        for moment, target in zip(moments, targets, strict=True):
            senders.wait_for(moment, 120)
            time.sleep(chance.uniform(0, 0.35))  # the digest is behind by about this much
            _kill(own_server, target)
        senders.wait_for(EVENTS, 120)
        sent = senders.acknowledged
    own_server.wait_until_ready()
    own_server.flush(120)

    assert len(sent.issue_of) == EVENTS
    check_everything(own_server, shop, payloads, sent)


def _kill(server: LiveServer, target: str) -> None:
    """An operator, or a supervisor, brings back what was killed."""
    if target == "everything":
        server.kill_all()
        server.start()
        return
    if target in server.pids():  # it may still be away from the time before
        server.kill(target)
