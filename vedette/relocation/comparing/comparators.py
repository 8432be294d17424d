"""The rules that judge one field of two rows: what each tolerates and what it demands.

A rule is a function of two present values that returns None, or the reason of a finding. Presence itself is checked
before, by `missing`. Reasons show secrets only in part. Source: the relocation specification, 7.3.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import orjson

from vedette.core.relocation import Comparator, Encoding
from vedette.relocation.comparing.masking import mask_email, mask_hash, mask_password
from vedette.relocation.files.encodings import decode
from vedette.relocation.files.values import BadValue

_NAMED = 10  # elements that a reason names

Rule = Callable[[Any, Any], str | None]

_HEX32 = re.compile(r"[0-9a-f]{32}")
_SUBSCRIPTION = re.compile(r"\d+/[0-9a-f]{32}")
_UUID4 = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}", re.IGNORECASE)


def as_moment(value: Any) -> datetime | None:
    """The instant that a text of any ISO notation names (UTC unless it says otherwise), None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def auto_suffix(left: Any, right: Any) -> str | None:
    """Equal, or the right one has a suffix after a hyphen."""
    if right == left or (isinstance(left, str) and isinstance(right, str) and right.startswith(f"{left}-")):
        return None
    return f"the left value {left!r} is not equal to or a prefix, up to a hyphen, of the right value {right!r}"


def date_updated(left: Any, right: Any) -> str | None:
    """The right moment is not earlier."""
    before, after = as_moment(left), as_moment(right)
    if before is None or after is None:
        return _no_moment(left, right, before)
    return None if after >= before else f"the left value ({left}) is later than the right value ({right})"


def datetime_equality(left: Any, right: Any) -> str | None:
    """The same instant in any notation."""
    before, after = as_moment(left), as_moment(right)
    if before is None or after is None:
        return _no_moment(left, right, before)
    return None if after == before else f"the left value ({left}) is not the instant of the right value ({right})"


def _no_moment(left: Any, right: Any, before: datetime | None) -> str:
    side, value = ("left", left) if before is None else ("right", right)
    return f"the {side} value ({str(value)[:40]!r}) is no date and time"


def email(left: Any, right: Any) -> str | None:
    """Equal; shown in part."""
    return _equal(left, right, mask_email)


def hash_obfuscating(left: Any, right: Any) -> str | None:
    """Equal; shown in part."""
    return _equal(left, right, mask_hash)


def _equal(left: Any, right: Any, mask: Callable[[str], str]) -> str | None:
    if left == right:
        return None
    return f"the left value ({mask(_text(left))}) differs from the right value ({mask(_text(right))})"


def ignored(left: Any, right: Any) -> str | None:
    """Anything."""
    return None


def equal_or_removed(left: Any, right: Any) -> str | None:
    """Equal; that the right one may be gone is for `missing`."""
    return None if left == right else f"the left value ({_short(left)}) differs from the right value ({_short(right)})"


def secret_hex(left: Any, right: Any) -> str | None:
    """Sixteen bytes as lower-case hexadecimal digits on both sides."""
    return _both(_HEX32, left, right, "are 32 lower-case hexadecimal digits", must_differ=False)


def subscription_id(left: Any, right: Any) -> str | None:
    """A number, a slash and 32 hexadecimal digits on both sides, and never the same: an import makes a fresh one."""
    return _both(_SUBSCRIPTION, left, right, "are a number, a slash and 32 hexadecimal digits", must_differ=True)


def uuid4(left: Any, right: Any) -> str | None:
    """UUIDs of version 4 on both sides, and never the same: an import makes a fresh one."""
    return _both(_UUID4, left, right, "are UUIDs of version 4", must_differ=True)


def _both(pattern: re.Pattern[str], left: Any, right: Any, rule: str, *, must_differ: bool) -> str | None:
    for side, value in (("left", left), ("right", right)):
        if not (isinstance(value, str) and pattern.fullmatch(value)):
            return f"the {side} value ({mask_hash(_text(value))}) is not as its kind is: both {rule}"
    if must_differ and left == right:
        return f"the left and the right value are both {mask_hash(left)}: an import replaces it, so they must differ"
    return None


def unordered_list(left: Any, right: Any) -> str | None:
    """The same elements in any order, however either list is encoded."""
    if left == right:
        return None
    ours, theirs = elements(left), elements(right)
    if ours is None or theirs is None:
        side, value = ("left", left) if ours is None else ("right", right)
        return f"the {side} value ({_short(value)}) is no list"
    if ours == theirs:
        return None
    only_left = ", ".join(part[:80] for part in _without(ours, theirs)) or "nothing"
    only_right = ", ".join(part[:80] for part in _without(theirs, ours)) or "nothing"
    return f"the lists hold different elements: only on the left {only_left}; only on the right {only_right}"


def elements(value: Any) -> list[str] | None:
    """The elements of a list of any encoding as JSON texts, sorted; None for what is no list."""
    try:
        found = decode(Encoding.LITERAL_LIST, value)
    except BadValue:
        return None
    return sorted(orjson.dumps(part, option=orjson.OPT_SORT_KEYS).decode() for part in found or ())


def _without(whole: list[str], taken: list[str]) -> list[str]:
    """The elements of which `whole` has more, at most ten."""
    return [*(Counter(whole) - Counter(taken)).elements()][:_NAMED]


def user_password(left: Mapping[str, Any], right: Mapping[str, Any]) -> str | None:
    """Judge the passwords of two whole user rows.

    A claimed account keeps its password; an account that has to be claimed has one that nobody knows, set now, which
    has not expired. An account that had to be claimed never comes out claimed.
    """
    before, after = left.get("password"), right.get("password")
    shown = f"({mask_password(_text(before))} and {mask_password(_text(after))})"
    if left.get("is_unclaimed") and not right.get("is_unclaimed"):
        return "the left account has to be claimed, the right one does not"
    if not right.get("is_unclaimed"):
        return None if before == after else f"the passwords of a claimed account differ {shown}"
    if before == after:
        return f"the right account has to be claimed but has the password of the left one {shown}"
    if right.get("is_password_expired"):
        return "the right account has to be claimed, but its password has expired already"
    return _not_earlier(left.get("last_password_change"), right.get("last_password_change"))


def _not_earlier(left: Any, right: Any) -> str | None:
    before, after = as_moment(left), as_moment(right)
    if before is None or (after is not None and after >= before):
        return None
    return f"the right account has to be claimed, but last_password_change went back from {left} to {right}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


RULES: Mapping[Comparator, Rule] = MappingProxyType(
    {
        Comparator.AUTO_SUFFIX: auto_suffix,
        Comparator.DATETIME_EQUALITY: datetime_equality,
        Comparator.DATE_UPDATED: date_updated,
        Comparator.EMAIL: email,
        Comparator.EQUAL_OR_REMOVED: equal_or_removed,
        Comparator.HASH: hash_obfuscating,
        Comparator.IGNORED: ignored,
        Comparator.SECRET_HEX: secret_hex,
        Comparator.SUBSCRIPTION_ID: subscription_id,
        Comparator.UNORDERED_LIST: unordered_list,
        Comparator.UUID4: uuid4,
    }
)
# These find fault with equal values too, so that equal rows are no reason to skip them.
DEMANDING = frozenset({Comparator.SECRET_HEX, Comparator.SUBSCRIPTION_ID, Comparator.UUID4, Comparator.USER_PASSWORD})


def missing(rule: Comparator, left: Any, right: Any) -> str | None:
    """The reason of an existence check: one side has the field and the other does not. Absent is the same as null."""
    if rule is Comparator.IGNORED or (left is None) == (right is None):
        return None
    if left is None:
        return "the field is there on the right, but not on the left"
    if rule is Comparator.EQUAL_OR_REMOVED:
        return None
    return "the field is there on the left, but not on the right"
