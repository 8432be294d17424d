"""Events: in lists, and whole.

The stored payload speaks the protocol's words (`lineno`, `abs_path`); clients of the API know others (`lineNo`,
`absPath`): `entries` translates.
"""

from typing import Any, NotRequired, TypedDict

from vedette.api.shapes.base import Moment
from vedette.api.shapes.entries import entries_of
from vedette.api.shapes.issues import UserReportShape
from vedette.api.shapes.releases import ReleaseShape
from vedette.core import json
from vedette.core.clock import as_z
from vedette.events.rows import EventSummary, StoredEvent

_ERROR_SENTENCES = {
    "invalid_data": "Discarded invalid value",
    "missing_attribute": "Missing value for required attribute",
    "invalid_attribute": "Discarded unknown attribute",
    "value_too_long": "Discarded value due to exceeding maximum length",
    "past_timestamp": "Timestamp too far in the past",
    "future_timestamp": "Timestamp in the future",
    "clock_drift": "Clock drift detected in SDK",
}


class EventTag(TypedDict):
    """A tag of an event."""

    key: str
    value: str


class EventUser(TypedDict):
    """Whom an event hit."""

    id: str | None
    email: str | None
    username: str | None
    ip_address: str | None
    name: str | None
    geo: NotRequired[dict[str, Any] | None]
    data: NotRequired[dict[str, Any] | None]


EventListItem = TypedDict(
    "EventListItem",
    {
        "id": str,
        "eventID": str,
        "event.type": str,
        "groupID": str | None,
        "projectID": str,
        "title": str,
        "message": str,
        "location": str | None,
        "culprit": str | None,
        "user": EventUser | None,
        "tags": list[EventTag],
        "platform": str | None,
        "dateCreated": Moment,
        "crashFile": str | None,
        "hasBody": bool,
        "metadata": dict[str, Any],
    },
)
EventListItem.__doc__ = "An event, as lists show it."


class Entry(TypedDict):
    """One part of an event: an exception, breadcrumbs, a request …"""

    type: str
    data: dict[str, Any]


class EventError(TypedDict):
    """What was wrong with an event as it came."""

    type: str
    message: str
    data: dict[str, Any]


class Sdk(TypedDict):
    """What sent an event."""

    name: str | None
    version: str | None


class GroupingConfig(TypedDict):
    """How an event was grouped."""

    id: str
    enhancements: str


class EventDetails(TypedDict):
    """A whole event. `nextEventID` is the newer one beside it. Without `hasBody` it came in a storm: its stack trace,
    breadcrumbs and context were not kept."""

    id: str
    eventID: str
    groupID: str | None
    projectID: str
    title: str
    message: str
    type: str
    entries: list[Entry]
    culprit: str | None
    dateCreated: Moment
    dateReceived: Moment
    contexts: dict[str, Any]
    context: dict[str, Any]
    tags: list[EventTag]
    user: EventUser | None
    sdk: Sdk | None
    packages: dict[str, Any]
    platform: str | None
    size: int
    dist: str | None
    errors: list[EventError]
    metadata: dict[str, Any]
    fingerprints: list[str]
    groupingConfig: GroupingConfig
    occurrence: dict[str, Any] | None
    release: ReleaseShape | None
    userReport: UserReportShape | None
    sdkUpdates: list[Any]
    resolvedWith: list[str]
    nextEventID: str | None
    previousEventID: str | None
    location: str | None
    crashFile: str | None
    hasBody: bool
    _meta: dict[str, Any]


def as_event_item(event: EventSummary, metadata: dict[str, Any] | None = None) -> EventListItem:
    """An event for a list. `metadata` is its issue's, which is not kept with each event."""
    return {
        "id": event.event_id,
        "eventID": event.event_id,
        "event.type": event.type,
        "groupID": str(event.group_id) if event.group_id else None,
        "projectID": str(event.project_id),
        "title": event.title,
        "message": event.message,
        "location": event.location or None,
        "culprit": event.culprit or None,
        "user": _user_of_summary(event),
        "tags": as_tags(event),
        "platform": event.platform or None,
        "dateCreated": as_z(event.timestamp),
        "crashFile": None,
        "hasBody": event.has_body,
        "metadata": metadata or {},
    }


def as_tags(event: EventSummary) -> list[EventTag]:
    """An event's tags by key."""
    return [{"key": key, "value": value} for key, value in event.tags]


def _user_of_summary(event: EventSummary) -> EventUser | None:
    if not event.user:
        return None
    return {
        "id": event.user_id or None,
        "email": event.user_email or None,
        "username": event.user_name or None,
        "ip_address": event.user_ip or None,
        "name": None,
    }


def as_event(
    stored: StoredEvent,
    older: str | None,
    newer: str | None,
    release: ReleaseShape | None,
    report: UserReportShape | None,
) -> EventDetails:
    """A whole event, with what stands beside it."""
    event, payload = stored.summary, payload_of(stored)
    grouping = _dict(payload.get("grouping"))
    meta = _dict(payload.get("_meta"))
    entries, kinds = entries_of(payload)
    return {
        "id": event.event_id,
        "eventID": event.event_id,
        "groupID": str(event.group_id) if event.group_id else None,
        "projectID": str(event.project_id),
        "title": event.title,
        "message": _message(payload),
        "type": event.type,
        "entries": [{"type": kind, "data": data} for kind, data in entries],
        "culprit": event.culprit,
        "dateCreated": as_z(event.timestamp),
        "dateReceived": as_z(event.received_at),
        "contexts": _dict(payload.get("contexts")),
        "context": _dict(payload.get("extra")),
        "tags": as_tags(event),
        "user": _user(payload.get("user")),
        "sdk": _sdk(payload.get("sdk")),
        "packages": _dict(payload.get("modules")),
        "platform": event.platform or None,
        "size": len(stored.payload),
        "dist": event.dist or None,
        "errors": [_error(error) for error in _list(payload.get("errors"))],
        "metadata": _dict(payload.get("metadata")),
        "fingerprints": _hashes(grouping),
        "groupingConfig": {"id": str(grouping.get("config") or ""), "enhancements": ""},
        "occurrence": None,
        "release": release,
        "userReport": report,
        "sdkUpdates": [],
        "resolvedWith": [],
        "nextEventID": newer,
        "previousEventID": older,
        "location": event.location or None,
        "crashFile": None,
        "hasBody": event.has_body,
        "_meta": {
            "entries": {str(place): {"data": meta[kind]} for place, kind in enumerate(kinds) if kind in meta},
            "message": meta.get("logentry"),
            "user": meta.get("user"),
            "contexts": meta.get("contexts"),
            "context": meta.get("extra"),
            "packages": meta.get("modules"),
            "sdk": meta.get("sdk"),
            "tags": meta.get("tags"),
        },
    }


def payload_of(stored: StoredEvent) -> dict[str, Any]:
    """The stored payload as an object; an unreadable one is empty."""
    try:
        return _dict(json.loads(stored.payload))
    except json.JSONDecodeError:
        return {}


def _message(payload: dict[str, Any]) -> str:
    entry = _dict(payload.get("logentry"))
    text = entry.get("formatted") or entry.get("message")
    return text if isinstance(text, str) else ""


def _user(value: Any) -> EventUser | None:
    user = _dict(value)
    if not user:
        return None
    return {
        "id": _text(user.get("id")),
        "email": _text(user.get("email")),
        "username": _text(user.get("username")),
        "ip_address": _text(user.get("ip_address")),
        "name": _text(user.get("name")),
        "geo": _dict(user.get("geo")) or None,
        "data": _dict(user.get("data")) or None,
    }


def _sdk(value: Any) -> Sdk | None:
    sdk = _dict(value)
    return {"name": _text(sdk.get("name")), "version": _text(sdk.get("version"))} if sdk else None


def _error(value: Any) -> EventError:
    error = _dict(value)
    kind = str(error.get("type") or "unknown_error")
    data = {key: item for key, item in error.items() if key != "type"}
    return {"type": kind, "message": _ERROR_SENTENCES.get(kind, "Unknown error"), "data": data}


def _hashes(grouping: dict[str, Any]) -> list[str]:
    variants = _dict(grouping.get("variants")).values()
    found = [variant.get("hash") for variant in variants if isinstance(variant, dict)]
    return list(dict.fromkeys(one for one in found if isinstance(one, str)))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
