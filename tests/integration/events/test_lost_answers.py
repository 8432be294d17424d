"""An answer that is lost on its way: what the store asked is asked again, what it inserted is not inserted again."""

import socket
import struct
import threading

import pytest

from tests.integration.events.factories import a_transaction, an_error, some_spans
from tests.integration.events.test_sessions import a_row
from vedette.events.client import EngineAddress, StoreUnavailable, connect
from vedette.events.deletion import delete_project
from vedette.events.writer import (
    complete_errors,
    complete_sessions,
    complete_spans,
    complete_transactions,
    write_errors,
    write_sessions,
    write_spans,
    write_transactions,
)


class Breaking:
    """Stands before the engine, and resets a connection instead of answering what contains `marker`, `times` times."""

    def __init__(self, port: int, marker: bytes, times: int) -> None:
        self.seen = 0
        self._port, self._marker, self._left = port, marker, times
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            engine = socket.create_connection(("127.0.0.1", self._port))
            broken = threading.Event()
            for target, source, sink in ((self._forward, client, engine), (self._answer, engine, client)):
                threading.Thread(target=target, args=(source, sink, broken), daemon=True).start()

    def _forward(self, client: socket.socket, engine: socket.socket, broken: threading.Event) -> None:
        with engine:
            while data := _received(client):
                if self._marker in data:
                    self.seen += 1
                    self._left -= 1
                    if self._left >= 0:
                        broken.set()
                engine.sendall(data)

    def _answer(self, engine: socket.socket, client: socket.socket, broken: threading.Event) -> None:
        with client:
            while data := _received(engine):
                if broken.is_set():
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
                    client.shutdown(socket.SHUT_RD)
                    return
                client.sendall(data)


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(2**20)
    except OSError:
        return b""


@pytest.fixture
def breaking(shared_engine, request):
    front = Breaking(shared_engine.port, *request.param)
    store = connect(lambda: EngineAddress("127.0.0.1", front.port, shared_engine.secret))
    yield front, store
    store.close()
    front.close()


WRITES = {
    "errors": (write_errors, complete_errors, lambda: [an_error(), an_error()], 2),
    "transactions": (write_transactions, complete_transactions, lambda: [a_transaction()], 1),
    "spans": (write_spans, complete_spans, lambda: [some_spans(a_transaction(), ("1" * 16, "db", "SELECT 1", 5))], 2),
    "sessions": (write_sessions, complete_sessions, lambda: [a_row(sessions=3), a_row(release="shop@2.0")], 2),
}


@pytest.mark.parametrize("table", WRITES)
@pytest.mark.parametrize("breaking", [(b"INSERT INTO", 1)], indirect=True)
def test_an_insert_is_not_sent_again_but_looked_at_and_completed(breaking, store, token, table):
    front, cut_off = breaking
    write, complete, some, stored = WRITES[table]
    rows, once = some(), token()

    with pytest.raises(StoreUnavailable):
        write(cut_off, rows, once)

    assert front.seen == 1
    assert store.value(f"SELECT count() FROM {table}") == stored
    assert complete(cut_off, rows, once) == 0
    assert front.seen == 1
    store.run(f"TRUNCATE TABLE {table}")  # as if nothing had arrived
    complete(cut_off, rows, once)
    assert store.value(f"SELECT count() FROM {table}") == stored


@pytest.mark.parametrize("breaking", [(b"DELETE FROM errors", 1)], indirect=True)
def test_a_deletion_is_repeated(breaking, store, token):
    front, cut_off = breaking
    write_errors(store, [an_error(), an_error(project_id=2)], token())

    delete_project(cut_off, 1)

    assert front.seen == 2
    assert store.rows("SELECT project_id, count() FROM errors GROUP BY project_id") == [(2, 1)]


@pytest.mark.parametrize("breaking", [(b"SELECT 41 + 1", 1)], indirect=True)
def test_a_question_is_asked_once_more(breaking):
    front, cut_off = breaking

    assert cut_off.value("SELECT 41 + 1") == 42
    assert front.seen == 2


@pytest.mark.parametrize("breaking", [(b"SELECT 41 + 1", 9)], indirect=True)
def test_a_question_without_an_answer_twice_is_given_up(breaking):
    front, cut_off = breaking

    with pytest.raises(StoreUnavailable):
        cut_off.value("SELECT 41 + 1")

    assert front.seen == 2
