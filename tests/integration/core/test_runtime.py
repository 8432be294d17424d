import json
import os
import subprocess
import sys

import pytest

from vedette.core import runtime
from vedette.core.runtime import EngineAway, EngineRuntime, ask_engine

TOLD = EngineRuntime(port=4711, secret="s3cret", pid=42, url="http://127.0.0.1:9000", front="127.0.0.1:9000")


def test_what_is_written_is_read_and_is_its_owner_s_alone(tmp_path):
    path = tmp_path / "run" / "engine.json"

    runtime.write(path, TOLD)
    runtime.write(path, TOLD)

    assert runtime.read(path) == TOLD
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["engine.json"]


def test_an_older_file_without_addresses_is_read(tmp_path):
    path = tmp_path / "engine.json"
    path.write_text(json.dumps({"port": 1, "secret": "x", "pid": 2}))

    assert runtime.read(path) == EngineRuntime(1, "x", 2)


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"port": "x"}', '{"port": 1}'])
def test_a_missing_or_broken_file_is_none(tmp_path, content):
    path = tmp_path / "engine.json"
    assert runtime.read(path) is None

    path.write_text(content)

    assert runtime.read(path) is None


def test_the_lock_is_one_process_s_and_ends_with_it(tmp_path):
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, pathlib; from vedette.core import runtime\n"
            "print(runtime.lock(pathlib.Path(sys.argv[1])) is not None, flush=True); sys.stdin.read()",
            str(tmp_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        runtime.write(tmp_path / "engine.json", TOLD)

        assert runtime.lock(tmp_path) is None
        assert runtime.is_serving(tmp_path)
        assert runtime.server_of(tmp_path / "engine.json") == TOLD
    finally:
        holder.kill()
        holder.communicate(timeout=10)

    assert not runtime.is_serving(tmp_path)
    assert runtime.server_of(tmp_path / "engine.json") is None
    descriptor = runtime.lock(tmp_path)
    assert descriptor is not None
    runtime.unlock(descriptor)


def test_an_engine_that_is_not_there_is_away():
    with pytest.raises(EngineAway):
        ask_engine(EngineRuntime(port=1, secret="x", pid=1), "status", timeout_seconds=1)
