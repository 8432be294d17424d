"""Who was hit, and from which address.

Source: the ingest specification, 7.5 and 9.6.
"""

import ipaddress
from functools import lru_cache
from typing import Any

from vedette.digest import trim
from vedette.digest.draft import Draft
from vedette.digest.notes import Notes
from vedette.wire.event import Event

AUTO = "{{auto}}"
_TEXTS = {"id": 128, "email": 75, "username": 128, "name": 128, "segment": 128}
_GEO = ("city", "subdivision", "country_code", "region")
_INFERRED_FOR = frozenset({"javascript", "cocoa", "objc"})


@lru_cache(maxsize=8192)
def is_address(text: str) -> bool:
    """Whether `text` is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return len(text) <= 64


def settle_user(draft: Draft) -> Draft:
    """`event.user` as a dict of known members and `data`, with the address of the sender where the rules say so."""
    event, notes = draft.event, draft.notes
    user: dict[str, Any] = {}
    if isinstance(event.user, dict):
        user = _user(event.user, notes)
    elif event.user is not None:
        notes.error("invalid_data", "user", reason="expected an object")
    address = _address(user.pop("ip_address", None), draft)
    if address:
        user["ip_address"] = address
    event.user = user or None
    return draft


def _user(given: dict[str, Any], notes: Notes) -> dict[str, Any]:
    user: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for key, value in given.items():
        if value is None:
            continue
        if key in _TEXTS:
            text = _text(value, key, notes)
            if text:
                user[key] = text
        elif key == "ip_address":
            if isinstance(value, str) and (value == AUTO or is_address(value)):
                user[key] = value
            elif value != "":
                notes.error("invalid_data", "user.ip_address", reason="expected an ip address")
        elif key == "geo" or key.startswith("geo."):
            _geo(user, key, value)
        elif key == "data" and isinstance(value, dict):
            data.update(value)
        elif key != "sentry_user":
            data[key] = value
    if data:
        user["data"] = data
    return user


def _text(value: Any, key: str, notes: Notes) -> str | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        notes.error("invalid_data", ("user", key), reason="expected a string")
        return None
    return value if len(value) <= _TEXTS[key] else trim.text(value, _TEXTS[key], 0, ("user", key), notes)


def _geo(user: dict[str, Any], key: str, value: Any) -> None:
    parts = value if key == "geo" else {key[4:]: value}
    if isinstance(parts, dict):
        for name in _GEO:
            if isinstance(parts.get(name), str):
                user.setdefault("geo", {})[name] = parts[name][:128]


def _address(given: str | None, draft: Draft) -> str | None:
    if draft.config.scrub_ip_addresses:
        return None
    if given and given != AUTO:
        return given
    event = draft.event
    settings = (event.sdk.settings if event.sdk else None) or {}
    policy = settings.get("infer_ip")
    if policy == "never":
        return None
    reported = _reported_address(event)
    if reported:
        return reported
    if given == AUTO or policy == "auto" or event.platform in _INFERRED_FOR or event.csp:
        return draft.receipt.remote_addr if is_address(draft.receipt.remote_addr) else None
    return None


def _reported_address(event: Event) -> str | None:
    env = event.request.get("env") if isinstance(event.request, dict) else None
    address = env.get("REMOTE_ADDR") if isinstance(env, dict) else None
    return address if isinstance(address, str) and is_address(address) else None
