"""Numbers and durations in words that fit, and the text of strangers made safe to look at (`core.text`)."""

from vedette.core.text import clip, one_line, plural, visible

__all__ = ["brief_number", "clip", "duration", "one_line", "percent", "plural", "rate", "visible"]


def brief_number(number: int) -> str:
    """A count in at most five characters: `947`, `12.5k`, `3.1m`."""
    for size, unit in ((1_000_000_000, "b"), (1_000_000, "m"), (1_000, "k")):
        if number >= size * (10 if unit == "k" else 1):
            return f"{number / size:.3g}{unit}" if number < size * 1000 else f"{number // size}{unit}"
    return f"{number:,}"


def duration(milliseconds: float) -> str:
    """A length of time in at most three digits: `0.42 ms`, `12 ms`, `1.24 s`, `12.5 min`, `3.1 h`, `2.5 d`."""
    for size, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")):
        if milliseconds >= size:
            return f"{_three_digits(milliseconds / size)} {unit}"
    return "0 ms" if milliseconds <= 0 else f"{_three_digits(milliseconds)} ms"


def _three_digits(number: float) -> str:
    if number >= 100:
        return f"{number:,.0f}"
    text = f"{number:.1f}" if number >= 10 else f"{number:.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(part: float) -> str:
    """A part of one in per cent: `0%`, `<0.1%`, `4.2%`, `37%`."""
    if part <= 0:
        return "0%"
    if part < 0.001:
        return "<0.1%"
    return f"{part * 100:.1f}%" if part < 0.1 else f"{part * 100:.0f}%"


def rate(number: float) -> str:
    """How often something happens in a minute, in few digits: `0.02`, `1.4`, `310`, `12.5k`."""
    if number >= 100:
        return brief_number(round(number))
    return "<0.01" if 0 < number < 0.01 else _three_digits(number)
