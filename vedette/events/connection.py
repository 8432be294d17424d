"""This process's connection to the event store, as the settings say.

The embedded engine's port and secret are new at each start of the server; they are read from the runtime file at the
first use and again after a lost connection, so that a restarted engine is found.
"""

from functools import cache

from django.conf import settings

from vedette.core.addresses import EventsAddress
from vedette.core.runtime import read
from vedette.events.client import (
    ANSWER_SECONDS,
    EngineAddress,
    EventStore,
    ServerAddress,
    StoreUnavailable,
    connect,
)

GLANCE_SECONDS = 5


@cache
def event_store() -> EventStore:
    """The one store of this process; safe to use from many threads. Nothing is sent yet."""
    return _store(ANSWER_SECONDS)


def glancing_store() -> EventStore:
    """A store of its own for one look, which soon gives up on an event store that hangs. Close it."""
    return _store(GLANCE_SECONDS)


def _store(answer_seconds: int) -> EventStore:
    where = settings.VEDETTE.events
    return connect(_engine if where.embedded else server_address(where), answer_seconds=answer_seconds)


def server_address(where: EventsAddress) -> ServerAddress:
    """A ClickHouse server of the settings as the client wants it."""
    return ServerAddress(where.host, where.port, where.username, where.password, where.database, where.secure)


def _engine() -> EngineAddress:
    runtime = read(settings.VEDETTE.runtime_file)
    if runtime is None:
        raise StoreUnavailable("the server is not running, and the event store lives in its engine process")
    return EngineAddress("127.0.0.1", runtime.port, runtime.secret)
