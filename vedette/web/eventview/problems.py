"""What was wrong with an event as it was sent, in plain words.

Source: the ingest specification, 7.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vedette.web.eventview.reading import as_dict, as_list, as_moment, as_text
from vedette.web.eventview.values import Value, value_of

MOST = 100
SENTENCES = {
    "invalid_data": "This could not be used and was dropped.",
    "missing_attribute": "Something that is required here was missing, so this part was dropped.",
    "invalid_attribute": "No attribute of this name is known. It was dropped.",
    "value_too_long": "This was too long and was dropped.",
    "past_timestamp": "The event is dated {sdk_time}, before anything that is still kept. "
    "The time of its arrival is used instead, {server_time}.",
    "future_timestamp": "The event is dated {sdk_time}, which was still to come. "
    "The time of its arrival is used instead, {server_time}.",
    "clock_drift": "The sender's clock showed {sdk_time} when it was {server_time} here. "
    "All times of the event were moved by the difference.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was wrong: what became of it, where it was, and the value if it may be shown."""

    sentence: str
    path: str
    value: Value | None


def read_problems(errors: object) -> tuple[Problem, ...]:
    """The `errors` of an event, those of the SDK included."""
    return tuple(_problem(entry) for entry in as_list(errors)[:MOST] if isinstance(entry, dict))


def _problem(node: dict[Any, Any]) -> Problem:
    kind = as_text(node.get("type"), 60)
    known = SENTENCES.get(kind)
    if known is None:
        sentence = f"The SDK reports: {kind}." if kind else "Something was wrong."
    else:
        sentence = known.format(sdk_time=_time(node, "sdk_time"), server_time=_time(node, "server_time"))
    reason = as_text(node.get("reason"), 300)
    value = node.get("value")
    return Problem(
        sentence=f"{sentence} ({reason[:1].upper()}{reason[1:]}.)" if reason else sentence,
        path=as_text(node.get("name"), 200),
        value=None if value is None else value_of(value),
    )


def _time(node: object, name: str) -> str:
    moment = as_moment(as_dict(node).get(name))
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "an unknown time"
