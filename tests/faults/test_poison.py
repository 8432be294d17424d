"""Events that break the digest: one that raises, one that ends its process each time, one whose row ends the engine's.
They are parked with the reason, the rest go on, and after the fix a replay completes the counts."""

from dataclasses import dataclass, field
from pathlib import Path

from bench.payloads import Template
from tests.faults.conftest import on_own_stores, seam
from tests.faults.sender import Senders
from tests.faults.truth import Crowd, check_everything, wait_for_complaint

EVENTS = 160
DEEDS = {60: "raise", 100: "die"}


@dataclass(slots=True)
class Poisoned(Crowd):
    """Payloads of which some numbers are named in the file before they are sent."""

    names: Path = Path()
    deeds: dict[int, str] = field(default_factory=lambda: DEEDS)

    def envelope(self, number: int, at: float | None = None) -> tuple[str, Template, bytes]:
        """The event with this number."""
        made = Crowd.envelope(self, number, at)
        if number in self.deeds:
            with self.names.open("a") as file:
                file.write(f"{made[0]} {self.deeds[number]}\n")
        return made


@on_own_stores
def test_events_that_break_the_digest_are_parked_and_replayed_after_the_fix(start_server, tmp_path: Path):
    names = tmp_path / "poisons"
    payloads = Poisoned(issues=10, names=names)
    server = start_server(environment=seam("poison", poison=str(names)))
    shop = server.bootstrap()

    with Senders(shop["dsn"], payloads, EVENTS) as senders:
        senders.wait_for(EVENTS, 30)
        sent = senders.acknowledged
    server.flush(60)
    told = wait_for_complaint(server, "parked", "2 requests could not be digested")

    assert "ZeroDivisionError: this event divides by zero" in told.detail
    assert "exit status 139" in told.detail
    listed = server.command("parked", "list").stdout
    assert listed.count("project ") == 2

    names.unlink()
    replayed = server.command("parked", "replay", "--all")
    server.flush()

    assert replayed.returncode == 0, replayed.stderr
    check_everything(server, shop, payloads, sent)


@on_own_stores
def test_an_event_that_crashes_the_engine_when_it_is_stored_is_parked_and_replayed_after_the_fix(
    start_server, tmp_path: Path
):
    names = tmp_path / "poisons"
    payloads = Poisoned(issues=3, names=names, deeds={0: "crash"})
    server = start_server(environment=seam("poison", poison=str(names)))
    shop = server.bootstrap()

    first = server.pids()["engine"]
    with Senders(shop["dsn"], payloads, 1) as senders:
        server.wait_for(lambda: server.pids().get("engine") not in (None, first), 30, "crashed")
        senders.more(7)
        senders.wait_for(8, 30)
        sent = senders.acknowledged
    told = wait_for_complaint(server, "parked", "1 requests could not be digested", 180)
    server.flush(60)

    assert "the event store's process ended while it was written" in told.detail

    names.unlink()
    replayed = server.command("parked", "replay", "--all")
    server.flush()

    assert replayed.returncode == 0, replayed.stderr
    check_everything(server, shop, payloads, sent)
