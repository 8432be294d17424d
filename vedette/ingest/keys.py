"""Which keys may send, and to where: a small cache over whoever knows.

The event loop never waits for a database: a miss is looked up in a thread, once per key however many ask. When the
database is away, what was known a minute ago still counts.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from vedette.ingest.errors import KeysUnavailable
from vedette.wire.quotas import Quota

log = logging.getLogger("vedette.ingest")


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What ingest must know of a key. `quotas` are all that count its items: its own, and its project's and
    organization's. `aliases` are numbers that the project had elsewhere, before it was moved here."""

    organization_id: int
    project_id: int
    key_id: int
    public_key: str
    active: bool = True
    project_active: bool = True
    allowed_domains: tuple[str, ...] = ("*",)
    quotas: tuple[Quota, ...] = ()
    aliases: frozenset[int] = frozenset()

    def opens(self, project_id: int) -> bool:
        """Whether an address with this project number may mean the project of this key."""
        return project_id == self.project_id or project_id in self.aliases


KeyLoader = Callable[[str], KeyInfo | None]


@dataclass(slots=True)
class _Entry:
    info: KeyInfo | None
    loaded_at: float
    fresh_until: float


class KeyDirectory:
    """A cache of keys. `loader` runs in a thread; it returns None for an unknown key and raises when it cannot tell."""

    def __init__(
        self,
        loader: KeyLoader,
        *,
        known_seconds: float = 2.0,
        unknown_seconds: float = 1.0,
        stale_seconds: float = 60.0,
        max_keys: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loader = loader
        self._known_seconds = known_seconds
        self._unknown_seconds = unknown_seconds
        self._stale_seconds = stale_seconds
        self._max_keys = max_keys
        self._clock = clock
        # Apart, so that a flood of made-up keys cannot push out the real ones.
        self._known: dict[str, _Entry] = {}
        self._unknown: dict[str, _Entry] = {}
        self._loading: dict[str, asyncio.Task[_Entry]] = {}
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="keys")

    async def get(self, public_key: str) -> KeyInfo | None:
        """The key, or None if there is no such key. Raises `KeysUnavailable`."""
        entry = self._known.get(public_key) or self._unknown.get(public_key)
        if entry is None or self._clock() >= entry.fresh_until:
            entry = await self._load(public_key)
        return entry.info

    def fresh(self, public_key: str) -> KeyInfo | None:
        """The key, if it is known well enough to be used without asking anybody; None says nothing."""
        entry = self._known.get(public_key)
        return entry.info if entry is not None and self._clock() < entry.fresh_until else None

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _load(self, public_key: str) -> _Entry:
        task = self._loading.get(public_key)
        if task is None:
            task = asyncio.create_task(self._look_up(public_key))
            self._loading[public_key] = task
            task.add_done_callback(lambda _: self._loading.pop(public_key, None))
        return await asyncio.shield(task)  # one asker who goes away does not take the answer with him

    async def _look_up(self, public_key: str) -> _Entry:
        try:
            info = await asyncio.get_running_loop().run_in_executor(self._threads, self._loader, public_key)
        except Exception as error:  # noqa: BLE001 (whatever keeps the loader from telling, the door stays open)
            return self._stale(public_key, error)
        now = self._clock()
        self._known.pop(public_key, None)
        self._unknown.pop(public_key, None)
        entries, seconds = (self._known, self._known_seconds) if info else (self._unknown, self._unknown_seconds)
        if len(entries) >= self._max_keys:
            del entries[next(iter(entries))]  # the one that was loaded longest ago
        entries[public_key] = entry = _Entry(info, now, now + seconds)
        return entry

    def _stale(self, public_key: str, error: Exception) -> _Entry:
        log.warning("keys cannot be looked up: %s: %s", type(error).__name__, error)
        entry, now = self._known.get(public_key), self._clock()
        if entry is None or now - entry.loaded_at > self._stale_seconds:
            raise KeysUnavailable("keys cannot be looked up now") from error
        entry.fresh_until = now + self._known_seconds
        return entry
