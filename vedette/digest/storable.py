"""Values as every database can keep them."""

from typing import Any


def storable(value: Any) -> Any:
    """`value` without NUL characters, which PostgreSQL cannot keep in texts and documents."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd") if "\0" in value else value
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    return value
