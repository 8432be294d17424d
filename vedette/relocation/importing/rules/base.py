"""What one model does with its rows on their way in; the default, which most models keep.

The engine hands a rule whole batches (2,000 rows of one model, in ascending order of their pks in the file). Before
that it has read every row, checked encodings and lengths, dropped what hangs on missing rows, nulled what may be null,
remapped foreign keys and the references that hide in JSON. So for one batch it calls

1. `normalise` for each row, which may change `incoming.values`, or drop the row;
2. `write` once with the rows that are left, which answers, row by row, what became of them;

both inside of a transaction on the database of the model's own silo (`context.using`), and nowhere else: what has to
be written in the other silo is written in `finish`. A batch that fails is rolled back whole and may be written again
by another process, so rules keep nothing in themselves. Source: the relocation specification, 4.4, 4.5 and 5.5.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, Protocol

from vedette.core.relocation import RelocationScope
from vedette.relocation.files.findings import FindingKind, Severity
from vedette.relocation.graph import Declaration
from vedette.relocation.importing.options import ImportOptions

if TYPE_CHECKING:
    from vedette.relocation.files.reader import Row


class Kind(StrEnum):
    """How a row of the file became one of ours; the names of the primary key map (4.1)."""

    INSERTED = "inserted"
    EXISTING = "existing"  # one that was here already stands for it, unchanged
    OVERWRITE = "overwrite"  # one that was here already took its values


@dataclass(slots=True)
class Incoming:
    """One row on its way in.

    `row` is the row of the file, with the pk and the foreign keys that it has there. `values` are what is to be
    written, by wire field name. Of a model with a table they are Python values (aware datetimes, ints, parsed JSON); of
    a preserved model they are JSON values, encoded as in a file. In both cases foreign keys hold our pks, and fields
    that the file leaves out are missing. `kinds` says how their targets were written for the keys in
    `Rule.wants_kinds` that are set.
    """

    row: Row
    values: dict[str, Any]
    kinds: Mapping[str, Kind] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a row: our pk, how it got it, and the slug where the model has slugs."""

    pk: int
    kind: Kind = Kind.INSERTED
    slug: str | None = None


class Context(Protocol):
    """What a rule may ask and tell while it works on a batch."""

    @property
    def options(self) -> ImportOptions:
        """What whoever imports has chosen."""

    @property
    def import_uuid(self) -> str:
        """The 32 hex digits that name this import."""

    @property
    def declaration(self) -> Declaration:
        """The model."""

    @property
    def using(self) -> str:
        """The database to read and write: `Model.objects.using(context.using)`."""

    @property
    def now(self) -> datetime:
        """When this import began (aware, UTC): the same for all rows of one run."""

    def drop(self, incoming: Incoming, reason: str, field: str | None = None) -> Literal[False]:
        """Say that the row is lost, and why: a finding, an error with `strict`. For `return context.drop(…)`."""

    def skip(self, incoming: Incoming, reason: str, field: str | None = None) -> Literal[False]:
        """The row is left out because that was asked for (a merged user's options): counted, a note, never an error."""

    def refuse(
        self,
        incoming: Incoming,
        reason: str,
        field: str | None = None,
        kind: FindingKind = FindingKind.VALIDATION_ERROR,
    ) -> NoReturn:
        """The row is wrong, which ends the import. Raises `ImportFailed`."""

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
        """Any other finding about a row that stays."""

    def renamed(self, incoming: Incoming, old: str, new: str, field: str = "slug") -> None:
        """The row got another name than it had: for the plan, and a finding."""

    def secret(self, incoming: Incoming, pk: int, secret: str, label: str) -> None:
        """A token was made anew: handed to whoever imports once, with a finding that does not show it."""

    def insert(self, batch: Sequence[Incoming], pks: Sequence[int | None] = ()) -> list[Written | None]:
        """The default `write`: insert all rows at once, preserved or with a table.

        `pks` are those that rows shall have, where the rule knows better (a project keeps its id); None draws one.
        Where a unique set is taken, the row that has it stands for the incoming one: `EXISTING`, with a finding.
        """

    def try_insert(self, batch: Sequence[Incoming], pks: Sequence[int | None] = ()) -> list[int | None]:
        """The same, but nothing stands for a row that could not come: None, and nothing is told. Somebody may have
        taken what was free a moment ago; by now, that can be seen."""

    def new_pks(self, count: int) -> list[int]:
        """So many free pks of the model's table, for a rule that has to know them before it inserts."""

    def slug_of(self, model: str, pk: int) -> str | None:
        """The slug that the row of `model` with our `pk` had when it was written."""


class Rule:
    """The default. Every attribute is about one model; methods may run twice for the same rows."""

    wants_kinds: ClassVar[Collection[str]] = ()
    """Foreign keys (wire names) for which `Incoming.kinds` is wanted."""

    keeps: ClassVar[Collection[str]] = ()
    """Nullable foreign keys without which the row would say something else (a setting for one project that would hold
    everywhere): where one leads nowhere the row is dropped instead of the key being nulled."""

    quietly_nulled: ClassVar[Collection[str]] = ()
    """Nullable foreign keys of which nobody needs to hear when they lead nowhere: nulled, with a note."""

    adjusts: ClassVar[Collection[str]] = ()
    """Fields whose length and nullness the engine does not check, because `normalise` makes them fit."""

    fields_to_ignore: ClassVar[Collection[str]] = ()
    """Fields that are neither written nor kept aside."""

    caution: ClassVar[str] = ""
    """What whoever imports should hear once when the file holds rows of the model."""

    deferred: ClassVar[bool] = False
    """Whether its rows wait for the very end, after `finish` of all other models (4.2, step 9)."""

    def complaint(self, fields: Mapping[str, Any]) -> tuple[str, str] | None:
        """What is wrong with a row as it stands in the file: (field, why), or None.

        Called for every row that is wanted before anything is written; a complaint ends the import with a
        `ValidationError`. Must not touch the database.
        """
        return None

    def scope_of(self, fields: Mapping[str, Any], scopes: tuple[RelocationScope, ...]) -> RelocationScope | None:
        """The scope of this very row as it stands in the file, where the model has several (2.1); None for any."""
        return None

    def is_wanted(self, fields: Mapping[str, Any], options: ImportOptions) -> bool:
        """Whether this import takes the row at all (a global saved search outside Global scope: no). Counted, no
        finding. Must not touch the database."""
        return True

    def normalise(self, incoming: Incoming, context: Context) -> bool:
        """Make `incoming.values` what is to be written; False where the row is dropped or skipped, which was told."""
        return True

    def write(self, batch: Sequence[Incoming], context: Context) -> list[Written | None]:
        """Write the rows, in bulk, and say what became of each; None where one was dropped or skipped, which was told.

        Rows of one batch may collide with each other as well as with rows that are there. Let a unique constraint
        settle it (`ON CONFLICT`, `context.insert`) rather than a look beforehand.
        """
        return context.insert(batch)

    def finish(self, context: Context) -> None:
        """After the last row of all models that are not deferred: what concerns the other silo, or the whole.

        `context.using` is the model's database. Called once in every run that comes so far, also in one that was
        resumed and wrote nothing itself; so find what is to be done in the database, and let it be harmless to do it
        again.
        """
