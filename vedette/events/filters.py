"""Conditions on events: a window, tag filters, free text. Rendered with every value bound, never as text.

Which keys are columns and how values compare comes from the search specification, sections 4, 5 and 9.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from vedette.core.clock import EPOCH
from vedette.events.rows import Window

Operator = Literal["=", "!=", "has", "!has", "like", "!like"]

# The expression that the text index `tag_pairs` holds. It must be written like this, character by character.
TAG_PAIRS = "arrayMap((k, v) -> concat(k, '=', v), mapKeys(tags), mapValues(tags))"

# Search keys that are columns of `errors`. Every other key, and any `tags[key]`, is a tag.
TEXT_COLUMNS = {
    "environment": "environment",
    "release": "release",
    "dist": "dist",
    "level": "level",
    "logger": "logger",
    "platform": "platform",
    "platform.name": "platform",
    "type": "type",
    "event.type": "type",
    "transaction": "transaction",
    "title": "title",
    "culprit": "culprit",
    "location": "location",
    "user": "user",
    "user.id": "user_id",
    "user.email": "user_email",
    "user.username": "user_name",
    "user.ip": "user_ip",
    "sdk.name": "sdk_name",
    "sdk.version": "sdk_version",
    "trace": "trace_id",
    "trace.span": "span_id",
}
ARRAY_COLUMNS = {
    "error.type": "exception_types",
    "error.value": "exception_values",
    "stack.filename": "frame_filenames",
    "stack.function": "frame_functions",
}

_EXPLICIT_TAG = re.compile(r"tags\[(.+)\]", re.DOTALL)
_HEX_32 = re.compile(r"[0-9a-fA-F]{32}")


@dataclass(frozen=True, slots=True)
class TagFilter:
    """One event-level condition. Several of them must hold for the same event.

    "=" any of `values` (compared exactly), "!=" none of them, "has"/"!has" present and not empty, "like"/"!like" any
    (none) of the patterns: `*` is any run of characters, `\\*` a star; anchored, whatever the letter case. An absent
    tag compares as the empty string.
    """

    key: str
    op: Operator
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AggregateFilter:
    """A condition on an issue's events in the window: their number, or the moment (ms) of the last of them."""

    what: Literal["times_seen", "last_seen", "first_seen", "users"]
    op: Literal["=", "!=", "<", "<=", ">", ">="]
    value: int


@dataclass(slots=True)
class Sql:
    """A growing list of ANDed conditions with the values that they bind."""

    where: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: Any, kind: str) -> str:
        """The placeholder of a value; `kind` is a ClickHouse type of ours, never input."""
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f"{{{name}:{kind}}}"

    def add(self, condition: str) -> None:
        """One more condition."""
        self.where.append(condition)

    @property
    def clause(self) -> str:
        """` WHERE …`, or nothing."""
        return " WHERE " + " AND ".join(f"({condition})" for condition in self.where) if self.where else ""


def in_projects(projects: Sequence[int]) -> Sql:
    """Events of these projects. Raises `ValueError` for none: an empty list must never mean all."""
    if not projects:
        raise ValueError("a question about events names its projects")
    sql = Sql()
    sql.add(f"project_id IN {sql.bind(list(projects), 'Array(UInt64)')}")
    return sql


def in_window(window: Window, *, group_ids: Sequence[int] | None = None) -> Sql:
    """Events of a window, and of these issues only when they are given."""
    sql = in_projects(window.projects)
    sql.add(in_time(sql, window))
    in_environments(sql, window.environments)
    if group_ids is not None:
        sql.add(f"group_id IN {sql.bind(list(group_ids), 'Array(UInt64)')}")
    return sql


def in_time(sql: Sql, window: Window) -> str:
    """The condition that an event lies between the window's edges; not added to the others."""
    return f"timestamp >= {at_moment(sql, window.start)} AND timestamp < {at_moment(sql, window.end)}"


def in_environments(sql: Sql, environments: Sequence[str]) -> None:
    """Only these environments; none given means all, the empty name means events without one."""
    if environments:
        sql.add(f"environment IN {sql.bind(list(environments), 'Array(String)')}")


def with_tags(sql: Sql, filters: Sequence[TagFilter]) -> None:
    """Every one of the filters."""
    for each in filters:
        sql.add(_condition(sql, each))


def with_text(sql: Sql, text: str | None) -> None:
    """Title or message contains the text, whatever the letter case; a star in it is any run of characters."""
    if text:
        pattern = _contains(sql, text)
        sql.add(f"lowerUTF8(title) LIKE {pattern} OR lowerUTF8(message) LIKE {pattern}")


def with_levels(sql: Sql, levels: Sequence[str]) -> None:
    """One of these levels; none given means all."""
    if levels:
        sql.add(f"level IN {sql.bind(list(levels), 'Array(String)')}")


def like_pattern(pattern: str) -> str:
    r"""A search pattern as a LIKE pattern: `*` becomes `%`, `\*` and `\\` the characters, `%` and `_` are literal."""
    out = []
    characters = iter(pattern)
    for character in characters:
        if character == "*":
            out.append("%")
            continue
        if character == "\\":
            character = next(characters, "\\")
        out.append("\\" + character if character in "%_\\" else character)
    return "".join(out)


def at_moment(sql: Sql, moment: datetime) -> str:
    """A moment, bound as microseconds: exact, and no time zone on the way."""
    return f"fromUnixTimestamp64Micro({sql.bind((moment - EPOCH) // timedelta(microseconds=1), 'Int64')}, 'UTC')"


def tag_column(key: str) -> str | None:
    """The text column that a key stands for; None when it is a tag."""
    return TEXT_COLUMNS.get(key)


def tag_name(key: str) -> str:
    """The tag that a key stands for: `tags[level]` is the tag, even where `level` is a column."""
    match = _EXPLICIT_TAG.fullmatch(key)
    return match[1] if match else key


def _condition(sql: Sql, each: TagFilter) -> str:
    negated = each.op.startswith("!")
    if each.key in ("error.handled", "error.unhandled"):
        return _handled(each, negated)
    if each.key == "id":
        return _event_id(sql, each, negated)
    if each.key in ("message", "text") and each.op in ("=", "!=", "like", "!like"):
        condition = " OR ".join(f"lowerUTF8(message) LIKE {_contains(sql, value)}" for value in each.values) or "0"
    elif each.key in ARRAY_COLUMNS:
        condition = _array(sql, ARRAY_COLUMNS[each.key], each)
    else:
        column = "message" if each.key == "message" else tag_column(each.key)
        condition = _text(sql, column, each) if column else _tag(sql, tag_name(each.key), each)
    return f"NOT ({condition})" if negated else condition


def _text(sql: Sql, expression: str, each: TagFilter) -> str:
    if each.op in ("has", "!has"):
        return f"{expression} != ''"
    if each.op in ("like", "!like"):
        return " OR ".join(f"lowerUTF8({expression}) LIKE {_anchored(sql, value)}" for value in each.values) or "0"
    return f"{expression} IN {sql.bind(list(each.values), 'Array(String)')}"


def _tag(sql: Sql, key: str, each: TagFilter) -> str:
    """The text index answers equality with what is not empty; the map answers everything else."""
    if each.op != "=" or "" in each.values or not each.values:
        return _text(sql, _tag_value(sql, key), each)
    pairs = sql.bind([f"{key}={value}" for value in each.values], "Array(String)")
    indexed = f"hasAny({TAG_PAIRS}, {pairs})"
    # `a=b` with `c` and `a` with `b=c` are one pair: where that can happen the map has the last word.
    if "=" in key or any("=" in value for value in each.values):
        return f"{indexed} AND {_text(sql, _tag_value(sql, key), each)}"
    return indexed


def _tag_value(sql: Sql, key: str) -> str:
    return f"tags[{sql.bind(key, 'String')}]"


def _array(sql: Sql, column: str, each: TagFilter) -> str:
    if each.op in ("has", "!has"):
        return f"arrayExists(x -> x != '', {column})"
    if each.op in ("like", "!like"):
        any_of = " OR ".join(f"lowerUTF8(x) LIKE {_anchored(sql, value)}" for value in each.values) or "0"
        return f"arrayExists(x -> {any_of}, {column})"
    return f"hasAny({column}, {sql.bind(list(each.values), 'Array(String)')})"


def _handled(each: TagFilter, negated: bool) -> str:
    """Unhandled is what an exception says; everything else counts as handled, also what says nothing."""
    if each.op in ("has", "!has"):
        return "handled IS NULL" if negated else "handled IS NOT NULL"
    wanted = any(value.lower() in ("1", "true") for value in each.values)
    unhandled = (each.key == "error.unhandled") == (wanted != negated)
    return f"ifNull(handled, true) = {'false' if unhandled else 'true'}"


def _event_id(sql: Sql, each: TagFilter, negated: bool) -> str:
    ids = [value.replace("-", "") for value in each.values]
    bound = sql.bind([value for value in ids if _HEX_32.fullmatch(value)], "Array(UUID)")
    return f"event_id {'NOT ' if negated else ''}IN {bound}"


def _anchored(sql: Sql, pattern: str) -> str:
    return f"lowerUTF8({sql.bind(like_pattern(pattern), 'String')})"


def _contains(sql: Sql, pattern: str) -> str:
    return f"lowerUTF8({sql.bind('%' + like_pattern(pattern) + '%', 'String')})"
