"""What a rule may ask and tell while it works on a batch, and what the batch has come to so far.

Source: the relocation specification, 4.4 and 9 (#3, #9, #20).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, NoReturn

from vedette.relocation.files.findings import Finding, FindingKind, Origin, Severity, import_error
from vedette.relocation.graph import Declaration
from vedette.relocation.importing.failures import ImportFailed
from vedette.relocation.importing.options import ImportOptions
from vedette.relocation.importing.plans import Plan
from vedette.relocation.importing.preserving import CONFIGS, Owners, PreservedTable
from vedette.relocation.importing.result import Counts, Rename, Secret
from vedette.relocation.importing.rules.base import Incoming, Kind, Written
from vedette.relocation.importing.tables import Table, Values

NOBODY: Owners = (None, None, None)


class BatchContext:
    """One model's. `begin` makes it ready for the next batch."""

    def __init__(
        self,
        plan: Plan,
        using: str,
        options: ImportOptions,
        import_uuid: str,
        now: datetime,
        slug_of: Callable[[str, int], str | None],
    ) -> None:
        self.plan = plan
        self.using = using
        self.options = options
        self.import_uuid = import_uuid
        self.now = now
        self._slug_of = slug_of
        table = plan.declaration.table
        self._table = Table(table, using, plan.columns) if table is not None else None
        self._preserved = PreservedTable(plan.wire, using) if table is None else None
        self.begin(0)

    def begin(self, min_ordinal: int) -> None:
        """Forget the last batch."""
        self.min_ordinal = min_ordinal
        self.counts = Counts()
        self.findings: list[Finding] = []
        self.renames: list[Rename] = []
        self.secrets: list[Secret] = []
        self.skipped: list[int] = []
        self.owners: dict[int, Owners] = {}

    @property
    def declaration(self) -> Declaration:
        """The model."""
        return self.plan.declaration

    # ------------------------------------------------------------ telling

    def drop(self, incoming: Incoming, reason: str, field: str | None = None) -> Literal[False]:
        """See `rules.base.Context`."""
        finding = self._finding(incoming, FindingKind.DROPPED_ROW, f"the row is left out: {reason}", field)
        if self.options.strict:
            raise ImportFailed(finding.located(finding=Origin.IMPORT, severity=Severity.ERROR))
        self.findings.append(finding)
        self.counts.dropped += 1
        return False

    def skip(self, incoming: Incoming, reason: str, field: str | None = None) -> Literal[False]:
        """See `rules.base.Context`."""
        self.tell(incoming, FindingKind.SKIPPED_ROW, reason, field=field, severity=Severity.NOTE)
        self.skipped.append(incoming.row.pk)
        self.counts.out_of_scope += 1
        return False

    def refuse(
        self,
        incoming: Incoming,
        reason: str,
        field: str | None = None,
        kind: FindingKind = FindingKind.VALIDATION_ERROR,
    ) -> NoReturn:
        """See `rules.base.Context`."""
        row = incoming.row
        raise ImportFailed(
            import_error(kind, reason, model=row.model, left_pk=row.pk, field=field, line=row.line, row=row.number)
        )

    def tell(
        self,
        incoming: Incoming,
        kind: FindingKind,
        reason: str,
        *,
        field: str | None = None,
        right_pk: int | None = None,
        severity: Severity = Severity.WARNING,
    ) -> None:
        """See `rules.base.Context`."""
        self.findings.append(self._finding(incoming, kind, reason, field, right_pk, severity))

    def renamed(self, incoming: Incoming, old: str, new: str, field: str = "slug") -> None:
        """See `rules.base.Context`."""
        self.renames.append(Rename(self.plan.model, old, new))
        self.tell(incoming, FindingKind.RENAMED, f"{old!r} is called {new!r} here", field=field)

    def secret(self, incoming: Incoming, pk: int, secret: str, label: str) -> None:
        """See `rules.base.Context`."""
        self.secrets.append(Secret(self.plan.model, pk, label, secret))
        self.tell(incoming, FindingKind.MINTED_TOKEN, f"{label} has a new secret, which is told once", right_pk=pk)

    def slug_of(self, model: str, pk: int) -> str | None:
        """See `rules.base.Context`."""
        return self._slug_of(model, pk)

    def _finding(
        self,
        incoming: Incoming,
        kind: FindingKind,
        reason: str,
        field: str | None = None,
        right_pk: int | None = None,
        severity: Severity = Severity.WARNING,
    ) -> Finding:
        row = incoming.row
        return Finding(
            Origin.NOTE,
            kind,
            self.plan.model,
            left_pk=row.pk,
            right_pk=right_pk,
            reason=reason,
            field=field,
            line=row.line,
            row=row.number,
            severity=severity,
        )

    # ------------------------------------------------------------ writing

    def new_pks(self, count: int) -> list[int]:
        """See `rules.base.Context`."""
        return self._store.new_pks([self.now] * count)

    @property
    def _store(self) -> Table | PreservedTable:
        return self._table or self._preserved  # type: ignore[return-value]  # one of them is there

    def insert(self, batch: Sequence[Incoming], pks: Sequence[int | None] = ()) -> list[Written | None]:
        """See `rules.base.Context`."""
        if not batch:
            return []
        return [
            self._met(incoming) if pk is None else Written(pk, Kind.INSERTED, incoming.values.get("slug"))
            for pk, incoming in zip(self.try_insert(batch, pks), batch, strict=True)
        ]

    def try_insert(self, batch: Sequence[Incoming], pks: Sequence[int | None] = ()) -> list[int | None]:
        """See `rules.base.Context`."""
        if not batch:
            return []
        keys = self._keys(batch, pks)
        rows = [incoming.values for incoming in batch]
        if self._table is not None:
            came = self._table.insert(rows, keys)
        else:
            assert self._preserved is not None  # noqa: S101 (one of them is)
            came = self._preserved.insert(rows, keys, [self.owners.get(i.row.pk, NOBODY) for i in batch])
        return [pk if is_new else None for pk, is_new in zip(keys, came, strict=True)]

    def _keys(self, batch: Sequence[Incoming], pks: Sequence[int | None]) -> list[int]:
        """Those that are wanted, as far as they are free, and new ones."""
        wanted = list(pks) or [None] * len(batch)
        chosen = [pk for pk in wanted if pk is not None]
        taken = self._table.taken(chosen) if chosen and self._table is not None else set()
        free = [pk if pk not in taken else None for pk in wanted]
        moments = [
            moment if isinstance(moment := incoming.values.get("date_added"), datetime) else self.now
            for incoming, pk in zip(batch, free, strict=True)
            if pk is None
        ]
        drawn = iter(self._store.new_pks(moments))
        return [next(drawn) if pk is None else pk for pk in free]

    def _met(self, incoming: Incoming) -> Written:
        """What stands for a row whose place is taken."""
        holder = self._holder(incoming.values)
        if holder is None:
            self.refuse(incoming, "a row that is there already excludes it", kind=FindingKind.INTEGRITY_ERROR)
        if self._preserved is not None and self.plan.model in CONFIGS:
            if not self.options.overwrite_configs:
                return Written(holder, Kind.EXISTING)
            self._preserved.overwrite(holder, incoming.values)
            return Written(holder, Kind.OVERWRITE)
        reason = "a row that is there already stands for it: both have what only one may have"
        self.tell(incoming, FindingKind.MERGED, reason, right_pk=holder)
        return Written(holder, Kind.EXISTING)

    def _holder(self, values: Values) -> int | None:
        return self._store.holder(values)
