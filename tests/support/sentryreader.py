"""What Sentry's own import would find fault with in a file, as far as its format is specified.

Written from the format alone, not from what Vedette's writer does. Source: the relocation specification, 1 and 10.2.
"""

import ast
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from vedette.core.relocation import Encoding, Generation
from vedette.relocation.graph import graph

Row = dict[str, Any]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_SLUG = re.compile(r"(?!\d+$)[a-z0-9][a-z0-9_-]{0,49}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX32 = re.compile(r"[0-9a-f]{32}")
_SLUGGED = ("sentry.organization", "sentry.team", "sentry.project")


def _is_json_text(value: Any) -> bool:
    """Texts, lists and objects are JSON inside of a text; everything else is as it is."""
    if not isinstance(value, str):
        return isinstance(value, int | float)
    return isinstance(json.loads(value), str | list | dict)


def _is_list(value: Any) -> bool:
    try:
        return isinstance(json.loads(value), list)
    except ValueError:
        return isinstance(ast.literal_eval(value), list)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FORMS: dict[Encoding, Callable[[Any], bool]] = {
    Encoding.TEXT: lambda value: isinstance(value, str),
    Encoding.EMAIL: lambda value: isinstance(value, str),
    Encoding.INTEGER: lambda value: isinstance(value, int) and not isinstance(value, bool),
    Encoding.FLOAT: _is_number,
    Encoding.BOOLEAN: lambda value: isinstance(value, bool),
    Encoding.MOMENT: lambda value: bool(_MOMENT.fullmatch(value)),
    Encoding.UUID: lambda value: bool(_UUID.fullmatch(value)),
    Encoding.BITS: lambda value: isinstance(value, str) and value.isdigit(),
    Encoding.JSON: lambda value: True,
    Encoding.OPTION: _is_json_text,
    Encoding.JSON_TEXT: lambda value: isinstance(json.loads(value), dict),
    Encoding.LITERAL_LIST: _is_list,
    Encoding.TEXT_LIST: lambda value: all(isinstance(part, str) for part in json.loads(value)),
}


def complaints(file: bytes, generation: Generation) -> list[str]:
    """What is wrong with the bytes of a plain export for a Sentry of this generation."""
    rows: list[Row] = json.loads(file)
    return [*_about_the_text(file), *_about_the_order(rows), *_about_rows(rows, generation), *_about_people(rows)]


def _about_the_text(file: bytes) -> Iterator[str]:
    if not file.isascii() or file.endswith(b"\n"):
        yield "the text is not ASCII, or ends with a line break"


def _about_the_order(rows: list[Row]) -> Iterator[str]:
    places = [(graph().order.index(row["model"]), row["pk"]) for row in rows]
    if places != sorted({*places}):
        yield "rows are not in canonical order, contiguous, by ascending pk"


def _about_rows(rows: list[Row], generation: Generation) -> Iterator[str]:
    written: set[tuple[str, int]] = set()
    for row in rows:
        wire = graph()[row["model"]].wire
        where = f"{wire.model} {row['pk']}"
        if [*row] != ["model", "pk", "fields"] or type(row["pk"]) is not int:
            yield f"{where}: this is no row"
        if not wire.exists_in(generation):
            yield f"{where}: an unknown model"
        known = {*wire.names_in(generation)}
        for name, value in row["fields"].items():
            if name not in known and wire.since < Generation.EARLY_2025:
                yield f"{where}: an unknown field, {name}"
            key = wire.foreign_keys.get(name)
            if key is not None and (value is not None or not key.nullable) and (key.target, value) not in written:
                yield f"{where}: {name} leads to no row before it"
            form = _FORMS.get(wire.fields[name]) if name in wire.fields else None
            if form is not None and value is not None and not form(value):
                yield f"{where}: {name} is {value!r}"
        if wire.model in _SLUGGED and not _SLUG.fullmatch(row["fields"]["slug"]):
            yield f"{where}: the slug is none"
        if wire.model == "sentry.projectkey" and not _HEX32.fullmatch(row["fields"]["public_key"]):
            yield f"{where}: the key is none"
        written.add((wire.model, row["pk"]))


def _about_people(rows: list[Row]) -> Iterator[str]:
    of_users = {(row["fields"]["user"], row["fields"]["email"]) for row in rows if row["model"] == "sentry.useremail"}
    known = {row["fields"]["email"].lower() for row in rows if row["model"] == "sentry.email"}
    for row in rows:
        if row["model"] == "sentry.user" and (row["pk"], row["fields"]["email"]) not in of_users:
            yield f"user {row['pk']} has no row with the address"
    for user, email in of_users:
        if email.lower() not in known:
            yield f"the address of user {user} has no row"
