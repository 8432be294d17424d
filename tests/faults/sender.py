"""SDKs that do not give up: they send each event until somebody answers that it was accepted."""

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bench.payloads import Payloads

RETRY_SECONDS = 0.05
IDLE_SECONDS = 0.01
AGAIN_LATER = (429, 502, 503, 504)


@dataclass(slots=True)
class Acknowledged:
    """Event id to issue number and to its own number, of every event that was answered with 200."""

    issue_of: dict[str, int] = field(default_factory=dict)
    number_of: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    refused: list[str] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)  # other than 200, by their status

    def per_issue(self) -> Counter[int]:
        """How many different events of each issue."""
        return Counter(self.issue_of.values())


class Senders:
    """`threads` clients that share `total` events. A connection that breaks is opened again, and the event repeated."""

    def __init__(self, dsn: str, payloads: Payloads, total: int, threads: int = 6) -> None:
        address = urlsplit(dsn)
        self._host, self._port = address.hostname or "", address.port or 80
        self._path = f"/api{address.path}/envelope/"
        self._headers = {
            "Content-Type": "application/x-sentry-envelope",
            "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_client=test/1.0, sentry_key={address.username}",
        }
        self._payloads = payloads
        self.total = total
        self._next = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.acknowledged = Acknowledged()
        self._threads = [threading.Thread(target=self._send_all, daemon=True) for _ in range(threads)]

    def __enter__(self) -> "Senders":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(15)

    @property
    def count(self) -> int:
        """How many events were acknowledged so far."""
        return len(self.acknowledged.issue_of)

    def wait_for(self, count: int, timeout_seconds: float) -> None:
        """Until so many are acknowledged."""
        deadline = time.monotonic() + timeout_seconds
        while self.count < count:
            assert not self.acknowledged.refused, self.acknowledged.refused[:3]
            assert time.monotonic() < deadline, f"{self.count} of {count} acknowledged after {timeout_seconds} s"
            time.sleep(0.005)

    def more(self, count: int) -> None:
        """Send so many on top of those that were asked for: a drill must not depend on how many are left."""
        with self._lock:
            self.total += count

    def _take(self) -> int | None:
        with self._lock:
            if self._next == self.total:
                return None
            number, self._next = self._next, self._next + 1
        return number

    def _send_all(self) -> None:
        connection = self._connect()
        while not self._stop.is_set():
            number = self._take()
            if number is None:
                self._stop.wait(IDLE_SECONDS)
                continue
            event_id, template, body = self._payloads.envelope(number)
            while not self._stop.is_set():
                self.acknowledged.attempts += 1
                try:
                    connection.request("POST", self._path, body, self._headers)
                    response = connection.getresponse()
                    answer = response.read()
                except (OSError, http.client.HTTPException):
                    connection.close()
                    connection = self._connect()
                    time.sleep(RETRY_SECONDS)
                    continue
                if response.status == 200:
                    self.acknowledged.number_of[event_id] = number
                    self.acknowledged.issue_of[event_id] = template.issue
                    break
                self.acknowledged.answers[response.status] += 1
                if response.status not in AGAIN_LATER:
                    self.acknowledged.refused.append(f"{response.status} {answer[:300]!r}")
                    break
                time.sleep(RETRY_SECONDS)
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._host, self._port, timeout=10)
