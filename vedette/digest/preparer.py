"""The process that prepares, and its other end: the same work as `preparing.Preparer`, beside whoever asks.

Run as `python -m vedette.digest.preparer FD`, with one end of a socket pair as that file descriptor. Messages are
msgpack behind their length in four bytes. It asks back for the settings of projects that it has not met; changed ones
come with the next wish. It opens the spool only to read, knows no Django, and ends when its other end does.
"""

import gc
import itertools
import logging
import signal
import socket
import struct
import subprocess
import sys
import traceback
from collections.abc import Collection
from contextlib import suppress

import msgspec

from vedette.core.errors import TryAgain, VedetteError
from vedette.digest.preparing import Configs, Preparer, Ready, Wish
from vedette.digest.values import ProjectConfig

log = logging.getLogger(__name__)

RUNS_PER_COLLECTION = 16
STUCK_AFTER_SECONDS = 120.0  # a full run takes a fifth of one
_LENGTH = struct.Struct("<I")
_PIECE_BYTES = 2**20
_COMMAND = (sys.executable, "-m", "vedette.digest.preparer")


class PreparerDied(VedetteError):
    """The process that prepares ended, or did not answer, over the wish in hand."""

    code = "preparer-died"


class PreparerAway(TryAgain):
    """The process that prepares cannot be started."""

    code = "preparer-away"


class Order(msgspec.Struct, array_like=True):
    """To the preparer: what to do, with the settings that it has not got or that changed. None: the project is gone."""

    wish: Wish | None
    configs: dict[int, ProjectConfig | None]


class Need(msgspec.Struct, array_like=True, tag="need"):
    """From it: these projects are new to me. Of none: I am there."""

    projects: list[int]


class Failed(msgspec.Struct, array_like=True, tag="failed"):
    """From it: the run as a whole cannot be prepared."""

    trace: str


_encode = msgspec.msgpack.Encoder().encode
_decode_order = msgspec.msgpack.Decoder(Order).decode
_decode_answer = msgspec.msgpack.Decoder(Ready | Need | Failed).decode


class PreparerProcess:
    """A `Preparer` in another process, started when it is first needed. One thread at a time.

    Raises `PreparerDied` where the other process ended over a wish; the next wish starts a new one.
    """

    def __init__(self, configs: Configs, command: tuple[str, ...] = _COMMAND) -> None:
        self._configs = configs
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._told: dict[int, ProjectConfig | None] = {}
        self._asked: list[str] = []  # directories whose answers have not come, in their order
        self._answers: dict[str, Ready | Failed] = {}

    @property
    def pid(self) -> int | None:
        """The other process, if there is one."""
        return self._process.pid if self._process else None

    def ask(self, wish: Wish) -> None:
        """Begin with it; `take` gives the result. What else is in hand over there is waited for: two that both send,
        and neither receives, would wait for each other."""
        self.forget(wish.directory)
        with suppress(PreparerDied):  # whoever is owed an answer finds out
            while self._asked:
                self._receive()
        self._start()
        try:
            self._send(Order(wish, self._changed()))
        except OSError as error:
            raise self._died(error) from error
        self._asked.append(wish.directory)

    def owes(self, directory: str) -> bool:
        """Whether there is a wish for this directory, or its result, and the other process has not been lost since."""
        return directory in self._asked or directory in self._answers

    def take(self, directory: str) -> Ready:
        """What came of the wish for this directory; waits for it."""
        while directory not in self._answers:
            if directory not in self._asked:
                raise PreparerDied("the process that prepares is gone, and a wish with it")
            self._receive()
        answer = self._answers.pop(directory)
        if isinstance(answer, Failed):
            raise RuntimeError(answer.trace)
        return answer

    def forget(self, directory: str) -> None:
        """The wish for this directory, if there is one, is not wanted any more."""
        with suppress(PreparerDied):
            while directory in self._asked:
                self._receive()
        self._answers.pop(directory, None)

    def close(self) -> None:
        """End the other process."""
        if self._socket:
            self._socket.close()
        if self._process:
            self._process.kill()
            self._process.wait()
        self._socket = self._process = None
        self._told.clear()
        self._asked.clear()
        self._answers.clear()

    def _start(self) -> None:
        if self._process and self._process.poll() is None:
            return
        self.close()
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(STUCK_AFTER_SECONDS)
        try:
            with theirs:
                command = [*self._command, str(theirs.fileno())]
                self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])  # noqa: S603 (our own)
            receive(self._socket)  # it says that it is there
        except OSError as error:
            status = self._exit_status()
            self.close()
            raise PreparerAway(f"the process that prepares does not start (exit status {status}): {error}") from error

    def _changed(self) -> dict[int, ProjectConfig | None]:
        """Settings that are not what the other process was told."""
        present = self._configs(self._told.keys())
        changed = {pk: present.get(pk) for pk, told in self._told.items() if present.get(pk) != told}
        self._told |= changed
        return changed

    def _receive(self) -> None:
        """Take in the next answer; answer what is asked back."""
        try:
            while isinstance(answer := _decode_answer(self._read()), Need):
                found = self._configs(answer.projects)
                told = {pk: found.get(pk) for pk in answer.projects}
                self._told |= told
                self._send(Order(None, told))
        except (OSError, msgspec.MsgspecError) as error:
            raise self._died(error) from error
        except Exception:
            self.close()  # it waits for settings that we could not read
            raise
        self._answers[self._asked.pop(0)] = answer

    def _send(self, order: Order) -> None:
        if self._socket is None:
            raise BrokenPipeError("it is not running")
        send(self._socket, _encode(order))

    def _read(self) -> bytearray:
        if self._socket is None:
            raise BrokenPipeError("it is not running")
        return receive(self._socket)

    def _died(self, error: Exception) -> PreparerDied:
        said = f"it answered nothing for {STUCK_AFTER_SECONDS:.0f} s" if isinstance(error, TimeoutError) else str(error)
        status = self._exit_status()
        self.close()
        return PreparerDied(f"the process that prepares is gone (exit status {status}): {said}")

    def _exit_status(self) -> int | None:
        """How the other process ended, if it did; its sockets close a moment before it is gone."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(1.0) if self._process else None
        return None


def send(to: socket.socket, message: bytes) -> None:
    """One message."""
    to.sendall(_LENGTH.pack(len(message)))
    to.sendall(message)


def receive(source: socket.socket) -> bytearray:
    """The next message. Raises `ConnectionAbortedError` at the end."""
    return _exactly(source, _LENGTH.unpack(_exactly(source, _LENGTH.size))[0])


def _exactly(source: socket.socket, length: int) -> bytearray:
    buffer = bytearray(length)
    view = memoryview(buffer)
    while view:
        got = source.recv_into(view, min(len(view), _PIECE_BYTES))
        if not got:
            raise ConnectionAbortedError("it ended")
        view = view[got:]
    return buffer


class _Other:
    """What runs in the other process."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._known: dict[int, ProjectConfig | None] = {}
        self._preparer = Preparer(self._settings)

    def run(self) -> None:
        """Serve wishes until the other end is gone.

        Preparing leaves no cycles behind, but it holds so many objects at once that looking for cycles, as often as
        Python would, took a seventh of the time.
        """
        gc.freeze()
        gc.disable()
        send(self._link, _encode(Need([])))
        for run in itertools.count(1):
            order = self._take_order()
            if order.wish is not None:
                send(self._link, self._answer(order.wish))
            if not run % RUNS_PER_COLLECTION:
                gc.collect()

    def _answer(self, wish: Wish) -> bytes:
        try:
            ready = self._preparer.prepare(wish)
            try:
                return _encode(ready)
            except Exception:
                log.exception("something in a run of %s cannot be sent: looking for it", wish.directory)
                self._preparer.check = _encode
                return _encode(self._preparer.prepare(wish))
            finally:
                self._preparer.check = None
        except ConnectionError:
            raise
        except Exception:
            log.exception("a run of %s cannot be prepared", wish.directory)
            return _encode(Failed(traceback.format_exc()))

    def _settings(self, projects: Collection[int]) -> dict[int, ProjectConfig]:
        new = [pk for pk in projects if pk not in self._known]
        if new:
            send(self._link, _encode(Need(new)))
            self._take_order()
        return {pk: known for pk in projects if (known := self._known.get(pk)) is not None}

    def _take_order(self) -> Order:
        order = _decode_order(receive(self._link))
        self._known |= order.configs
        return order


def main() -> None:
    """Run until the other end is gone."""
    logging.basicConfig(format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all of us; the other end decides
    with socket.socket(fileno=int(sys.argv[1])) as link, suppress(ConnectionError):
        _Other(link).run()


if __name__ == "__main__":
    main()
