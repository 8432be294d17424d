"""What an import knows of each model before it meets a row: its keys, its columns, its rule, compiled once.

Source: the relocation specification, 1.2, 2.1, 4.4 and 5.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from vedette.core import json
from vedette.core.relocation import Encoding, Relocation, RelocationScope, Silo
from vedette.relocation.files.encodings import BadValue, decoder, encode
from vedette.relocation.files.findings import BadFile, FindingKind, refuse
from vedette.relocation.files.reader import Row
from vedette.relocation.graph import Declaration, Graph
from vedette.relocation.importing.columns import Column, columns_of
from vedette.relocation.importing.options import ImportOptions, ImportScope
from vedette.relocation.importing.rules import rule_for
from vedette.relocation.importing.rules.base import Rule

ORGANIZATION, PROJECT, USER = "sentry.organization", "sentry.project", "sentry.user"
MOST_MODELS = 1000  # that a file may name; there are some 250
OWNERS = (ORGANIZATION, PROJECT, USER)
# The keys of a model that nobody has declared: what its row goes with, if it says so as all others do.
_USUAL_KEYS = " ".join(f"{name}>{name}? {name}_id>{name}?" for name in ("organization", "project", "user"))
_MOST = 2**63 - 1
Becomes = Callable[[Any, Any], Any]  # from a raw value and the decoded one to what is kept
# Texts that older files hold as pickles or as literals of Python.
_NO_JSON = frozenset({Encoding.MOMENT, Encoding.UUID})
_HAD_OTHER_FORMS = frozenset({Encoding.OPTION, Encoding.JSON_TEXT, Encoding.LITERAL_LIST, Encoding.TEXT_LIST})


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key: its name in files, the model that it leads to, and whether a row can do without it."""

    name: str
    target: str
    required: bool


class Plan:
    """What is done with rows of one model. `position` numbers it, `is_unknown` means that nobody has declared it."""

    def __init__(self, position: int, declaration: Declaration, options: ImportOptions, *, is_unknown: bool) -> None:
        wire = declaration.wire
        self.position = position
        self.declaration = declaration
        self.wire = wire
        self.model = wire.model
        self.is_unknown = is_unknown
        self.rule: Rule = rule_for(wire.model)
        self.keys = tuple(_keys(wire, self.rule, is_unknown=is_unknown))
        self.may_be_null = frozenset(name for name, key in wire.foreign_keys.items() if key.nullable)
        self.key_places = {key.name: place for place, key in enumerate(self.keys)}
        self.columns = columns_of(declaration)
        self.by_wire = {column.wire: column for column in self.columns if column.wire is not None}
        self.decoders: dict[str, Callable[[Any], Any]] = {
            name: decoder(encoding) for name, encoding in wire.fields.items()
        }
        # What is left to be decoded after `check`.
        self.conversions = tuple(
            (name, self.decoders[name])
            for name, code in wire.fields.items()
            if code in _NO_JSON and name in self.by_wire
        )
        self._checked = _checked(self)
        self._options = options
        # A file does not say how old it is: where an older format had other scopes, the row decides.
        self._own_scopes = tuple(dict.fromkeys((*wire.scopes, *wire.older_scopes)))
        self._scopes = [scope for scope in self._own_scopes if scope in options.scope.allowed]
        self._always_in = len(self._scopes) == len(self._own_scopes)
        self.is_in_scope = bool(self._scopes)
        self.known = frozenset({*self.decoders, *self.key_places})

    def is_wanted(self, fields: dict[str, Any]) -> bool:
        """Whether the import's scope takes the row, as far as it says itself."""
        if not self._scopes:
            return False
        if not self._always_in:
            scope = self.rule.scope_of(fields, self._own_scopes)
            if scope is not None and scope not in self._scopes:
                return False
        return self.rule.is_wanted(fields, self._options)

    def key_values(self, row: Row) -> list[int | None]:
        """The foreign keys of a row, in the order of `keys`. Raises `BadFile`."""
        fields = row.fields
        values = [fields.get(key.name) for key in self.keys]
        for place, value in enumerate(values):
            if value is not None and (type(value) is not int or not 0 <= value <= _MOST):
                if self.is_unknown:
                    values[place] = None
                    continue
                raise self._refused(row, self.keys[place].name, FindingKind.BAD_VALUE, "it is not the pk of a row")
        return values

    def check(self, row: Row) -> None:
        """Look at every field of a row that is wanted, and put what JSON can hold of the values in the place of their
        encodings; of a preserved row only the texts of older files are changed, into today's.

        Raises `BadFile` for a value that is not of its encoding, that the table cannot hold, or that the model's rule
        complains about.
        """
        fields, changed = row.fields, {}
        for name, read, column, becomes in self._checked:
            if name in fields:
                raw = fields[name]
                try:
                    value = read(raw)
                except BadValue as error:
                    raise self._refused(row, name, error.kind, str(error)) from error
                if column is not None and (complaint := column.complaint(value)):
                    raise self._refused(row, name, FindingKind.VALIDATION_ERROR, complaint)
                if value is not raw and becomes is not None:
                    changed[name] = becomes(raw, value)
        if found := self.rule.complaint(fields):
            raise self._refused(row, found[0], FindingKind.VALIDATION_ERROR, found[1])
        fields |= changed

    def others(self, fields: dict[str, Any]) -> list[str]:
        """The names of fields that the model is not declared with."""
        return [name for name in fields if name not in self.known]

    def _refused(self, row: Row, field: str, kind: FindingKind, reason: str) -> BadFile:
        return refuse(kind, reason, model=row.model, left_pk=row.pk, field=field, line=row.line, row=row.number)


def _value(raw: Any, value: Any) -> Any:
    return value


def _today(code: Encoding) -> Becomes:
    """A text of an older file as files have it today; one that is JSON stays."""

    def become(raw: Any, value: Any) -> Any:
        if type(raw) is str:
            try:
                json.loads(raw)
            except json.JSONDecodeError:
                return encode(code, value)
        return raw

    return become


def _keys(wire: Relocation, rule: Rule, *, is_unknown: bool) -> Iterator[Key]:
    for name, key in wire.foreign_keys.items():
        yield Key(name, key.target, not key.nullable or name in rule.keeps or is_unknown)


def _checked(plan: "Plan") -> tuple[tuple[str, Callable[[Any], Any], Column | None, Becomes | None], ...]:
    found = []
    for name, code in plan.wire.fields.items():
        becomes: Becomes | None = _value
        if plan.declaration.is_preserved:
            becomes = _today(code) if code in _HAD_OTHER_FORMS else None
        elif code in _NO_JSON or name not in plan.by_wire:
            becomes = None
        column = None if name in plan.rule.adjusts else plan.by_wire.get(name)
        found.append((name, plan.decoders[name], column, becomes))
    return tuple(found)


class Plans:
    """The plans of all models that the file holds, made when they are met."""

    def __init__(self, graph: Graph, options: ImportOptions) -> None:
        self.graph = graph
        self.options = options
        self._by_spelling: dict[str, Plan | None] = {}
        self._unknown: list[str] = []
        self._all = {
            name: Plan(place, graph[name], options, is_unknown=False) for place, name in enumerate(graph.order)
        }

    def find(self, name: str) -> Plan | None:
        """The plan of a model as a file spells it; None for a model that never travels.

        Raises `BadFile` for a file that names more models than there are: each of them costs a table.
        """
        if name not in self._by_spelling:
            if len(self._by_spelling) >= MOST_MODELS:
                raise refuse(FindingKind.TOO_LARGE, f"the file names more than {MOST_MODELS} models", model=name)
            self._by_spelling[name] = self._look(name)
        return self._by_spelling[name]

    def _look(self, name: str) -> Plan | None:
        declaration = self.graph.find(name)
        if declaration is not None:
            return self._all[declaration.wire.model]
        return None if self.graph.is_excluded(name) else self.add_unknown(name)

    def add_unknown(self, name: str) -> Plan:
        """A plan for a model that nobody has declared: kept with what it goes with, after all others."""
        if name not in self._all:
            wide = self.options.scope in (ImportScope.ORGANIZATION, ImportScope.GLOBAL)
            scopes = (RelocationScope.ORGANIZATION if wide else RelocationScope.GLOBAL,)
            wire = Relocation(name, Silo.REGION, scopes, keys=_USUAL_KEYS)
            self._all[name] = Plan(len(self._all), Declaration(wire, None), self.options, is_unknown=True)
            self._unknown.append(name)
        return self._all[name]

    @property
    def unknown(self) -> list[str]:
        """The names of unknown models, in the order in which they were met."""
        return self._unknown

    def __getitem__(self, model: str) -> Plan:
        return self._all[model]

    def __contains__(self, model: object) -> bool:
        return model in self._all

    def __iter__(self) -> Iterator[Plan]:
        """In canonical order, unknown ones last."""
        return iter(self._all.values())
