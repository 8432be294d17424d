"""Counting together: what each front counted is added up in Redis, several times a second, beside the event loop.

When Redis is away, each front goes on with its own counts and with what it knew; nobody is refused because of it.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from vedette.core.counters import Increment
from vedette.ingest.quotas import Quotas

log = logging.getLogger("vedette.ingest")

EXCHANGE_SECONDS = 0.25
AWAY_SECONDS = 2.0
_LAST_WORD_SECONDS = 1.0

Exchange = Callable[[Sequence[Increment]], Sequence[int]]


class QuotaSharer:
    """Tells `quotas` to the other processes. `exchange` runs in a thread and may raise anything."""

    def __init__(self, quotas: Quotas, exchange: Exchange, clock: Callable[[], float]) -> None:
        self._quotas = quotas
        self._exchange = exchange
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="quotas")
        self._task: asyncio.Task[None] | None = None
        self._is_away = False

    def start(self) -> None:
        """Begin; call it in the event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Tell the last counts, if that goes quickly, so that the next process begins with them."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(TimeoutError):
            await asyncio.wait_for(self.exchange(), _LAST_WORD_SECONDS)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def exchange(self) -> bool:
        """Tell what was counted and learn what the others did; whether that worked."""
        untold = self._quotas.untold(self._clock())
        if not untold:
            return True
        increments = [increment for _, increment in untold]
        try:
            totals = await asyncio.get_running_loop().run_in_executor(self._thread, self._exchange, increments)
        except Exception as error:  # noqa: BLE001 (whatever it is, counting goes on alone)
            if not self._is_away:
                log.warning("limits are counted by this process alone: %s: %s", type(error).__name__, error)
            self._is_away = True
            return False
        if self._is_away:
            log.info("limits are counted together again")
        self._is_away = False
        for (counter, increment), total in zip(untold, totals, strict=True):
            self._quotas.told(counter, increment.amount, total)
        return True

    async def _run(self) -> None:
        pause = EXCHANGE_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = EXCHANGE_SECONDS if await self.exchange() else AWAY_SECONDS
