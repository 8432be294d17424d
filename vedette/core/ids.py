"""Ids that people and machines see: event ids, short ids, tokens' random parts.

Short ids are base 32 with Crockford's digits (issue-workflow specification, section 1): `SHOP-7F`.
"""

import re
import secrets
import uuid

SHORT_ID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SHORT_ID = re.compile(r"(?P<slug>[A-Za-z0-9_-]+)-(?P<number>[0-9A-Za-z]+)")
_EVENT_ID = re.compile(r"[0-9a-fA-F]{32}")
_ID = re.compile(r"[0-9]{1,18}")  # so many digits always fit into 63 bits


def new_event_id() -> str:
    """A fresh event id: 32 lower-case hex digits."""
    return uuid.uuid4().hex


def as_event_id(text: object) -> str | None:
    """The 32 lower-case hex digits of an event id in any of its forms (hex, dashes, braces); None if it is none.

    Source: the ingest specification, 7.3. The nil id is accepted as it is.
    """
    if not isinstance(text, str):
        return None
    text = text.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    if len(text) == 36 and text[8] == text[13] == text[18] == text[23] == "-":
        text = text.replace("-", "")
    return text.lower() if _EVENT_ID.fullmatch(text) else None


def as_id(text: str) -> int | None:
    """The number of a row that `text` spells: ASCII digits, at most 18, so below 2**63; None if it is none."""
    return int(text) if _ID.fullmatch(text) else None


def base32(number: int) -> str:
    """`number` (zero or more) in the digits of short ids."""
    if number < 0:
        raise ValueError("short ids are not negative")
    digits = ""
    while True:
        number, digit = divmod(number, 32)
        digits = SHORT_ID_DIGITS[digit] + digits
        if not number:
            return digits


def short_id(project_slug: str, number: int) -> str:
    """What people call an issue: the project's slug in upper case, a dash, the number in base 32."""
    return f"{project_slug.upper()}-{base32(number)}"


def parse_short_id(text: str) -> tuple[str, int] | None:
    """(project slug in lower case, number) of a short id in any letter case; None if it cannot be one."""
    match = _SHORT_ID.fullmatch(text)
    if not match:
        return None
    number = 0
    for character in match["number"].upper():
        digit = SHORT_ID_DIGITS.find(character)
        if digit < 0:
            return None
        number = number * 32 + digit
    return (match["slug"].lower(), number) if number < 2**63 else None


def new_hex(nbytes: int) -> str:
    """`2 * nbytes` random lower-case hex digits, fit for a secret."""
    return secrets.token_hex(nbytes)
