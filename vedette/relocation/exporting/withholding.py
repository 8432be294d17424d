"""What does not leave with an export that an owner asks for on a page: whatever would let its reader act as others.

An owner of one organization of a server sees its members, but is no keeper of their accounts. Imports outside of Global
scope replace these values anyway, so nothing is lost (relocation specification, 4.8 and 5.5).
"""

from typing import Any

WITHHELD: dict[str, dict[str, Any]] = {
    "sentry.user": {"password": "!", "session_nonce": None},
    "sentry.useremail": {"validation_hash": ""},
    "sentry.organizationmember": {"token": None, "token_expires_at": None},
}
"""By wire name, the fields and what stands in their place."""


def withhold(model: str, fields: dict[str, Any]) -> None:
    """Take the credentials out of a row."""
    for name, instead in WITHHELD.get(model, {}).items():
        if name in fields:
            fields[name] = instead
