"""The component tree: what of an event contributes to its hash, and why the rest does not.

Source: the grouping specification, 1.2.
"""

from __future__ import annotations

import hashlib
from typing import Any

from msgspec import Struct


class Component(Struct, frozen=True, gc=False):
    """A node of the tree. `text` is what it adds to the hash: the contributing leaves, in order, without separators.

    A node that does not contribute has no text; `hint` says why, in words for people.
    """

    id: str
    values: tuple[Component | str, ...]
    contributes: bool
    text: str
    hint: str | None = None


def leaf(name: str, value: str | None, hint: str | None = None) -> Component:
    """A node of one string; it contributes unless the string is empty."""
    if not value:
        return Component(name, (), False, "", hint)
    return Component(name, (value,), True, value, hint)


def silent(name: str, value: str | None, hint: str) -> Component:
    """A leaf that is there, but does not contribute."""
    return Component(name, (value,) if value else (), False, "", hint)


def node(name: str, values: tuple[Component, ...] | list[Component], hint: str | None = None) -> Component:
    """A node over others; it contributes if one of them does."""
    text = "".join([value.text for value in values])
    return Component(name, tuple(values), bool(text) or any(value.contributes for value in values), text, hint)


def silenced(component: Component, hint: str) -> Component:
    """The same node, not contributing."""
    return Component(component.id, component.values, False, "", hint)


def digest(text: str) -> str:
    """The hash of a text: MD5, because it only has to tell texts apart."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def as_tree(component: Component) -> dict[str, Any]:
    """The component as plain JSON values, for the page that explains a grouping."""
    return {
        "id": component.id,
        "contributes": component.contributes,
        "hint": component.hint,
        "values": [value if isinstance(value, str) else as_tree(value) for value in component.values],
    }
