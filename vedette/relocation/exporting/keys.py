"""Foreign keys of rows that leave: every one of them leads to a row of the same file.

A key that leads nowhere is emptied where the row stays what it is without it, and takes its row along otherwise. Both
are told, except where the export was asked to leave the target out. Source: the relocation specification, 6.2 and
10.2.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from vedette.core.relocation import Relocation, Silo
from vedette.relocation.exporting.pks import PkSet
from vedette.relocation.files.findings import Finding, FindingKind, warning
from vedette.relocation.graph import Graph

USER = "sentry.user"
ORGANIZATION = "sentry.organization"
PROJECT = "sentry.project"

Fields = dict[str, Any]

_NARROWING = {  # keys that bound what a row does: a token of an application would be a person's
    "sentry.apitoken": frozenset({"application"}),
    "sentry.notificationaction": frozenset({"integration_id", "sentry_app_id"}),
    "sentry.servicehook": frozenset({"application_id", "installation_id"}),
}


@dataclass(slots=True)
class Ledger:
    """What became of the rows so far: `exported` ones by model, `lost` ones that were left out and told of, and the
    models that are `narrowed`, of which the export was asked for some rows only."""

    exported: dict[str, PkSet] = field(default_factory=dict)
    lost: dict[str, PkSet] = field(default_factory=dict)
    narrowed: set[str] = field(default_factory=set)


def essential_keys(graph: Graph, wire: Relocation) -> frozenset[str]:
    """The keys without which a row of the model is nothing, or another one.

    Those that are never null, those that make a row unique together with others (a membership without its user would
    be an invitation), those that alone say which organization or project it belongs to, and those that bound what it
    does.
    """
    required = {name for name, key in wire.foreign_keys.items() if not key.nullable}
    unique = {name for names in wire.uniques if len(names) > 1 for name in names}
    has_owner = any(silo_of(graph, wire.foreign_keys[name].target) is Silo.REGION for name in required)
    return _NARROWING.get(wire.model, frozenset()) | frozenset(
        name
        for name, key in wire.foreign_keys.items()
        if name in required or name in unique or (key.target in (ORGANIZATION, PROJECT) and not has_owner)
    )


def silo_of(graph: Graph, model: str) -> Silo:
    """Where a model lives; what never travels counts as a region's."""
    return graph[model].wire.silo if model in graph else Silo.REGION


@dataclass(frozen=True, slots=True)
class _Key:
    """One foreign key of a model, and what of its target was exported."""

    name: str
    target: str
    silo: Silo
    exported: PkSet


class Gate:
    """Decides about the rows of one model, once all models that it refers to are exported."""

    def __init__(
        self,
        graph: Graph,
        wire: Relocation,
        ledger: Ledger,
        tell: Callable[[Finding], None],
        unwritten: frozenset[str] = frozenset(),
    ) -> None:
        """`unwritten` are fields that the reader would not know."""
        self._model, self._silo = wire.model, wire.silo
        self._ledger = ledger
        self._tell = tell
        essential = essential_keys(graph, wire)
        keys = [
            _Key(name, key.target, silo_of(graph, key.target), ledger.exported.get(key.target, PkSet()))
            for name, key in wire.foreign_keys.items()
        ]
        self.essential = [key for key in keys if key.name in essential]
        self._unwritten = [key.name for key in keys if key.name in essential & unwritten]
        self.loose = [key for key in keys if key.name not in essential | unwritten]
        self._owners = [key for key in self.essential if key.silo is wire.silo is Silo.REGION]

    @property
    def _is_narrowed(self) -> bool:
        return self._model in self._ledger.narrowed

    def inherits(self) -> bool:
        """Whether the model is narrowed because what its rows belong to is."""
        return any(key.target in self._ledger.narrowed for key in self.essential)

    def narrow(self, few: int) -> Iterator[tuple[str, list[int]]]:
        """(key, pks) for keys of which a query may name the only values that are of interest, at most `few` each.

        A region's row whose user alone is missing has to be told of, so a user never narrows those.
        """
        for key in self.essential:
            if key.target not in self._ledger.narrowed or (key.target == USER and self._silo is Silo.REGION):
                continue
            pks = key.exported.if_few(few)
            lost = self._ledger.lost.get(key.target, PkSet()).if_few(few)
            if pks is not None and lost is not None:
                yield key.name, pks + lost

    def admits(self, pk: int, fields: Fields) -> bool:
        """Whether the row may leave. Keys that lead nowhere and are not essential are emptied in `fields`.

        A row whose essential key is not written would be another one there: a token for one organization would be a
        token for all.
        """
        for key in self.essential:
            value = fields.get(key.name)
            if value is not None and value not in key.exported:
                self._leave_out(pk, fields)
                return False
        if self._owners and self._is_narrowed and all(fields.get(key.name) is None for key in self.essential):
            self._lose(pk, self._owners[0].name, "left out, because nothing says whose it is")
            return False
        for name in self._unwritten:
            if fields.get(name) is not None:
                self._lose(pk, name, f"left out, because its {name} means nothing to the Sentry that is to read it")
                return False
        for key in self.loose:
            value = fields.get(key.name)
            if value is not None and value not in key.exported:
                fields[key.name] = None
                reason = f"{key.target} {value} is not in the export; the reference is empty there"
                self._tell(warning(FindingKind.NULLED_REFERENCE, reason, model=self._model, left_pk=pk, field=key.name))
        return True

    def _leave_out(self, pk: int, fields: Fields) -> None:
        missing = list(self._missing(fields))
        if self._is_of_no_interest(missing, fields):
            return
        key, value = next(
            ((key, value) for key, value in missing if self._is_lost(key, value)),
            missing[0],
        )
        self._lose(pk, key.name, f"left out, because {key.target} {value} is not in the export")

    def _lose(self, pk: int, field: str, reason: str) -> None:
        self._tell(warning(FindingKind.DROPPED_ROW, reason, model=self._model, left_pk=pk, field=field))
        self._ledger.lost.setdefault(self._model, PkSet()).add(pk)

    def _missing(self, fields: Fields) -> Iterator[tuple[_Key, Any]]:
        for key in self.essential:
            value = fields.get(key.name)
            if value is not None and value not in key.exported:
                yield key, value

    def _is_of_no_interest(self, missing: list[tuple[_Key, Any]], fields: Fields) -> bool:
        """Whether the row belongs to something that was not asked for.

        Where only a user was not, and the row belongs to an organization that was, it is lost: a dashboard, say, of
        somebody who has left. What is in the control silo belongs to the user.
        """
        lost = [self._is_lost(key, value) for key, value in missing]
        others = {key.target for (key, _), is_lost in zip(missing, lost, strict=True) if not is_lost}
        unasked = others & self._ledger.narrowed
        if unasked - {USER}:
            return True
        return bool(unasked) and not any(lost) and all(fields.get(key.name) is None for key in self._owners)

    def _is_lost(self, key: _Key, value: Any) -> bool:
        lost = self._ledger.lost.get(key.target)
        return lost is not None and value in lost
