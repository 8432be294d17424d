"""Works that run at the same time, each with a connection of its own to the database."""

import threading
from collections.abc import Callable

from django.db import connection

PATIENCE_SECONDS = 120


def at_once(*works: Callable[[], object]) -> list[BaseException | None]:
    """Run the works in threads that start together; what each raised, or None. Needs a test with real transactions."""
    start = threading.Barrier(len(works))
    raised: list[BaseException | None] = [None] * len(works)

    def guarded(place: int, work: Callable[[], object]) -> None:
        try:
            start.wait(PATIENCE_SECONDS)
            work()
        except BaseException as error:  # noqa: BLE001 (the test says which there may be)
            raised[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=guarded, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    return raised
