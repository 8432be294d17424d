"""A load generator: keep-alive connections that send prepared envelopes and time the answers.

It runs in a process of its own (`python -m bench.load --json '{…}'`) and prints one JSON line. Two ways: *flat out*
(each of `connections` sends its next request when the answer to the last one came), and at a *rate* (requests are due
at fixed moments; a late answer counts from the moment its request was due, so that a stall is not hidden).
"""

import asyncio
import json
import random
import resource
import subprocess
import sys
import time
import uuid
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

import uvloop

from bench.payloads import Payloads, Size

TICK_SECONDS = 0.005
GIVE_UP_SECONDS = 15.0  # for what is on its way when the time is up


@dataclass(slots=True)
class Plan:
    """What to send. Without `rate` (per second) flat out. Ends after `seconds`, or after `events` if that is not 0.

    `path` instead of the envelope endpoint sends the same bytes to another handler. Timestamps are spread over the
    last `spread_days`. `marks` asks for that many event ids, with the Unix time of their acknowledgement.
    """

    dsn: str
    seconds: float
    size: Size = "3k"
    issues: int = 500
    seed: int = 1
    connections: int = 64
    rate: float = 0.0
    events: int = 0
    path: str = ""
    spread_days: float = 0.0
    marks: int = 0


@dataclass(slots=True)
class Report:
    """What came back. Latencies are milliseconds; `cpu_seconds` is the generator's own."""

    answers: dict[str, int]
    seconds: float
    per_second: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    errors: int
    bytes_per_event: float
    cpu_seconds: float
    marks: list[tuple[str, float]] = field(default_factory=list)


def run(plan: Plan) -> Report:
    """Send it from another process; raises when that one fails."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", "--json", json.dumps(asdict(plan))],
        capture_output=True,
        text=True,
        timeout=plan.seconds + 60,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the load generator failed: {done.stderr[-2000:]}")
    return Report(**json.loads(done.stdout))


class _Load:
    """One run of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        address = urlsplit(plan.dsn)
        self.host, self.port = address.hostname or "127.0.0.1", address.port or 80
        path = plan.path or f"/api{address.path}/envelope/"
        self.head = (
            f"POST {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            "Content-Type: application/x-sentry-envelope\r\n"
            "User-Agent: sentry.python/2.75.0\r\n"
            f"X-Sentry-Auth: Sentry sentry_version=7, sentry_client=sentry.python/2.75.0, "
            f"sentry_key={address.username}\r\n"
            "Content-Length: "
        ).encode()
        self.payloads = Payloads(plan.issues, plan.size, plan.seed)
        self.chance = random.Random(plan.seed)
        self.number = 0
        self.sent_bytes = 0
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.errors = 0
        self.marks: list[tuple[str, float]] = []
        self.started_at = 0.0
        self.ends_at = 0.0
        self.last_answer_at = 0.0
        self.waiting: deque[tuple[float, str, bytes]] = deque()  # due and not sent: every connection is busy
        self.idle: list[_Connection] = []
        self.open = 0
        self.finished = asyncio.Event()

    def request(self) -> tuple[str, bytes]:
        """The next request: its event id and its bytes."""
        number, self.number = self.number, self.number + 1
        now = time.time()
        at = now - (self.chance.random() * self.plan.spread_days * 86_400 if self.plan.spread_days else 0)
        event_id = uuid.uuid4().hex
        body = self.payloads.pick(number).render(event_id, at, number * 7919, now)
        self.sent_bytes += len(body)
        return event_id, b"%s%d\r\n\r\n%s" % (self.head, len(body), body)

    @property
    def over(self) -> bool:
        """Whether nothing more is to be sent."""
        return 0 < self.plan.events <= self.number or time.perf_counter() >= self.ends_at

    async def run(self) -> Report:
        """Open the connections, send, wait for what is on its way."""
        loop = asyncio.get_running_loop()
        connections = [
            (await loop.create_connection(lambda: _Connection(self), self.host, self.port))[1]
            for _ in range(self.plan.connections)
        ]
        self.open = len(connections)
        self.started_at = time.perf_counter()
        self.ends_at = self.started_at + self.plan.seconds
        if self.plan.rate:
            self.idle = list(connections)
            await self._at_a_rate()
        else:
            for connection in connections:
                connection.next()
        try:
            await asyncio.wait_for(self.finished.wait(), self.plan.seconds + GIVE_UP_SECONDS)
        except TimeoutError:
            self.errors += self.open
        for connection in connections:
            connection.close()
        return self._report()

    async def _at_a_rate(self) -> None:
        due = self.started_at
        step = 1.0 / self.plan.rate
        every = max(int(self.plan.rate * self.plan.seconds / self.plan.marks), 1) if self.plan.marks else 0
        while not self.over:
            now = time.perf_counter()
            while due <= now and not self.over:
                wanted = bool(every) and self.number % every == every // 2
                event_id, data = self.request()
                self._offer(due, event_id if wanted else "", data)
                due += step
            # At high rates what is due goes out every few milliseconds: waking up for each costs more than sending it.
            await asyncio.sleep(max(due - time.perf_counter(), TICK_SECONDS))
        self.ends_at = 0.0
        self._maybe_finished()

    def _offer(self, due: float, event_id: str, data: bytes) -> None:
        if self.idle:
            self.idle.pop().send(due, event_id, data)
        else:
            self.waiting.append((due, event_id, data))

    def answered(self, connection: "_Connection", status: str, began: float, event_id: str) -> None:
        """One answer; what the connection does next."""
        now = time.perf_counter()
        self.last_answer_at = now
        self.statuses[status] += 1
        self.latencies.append(now - began)
        if event_id and status == "200":
            self.marks.append((event_id, time.time()))
        if self.waiting:
            connection.send(*self.waiting.popleft())
        elif self.plan.rate:
            self.idle.append(connection)
            self._maybe_finished()
        else:
            connection.next()

    def rest(self) -> None:
        """A connection of a flat-out run has nothing more to do."""
        self.open -= 1
        if self.open <= 0:
            self.finished.set()

    def _maybe_finished(self) -> None:
        if self.over and not self.waiting and len(self.idle) >= self.open:
            self.finished.set()

    def _report(self) -> Report:
        seconds = max(self.last_answer_at - self.started_at, 1e-9)
        self.latencies.sort()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return Report(
            answers=dict(self.statuses),
            seconds=round(seconds, 3),
            per_second=round(self.statuses["200"] / seconds, 1),
            p50_ms=_ms(self.latencies, 0.50),
            p99_ms=_ms(self.latencies, 0.99),
            worst_ms=_ms(self.latencies, 1.0),
            errors=self.errors,
            bytes_per_event=round(self.sent_bytes / max(self.number, 1)),
            cpu_seconds=round(usage.ru_utime + usage.ru_stime, 2),
            marks=self.marks,
        )


class _Connection(asyncio.Protocol):
    """One keep-alive connection with one request on its way."""

    def __init__(self, load: _Load) -> None:
        self.load = load
        self.transport: Any = None
        self.buffer = b""
        self.began = 0.0
        self.event_id = ""
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def next(self) -> None:
        """Flat out: one more, unless it is over."""
        if self.load.over:
            self.load.rest()
            return
        _, data = self.load.request()
        self.send(time.perf_counter(), "", data)

    def send(self, began: float, event_id: str, data: bytes) -> None:
        """Write one request; its latency counts from `began`."""
        self.began, self.event_id, self.busy = began, event_id, True
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = _content_length(head)
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        self.busy = False
        self.load.answered(self, head[9:12].decode(), self.began, self.event_id)

    def connection_lost(self, error: Exception | None) -> None:
        if self.busy:
            self.load.errors += 1
            self.load.rest()

    def close(self) -> None:
        """Hang up."""
        self.busy = False
        if self.transport:
            self.transport.abort()


def _content_length(head: bytes) -> int:
    lower = head.lower()
    start = lower.find(b"\r\ncontent-length:")
    if start < 0:
        return 0
    end = lower.find(b"\r\n", start + 2)
    return int(lower[start + 17 : end if end > 0 else None])


def _ms(ordered: list[float], share: float) -> float:
    if not ordered:
        return 0.0
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000, 2)


def main() -> None:
    """Read the plan, send it, print the report."""
    plan = Plan(**json.loads(sys.argv[sys.argv.index("--json") + 1]))

    async def go() -> Report:
        return await _Load(plan).run()

    print(json.dumps(asdict(uvloop.run(go()))))


if __name__ == "__main__":
    main()
