"""What a server has loaded is left out of Python's searches for garbage.

Modules, templates and tables of routes are some hundred thousand objects that never go. Looking through them all took a
tenth of a second about every twentieth page, and events that came meanwhile waited as well.
"""

import gc
import threading

WARM_SECONDS = 60.0  # by then most of what the first pages and events bring about is loaded


def settle() -> None:
    """Leave out what is here now, and once more what is here when the process is warm. What is garbage at that moment
    is found before; what becomes garbage later is memory that does not come back."""
    _leave_out()
    later = threading.Timer(WARM_SECONDS, _leave_out)
    later.daemon = True
    later.start()


def _leave_out() -> None:
    gc.collect()
    gc.freeze()
