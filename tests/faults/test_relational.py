"""PostgreSQL is killed in the middle of commits, and Redis goes away: accepting goes on, and the counts stay exact."""

import os
import random
import time

from tests.faults.conftest import on_own_stores, on_shared_stores
from tests.faults.sender import Senders
from tests.faults.stores import OwnPostgres, own_postgres, own_redis
from tests.faults.truth import Crowd, check_everything, wait_for_complaint
from tests.support.machine import busy_seconds
from tests.support.server import LiveServer

EVENTS = int(os.environ.get("VEDETTE_FAULT_EVENTS", "1500"))
KILLS = int(os.environ.get("VEDETTE_FAULT_KILLS", "4"))
SEED = int(os.environ.get("VEDETTE_FAULT_SEED") or random.SystemRandom().randrange(10**6))


@on_shared_stores
def test_postgresql_killed_while_it_commits_costs_nothing(start_server):
    chance = random.Random(SEED)
    print(f"VEDETTE_FAULT_SEED={SEED}")
    payloads = Crowd(issues=20, seed=SEED)
    with own_postgres() as postgres:
        server = start_server(environment={"VEDETTE_DATABASE_URL": postgres.url})
        shop = server.bootstrap()

        with Senders(shop["dsn"], payloads, EVENTS) as senders:
            for kill in range(KILLS):
                senders.wait_for(EVENTS * (kill + 1) // (KILLS + 2), 60)
                _wait_for_a_commit(postgres)
                time.sleep(chance.uniform(0, 0.004))
                postgres.kill()
                if kill == 0:
                    _accepting_goes_on(senders)
                    told = wait_for_complaint(server, "database", "not reachable")
                    assert told.verdict == "fail"
                    assert server.client.get("/health/ready").status == 503
                postgres.start()
            senders.wait_for(senders.total, 60)
            sent = senders.acknowledged
        server.wait_until_ready()
        server.flush(60)

        assert not sent.answers, "somebody was told to come again"
        check_everything(server, shop, payloads, sent)
        server.close()


@on_own_stores
def test_redis_gone_and_back_costs_nothing(start_server):
    payloads = Crowd(issues=10)
    with own_redis() as redis:
        server: LiveServer = start_server(environment={"VEDETTE_REDIS_URL": redis.url})
        shop = server.bootstrap(password="correct horse battery 9")

        with Senders(shop["dsn"], payloads, 600) as senders:
            senders.wait_for(200, 20)
            redis.kill()
            senders.wait_for(400, 20)
            server.flush()  # releases and issues are made without it
            told = wait_for_complaint(server, "redis", "not reachable")
            assert told.verdict == "fail"
            server.visitor("owner@example.com", "correct horse battery 9")  # a person can still sign in
            redis.start()
            senders.wait_for(600, 20)
            sent = senders.acknowledged
        server.flush()

        assert not sent.answers
        check_everything(server, shop, payloads, sent)
        server.close()


def _wait_for_a_commit(postgres: OwnPostgres) -> None:
    """Until the digest is in the transaction that counts."""
    deadline = time.monotonic() + 5
    while not postgres.committing("issues_group") and time.monotonic() < deadline:
        time.sleep(0.001)


def _accepting_goes_on(senders: Senders) -> None:
    before = senders.count
    senders.more(20)
    senders.wait_for(before + 20, 2 + busy_seconds())
