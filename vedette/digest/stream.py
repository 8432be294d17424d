"""Digesting one stream of the spool, batch by batch, in four steps that survive being killed anywhere.

1. bound: the batch's boundaries and its token are written down before the first attempt;
2. relate: everything relational in one transaction, which also marks the batch as related;
3. store: the events under the token, so that a repeated insert adds nothing;
4. advance: the cursor moves and the batch's row goes; then the spool may forget.

A replay finds the row of step 1 and goes on from its mark. What cannot be digested is parked with its reason; a batch
that fails as a whole is halved until the culprit stands alone. Source: the design's "nothing lost, nothing counted
twice" (docs/architecture).
"""

import logging
import sqlite3
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from django.db import InterfaceError, OperationalError, transaction

from vedette.core import clock
from vedette.core.errors import TryAgain
from vedette.core.files import FileStore
from vedette.digest.batch import Batch
from vedette.digest.complaints import Complaints
from vedette.digest.models import DigestBatch, StreamCursor
from vedette.digest.preparer import PreparerDied, PreparerProcess
from vedette.digest.preparing import Origin, Preparer, Ready, Wish
from vedette.digest.recall import Recalls
from vedette.digest.relate import look_up, relate, take_back
from vedette.digest.store import store
from vedette.digest.suspecting import ask_for_suspects
from vedette.digest.values import ProjectConfig
from vedette.digest.waking import wake
from vedette.events import queries
from vedette.events.client import EventStore
from vedette.events.rows import EventPlace, Known
from vedette.spool.park import Park
from vedette.spool.reader import SpoolReader
from vedette.spool.records import SpooledEnvelope

log = logging.getLogger(__name__)

MAX_ITEMS = 2000  # the fixed costs of a batch (syncs, merges of its parts) are a third of the work at 500
MAX_BYTES = 16 * 2**20  # as they lie in the spool, compressed
MAX_PREPARED_BYTES = 64 * 2**20  # payloads and files that a batch holds in memory; one envelope may be larger
ATTEMPTS_BEFORE_HALVING = 2
ATTEMPTS_BEFORE_PARKING = 8  # of one envelope alone, by digests that died over it (or were stopped)
DEATHS_BEFORE_PARKING = 3  # of the process that prepares, over one envelope alone
# Come back later, nothing is wrong with the batch: a store is away, or a disk of ours (spool, park) is full or broken.
AWAY = (TryAgain, OperationalError, InterfaceError, OSError, sqlite3.Error)


@dataclass(slots=True)
class Numbers:
    """What this process digested since it started."""

    batches: int = 0
    envelopes: int = 0
    events: int = 0
    parked: int = 0
    prepare_seconds: float = 0.0
    relate_seconds: float = 0.0
    store_seconds: float = 0.0


@dataclass(slots=True)
class Stream:
    """One stream: where it is, how far it is done, and how to go on. One thread at a time.

    While a full batch is related and stored, the next one is being prepared by another process.
    """

    name: str
    directory: Path
    events: EventStore
    files: FileStore
    park: Park
    preparer: Preparer | PreparerProcess
    recall: Recalls
    numbers: Numbers = field(default_factory=Numbers)
    reader: SpoolReader = field(init=False)
    stored_upto: int = field(init=False)
    is_behind: bool = field(init=False, default=False)  # the last batch was as large as one may be
    _forgotten: bool = field(init=False, default=False)  # the spool was told how far we are
    _resume: bool = field(init=False, default=True)
    _complaints: Complaints = field(init=False, default_factory=Complaints)
    _counted: int | None = field(init=False, default=None)
    _asked_after: int | None = field(init=False, default=None)  # a run is being prepared ahead, behind this position

    def __post_init__(self) -> None:
        self.reader = SpoolReader(self.directory)
        row, _ = StreamCursor.objects.get_or_create(stream=self.name)
        self.stored_upto = row.stored_upto

    def waiting(self) -> bool:
        """Whether something lies in the spool that is not digested; cheap."""
        if self.reader.last_position() > self.stored_upto:
            return True
        if not self._forgotten:
            self._forget()
        return False

    def digest(self) -> int:
        """Take the next batch through the four steps, or go on with the one that was begun; gives its envelopes.

        Raises one of `AWAY` when a store is away: call it again later, nothing is lost or done twice.
        """
        mark = self._begun()
        try:
            replayed = mark is not None
            if mark is not None:
                if not self._count_attempt(mark):
                    return 0
                ready = self._prepare_again(mark)
            else:
                ready = self._prepare_next()
                if not ready.envelopes:
                    return 0
                mark = self._bind(ready)
            self._take_through(mark, ready, replayed=replayed)
        except AWAY as error:
            self._start_over()
            if mark is None or not self._complaints.is_defect(error):
                raise
            log.exception("batch %s of stream %s fails again and again in the same way", mark.pk, self.name)
            self._narrow(mark, traceback.format_exc())
            return 0
        except PreparerDied as error:
            self._start_over()
            log.error("%s", error)
            self._after_death(mark, str(error))
            return 0
        except Exception:
            # The one place where anything is caught: a defect of ours must cost one envelope, not the queue.
            self._start_over()
            log.exception("batch %s of stream %s failed", mark.pk if mark else "(none)", self.name)
            if mark is None:
                self._bind_next()
            else:
                self._narrow(mark, traceback.format_exc())
            return 0
        return ready.envelopes

    def close(self) -> None:
        """Let go of the spool's file."""
        self.preparer.forget(str(self.directory))
        self.reader.close()

    def _start_over(self) -> None:
        """What was begun is looked for again, and what was prepared ahead is not used."""
        self._resume, self._asked_after = True, None
        self.preparer.forget(str(self.directory))

    def _begun(self) -> DigestBatch | None:
        """The batch that an earlier attempt left; looked for only when there may be one."""
        if not self._resume:
            return None
        mark = DigestBatch.objects.filter(stream=self.name).first()
        self._resume = mark is not None
        return mark

    def _bind(self, ready: Ready) -> DigestBatch:
        """Step one."""
        return DigestBatch.objects.create(
            stream=self.name,
            first_position=ready.first,
            last_position=ready.last,
            configs=msgspec.json.encode(ready.configs).decode(),
        )

    def _prepare_next(self) -> Ready:
        """The next run, which may have been asked for already."""
        ready = None
        if self._asked_after == self.stored_upto and self.preparer.owes(str(self.directory)):
            ready = self.preparer.take(str(self.directory))
        self._asked_after = None
        if ready is None or not ready.envelopes:
            self._ask(self.stored_upto, max_prepared_bytes=MAX_PREPARED_BYTES)
            ready = self.preparer.take(str(self.directory))
        if ready.is_damaged:
            self._agree(ready, self._read(self.stored_upto))
        return ready

    def _prepare_again(self, mark: DigestBatch) -> Ready:
        """The run of a batch that was begun. One of which nothing is related yet may end earlier than it did."""
        limit = None if mark.related else MAX_PREPARED_BYTES
        self._ask(mark.first_position - 1, upto=mark.last_position, max_prepared_bytes=limit, configs=_configs(mark))
        ready = self.preparer.take(str(self.directory))
        if ready.is_damaged:
            self._agree(ready, self._range(mark))
        if ready.envelopes and ready.last < mark.last_position:
            self._end_at(mark, ready.last)
        return ready

    def _agree(self, ready: Ready, envelopes: Sequence[SpooledEnvelope]) -> None:
        """What the other process could not read has to be what this one cannot read, or it would be passed over. Raises
        `TryAgain` where it was a disk's moment of weakness."""
        mine = envelopes[: ready.envelopes]
        if len(mine) < ready.envelopes or (mine and mine[-1].position != ready.last):
            raise TryAgain(f"the spool of stream {self.name} is not read alike twice")

    def _ask(self, after: int, **more: Any) -> None:
        self.preparer.ask(Wish(str(self.directory), after, MAX_ITEMS, MAX_BYTES, **more))

    def _look_ahead(self, after: int) -> None:
        """Have the next batch prepared, if a full one waits: a smaller one is better left to grow."""
        with suppress(PreparerDied):  # it is asked again, and then it counts
            self._ask(after, max_prepared_bytes=MAX_PREPARED_BYTES, only_full=True)
            self._asked_after = after

    def _read(self, after: int) -> list[SpooledEnvelope]:
        envelopes = self.reader.read(after, MAX_ITEMS, MAX_BYTES)
        self._park_damage()
        return envelopes

    def _range(self, mark: DigestBatch) -> list[SpooledEnvelope]:
        envelopes = self.reader.read_range(mark.first_position, mark.last_position)
        self._park_damage()
        return envelopes

    def _count_attempt(self, mark: DigestBatch) -> bool:
        """A batch that was begun before counts how many processes began it, once each: one that kills its process is
        halved, and in the end parked (then False: it is done with). Waiting for a store that is away counts as
        nothing."""
        if self._counted == mark.pk:
            return True
        self._counted = mark.pk
        self._add_attempt(mark)
        if mark.related or mark.attempts < ATTEMPTS_BEFORE_HALVING:
            return True
        envelopes = self._range(mark)
        if len(envelopes) > 1:
            self._halve(mark, envelopes)
        elif mark.attempts >= ATTEMPTS_BEFORE_PARKING:
            for envelope in envelopes:
                self._park(envelope, "processes died over it, or were stopped, each time it was tried")
            self._advance(mark)
            return False
        return True

    def _take_through(self, mark: DigestBatch, ready: Ready, *, replayed: bool) -> None:
        """Steps two to four."""
        self.is_behind = ready.is_full
        if ready.is_full:
            self._look_ahead(mark.last_position)
        batch, numbers = ready.batch, self.numbers
        for broken in ready.broken:
            self._park_position(broken.position, broken.reason, broken.trace)
        with timed(numbers, "relate_seconds"):
            known = self._known(batch, replayed=replayed)
            groups = (
                look_up(mark, batch) if mark.related else relate(mark, batch, known, self._reported(batch), self.files)
            )
        refused: set[tuple[int, str]] = set()
        with timed(numbers, "store_seconds"):
            park = self._parker(ready.origins, refused)
            written = store(self.events, mark, batch, groups, known, park, replayed=replayed)
            wake(self.events, batch, groups, ready.configs)
            ask_for_suspects(batch, groups)
        self._advance(mark, partial(take_back, batch, groups, known, refused) if refused else None)
        numbers.prepare_seconds += ready.seconds
        numbers.batches += 1
        numbers.envelopes += ready.envelopes
        numbers.events += written

    def _known(self, batch: Batch, *, replayed: bool) -> list[Known]:
        """Rows that events and transactions of the batch replace. Asked before anything is counted. On a replay some of
        the batch's own may be stored already: then the store is asked about all of them."""
        events = [(event.project_id, event.event_id, event.timestamp) for event in batch.events]
        transactions = [(value.project_id, value.event_id, value.timestamp) for value in batch.transactions]
        known: list[Known] = []
        known += queries.known_events(self.events, events if replayed else self.recall.events.suspects(events))
        known += queries.known_transactions(
            self.events, transactions if replayed else self.recall.transactions.suspects(transactions)
        )
        self.recall.events.add(events)
        self.recall.transactions.add(transactions)
        return known

    def _reported(self, batch: Batch) -> dict[tuple[int, str], EventPlace]:
        """Where stored events belong that user reports of the batch speak of."""
        return queries.places_of_events(
            self.events, sorted({(report.project_id, report.event_id) for report in batch.reports})
        )

    def _advance(self, mark: DigestBatch, amend: Callable[[], None] | None = None) -> None:
        """Step four. `stored_upto` moves with it, and so do the counts that `amend` has to mend; then the spool forgets
        what lies behind."""
        last = mark.last_position
        with transaction.atomic():
            if amend:
                amend()
            StreamCursor.objects.filter(stream=self.name).update(stored_upto=last, updated_at=clock.now())
            mark.delete()
        self.stored_upto = last
        self._resume = False
        self._forget()

    def _forget(self) -> None:
        """Let the spool go what lies behind the cursor; where its disk is too full for that, try again when idle."""
        try:
            self.reader.forget(self.stored_upto)
            self._forgotten = True
        except OSError as error:
            self._forgotten = False
            log.warning("stream %s cannot remove what is digested: %s", self.name, error)

    def _bind_next(self) -> None:
        """Write down the batch that could not even be prepared, so that the next attempt counts and takes less."""
        envelopes = self._read(self.stored_upto)
        if envelopes:
            DigestBatch.objects.create(
                stream=self.name, first_position=envelopes[0].position, last_position=envelopes[-1].position
            )

    def _after_death(self, mark: DigestBatch | None, reason: str) -> None:
        """The process that prepares died over a run: take less at once, and park what it dies over alone."""
        if mark is None:
            self._bind_next()
            return
        envelopes = self._range(mark)
        self._add_attempt(mark)
        if mark.related:
            return  # it was prepared once, so it can be prepared
        if len(envelopes) > 1:
            self._halve(mark, envelopes)
        elif mark.attempts >= DEATHS_BEFORE_PARKING:
            for envelope in envelopes:
                self._park(envelope, reason)
            self._advance(mark)

    def _narrow(self, mark: DigestBatch, trace: str) -> None:
        """After a failure that is nobody's absence: try less at once, and park what fails alone."""
        mark.refresh_from_db()
        self._add_attempt(mark)
        envelopes = self._range(mark)
        if len(envelopes) > 1 and not mark.related:
            self._halve(mark, envelopes)
        elif mark.attempts >= ATTEMPTS_BEFORE_HALVING or len(envelopes) <= 1:
            for envelope in envelopes:
                self._park(envelope, trace.strip().rpartition("\n")[2], trace)
            self._advance(mark)

    def _add_attempt(self, mark: DigestBatch) -> None:
        mark.attempts += 1
        mark.save(update_fields=["attempts"])

    def _halve(self, mark: DigestBatch, envelopes: Sequence[SpooledEnvelope]) -> None:
        mark.attempts = 0
        self._end_at(mark, envelopes[(len(envelopes) - 1) // 2].position)

    def _end_at(self, mark: DigestBatch, position: int) -> None:
        """A batch of which nothing is related yet may end earlier; the rest becomes the next one."""
        mark.last_position = position
        mark.save(update_fields=["last_position", "attempts"])

    def _parker(self, origins: Sequence[Origin], refused: set[tuple[int, str]]) -> Callable[[int, str, str], None]:
        """Parks the envelope of an event that the event store refuses, and adds it to `refused`."""

        def park(project_id: int, event_id: str, reason: str) -> None:
            refused.add((project_id, event_id))
            for origin in reversed(origins):  # of an event that came twice, the later one was to be stored
                if (origin.project_id, origin.event_id) == (project_id, event_id):
                    self._park_position(origin.position, reason)
                    return

        return park

    def _park_position(self, position: int, reason: str, trace: str = "") -> None:
        for envelope in self.reader.read_range(position, position):
            self._park(envelope, reason, trace)

    def _park(self, envelope: SpooledEnvelope, reason: str, trace: str = "") -> None:
        self.park.put(self.name, envelope.position, envelope.receipt, envelope.body, reason[:1000], trace)
        self.numbers.parked += 1

    def _park_damage(self) -> None:
        """What the disk lost is kept as far as it can be read, and said aloud."""
        for damage in self.reader.take_damage():
            log.error("spool file %s of stream %s is damaged: %s", damage.file, self.name, damage.reason)
            if damage.position:
                reason = f"damaged: {damage.reason}"
                # Looked at once, so that it cannot wait in the spool.
                self.park.put(self.name, damage.position, damage.receipt, damage.body, reason, beyond_limit=True)
                self.numbers.parked += 1


def _configs(mark: DigestBatch) -> dict[int, ProjectConfig] | None:
    """The settings that a batch was first prepared with; None for today's, where nothing (readable) was kept."""
    try:
        return msgspec.json.decode(mark.configs, type=dict[int, ProjectConfig]) if mark.configs else None
    except msgspec.ValidationError:
        log.warning("batch %s was begun by another version: it is prepared with the settings of today", mark.pk)
        return None


class timed:
    """Adds the seconds that its block takes to a number."""

    def __init__(self, numbers: Numbers, name: str) -> None:
        self._numbers, self._name = numbers, name

    def __enter__(self) -> None:
        self._started = clock.monotonic()

    def __exit__(self, *_: object) -> None:
        spent = clock.monotonic() - self._started
        setattr(self._numbers, self._name, getattr(self._numbers, self._name) + spent)
