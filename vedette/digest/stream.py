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
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from django.db import InterfaceError, OperationalError, transaction

from vedette.core import clock
from vedette.core.errors import TryAgain
from vedette.core.files import FileStore
from vedette.digest.batch import Batch, sort_out
from vedette.digest.config import configs
from vedette.digest.models import DigestBatch, StreamCursor
from vedette.digest.prepare import prepare
from vedette.digest.relate import look_up, relate
from vedette.digest.store import store
from vedette.digest.values import Prepared, PreparedAttachment, PreparedEvent, PreparedTransaction, ProjectConfig
from vedette.events import queries
from vedette.events.client import EventStore
from vedette.events.rows import KnownEvent
from vedette.spool.park import Park
from vedette.spool.reader import SpoolReader
from vedette.spool.records import SpooledEnvelope

log = logging.getLogger(__name__)

MAX_ITEMS = 500
MAX_BYTES = 16 * 2**20  # as they lie in the spool, compressed
MAX_PREPARED_BYTES = 64 * 2**20  # payloads and files that a batch holds in memory; one envelope may be larger
ATTEMPTS_BEFORE_HALVING = 2
ATTEMPTS_BEFORE_PARKING = 8  # of one envelope alone, by processes that died over it
AWAY = (TryAgain, OperationalError, InterfaceError)  # come back later: nothing is wrong with the batch


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
class _Prepared:
    """Envelopes that were read, what they came to, and which of them each event came from."""

    envelopes: list[SpooledEnvelope]
    batch: Batch
    origins: dict[tuple[int, str], SpooledEnvelope]


@dataclass(slots=True)
class Stream:
    """One stream: where it is, how far it is done, and how to go on. One thread at a time.

    While a full batch is being stored (which is mostly waiting for the engine), the next one is prepared.
    """

    name: str
    directory: Path
    events: EventStore
    files: FileStore
    park: Park
    numbers: Numbers = field(default_factory=Numbers)
    reader: SpoolReader = field(init=False)
    stored_upto: int = field(init=False)
    _resume: bool = field(init=False, default=True)
    _counted: int | None = field(init=False, default=None)
    _ahead: _Prepared | None = field(init=False, default=None)
    _storing: ThreadPoolExecutor = field(init=False, default_factory=lambda: ThreadPoolExecutor(1, "store"))
    _parking: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.reader = SpoolReader(self.directory)
        row, _ = StreamCursor.objects.get_or_create(stream=self.name)
        self.stored_upto = row.stored_upto

    def waiting(self) -> bool:
        """Whether something lies in the spool that is not digested; cheap."""
        return self.reader.last_position() > self.stored_upto

    def digest(self) -> int:
        """Take the next batch through the four steps, or go on with the one that was begun; gives its envelopes.

        Raises one of `AWAY` when a store is away: call it again later, nothing is lost or done twice.
        """
        left = self._begun()
        begun = left or self._bind()
        if begun is None:
            return 0
        mark, envelopes = begun
        try:
            envelopes = self._count_attempt(mark, envelopes)
            taken = self._take_through(mark, envelopes, replayed=left is not None)
        except AWAY:
            self._resume, self._ahead = True, None
            raise
        except Exception:
            # The one place where anything is caught: a defect of ours must cost one envelope, not the queue.
            self._resume, self._ahead = True, None
            log.exception("batch %s of stream %s failed", mark.pk, self.name)
            self._narrow(mark, envelopes, traceback.format_exc())
            return 0
        return taken

    def close(self) -> None:
        """Let go of the spool's file and of the thread."""
        self.reader.close()
        self._storing.shutdown()

    def _begun(self) -> tuple[DigestBatch, list[SpooledEnvelope]] | None:
        """The batch that an earlier attempt left; looked for only when there may be one."""
        if not self._resume:
            return None
        mark = DigestBatch.objects.filter(stream=self.name).first()
        self._resume = mark is not None
        if mark is None:
            return None
        envelopes = self.reader.read_range(mark.first_position, mark.last_position)
        self._park_damage()
        return mark, envelopes

    def _bind(self) -> tuple[DigestBatch, list[SpooledEnvelope]] | None:
        """Step one."""
        envelopes = self._ahead.envelopes if self._ahead else self._read(self.stored_upto)
        if not envelopes:
            return None
        mark = DigestBatch.objects.create(
            stream=self.name, first_position=envelopes[0].position, last_position=envelopes[-1].position
        )
        return mark, envelopes

    def _read(self, after: int) -> list[SpooledEnvelope]:
        envelopes = self.reader.read(after, MAX_ITEMS, MAX_BYTES)
        self._park_damage()
        return envelopes

    def _count_attempt(self, mark: DigestBatch, envelopes: list[SpooledEnvelope]) -> list[SpooledEnvelope]:
        """A batch that was begun before counts how many processes began it, once each: one that kills its process is
        halved, and in the end parked. Waiting for a store that is away counts as nothing."""
        if not self._resume or self._counted == mark.pk:
            return envelopes
        self._counted = mark.pk
        mark.attempts += 1
        mark.save(update_fields=["attempts"])
        if mark.related or mark.attempts < ATTEMPTS_BEFORE_HALVING:
            return envelopes
        if len(envelopes) > 1:
            self._halve(mark, envelopes)
            return [one for one in envelopes if one.position <= mark.last_position]
        if mark.attempts >= ATTEMPTS_BEFORE_PARKING:
            for envelope in envelopes:
                self._park(envelope, "processes died over it, or were stopped, each time it was tried")
            return []
        return envelopes

    def _take_through(self, mark: DigestBatch, envelopes: list[SpooledEnvelope], *, replayed: bool) -> int:
        """Steps two to four; gives how many envelopes the batch had in the end."""
        ready = self._take_ahead(envelopes) or self._prepare(envelopes, None if mark.related else MAX_PREPARED_BYTES)
        if len(ready.envelopes) < len(envelopes):
            self._end_at(mark, ready.envelopes[-1])
        batch = ready.batch
        with timed(self.numbers, "relate_seconds"):
            known = self._known(batch)
            groups = look_up(batch) if mark.related else relate(mark, batch, known, self._reported(batch), self.files)
        with timed(self.numbers, "store_seconds"):
            storing = self._storing.submit(
                store, self.events, mark, batch, groups, known, self._parker(ready.origins), replayed=replayed
            )
            try:
                if len(ready.envelopes) == MAX_ITEMS:
                    self._look_ahead(mark.last_position)
            finally:
                written = storing.result()
        self._advance(mark)
        self.numbers.batches += 1
        self.numbers.envelopes += len(ready.envelopes)
        self.numbers.events += written
        return len(ready.envelopes)

    def _look_ahead(self, after: int) -> None:
        """Prepare the next batch, if a full one waits: a smaller one is better left to grow."""
        envelopes = self._read(after)
        if len(envelopes) == MAX_ITEMS:
            self._ahead = self._prepare(envelopes, MAX_PREPARED_BYTES)

    def _take_ahead(self, envelopes: Sequence[SpooledEnvelope]) -> _Prepared | None:
        """What was prepared ahead, if it is just this batch."""
        ahead, self._ahead = self._ahead, None
        if ahead and envelopes and ahead.envelopes[0] is envelopes[0] and ahead.envelopes[-1] is envelopes[-1]:
            return ahead
        return None

    def _prepare(self, envelopes: Sequence[SpooledEnvelope], limit_bytes: int | None) -> _Prepared:
        """Everything that needs no database, as far as the bytes that it makes stay within the limit.

        A few compressed kilobytes can hold very much. An envelope that breaks `prepare` is parked.
        """
        settings = configs({envelope.receipt.project_id for envelope in envelopes})
        values: list[Prepared] = []
        origins: dict[tuple[int, str], SpooledEnvelope] = {}
        done: list[SpooledEnvelope] = []
        size = 0
        with timed(self.numbers, "prepare_seconds"):
            for envelope in envelopes:
                if limit_bytes is not None and size >= limit_bytes:
                    break
                prepared = self._prepare_one(envelope, settings)
                for value in prepared:
                    if isinstance(value, PreparedEvent | PreparedTransaction):
                        origins[value.project_id, value.event_id] = envelope
                        size += len(value.payload)
                    elif isinstance(value, PreparedAttachment):
                        size += len(value.content)
                values.extend(prepared)
                done.append(envelope)
            return _Prepared(done, sort_out(values), origins)

    def _prepare_one(self, envelope: SpooledEnvelope, settings: dict[int, ProjectConfig]) -> tuple[Prepared, ...]:
        receipt = envelope.receipt
        config = settings.get(receipt.project_id) or ProjectConfig(receipt.project_id, receipt.organization_id)
        try:
            return prepare(envelope, config)
        except Exception as error:
            log.exception("envelope %s of stream %s cannot be prepared", envelope.position, self.name)
            self._park(envelope, f"{type(error).__name__}: {error}", traceback.format_exc())
            return ()

    def _known(self, batch: Batch) -> list[KnownEvent]:
        """Rows that events of the batch replace. Asked before anything is counted, and again on a replay."""
        ids = [(event.project_id, event.event_id, event.timestamp) for event in batch.events]
        return queries.known_events(self.events, ids)

    def _reported(self, batch: Batch) -> dict[tuple[int, str], int]:
        """The issues of stored events that user reports of the batch speak of."""
        return queries.groups_of_events(
            self.events, sorted({(report.project_id, report.event_id) for report in batch.reports})
        )

    def _advance(self, mark: DigestBatch) -> None:
        """Step four. `stored_upto` moves with it, and the spool forgets what lies behind."""
        last = mark.last_position
        with transaction.atomic():
            StreamCursor.objects.filter(stream=self.name).update(stored_upto=last, updated_at=clock.now())
            mark.delete()
        self.stored_upto = last
        self._resume = False
        self.reader.forget(last)

    def _narrow(self, mark: DigestBatch, envelopes: Sequence[SpooledEnvelope], trace: str) -> None:
        """After a failure that is nobody's absence: try less at once, and park what fails alone."""
        mark.refresh_from_db()
        mark.attempts += 1
        mark.save(update_fields=["attempts"])
        if len(envelopes) > 1 and not mark.related:
            self._halve(mark, envelopes)
        elif mark.attempts >= ATTEMPTS_BEFORE_HALVING or len(envelopes) <= 1:
            for envelope in envelopes:
                self._park(envelope, trace.strip().rpartition("\n")[2], trace)
            self._advance(mark)

    def _halve(self, mark: DigestBatch, envelopes: Sequence[SpooledEnvelope]) -> None:
        mark.attempts = 0
        self._end_at(mark, envelopes[(len(envelopes) - 1) // 2])

    def _end_at(self, mark: DigestBatch, envelope: SpooledEnvelope) -> None:
        """A batch of which nothing is related yet may end earlier; the rest becomes the next one."""
        mark.last_position = envelope.position
        mark.save(update_fields=["last_position", "attempts"])

    def _parker(self, origins: dict[tuple[int, str], SpooledEnvelope]) -> Callable[[int, str, str], None]:
        def park(project_id: int, event_id: str, reason: str) -> None:
            self._park(origins[project_id, event_id], reason)

        return park

    def _park(self, envelope: SpooledEnvelope, reason: str, trace: str = "") -> None:
        with self._parking:
            self.park.put(self.name, envelope.position, envelope.receipt, envelope.body, reason[:1000], trace)
            self.numbers.parked += 1

    def _park_damage(self) -> None:
        """What the disk lost is kept as far as it can be read, and said aloud."""
        for damage in self.reader.take_damage():
            log.error("spool file %s of stream %s is damaged: %s", damage.file, self.name, damage.reason)
            if damage.position:
                reason = f"damaged: {damage.reason}"
                with self._parking:
                    self.park.put(self.name, damage.position, damage.receipt, damage.body, reason)
                    self.numbers.parked += 1


class timed:
    """Adds the seconds that its block takes to a number."""

    def __init__(self, numbers: Numbers, name: str) -> None:
        self._numbers, self._name = numbers, name

    def __enter__(self) -> None:
        self._started = clock.monotonic()

    def __exit__(self, *_: object) -> None:
        spent = clock.monotonic() - self._started
        setattr(self._numbers, self._name, getattr(self._numbers, self._name) + spent)
