"""The final tags of an event, and who its user is.

Source: the ingest specification, 7.5, 10.5, 14.2 to 14.4, 14.6 and 14.7. Tags keep their plain names here (`release`,
`dist`, `user`).
"""

from typing import Any

from vedette.digest.draft import Draft
from vedette.digest.values import EventUser
from vedette.wire.event import Event

LIMIT = 200


def tag(draft: Draft) -> Draft:
    """Fill `draft.tags` and `draft.user`."""
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
    if event.user:
        draft.user = _user(event.user, draft.config.scrub_ip_addresses)
        if draft.user.identity:
            tags["user"] = _short(draft.user.identity)
    url = event.request.get("url") if isinstance(event.request, dict) else None
    if isinstance(url, str) and url:
        tags.setdefault("url", _short(url))
    # Browser, os and device of a user agent are contexts by now, and get their tags like any other.
    for key, context in draft.contexts.items():
        _context_tags(key, context, tags)
    _mechanism_tags(event, tags)
    draft.tags = tags
    return draft


def handled_of(event: Event) -> bool | None:
    """Whether the program caught the last exception itself; None when nobody says."""
    if event.exception is None or not event.exception.values:
        return None
    mechanism = event.exception.values[-1].mechanism
    return mechanism.handled if mechanism is not None else None


def _user(user: dict[str, Any], addresses_hidden: bool) -> EventUser:
    texts = [user.get(name) or "" for name in ("id", "email", "username", "name", "ip_address")]
    ident, email, username, name, ip = texts
    if ident:
        identity = f"id:{ident}"
    elif username:
        identity = f"username:{username}"
    elif email:
        identity = f"email:{email}"
    elif ip:
        identity = f"ip:{ip}"
    else:
        identity = "ip:[ip]" if addresses_hidden else ""
    return EventUser(identity, ident, email, username, name, ip)


def _context_tags(key: str, context: dict[str, Any], tags: dict[str, str]) -> None:
    kind = context.get("type")
    if kind in ("runtime", "browser", "os"):
        combined, name = context.get("os" if kind == "os" else kind), context.get("name")
        _set(tags, key, combined)
        _set(tags, f"{key}.name", name)
        if kind == "os" and isinstance(context.get("rooted"), bool):
            tags[f"{key}.rooted"] = "yes" if context["rooted"] else "no"
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
