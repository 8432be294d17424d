"""What a machine that does other work besides may take longer."""

import os


def busy_seconds() -> float:
    """The allowance to add to a limit of a few seconds; 0 on a quiet machine."""
    return max(os.getloadavg()[0] - 1.0, 0.0) * 2.0
