"""Several questions to the event store at a time, for pages that have many: each mostly waits for an answer."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

_AT_ONCE = 4


def together(*questions: Callable[[], Any]) -> list[Any]:
    """The answers, in order. The questions must not ask the relational database: its connections belong to the thread
    that calls. Raises what the first of them that failed raised."""
    first, *others = questions
    asked = [_threads().submit(each) for each in others]
    try:
        return [first(), *(each.result() for each in asked)]
    finally:
        for each in asked:
            each.cancel()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="event-store")
