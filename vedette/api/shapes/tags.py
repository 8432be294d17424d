"""Tags: their names, their values, how often."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from vedette.api.shapes.base import Moment
from vedette.api.shapes.issues import IssueTagName
from vedette.core.clock import as_z
from vedette.events.rows import TagFacet, TagValue

_USER_PARTS = ("id", "email", "username", "ip")


class TagValueShape(TypedDict):
    """A value of a tag. For `user` the value is taken apart, and `query` finds its events."""

    key: str
    name: str
    value: str
    count: int
    firstSeen: Moment
    lastSeen: Moment
    query: NotRequired[str]
    id: NotRequired[str | None]
    email: NotRequired[str | None]
    username: NotRequired[str | None]
    ipAddress: NotRequired[str | None]


class TagShape(TypedDict):
    """A tag of an issue's events with its most frequent values."""

    key: str
    name: str
    uniqueValues: int
    totalValues: int
    topValues: list[TagValueShape]


def tag_label(key: str) -> str:
    """What people call a tag: `server_name` is "Server Name"."""
    return " ".join(word[:1].upper() + word[1:] for word in key.replace("_", " ").split()) or key


def tag_names(keys: Mapping[str, int]) -> list[IssueTagName]:
    """Tags by name, with the number of events that carry each."""
    return [{"key": key, "name": tag_label(key), "totalValues": total} for key, total in keys.items()]


def as_tag(facet: TagFacet) -> TagShape:
    """A tag with its most frequent values."""
    return {
        "key": facet.key,
        "name": tag_label(facet.key),
        "uniqueValues": facet.unique,
        "totalValues": facet.total,
        "topValues": [as_tag_value(facet.key, value) for value in facet.top],
    }


def as_tag_value(key: str, value: TagValue) -> TagValueShape:
    """A value of a tag."""
    shape: TagValueShape = {
        "key": key,
        "name": value.value,
        "value": value.value,
        "count": value.count,
        "firstSeen": as_z(value.first_seen),
        "lastSeen": as_z(value.last_seen),
    }
    kind, colon, rest = value.value.partition(":")
    if key == "user" and colon and kind in _USER_PARTS:
        shape["query"] = f'user.{kind}:"{rest}"'
        shape["id"] = rest if kind == "id" else None
        shape["email"] = rest if kind == "email" else None
        shape["username"] = rest if kind == "username" else None
        shape["ipAddress"] = rest if kind == "ip" else None
    return shape
