"""The final tags of an event.

Source: the ingest specification, 7.5, 10.5, 14.2 to 14.4, 14.6 and 14.7. Tags keep their plain names here (`release`,
`dist`, `user`).
"""

from typing import Any

from vedette.digest.draft import Draft
from vedette.digest.normalise.devices import device_class
from vedette.wire.event import Event

LIMIT = 200
_NOTHING: dict[str, Any] = {}


def tag_fields(draft: Draft) -> Draft:
    """Fill `draft.tags` with what the client sent, then with the fields of the event, which win, and with its URL."""
    event = draft.event
    tags: dict[str, str] = {key: value for key, value in event.tags or () if key and value}
    tags["level"] = event.level
    if event.logger:
        tags["logger"] = event.logger
    if event.environment:
        tags["environment"] = event.environment
    if event.transaction:
        tags["transaction"] = event.transaction
    if event.release:
        tags["release"] = event.release
        if event.dist:
            tags["dist"] = event.dist
    if draft.user.identity:
        tags["user"] = draft.user.identity
    url = event.request.get("url") if isinstance(event.request, dict) else None
    if isinstance(url, str) and url:
        tags.setdefault("url", _short(url))
    draft.tags = tags
    return draft


def tag_interfaces(draft: Draft) -> Draft:
    """Add the tags of contexts and of the last exception's mechanism. These replace what is there."""
    tags = draft.tags
    # Browser, os and device of a user agent are contexts by now, and get their tags like any other.
    for key, context in draft.contexts.items():
        _context_tags(key, context, tags)
    device = draft.contexts.get("device")
    if device is not None:
        strength = device_class(device, draft.contexts.get("os", _NOTHING).get("name"))
        if strength:
            tags["device.class"] = strength
    _mechanism_tags(draft.event, tags)
    return draft


def handled_of(event: Event) -> bool | None:
    """Whether the program caught the last exception itself; None when nobody says."""
    if event.exception is None or not event.exception.values:
        return None
    mechanism = event.exception.values[-1].mechanism
    return mechanism.handled if mechanism is not None else None


def _context_tags(key: str, context: dict[str, Any], tags: dict[str, str]) -> None:
    kind = context.get("type")
    if kind in ("runtime", "browser", "os"):
        combined, name = context.get("os" if kind == "os" else kind), context.get("name")
        _set(tags, key, combined)
        _set(tags, f"{key}.name", name)
        if kind == "os" and isinstance(context.get("rooted"), bool):
            _set(tags, f"{key}.rooted", "yes" if context["rooted"] else "no")
    elif kind == "device":
        _set(tags, key, context.get("model"))
        _set(tags, f"{key}.family", context.get("family"))
    elif kind == "app":
        _set(tags, f"{key}.device", context.get("device_app_hash"))
    elif kind == "gpu":
        _set(tags, f"{key}.name", context.get("name"))
        _set(tags, f"{key}.vendor", context.get("vendor_name"))
    elif kind == "monitor":
        _set(tags, f"{key}.id", context.get("id"))
        _set(tags, f"{key}.slug", context.get("slug"))


def _set(tags: dict[str, str], key: str, value: Any) -> None:
    if isinstance(value, str) and value and len(key) <= LIMIT:
        tags[key] = _short(value if "\n" not in value else " ".join(value.split()))


def _short(text: str) -> str:
    return text if len(text) <= LIMIT else text[: LIMIT - 3] + "..."


def _mechanism_tags(event: Event, tags: dict[str, str]) -> None:
    if event.exception is None or not event.exception.values:
        return
    mechanism = event.exception.values[-1].mechanism
    if mechanism is not None:
        _set(tags, "mechanism", mechanism.type)
        if mechanism.handled is not None:
            tags["handled"] = "yes" if mechanism.handled else "no"
