"""How strong a mobile device is: low, medium or high, for the tag `device.class`.

The specification names the classes and leaves the bounds open; these are Vedette's. What a device does not tell is no
reason to think less of it, and one that tells nothing has no class.

Source: the ingest specification, 7.4.
"""

from typing import Any

GIB = 1024**3
MOBILE = frozenset({"Android", "iOS", "iPadOS"})
_BOUNDS: tuple[tuple[str, float, float], ...] = (
    # member, less is low, less is medium
    ("processor_frequency", 2000, 2500),  # MHz
    ("processor_count", 4, 8),
    ("memory_size", 3 * GIB, 5.5 * GIB),  # bytes; a device "with 6 GB" reports somewhat less
)
_APPLE = (_BOUNDS[2],)  # few cores, whose frequency is not told


def device_class(device: dict[str, Any], system: Any) -> str | None:
    """The class of a device with this context under an operating system of this name; None where there is none."""
    if not isinstance(system, str) or system not in MOBILE:
        return None
    worst = ""
    for member, low, medium in _BOUNDS if system == "Android" else _APPLE:
        value = device.get(member)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
            if value < low:
                return "low"
            worst = "medium" if value < medium or worst == "medium" else "high"
    return worst or None
