"""Counters that several processes share through Redis or Valkey: each adds what it counted and learns the sum."""

from collections.abc import Sequence
from dataclasses import dataclass

import redis

_PREFIX = "vedette:count:"


@dataclass(frozen=True, slots=True)
class Increment:
    """Add `amount` (may be 0, to ask only) to the counter `name`, which is forgotten after `seconds`."""

    name: str
    amount: int
    seconds: int


def add_up(client: redis.Redis, increments: Sequence[Increment]) -> list[int]:
    """Each counter after its increment; one round trip. Raises `redis.RedisError`, and then some may be counted."""
    pipeline = client.pipeline(transaction=False)
    for one in increments:
        pipeline.incrby(_PREFIX + one.name, one.amount)
        pipeline.expire(_PREFIX + one.name, one.seconds)
    return [int(total) for total in pipeline.execute()[::2]]
