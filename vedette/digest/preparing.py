"""Preparing a run of the spool: which envelopes to read, and everything that they came to.

A `Wish` says which, a `Ready` says what. Both cross a pipe, because this work is done in a process of its own
(`digest.preparer`): it is the larger half of digesting, it needs no database, and what breaks it should break nothing
else. Pure but for reading the spool.
"""

import logging
import time
import traceback
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec

from vedette.digest.batch import Batch, sort_out
from vedette.digest.prepare import prepare
from vedette.digest.values import Prepared, PreparedEvent, PreparedTransaction, ProjectConfig, held_bytes
from vedette.spool.reader import SpoolReader
from vedette.spool.records import SpooledEnvelope

log = logging.getLogger(__name__)

Configs = Callable[[Collection[int]], dict[int, ProjectConfig]]


class Wish(msgspec.Struct, frozen=True):
    """The next run of `directory` behind the position `after`, at most `max_items` of `max_bytes` as they lie there.

    A run ends early where its payloads and files would fill `max_prepared_bytes` (None: it ends nowhere early). `upto`
    makes it the run from `after` to just there. `only_full`: a run that no limit ends is worth nothing.
    `configs`: the settings that an earlier attempt was prepared with; those of today would give something else.
    """

    directory: str
    after: int
    max_items: int
    max_bytes: int
    max_prepared_bytes: int | None = None
    upto: int | None = None
    only_full: bool = False
    configs: dict[int, ProjectConfig] | None = None


class Origin(msgspec.Struct, frozen=True, array_like=True):
    """Where in the spool an event or a transaction came from."""

    project_id: int
    event_id: str
    position: int


class Broken(msgspec.Struct, frozen=True, array_like=True):
    """An envelope that `prepare` raised an exception over: a defect of ours."""

    position: int
    reason: str
    trace: str


class Ready(msgspec.Struct, array_like=True, tag="ready"):
    """What a run came to. `envelopes` is how many it has, between the positions `first` and `last`.

    `is_full`: a limit ended it, so that more may wait. `is_damaged`: something there could not be read, and whoever
    asked should look for themselves. `configs` are the settings that it was prepared with.
    """

    first: int = 0
    last: int = 0
    envelopes: int = 0
    is_full: bool = False
    is_damaged: bool = False
    seconds: float = 0.0
    batch: Batch = msgspec.field(default_factory=Batch)
    origins: list[Origin] = msgspec.field(default_factory=list)
    broken: list[Broken] = msgspec.field(default_factory=list)
    configs: dict[int, ProjectConfig] = msgspec.field(default_factory=dict)


class Preparer:
    """Prepares in this process. `configs` gives the settings of projects; of those that exist, in any case."""

    def __init__(self, configs: Configs, check: Callable[[Prepared], object] | None = None) -> None:
        """`check` raises for values that cannot be used further; the envelope that they came from is then broken."""
        self._configs = configs
        self.check = check
        self._readers: dict[str, SpoolReader] = {}
        self._wishes: dict[str, Wish] = {}

    def ask(self, wish: Wish) -> None:
        """Begin with it; `take` gives the result. One wish at a time for each directory."""
        self._wishes[wish.directory] = wish

    def owes(self, directory: str) -> bool:
        """Whether there is a wish for this directory."""
        return directory in self._wishes

    def take(self, directory: str) -> Ready:
        """What came of the wish for this directory."""
        return self.prepare(self._wishes.pop(directory))

    def forget(self, directory: str) -> None:
        """The wish for this directory, if there is one, is not wanted any more."""
        self._wishes.pop(directory, None)

    def close(self) -> None:
        """Let go of the spool's files."""
        for reader in self._readers.values():
            reader.close()

    def prepare(self, wish: Wish) -> Ready:
        """Read and prepare; nothing at all when the wish is for a full run and there is none."""
        reader = self._readers.setdefault(wish.directory, SpoolReader(Path(wish.directory)))
        if wish.upto is not None:
            envelopes = reader.read_range(wish.after + 1, wish.upto)
        else:
            envelopes = reader.read(wish.after, wish.max_items, wish.max_bytes)
        is_damaged = bool(reader.take_damage())
        is_full = len(envelopes) >= wish.max_items or sum(len(one.body) for one in envelopes) >= wish.max_bytes
        if not envelopes or (wish.only_full and not is_full):
            return Ready(is_damaged=is_damaged)
        projects = {envelope.receipt.project_id for envelope in envelopes}
        settings = self._configs(projects) if wish.configs is None else wish.configs
        ready = self._prepare(envelopes, settings, wish.max_prepared_bytes)
        ready.is_damaged, ready.is_full = is_damaged, is_full
        return ready

    def _prepare(
        self, envelopes: list[SpooledEnvelope], settings: dict[int, ProjectConfig], limit_bytes: int | None
    ) -> Ready:
        started = time.monotonic()
        ready = Ready(first=envelopes[0].position, configs=settings)
        values: list[Prepared] = []
        size = 0
        for envelope in envelopes:
            if limit_bytes is not None and size >= limit_bytes:
                break
            for value in self._prepare_one(envelope, settings, ready.broken):
                if isinstance(value, PreparedEvent | PreparedTransaction):
                    ready.origins.append(Origin(value.project_id, value.event_id, envelope.position))
                size += held_bytes(value)
                values.append(value)
            ready.envelopes += 1
            ready.last = envelope.position
        ready.batch = sort_out(values)
        ready.seconds = time.monotonic() - started
        return ready

    def _prepare_one(
        self, envelope: SpooledEnvelope, settings: dict[int, ProjectConfig], broken: list[Broken]
    ) -> tuple[Prepared, ...]:
        receipt = envelope.receipt
        config = settings.get(receipt.project_id) or ProjectConfig(receipt.project_id, receipt.organization_id)
        try:
            values = prepare(envelope, config)
            if self.check:
                for value in values:
                    self.check(value)
            return values
        except Exception as error:
            # The one place where it is caught: a defect of ours must cost one envelope, not the queue.
            log.exception("envelope %s cannot be prepared", envelope.position)
            broken.append(Broken(envelope.position, f"{type(error).__name__}: {error}", traceback.format_exc()))
            return ()
