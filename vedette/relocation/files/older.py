"""Rows of older files in the shape of today's.

A file does not say which version wrote it, so each row is judged by what it holds. What was removed over the years is
taken out, what it told is kept where it belongs now: an owner that was an "actor" becomes a team or a user, whatever
the order of the rows is. Older texts (pickles, Python literals) are read where values are decoded, moved app labels
where models are found. Source: the relocation specification, 4.2 (step 3) and 9 (#8).
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from vedette.relocation.files.findings import Finding, FindingKind, note, warning
from vedette.relocation.files.reader import Row

MOST_ACTORS = 500_000  # that are remembered
MOST_WAITING = 10_000  # rows whose owner was not read yet

_TEAM, _USER = 0, 1  # what an actor stands for, as its `type` says
_ACTOR = "sentry.actor"
# Where an owner is told today: (of a team, of a user).
_OWNED = {"sentry.rule": ("owner_team", "owner_user_id"), "sentry.alertrule": ("team", "user_id")}
_HAD_ACTOR = {"sentry.team": _TEAM, "sentry.user": _USER}
_REMOVED = {"sentry.team": ("org_role", "actor"), "sentry.user": ("actor",), "sentry.grouphistory": ("actor",)}


@dataclass(frozen=True, slots=True)
class Names:
    """How a model's fields are called today: its foreign keys, and all of them."""

    keys: Collection[str]
    all: Collection[str]


def _nobody_knows(model: str) -> Names | None:
    return None


def modern_rows(
    rows: Iterable[Row],
    tell: Callable[[Finding], None],
    names_of: Callable[[str], Names | None] = _nobody_knows,
) -> Iterator[Row]:
    """`rows` in today's shape. `tell` is given what was lost or changed; `names_of` says how the fields of a model are
    called, and None for a model that nobody knows.

    A rule whose owner stands further down in the file is given out later than it came. Everything else keeps its place.
    """
    past = _Past(tell, names_of)
    for row in rows:
        yield from past.read(row)
    yield from past.rest()


class _Past:
    def __init__(self, tell: Callable[[Finding], None], names_of: Callable[[str], Names | None]) -> None:
        self.tell = tell
        self.names_of = names_of
        self.names: dict[str, Names | None] = {}
        self.actors: dict[int, int] = {}  # twice the pk of a team or of a user, and 1 for a user
        self.waiting: deque[Row] = deque()
        self.told: set[str] = set()

    def read(self, row: Row) -> Iterator[Row]:
        model = row.model
        if model == _ACTOR:
            self._meet(row)
            return
        if model in _HAD_ACTOR:
            self._remember(row.fields.get("actor"), _HAD_ACTOR[model], row.pk)
        if model in _REMOVED:
            self._take_out(row, _REMOVED[model])
        self._rename_keys(row)
        if model in _OWNED and "owner" in row.fields and not self._settle(row):
            self.waiting.append(row)
            if len(self.waiting) > MOST_WAITING:
                yield self._orphan(self.waiting.popleft())
            return
        yield row

    def rest(self) -> Iterator[Row]:
        """The rows that waited."""
        while self.waiting:
            row = self.waiting.popleft()
            yield row if self._settle(row) else self._orphan(row)

    # ------------------------------------------------------------ owners

    def _meet(self, row: Row) -> None:
        """An actor stands for a team or for a user. (Before 2023 those pointed to it, and it told its type only.)"""
        if row.fields.get("team") is not None:
            self._remember(row.pk, _TEAM, row.fields["team"])
        elif row.fields.get("user_id", row.fields.get("user")) is not None:
            self._remember(row.pk, _USER, row.fields.get("user_id", row.fields.get("user")))

    def _remember(self, actor: Any, kind: int, pk: Any) -> None:
        if type(actor) is int and type(pk) is int and len(self.actors) < MOST_ACTORS:
            self.actors[actor] = pk * 2 + kind

    def _settle(self, row: Row) -> bool:
        """Say the owner as today, and whether that could be done."""
        fields = row.fields
        team, user = _OWNED[row.model]
        actor = fields["owner"]
        if actor is not None and fields.get(team) is None and fields.get(user) is None:
            meant = self.actors.get(actor) if type(actor) is int else None
            if meant is None:
                return False
            fields[user if meant % 2 else team] = meant // 2
            self._note(row, "owner", "its owner was an actor; it is the team or the user that the actor stood for")
        del fields["owner"]
        return True

    def _orphan(self, row: Row) -> Row:
        actor = row.fields.pop("owner")
        reason = f"its owner is the actor {actor!r:.40}, which is not in the file: it has no owner now"
        self.tell(warning(FindingKind.NULLED_REFERENCE, reason, **_place(row, "owner")))
        return row

    # ------------------------------------------------------------ fields

    def _take_out(self, row: Row, names: tuple[str, ...]) -> None:
        for name in names:
            if row.fields.pop(name, None) is not None and name != "actor":
                reason = "this field is no more: what it told is left out"
                self.tell(warning(FindingKind.TRANSLATED, reason, **_place(row, name)))

    def _rename_keys(self, row: Row) -> None:
        """A key to another silo is called `user_id` where it was `user` before there were silos; and the other way."""
        names = self._names(row.model)
        if names is None:
            return
        fields = row.fields
        for name in names.keys:
            if name not in fields:
                before = name[:-3] if name.endswith("_id") else f"{name}_id"
                if before in fields and before not in names.all and _may_be_key(fields[before]):
                    fields[name] = fields.pop(before)
                    self._note(row, before, f"this key is called {name} now")

    def _names(self, model: str) -> Names | None:
        try:
            return self.names[model]
        except KeyError:
            found = self.names_of(model)
            if len(self.names) < MOST_WAITING:
                self.names[model] = found
            return found

    def _note(self, row: Row, field: str, reason: str) -> None:
        """Tell it once for each field of a model: it is so in all rows of an older file."""
        told = f"{row.model}.{field}"
        if told not in self.told:
            self.told.add(told)
            self.tell(note(FindingKind.TRANSLATED, reason, **_place(row, field)))


def _may_be_key(value: Any) -> bool:
    return value is None or type(value) is int


def _place(row: Row, field: str) -> dict[str, Any]:
    return {"model": row.model, "left_pk": row.pk, "field": field, "line": row.line, "row": row.number}
