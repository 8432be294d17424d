"""Crashes of native programs: one event, made of what its envelope holds beside the dump.

The event itself (JSON or MessagePack), breadcrumbs in two files, the fields of a form. Nothing here reads the dump
beyond its header: without a symbolicator the event says that there was a crash, and the dump is kept as a file.

Source: the ingest specification, 1.3, 4.3 (note 3) and 4.4.
"""

import re
from collections.abc import Sequence
from struct import unpack_from
from typing import Any

import msgspec

from vedette.digest.reports import read_object
from vedette.digest.times import read_timestamp
from vedette.wire import messagepack
from vedette.wire.envelope import Item

Pair = tuple[Item, str | None]  # an item, and why it was refused

PAYLOAD, BREADCRUMBS = "event.payload", "event.breadcrumbs"
# By the type of the dump: the mechanism, the type and the value of the exception that stands for it.
PLACEHOLDERS = {
    "event.minidump": ("minidump", "Minidump", "Invalid Minidump"),
    "event.applecrashreport": ("applecrashreport", "AppleCrashReport", "Invalid Apple Crash Report"),
}
_MAX_LEVELS = 15
_MAX_FIELDS = 200
_MAX_FIELD_NAME = 200
_MAX_AGE_SECONDS = 30 * 86_400
_PATH = re.compile(r"sentry((?:\[[^\]]*\])+)")
_CHUNK = re.compile(r"sentry__(\d{1,4})")
_fields = msgspec.json.Decoder(list[tuple[str, str]])


def may_be_a_crash(items: Sequence[Item]) -> bool:
    """Whether it is worth a closer look: nearly no envelope holds files."""
    return any(item.type == "attachment" and _type(item) in _PARTS for item in items)


def merge(pairs: Sequence[Pair], received: float) -> list[Pair]:
    """The items with everything that tells about the crash merged into one event; dumps and other files stay."""
    dumps = [item for item, refusal in pairs if refusal is None and _type(item) in PLACEHOLDERS]
    told = [pair for pair in pairs if pair[1] is None and _tells(pair[0])]
    if not any(_type(item) in _PARTS for item in (*dumps, *(item for item, _ in told))):
        return list(pairs)
    event = _event([item for item, _ in told])
    if event is None or any(item.type in ("transaction", "security", "raw_security") for item, _ in pairs):
        return list(pairs)
    if dumps:
        _add_placeholder(event, dumps[0], received)
    taken = {id(pair) for pair in told}
    made = Item({"type": "event"}, msgspec.json.encode(event), "event")
    return [(made, None), *(pair for pair in pairs if id(pair) not in taken)]


def _type(item: Item) -> str:
    kind = item.header.get("attachment_type") if item.type == "attachment" else None
    return kind if isinstance(kind, str) else ""


_PARTS = frozenset({PAYLOAD, BREADCRUMBS, *PLACEHOLDERS})


def _tells(item: Item) -> bool:
    """Whether the item is merged into the event and gone afterwards."""
    if item.type == "attachment":
        return _type(item) in (PAYLOAD, BREADCRUMBS) and len(item.payload) <= messagepack.MAX_BYTES
    return item.type in ("event", "form_data")


def _event(told: Sequence[Item]) -> dict[str, Any] | None:
    """The event: the form says least, then the file, then an event in JSON; None if that one cannot be read."""
    event: dict[str, Any] = {}
    for item in told:
        if item.type == "form_data":
            _update(event, _of_form(item))
    for item in told:
        if _type(item) == PAYLOAD:
            _update(event, messagepack.read_object(item.payload) or {})
    for item in told:
        if item.type == "event":
            own = read_object(bytes(item.payload))
            if isinstance(own, str):
                return None
            _update(event, own)
    crumbs = _breadcrumbs([messagepack.read_values(item.payload) for item in told if _type(item) == BREADCRUMBS][:2])
    if crumbs:
        event["breadcrumbs"] = {"values": [*_values(event.get("breadcrumbs")), *crumbs]}
    return event


def _of_form(item: Item) -> dict[str, Any]:
    """Fields called `sentry` are the event, as JSON, in pieces or by path; every other one is extra data."""
    try:
        fields = _fields.decode(item.payload)[:_MAX_FIELDS]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    event: dict[str, Any] = {}
    chunks = {int(match[1]): value for name, value in fields if (match := _CHUNK.fullmatch(name))}
    whole = next((value for name, value in fields if name == "sentry"), "")
    text = whole or "".join(chunks[number] for number in sorted(chunks))
    said = read_object(text.encode("utf-8", "replace")) if text else {}
    if isinstance(said, dict):
        _update(event, said)
    extra: dict[str, str] = {}
    for name, value in fields:
        match = _PATH.fullmatch(name)
        if match:
            _put(event, match[1][1:-1].split("]["), value)
        elif name != "sentry" and not _CHUNK.fullmatch(name):
            extra[name[:_MAX_FIELD_NAME]] = value
    if extra:
        _update(event, {"extra": extra})
    return event


def _put(event: dict[str, Any], path: Sequence[str], value: str) -> None:
    if len(path) > _MAX_LEVELS or not all(path):
        return
    for name in path[:-1]:
        inner = event.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        event = inner
    event[path[-1]] = value


def _update(event: dict[str, Any], more: dict[str, Any]) -> None:
    """Objects are merged, member by member; everything else is replaced."""
    for name, value in more.items():
        known = event.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            _update(known, value)
        elif value is not None:
            event[name] = value


def _breadcrumbs(files: Sequence[Sequence[Any]]) -> list[Any]:
    """Two files are written by turns: the older one first, as many breadcrumbs in the end as the longer one holds."""
    lists = [[crumb for value in file for crumb in (value if isinstance(value, list) else [value])] for file in files]
    lists.sort(key=_newest)
    longest = max((len(one) for one in lists), default=0)
    return [crumb for one in lists for crumb in one][-longest:] if longest else []


def _newest(crumbs: Sequence[Any]) -> float:
    last = crumbs[-1].get("timestamp") if crumbs and isinstance(crumbs[-1], dict) else None
    moment = read_timestamp(last) if last is not None else None
    return moment if moment is not None else float("-inf")


def _values(crumbs: Any) -> list[Any]:
    if isinstance(crumbs, dict):
        crumbs = crumbs.get("values")
    return crumbs if isinstance(crumbs, list) else []


def _add_placeholder(event: dict[str, Any], dump: Item, received: float) -> None:
    """What a symbolicator would replace. An exception that the program itself reported says more, and stays."""
    mechanism, kind, value = PLACEHOLDERS[_type(dump)]
    event["platform"] = "native"
    event.setdefault("level", "fatal")
    if "timestamp" not in event and (moment := _crashed_at(bytes(dump.payload[:24]), received)) is not None:
        event["timestamp"] = moment
    given = event.get("exception")
    exceptions = given.get("values") if isinstance(given, dict) else given
    if not exceptions:
        synthetic = {"type": mechanism, "handled": False, "synthetic": True}
        event["exception"] = {"values": [{"type": kind, "value": value, "mechanism": synthetic}]}


def _crashed_at(header: bytes, received: float) -> float | None:
    """When the program crashed, which may be long before it could send; None where the clock was wrong."""
    if len(header) < 24 or header[:4] not in (b"MDMP", b"PMDM"):
        return None
    seconds = unpack_from("<I" if header.startswith(b"MDMP") else ">I", header, 20)[0]
    return float(seconds) if 0 <= received - seconds <= _MAX_AGE_SECONDS else None
