"""One server for what only looks, servers of their own for what kills."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.support.machine import busy_seconds
from tests.support.server import LiveServer, live_server
from vedette import __version__
from vedette.core import runtime

pytestmark = pytest.mark.slow

HEALED_SECONDS = 2.0


@pytest.fixture(scope="module")
def server():
    with live_server() as running:
        yield running


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ready_lines(server):
    return [line for line in server.log_path.read_text().splitlines() if line.startswith("Vedette ")]


def test_it_says_that_it_is_ready_in_one_line(server):
    server.wait_for(lambda: bool(ready_lines(server)), 5, "announced")

    assert ready_lines(server) == [f"Vedette {__version__} is ready at {server.url}"]


def test_what_it_writes_is_its_user_s_alone(server):
    written = [server.data_dir, *server.data_dir.rglob("*")]

    assert [path for path in written if path.stat().st_mode & 0o077] == []


def test_the_runtime_file_says_how_to_reach_the_engine(server):
    told = server.runtime()

    assert told.pid == server.pids()["supervisor"]
    assert (told.url, told.front) == (server.url, f"127.0.0.1:{server.port}")
    assert runtime.ask_engine(told, "status")["pid"] == server.pids()["engine"]
    with pytest.raises(runtime.EngineAway):
        runtime.ask_engine(runtime.EngineRuntime(told.port, "guessed", told.pid), "status")


def test_a_second_server_on_the_same_data_is_refused(server):
    done = server.command("serve", "--bind", "127.0.0.1:0")

    assert done.returncode == 2
    assert f"another server (process {server.pids()['supervisor']}) runs on {server.data_dir}" in done.stderr
    assert server.is_ready()


def test_a_taken_port_is_told_in_a_line(server, tmp_path):
    server.environment["VEDETTE_DATA_DIR"] = str(tmp_path / "other")
    try:
        done = server.command("serve")
    finally:
        server.environment["VEDETTE_DATA_DIR"] = str(server.data_dir)

    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{server.port}: another process listens on it" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_commands_work_beside_it(server):
    keys = server.bootstrap()
    found = server.command("status", "--json")
    doctor = server.command("doctor", "--json")
    migrated = server.command("migrate")
    cleaned = server.command("cleanup")

    assert keys["url"] == server.url
    assert '"ready": true' in found.stdout
    assert (doctor.returncode, migrated.returncode, cleaned.returncode) == (0, 0, 0), doctor.stdout + cleaned.stderr
    assert migrated.stdout.strip() == "nothing to migrate"


def test_a_command_knows_the_address_of_a_server_that_was_bound_by_an_option():
    server = LiveServer(environment={"VEDETTE_BIND": "127.0.0.1:1"}, migrated=True)
    server.arguments = ("--bind", f"127.0.0.1:{server.port}")
    with server:
        assert server.bootstrap()["url"] == server.url


def test_port_zero_takes_a_free_one_and_ctrl_c_ends_it(vedette):
    process = vedette.start("serve", "--bind", "127.0.0.1:0")
    try:
        url = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(f"{url}/health/ready", timeout=10) as answer:
            assert answer.status == 200

        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()

    assert process.returncode == 0


def test_the_supervisor_is_small(server):
    status = Path(f"/proc/{server.pids()['supervisor']}/status").read_text()

    anonymous = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:"))
    assert anonymous < 25_000, f"{anonymous} kB"


@pytest.mark.parametrize(("name", "other"), [("front", "engine"), ("engine", "front")])
def test_a_killed_child_is_healed_while_the_other_goes_on(server, name, other):
    before = server.pids()

    server.kill(name)
    began = time.monotonic()
    server.wait_for(lambda: server.pids().get(name) not in (None, before[name]) and server.is_ready(), 15, "healed")
    took = time.monotonic() - began

    assert server.pids()[other] == before[other]
    assert server.pids()["supervisor"] == before["supervisor"]
    assert took < HEALED_SECONDS + busy_seconds()
    assert f"the {name} (process {before[name]}) was killed by SIGKILL" in server.log_path.read_text()


def test_it_stops_in_order_and_leaves_nothing():
    with live_server(migrated=True) as server:
        tree = server.tree()
        assert len(tree) == 3

        assert server.stop() == 0

        assert [pid for pid in tree if is_alive(pid)] == []
        assert not (server.data_dir / "run" / "engine.json").exists()
        assert not runtime.is_serving(server.data_dir / "run")


def test_its_children_die_with_it_whatever_kills_it():
    with live_server(migrated=True) as server:
        tree = server.tree()

        os.kill(server.pids()["supervisor"], signal.SIGKILL)
        server.process.wait(10)
        deadline = time.monotonic() + 5
        while any(is_alive(pid) for pid in tree) and time.monotonic() < deadline:
            time.sleep(0.02)

        assert [pid for pid in tree if is_alive(pid)] == []
        server._forget()
        server.start()
        assert server.is_ready()


def test_the_front_answers_while_nothing_is_digested_and_the_other_way_round():
    with live_server("--no-digest", "--no-web", migrated=True) as server:
        status = runtime.ask_engine(server.runtime(), "status")

        assert status["digest"] is None
        assert runtime.ask_engine(server.runtime(), "flush", {"timeout": 1}) == {"flushed": False}
        assert server.client.get("/health/live").status == 200
        assert server.client.get("/auth/login/").status == 404
        assert server.client.get("/api/0/").status == 404


def test_a_data_directory_that_cannot_be_made_is_told_in_a_line(tmp_path):
    (tmp_path / "file").write_text("")

    done = subprocess.run(
        [sys.executable, "-m", "vedette", "serve"],
        env={
            "PYTHONPATH": os.getcwd(),
            "VEDETTE_DATA_DIR": str(tmp_path / "file" / "data"),
            "VEDETTE_SECRET_KEY": "x" * 50,
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("vedette: the data directory")


def test_an_event_store_that_does_not_open_ends_the_start():
    with live_server(migrated=True) as first:
        second = LiveServer(environment={"VEDETTE_EVENTS_URL": f"chdb://{first.data_dir / 'events'}"})
        try:
            done = second.command("serve", timeout_seconds=30)
        finally:
            second.close()

        assert done.returncode == 2
        assert "has the event store in" in done.stderr
        assert "the server does not start" in done.stderr


def test_an_address_that_is_no_address_is_told_in_a_line(server):
    done = server.command("serve", "--bind", "here")

    assert done.returncode == 2
    assert done.stderr.startswith("vedette: VEDETTE_BIND is 'here'")


def test_ports_are_free_when_it_says_so():
    from vedette.cli.addresses import free_port

    with socket.create_server(("127.0.0.1", free_port("127.0.0.1"))):
        pass
