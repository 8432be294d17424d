"""Snowflake ids: 53 bits that sort by time, for organizations, teams and projects.

From the top: 5 bits version (16, the bits of 1 reversed), 32 bits seconds since 2022-08-08 UTC, 12 bits region,
4 bits sequence. 16 ids in a second; when they are used up the seconds before lend theirs, up to five minutes back.
The sequence is one atomic increment: a Redis counter where several nodes run, a row of the database otherwise.

Source: the release specification, section 18.
"""

import random
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, models, transaction

from vedette.core.errors import TryAgain

EPOCH_SECONDS = int(datetime(2022, 8, 8, tzinfo=UTC).timestamp())
VERSION = 16
SEQUENCE_LENGTH = 16
LOOK_BACK_SECONDS = 300
ATTEMPTS = 5


class NoIdAvailable(TryAgain):
    """Every id of the last five minutes is taken."""

    code = "no-id-available"

    def __init__(self) -> None:
        super().__init__("Max allowed ID retry reached. Please try again in a second")


class SequenceAway(TryAgain):
    """Redis, which hands out the sequence, does not answer."""

    code = "sequence-away"


def compose(seconds: int, region: int, sequence: int) -> int:
    """The id with these segments. Raises ValueError when one does not fit its width."""
    if not (0 <= seconds < 2**32 and 0 <= region < 2**12 and 0 <= sequence < SEQUENCE_LENGTH):
        raise ValueError(f"segments ({seconds}, {region}, {sequence}) do not fit")
    return VERSION << 48 | seconds << 16 | region << 4 | sequence


def next_id(name: str) -> int:
    """A fresh id for the model called `name`, unique over all nodes that share the counter.

    Raises `NoIdAvailable` and `SequenceAway`. A wall clock that jumps back by less than five minutes yields no
    duplicate: the counters of those seconds are still there.
    """
    region = settings.VEDETTE.region
    for seconds in _seconds_to_try(int(time.time()) - EPOCH_SECONDS):
        sequence = _increment(name, region, seconds) - 1
        if sequence < SEQUENCE_LENGTH:
            return compose(seconds, region, sequence)
    raise NoIdAvailable


def _seconds_to_try(now_seconds: int) -> Iterator[int]:
    yield from range(now_seconds, max(now_seconds - LOOK_BACK_SECONDS, 0), -1)


def ids_of_the_past(
    moments: Sequence[datetime], taken: Callable[[Collection[int]], Collection[int]], region: int | None = None
) -> list[int]:
    """Ids for things that are as old as `moments` (aware), which move here by the thousand: one of its own second for
    each, where that is left, else of any second that is over for good, because nobody draws ids of it any more.

    `taken` says which of these ids are somebody's, and is asked once in a round; of two who find the same id free, the
    database decides. Raises `NoIdAvailable` when nearly everything is taken.
    """
    region = settings.VEDETTE.region if region is None else region
    over = int(time.time()) - EPOCH_SECONDS - 10 * LOOK_BACK_SECONDS
    ids, given = [0] * len(moments), set[int]()
    waiting = list(range(len(moments)))
    for attempt in range(ATTEMPTS * 4):
        for place in waiting:
            seconds = int(moments[place].timestamp()) - EPOCH_SECONDS
            if attempt or not 0 <= seconds < over:
                seconds = _dice.randrange(over)
            ids[place] = compose(seconds, region, _dice.randrange(SEQUENCE_LENGTH))
        gone = set(taken({ids[place] for place in waiting}))
        waiting = [place for place in waiting if ids[place] in gone or not _is_first(given, ids[place])]
        if not waiting:
            return ids
    raise NoIdAvailable


_dice = random.SystemRandom()


def _is_first(given: set[int], number: int) -> bool:
    """Whether nobody has been given this number; from now on somebody has."""
    if number in given:
        return False
    given.add(number)
    return True


def is_of_the_future(number: int) -> bool:
    """Whether this id may still be drawn, or is beyond what will be drawn for a century."""
    return number >= compose(int(time.time()) - EPOCH_SECONDS - LOOK_BACK_SECONDS, 0, 0)


def _increment(name: str, region: int, seconds: int) -> int:
    if settings.VEDETTE.redis_url:
        from redis import RedisError

        from vedette.core.shared import redis_client

        key = f"vedette:snowflake:{name}:{region}:{seconds}"
        try:
            value = int(redis_client().incr(key))
            if value == 1:
                redis_client().expire(key, 2 * LOOK_BACK_SECONDS)
        except RedisError as error:
            raise SequenceAway("Redis hands out new ids, and does not answer. Please try again in a moment") from error
        return value
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_idsequence (name, region, seconds, value) VALUES (%s, %s, %s, 1) "
            "ON CONFLICT (name, region, seconds) DO UPDATE SET value = core_idsequence.value + 1 RETURNING value",
            [name, region, seconds],
        )
        value = int(cursor.fetchone()[0])
        if value == 1:
            cursor.execute("DELETE FROM core_idsequence WHERE seconds < %s", [seconds - 2 * LOOK_BACK_SECONDS])
    return value


class SnowflakeModel(models.Model):
    """A model whose key is a snowflake id, drawn when a row is first saved without one."""

    id = models.BigIntegerField(primary_key=True)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a new row draws an id, up to five times when the id is taken. Raises `NoIdAvailable`.

        An integrity error that is not about the id is raised as it is.
        """
        if self.pk is not None:
            super().save(*args, **kwargs)
            return
        for _ in range(ATTEMPTS):
            self.pk = next_id(self._meta.label_lower)
            try:
                with transaction.atomic():
                    super().save(*args, **{**kwargs, "force_insert": True})
                return
            except IntegrityError:
                taken = type(self)._base_manager.filter(pk=self.pk).exists()
                self.pk = None
                if not taken:
                    raise
        raise NoIdAvailable
