"""Stores of a drill's own, to be killed, stopped and filled: nobody else's PostgreSQL, Redis or disk is touched."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Self

import psycopg
import pytest
import redis

from tests.support.server import free_port

Mode = Literal["pass", "refuse", "hang"]


class OwnPostgres:
    """A PostgreSQL server with one database, run by an unprivileged user where this is root."""

    def __init__(self, directory: Path) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found and not shutil.which("initdb"):
            pytest.skip("PostgreSQL's server programs are not installed")
        self._bin = found[-1].parent if found else Path(shutil.which("initdb") or "").parent
        self._directory = directory
        self._user = "postgres" if os.geteuid() == 0 else None
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        if self._user:
            shutil.chown(directory, self._user)
        self._run("initdb", "-D", str(directory / "data"), "-A", "trust", "-U", "vedette", "--no-sync")

    @property
    def url(self) -> str:
        """As in VEDETTE_DATABASE_URL."""
        return f"postgresql://vedette@127.0.0.1:{self._port}/postgres"

    def start(self) -> Self:
        """Start it (again), and wait until it answers."""
        self._process = subprocess.Popen(
            [
                self._bin / "postgres",
                "-D",
                self._directory / "data",
                "-p",
                str(self._port),
                "-k",
                "",
                "-c",
                "fsync=off",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._user,
            start_new_session=True,
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
                return self
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "the drill's PostgreSQL does not start"
                time.sleep(0.02)

    def kill(self) -> None:
        """kill -9 of the server and all of its processes."""
        if self._process is None:
            return
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in (self._process.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(10)
        self._process = None
        for pid in map(int, children):  # a new server refuses to start while one of the old ones lives
            while Path(f"/proc/{pid}").exists() and "postgres" in _command(pid):
                time.sleep(0.005)

    def committing(self, table: str) -> bool:
        """Whether somebody is in a transaction that has written to this table, at this moment."""
        with psycopg.connect(self.url, connect_timeout=2) as connection:
            found = connection.execute(
                "SELECT count(*) FROM pg_locks WHERE relation = to_regclass(%s) AND mode = 'RowExclusiveLock'", (table,)
            ).fetchone()
        return bool(found and found[0])

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._bin / program, *arguments], check=True, capture_output=True, user=self._user, cwd=self._directory
        )


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """A PostgreSQL server for the length of a block. Skips where it cannot be had."""
    directory = Path(tempfile.mkdtemp(prefix="vedette-postgres-"))
    server = None
    try:
        server = OwnPostgres(directory)
        yield server.start()
    finally:
        if server:
            server.kill()
        shutil.rmtree(directory, ignore_errors=True)


class OwnRedis:
    """A Redis server without persistence: killed, it forgets everything."""

    def __init__(self) -> None:
        self._program = shutil.which("redis-server") or shutil.which("valkey-server")
        if not self._program:
            pytest.skip("no Redis or Valkey is installed")
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As in VEDETTE_REDIS_URL."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> Self:
        """Start it (again), and wait until it answers."""
        self._process = subprocess.Popen(
            [str(self._program), "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                    return self
                except redis.ConnectionError:
                    assert time.monotonic() < deadline, "the drill's Redis does not start"
                    time.sleep(0.02)

    def pause(self) -> None:
        """It accepts connections and answers nothing."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """kill -9."""
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None


@contextmanager
def own_redis() -> Iterator[OwnRedis]:
    """A Redis server for the length of a block. Skips where it cannot be had."""
    server = OwnRedis()
    try:
        yield server.start()
    finally:
        server.kill()


class Road:
    """A TCP proxy to an event store: the way there may be closed ("refuse") or swallow everything ("hang")."""

    def __init__(self, port: int) -> None:
        self.to = port
        self.port = free_port()
        self.mode: Mode = "pass"
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.set("pass")

    def set(self, mode: Mode) -> None:
        """From now on. Closing ends what is under way; hanging keeps it, for ever unanswered, until the next change."""
        if self.mode == "hang" and mode != "hang":
            self.cut()
        self.mode = mode
        if mode == "refuse":
            if self._listener:
                self._listener.close()
                self._listener = None
            self.cut()
        elif self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """End every connection."""
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        """For good."""
        self.set("refuse")

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.to), timeout=5)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                with self._lock:
                    self._open |= {near, far}
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.mode == "hang":
                    continue  # swallowed, as by a firewall
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


class SmallDisk:
    """A file system in memory that can be made full at once, and given room again. Skips where none may be mounted."""

    ROOM = "6g"  # more than the doctor asks for; nothing of it is taken

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, mode=0o700)
        options = ["-t", "tmpfs", "-o", f"size={self.ROOM},mode=0700", "vedette-drill", str(path)]
        if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"):
            pytest.skip("only root may mount a small disk")
        if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
            pytest.skip("no disk may be mounted here")

    def fill(self, left_bytes: int = 0) -> None:
        """Leave room for so many bytes only (to a page); what is there stays."""
        for attempt in range(50):  # somebody may write between the look and the change
            figures = os.statvfs(self.path)
            used = (figures.f_blocks - figures.f_bfree) * figures.f_bsize
            with contextlib.suppress(subprocess.CalledProcessError):
                self._size(str(used + left_bytes + attempt * figures.f_bsize))
                return
        raise AssertionError("the disk fills faster than it shrinks")

    def free(self) -> None:
        """Give it room again."""
        self._size(self.ROOM)

    def close(self) -> None:
        """Unmount it."""
        subprocess.run(["umount", "--lazy", str(self.path)], check=True, capture_output=True)

    def _size(self, size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.path)], check=True, capture_output=True)


@contextmanager
def small_disk(path: Path) -> Iterator[SmallDisk]:
    """A small disk at `path`, which must not exist, for the length of a block."""
    disk = SmallDisk(path)
    try:
        yield disk
    finally:
        disk.close()


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""
