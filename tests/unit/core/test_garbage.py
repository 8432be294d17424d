"""What is loaded is not searched for garbage; what is garbage later is found."""

import gc
import subprocess
import sys
import weakref

import pytest

from vedette.core import garbage


class Ring:
    """An object that keeps itself."""

    def __init__(self):
        self.ring = self


@pytest.fixture
def settled(monkeypatch):
    monkeypatch.setattr(garbage, "WARM_SECONDS", 0.01)
    yield
    gc.unfreeze()


def test_what_was_loaded_is_left_out_and_later_garbage_is_not(settled):
    loaded = Ring()

    garbage.settle()
    assert loaded not in gc.get_objects()

    later = Ring()
    seen = weakref.ref(later)
    del later
    gc.collect()
    assert seen() is None


def test_it_happens_once_more_and_keeps_no_process_from_ending():
    told = """
import gc, time
from vedette.core import garbage
garbage.WARM_SECONDS = 0.05
garbage.settle()
first = gc.get_freeze_count()
kept = [[] for _ in range(1000)]
deadline = time.monotonic() + 10
while gc.get_freeze_count() < first + 1000 and time.monotonic() < deadline:
    time.sleep(0.01)
assert gc.get_freeze_count() >= first + 1000
garbage.WARM_SECONDS = 600
garbage.settle()
"""
    subprocess.run([sys.executable, "-c", told], check=True, timeout=30)
