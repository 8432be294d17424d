"""What of the engine needs no engine. (This process never imports chDB: the last test makes sure.)"""

import sys
from pathlib import Path

import pytest

from vedette.events.engine import EngineError, EngineOptions, memory_limit_bytes, settings_clause


@pytest.mark.parametrize(
    ("ram", "limit"), [(512_000_000, 204_800_000), (2_000_000_000, 800_000_000), (64_000_000_000, 900_000_000)]
)
def test_memory_is_forty_percent_of_what_there_is_and_bounded(ram, limit):
    assert memory_limit_bytes(ram) == limit


def test_caches_are_small_and_inserts_are_not_deferred():
    options = EngineOptions(Path("x"), memory_bytes=123)

    assert options.server_settings()["max_server_memory_usage"] == 123
    assert all(size <= 64 * 1024 * 1024 for name, size in options.server_settings().items() if "cache" in name)
    assert options.session_settings()["async_insert"] == "0"


def test_settings_are_quoted_and_their_names_checked():
    assert settings_clause({"a": "it's \\", "b_2": "1"}) == "a = 'it\\'s \\\\', b_2 = '1'"
    assert settings_clause({}) == ""
    for name in ("", "a b", "a=1", "a;", "é", "1a"):
        with pytest.raises(EngineError):
            settings_clause({name: "1"})


def test_the_test_process_never_imports_chdb():
    assert "chdb" not in sys.modules
