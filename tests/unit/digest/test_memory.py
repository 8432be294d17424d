"""What is remembered between events is small, whatever long texts strangers send."""

import gc
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import msgspec
import pytest

from tests.unit.digest.making import CONFIG, EVENT_ID, NOW, prepared_bytes
from vedette.digest.filtering_agents import crawler_check, legacy_check
from vedette.digest.normalise.agents import read_agent
from vedette.digest.normalise.users import is_address
from vedette.wire.clientip import address_in
from vedette.wire.filters import CRAWLERS, InboundFilters

pytestmark = pytest.mark.slow

LONG = 100_000
TIMES = 20
WANTED = InboundFilters(on=(CRAWLERS,), legacy_browsers=("ie",), addresses=("10.0.0.0/8",))
_numbers = count()  # each text is new, also to what another test went through
TRACE = {"trace_id": "a" * 32, "span_id": "b" * 16}


def kept_after(work: Callable[[str], object]) -> int:
    """How many bytes are still held after `work` with long texts, all of them different."""
    work("0" * LONG)  # what is loaded on the first use is not meant
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(TIMES):
            work(f"{next(_numbers):06}" + "x" * LONG)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def a_transaction(text: str) -> Any:
    span = {**TRACE, "op": text, "description": "GET /", "start_timestamp": NOW - 2, "timestamp": NOW - 1}
    return {
        "type": "transaction",
        "start_timestamp": NOW - 2,
        "timestamp": NOW - 1,
        "contexts": {"trace": TRACE},
        "spans": [{**span, "span_id": "c" * 16}],
    }


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("event", lambda text: {"user": {"ip_address": text}}),
        ("event", lambda text: {"request": {"env": {"REMOTE_ADDR": text}}, "platform": "javascript"}),
        ("event", lambda text: {"request": {"headers": [["User-Agent", text]]}}),
        ("event", lambda text: {"request": {"headers": [[text, "x"]]}}),
        ("event", lambda text: {"contexts": {text: {"type": "os", "name": "Linux"}}}),
        ("event", lambda text: {"extra": {text: "password"}}),
        ("event", lambda text: {"platform": "native", "stacktrace": {"frames": [{"platform": text, "function": "f"}]}}),
        ("transaction", a_transaction),
        ("session", lambda text: {"sid": EVENT_ID, "started": NOW, "attrs": {"release": "1", "user_agent": text}}),
        ("session", lambda text: {"sid": EVENT_ID, "started": NOW, "attrs": {"release": "1", "ip_address": text}}),
    ],
)
def test_no_item_leaves_its_long_texts_behind(kind: str, payload: Callable[[str], Any]) -> None:
    config = replace(CONFIG, filters=WANTED)

    def send(text: str) -> None:
        prepared_bytes(msgspec.json.encode(payload(text)), kind, config=config)

    assert kept_after(send) < 3 * LONG


@pytest.mark.parametrize("check", [is_address, read_agent, crawler_check, legacy_check(("ie",)), address_in])
def test_no_check_remembers_long_texts(check: Callable[[str], object]) -> None:
    assert kept_after(check) < 3 * LONG


def test_what_rules_say_of_exceptions_with_long_texts_is_not_remembered() -> None:
    # Only rules that look at neighbours and at exceptions have verdicts of whole stack traces.
    config = replace(CONFIG, grouping_enhancements="error.value:*x function:f ^-app")

    def send(text: str) -> None:
        exception = {"type": "E", "value": text, "stacktrace": {"frames": [{"function": "f"}, {"function": "g"}]}}
        prepared_bytes(msgspec.json.encode({"exception": [exception]}), config=config)

    assert kept_after(send) < 3 * LONG
