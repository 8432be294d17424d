"""What is loaded is not searched for garbage; what is garbage later is found. In processes of their own: it is for
good."""

import subprocess
import sys

LEFT_OUT = """
import gc, weakref
from vedette.core import garbage

class Ring:
    def __init__(self):
        self.ring = self

garbage.WARM_SECONDS = 600
loaded = Ring()
garbage.settle()
assert all(each is not loaded for each in gc.get_objects())
later = Ring()
seen = weakref.ref(later)
del later
gc.collect()
assert seen() is None
"""

ONCE_MORE = """
import gc, time
from vedette.core import garbage

garbage.WARM_SECONDS = 0.2
garbage.settle()
first = gc.get_freeze_count()
kept = [[] for _ in range(1000)]
deadline = time.monotonic() + 20
while gc.get_freeze_count() < first + 1000 and time.monotonic() < deadline:
    time.sleep(0.01)
assert gc.get_freeze_count() >= first + 1000
garbage.WARM_SECONDS = 600
garbage.settle()
"""


def run(program):
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_what_was_loaded_is_left_out_and_later_garbage_is_not():
    run(LEFT_OUT)


def test_it_happens_once_more_and_keeps_no_process_from_ending():
    run(ONCE_MORE)
