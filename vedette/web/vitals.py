"""Web vitals: what browsers measure of a page load, what they are called, and from where on they are slow.

Source: the thresholds that web.dev publishes for each.
"""

from dataclasses import dataclass

from vedette.web.text import duration, one_line, visible

# name: (label, good up to, poor from), in milliseconds; the layout shift has no unit.
_VITALS = {
    "lcp": ("Largest contentful paint", 2500.0, 4000.0),
    "fcp": ("First contentful paint", 1800.0, 3000.0),
    "inp": ("Interaction to next paint", 200.0, 500.0),
    "cls": ("Cumulative layout shift", 0.1, 0.25),
    "ttfb": ("Time to first byte", 800.0, 1800.0),
    "fid": ("First input delay", 100.0, 300.0),
    "fp": ("First paint", 1000.0, 3000.0),
}
_WITHOUT_UNIT = "cls"


@dataclass(frozen=True, slots=True)
class Vital:
    """One measurement in words. `verdict` is good, fair, poor, or empty where there is no measure for it."""

    name: str
    label: str
    value: str
    verdict: str = ""


def read_vital(name: str, value: float) -> Vital:
    """A measurement as pages show it; what is no web vital is a number without a verdict."""
    known = _VITALS.get(name.lower())
    if known is None:
        return Vital(one_line(visible(name), 60), "", f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}")
    label, good, poor = known
    shown = f"{value:.3f}" if name.lower() == _WITHOUT_UNIT else duration(value)
    return Vital(name.upper(), label, shown, "good" if value <= good else "fair" if value <= poor else "poor")


def order_of(name: str) -> tuple[bool, int, str]:
    """Web vitals first, in the order in which people read them."""
    names = list(_VITALS)
    return (name.lower() not in _VITALS, names.index(name.lower()) if name.lower() in _VITALS else 0, name)
