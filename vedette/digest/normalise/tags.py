"""The tags that a client sends: pairs of short texts.

Source: the ingest specification, 7.4.
"""

import re
from typing import Any

from vedette.digest import trim
from vedette.digest.draft import Draft
from vedette.digest.normalise import fields
from vedette.digest.notes import Notes
from vedette.wire.event import Event

LIMIT = 200
MAX_TAGS = 200
_KEY = re.compile(r"[a-zA-Z0-9_.:-]+", re.ASCII)
_TAKEN = frozenset({"release", "dist", "user", "filename", "function"})
_SPECIAL = _TAKEN | {"environment"}
_keys: set[str] = set()  # good ones; bounded
_KEPT_KEYS = 4096

Pair = list[str | None]


def settle_tags(draft: Draft) -> Draft:
    """`event.tags` as a list of [key, value]; a pair with an unusable half keeps its place with null in it.

    What comes after the first `MAX_TAGS` is dropped: the specification has no limit, but every tag is a row's worth of
    work for the engine.
    """
    event, notes = draft.event, draft.notes
    kept: list[Pair] = [] if event.tags is None else _pairs(event.tags, notes)
    keys = [pair[0] for pair in kept]
    if len(set(keys)) < len(keys) or not _SPECIAL.isdisjoint(keys):
        kept = _without_taken(kept, event, notes)
    for name in ("server_name", "site"):
        value = getattr(event, name)
        if value is not None:
            setattr(event, name, None)
            text = _field(value, name, notes)
            if text:
                if name in keys:
                    places = [index for index, pair in enumerate(kept) if pair[0] != name]
                    kept = [kept[index] for index in places]
                    notes.renumber(("tags",), places)
                # A field may hold 256 characters, the tag that it becomes 200: the shorter bound is what is left.
                kept.append([name, trim.text(text, LIMIT, 0, ("tags", str(len(kept)), "1"), notes)])
    event.tags = kept or None
    return draft


def _without_taken(pairs: list[Pair], event: Event, notes: Notes) -> list[Pair]:
    """The first pair of every key, without the keys that belong to fields; the environment fills its field."""
    seen: set[str] = set()
    places: list[int] = []
    for index, (key, value) in enumerate(pairs):
        if key is not None:
            if key in seen or key in _TAKEN:
                continue
            seen.add(key)
            if key == "environment":
                if event.environment is None and value and fields.is_environment(value):
                    event.environment = value
                continue
        places.append(index)
    notes.renumber(("tags",), places)
    return [pairs[index] for index in places]


def _pairs(tags: Any, notes: Notes) -> list[Pair]:
    if isinstance(tags, dict):
        items: list[Any] = sorted(tags.items())
    elif isinstance(tags, list):
        items = tags
    else:
        notes.error("invalid_data", "tags", value=tags, reason="expected an object or an array of pairs")
        return []
    if len(items) > MAX_TAGS:
        notes.remark(("tags",), length=len(items))
        items = items[:MAX_TAGS]
    pairs: list[Pair] = []
    known = _keys
    for index, item in enumerate(items):
        if isinstance(item, (tuple, list)) and len(item) == 2:
            key, value = item
            plain = type(value) is str and 0 < len(value) <= LIMIT and value.isprintable()
            if not plain or value[0] == " " or value[-1] == " ":
                value = _value(value, index, notes)
            if type(key) is not str or key not in known:
                key = _key(key, index, notes)
            pairs.append([key, value])
        elif item is not None:
            notes.error("invalid_data", ("tags", str(index)), reason="expected a pair")
    if len(pairs) < len(items):
        notes.renumber(("tags",), [index for index, item in enumerate(items) if _is_pair(item)])
    return pairs


def _is_pair(item: Any) -> bool:
    return isinstance(item, (tuple, list)) and len(item) == 2


def _key(key: Any, index: int, notes: Notes) -> str | None:
    if type(key) is str and len(key) <= LIMIT and _KEY.fullmatch(key):
        if len(_keys) >= _KEPT_KEYS:
            _keys.clear()
        _keys.add(key)
        return key
    return _odd_key(key, index, notes)


def _odd_key(key: Any, index: int, notes: Notes) -> str | None:
    path = ("tags", str(index), "0")
    if isinstance(key, (int, float)) and not isinstance(key, bool):
        key = str(int(key))
    if isinstance(key, str):
        text = trim.text(key.strip().replace(" ", "-"), LIMIT, 0, path, notes)
        if _KEY.fullmatch(text):
            return text
    notes.error("invalid_data", path, reason="invalid characters in string")
    return None


def _value(value: Any, index: int, notes: Notes) -> str | None:
    if type(value) is str:
        text = value.strip()
        if text and len(text) <= LIMIT and "\n" not in text:
            return text
        return _odd_text(text, index, notes)
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, (int, float)):
        return _odd_text(str(int(value)), index, notes)
    notes.error("invalid_data", ("tags", str(index), "1"), reason="expected a string")
    return None


def _odd_text(text: str, index: int, notes: Notes) -> str | None:
    path = ("tags", str(index), "1")
    if not text or "\n" in text:
        notes.error("invalid_data", path, reason="expected a non-empty line" if text else "expected a non-empty value")
        return None
    return trim.text(text, LIMIT, 0, path, notes)


def _field(value: Any, name: str, notes: Notes) -> str | None:
    if not isinstance(value, str):
        notes.error("invalid_data", name, value=value, reason="expected a string")
        return None
    text = value.strip()
    if "\n" in text:
        notes.error("invalid_data", name, value=value, reason="expected one line")
        return None
    return text
