"""Who was hit, and from which address.

Source: the ingest specification, 7.5 and 9.6.
"""

import ipaddress
from functools import lru_cache
from typing import Any

from vedette.digest.draft import Draft
from vedette.digest.notes import Notes
from vedette.digest.values import EventUser
from vedette.wire.event import Event

AUTO = "{{auto}}"
TEXTS = {"id": 128, "email": 75, "username": 128, "name": 128, "segment": 128}
"""The plain members of a user, and how long each may be; they are cut after scrubbing."""
SOMEBODY = EventUser("ip:[ip]")
"""Who is known by an address only, where addresses are not kept."""
LONGEST_ADDRESS = 64
_IDENTITY_LIMIT = 200
_GEO = ("city", "subdivision", "country_code", "region")
_INFERRED_FOR = frozenset({"javascript", "cocoa", "objc"})


def is_address(text: str) -> bool:
    """Whether `text` is an IPv4 or IPv6 address."""
    return len(text) <= LONGEST_ADDRESS and _is_address(text)


@lru_cache(maxsize=8192)
def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def settle_user(draft: Draft) -> Draft:
    """`event.user` as a dict of known members and `data`, with the address of the sender where the rules say so."""
    event, notes = draft.event, draft.notes
    user: dict[str, Any] = {}
    if isinstance(event.user, dict):
        user = _user(event.user, notes)
    elif event.user is not None:
        notes.error("invalid_data", "user", reason="expected an object")
    given = user.pop("ip_address", None)
    if draft.config.scrub_ip_addresses:
        if given is not None and given != AUTO:
            draft.user = SOMEBODY
            notes.remark(("user", "ip_address"), "@ip:remove", "x")
    else:
        address = _address(given, draft)
        if address:
            user["ip_address"] = address
    event.user = user or None
    return draft


def identify(draft: Draft) -> Draft:
    """Fill `draft.user`. Runs after scrubbing and before cutting: what makes people different may be at the end."""
    user = draft.event.user
    if user:
        draft.user = EventUser(
            _identity(user) or draft.user.identity,
            _short(user.get("id") or "", TEXTS["id"]),
            _short(user.get("email") or "", TEXTS["email"]),
            _short(user.get("username") or "", TEXTS["username"]),
            _short(user.get("name") or "", TEXTS["name"]),
            user.get("ip_address") or "",
        )
    return draft


def _identity(user: dict[str, Any]) -> str:
    for key, label in (("id", "id:"), ("username", "username:"), ("email", "email:"), ("ip_address", "ip:")):
        value = user.get(key)
        if value:
            return _short(label + value, _IDENTITY_LIMIT)
    return ""


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _user(given: dict[str, Any], notes: Notes) -> dict[str, Any]:
    user: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for key, value in given.items():
        if value is None:
            continue
        if key in TEXTS:
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
    return value


def _geo(user: dict[str, Any], key: str, value: Any) -> None:
    parts = value if key == "geo" else {key[4:]: value}
    if isinstance(parts, dict):
        for name in _GEO:
            if isinstance(parts.get(name), str):
                user.setdefault("geo", {})[name] = parts[name][:128]


def _address(given: str | None, draft: Draft) -> str | None:
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
