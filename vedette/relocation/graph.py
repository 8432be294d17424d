"""All declarations together: which model depends on which, and the order in which files hold them.

Source: the relocation specification, 5.1 to 5.3.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from django.apps import apps
from django.db import models

from vedette.core.relocation import Relocation, RelocationScope
from vedette.relocation.declared.excluded import EXCLUDED, WAYPOINTS

DOMAINS = (
    "instance",
    "people",
    "signin",
    "organizations",
    "projects",
    "searches",
    "dashboards",
    "monitors",
    "queries",
    "rules",
    "alerts",
    "incidents",
    "integrations",
    "apps",
    "workflows",
)

_FRAMEWORK_LABELS = frozenset({"admin", "auth", "contenttypes", "fixtures", "sessions", "sites"})
_ROOTS = frozenset(
    f"sentry.{name}"
    for name in (
        "user organization controloption option relay relayusage userrole apiapplication integration sentryapp"
    ).split()
)
_NOT_DANGLING_BY_DECREE = frozenset(
    f"sentry.{name}" for name in "alertrule savedsearch servicehook snubaqueryeventtype rulesnooze".split()
)


class CycleFound(ValueError):
    """Models that depend on each other in a circle can be put in no order. `chain` begins and ends with the same."""

    def __init__(self, chain: tuple[str, ...]) -> None:
        super().__init__(f"models depend on each other: {' → '.join(chain)}")
        self.chain = chain


@dataclass(frozen=True, slots=True)
class Declaration:
    """How a model travels, and the table that it has here; None where its rows are kept as they came."""

    wire: Relocation
    table: type[models.Model] | None

    @property
    def is_preserved(self) -> bool:
        """Whether rows are kept without being used."""
        return self.table is None

    def column(self, name: str) -> str | None:
        """The attribute of the table's rows that holds the wire field `name`; None where the table has none.

        A key that is called `organization` in files is `organization_id` here, whether or not the table declares it
        as a foreign key.
        """
        if self.table is None:
            return None
        own = {field.attname for field in self.table._meta.concrete_fields}
        if name in self.wire.foreign_keys:
            return next((wish for wish in (name, f"{name}_id") if wish in own), None)
        return name if name in own else None


class Graph:
    """Every model that a file may hold.

    `order` is the canonical order of wire names, `excluded` the models that never travel, `dangling` those that no
    chain of keys ties to a user, an organization or an instance. Raises `CycleFound`.
    """

    def __init__(
        self,
        declarations: Iterable[Declaration],
        excluded: frozenset[str] = frozenset(),
        waypoints: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self._declarations = {declaration.wire.model: declaration for declaration in declarations}
        self._by_name = {wire.partition(".")[2]: wire for wire in sorted(self._declarations, reverse=True)}
        self._excluded_names = frozenset(wire.partition(".")[2] for wire in excluded)
        self._labels = {wire.partition(".")[0] for wire in (*self._declarations, *excluded)}
        self.excluded = excluded
        needs = {wire: self.dependencies(wire) for wire in self._declarations} | dict(waypoints or {})
        self.order = tuple(wire for wire in canonical_order(needs) if wire in self._declarations)
        self.dangling = _dangling(declaration.wire for declaration in self)

    def __getitem__(self, wire: str) -> Declaration:
        """The declaration of a wire name as this graph spells it. Raises KeyError."""
        return self._declarations[wire]

    def __contains__(self, wire: object) -> bool:
        return wire in self._declarations

    def __iter__(self) -> Iterator[Declaration]:
        """Every declaration, in canonical order."""
        return (self._declarations[wire] for wire in self.order)

    def find(self, name: str) -> Declaration | None:
        """The declaration that a file means by `name`, in any letter case; None for excluded and unknown models.

        Models move between app labels over the years, so under a label that this graph does not know the model's own
        name decides: `monitors.monitor` is `sentry.monitor`. The labels of Django's own apps are known.
        """
        wire = self._meant(name)
        return None if wire is None else self._declarations[wire]

    def is_excluded(self, name: str) -> bool:
        """Whether `name` is a model of the format that never travels, by the same reading."""
        name = name.lower()
        label, _, own = name.partition(".")
        return name in self.excluded or (self._is_unknown(label) and own in self._excluded_names)

    def dependencies(self, wire: str) -> tuple[str, ...]:
        """The wire names of the models that must be written before this one, sorted; excluded ones included."""
        own = self._declarations[wire].wire
        targets = {key.target for key in own.foreign_keys.values()} | {*own.after}
        return tuple(sorted(targets - {wire}))

    def in_scope(self, allowed: frozenset[RelocationScope]) -> Iterator[Declaration]:
        """Declarations of which at least some rows have one of these scopes, in canonical order."""
        return (declaration for declaration in self if allowed & {*declaration.wire.scopes})

    def _meant(self, name: str) -> str | None:
        if name in self._declarations:
            return name
        name = name.lower()
        if name in self._declarations:
            return name
        label, _, own = name.partition(".")
        return self._by_name.get(own) if self._is_unknown(label) else None

    def _is_unknown(self, label: str) -> bool:
        return label not in self._labels and label not in _FRAMEWORK_LABELS


def canonical_order(needs: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The models of `needs` (model → models it depends on), each after all that it needs. Raises `CycleFound`.

    First pass in ascending order of names, later ones in descending order; a model is placed as soon as all that it
    needs is, also within the same pass. Needs that are no model of the mapping are ignored.
    """
    placed: dict[str, None] = {}
    waiting = sorted(needs)
    while waiting:
        later = []
        for name in waiting:
            if all(need in placed or need not in needs or need == name for need in needs[name]):
                placed[name] = None
            else:
                later.append(name)
        if len(later) == len(waiting):
            raise CycleFound(_chain(later, needs))
        waiting = sorted(later, reverse=True)
    return tuple(placed)


def _chain(stuck: list[str], needs: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A circle among models none of which can be placed: every one of them needs another that is stuck."""
    walked = [min(stuck)]
    while True:
        following = next(need for need in needs[walked[-1]] if need in stuck and need != walked[-1])
        if following in walked:
            return (*walked[walked.index(following) :], following)
        walked.append(following)


def _dangling(wires: Iterable[Relocation]) -> frozenset[str]:
    """Models from which no chain of keys that are never null leads to a root. In canonical order one walk suffices."""
    tied: set[str] = set()
    dangling = []
    for wire in wires:
        fixed = {key.target for key in wire.foreign_keys.values() if not key.nullable}
        if wire.model in _ROOTS | _NOT_DANGLING_BY_DECREE or fixed & tied:
            tied.add(wire.model)
        else:
            dangling.append(wire.model)
    return frozenset(dangling)


@cache
def graph() -> Graph:
    """The graph of everything that Vedette declares, on models with a table and in `relocation.declared`."""
    return Graph((*_with_table(), *_preserved()), EXCLUDED, WAYPOINTS)


def _with_table() -> Iterator[Declaration]:
    for table in apps.get_models():
        wire = getattr(table, "relocation", None)
        if isinstance(wire, Relocation):
            yield Declaration(wire, table)


def _preserved() -> Iterator[Declaration]:
    for domain in DOMAINS:
        for wire in import_module(f"vedette.relocation.declared.{domain}").DECLARED:
            yield Declaration(wire, None)
