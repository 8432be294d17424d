"""A database for each live server: a fresh PostgreSQL one where the tests run on PostgreSQL, else SQLite."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

TEST_DATABASE_URL = os.environ.get("VEDETTE_TEST_DATABASE_URL", "")
TEST_REDIS_URL = os.environ.get("VEDETTE_TEST_REDIS_URL", "")


def redis_url() -> str:
    """This process's own Redis database, which it may empty; "" without Redis. Worker n of a parallel run has the nth
    after the one that is named."""
    if not TEST_REDIS_URL:
        return ""
    parts = urlsplit(TEST_REDIS_URL)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    number = int(parts.path.strip("/") or 0) + (int(worker) + 1 if worker else 0)
    return urlunsplit(parts._replace(path=f"/{number}"))


def empty_redis() -> None:
    """Remove what Vedette keeps in that database."""
    if not TEST_REDIS_URL:
        return
    client = _redis()
    for key in list(client.scan_iter(":1:*", count=1000)) + list(client.scan_iter("vedette:*", count=1000)):
        client.delete(key)


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(redis_url())


@contextmanager
def store_settings() -> Iterator[dict[str, str]]:
    """Environment variables of a server that shares its stores with no other; what they name is removed afterwards."""
    with _database() as database:
        yield database | ({"VEDETTE_REDIS_URL": redis_url()} if TEST_REDIS_URL else {})


@contextmanager
def _database() -> Iterator[dict[str, str]]:
    if not TEST_DATABASE_URL.startswith("postgres"):
        yield {}
        return
    name = f"vedette_live_{os.getpid()}_{secrets.token_hex(4)}"
    _run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield {"VEDETTE_DATABASE_URL": urlunsplit(urlsplit(TEST_DATABASE_URL)._replace(path=f"/{name}"))}
    finally:
        _run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _run(statement: sql.Composed) -> None:
    """From PostgreSQL's own database, which is always there."""
    address = urlunsplit(urlsplit(TEST_DATABASE_URL)._replace(path="/postgres"))
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement)


def empty_by_deleting() -> None:
    """Let PostgreSQL's tables be emptied by DELETE after tests that commit: TRUNCATE makes new files for every table,
    half a second for all, and most of them are empty."""
    if not TEST_DATABASE_URL.startswith("postgres"):
        return
    from django.db.backends.postgresql.operations import DatabaseOperations

    def sql_flush(
        self: DatabaseOperations, style: Any, tables: Sequence[str], **_: Any
    ) -> list[str]:  # foreign keys are checked at the commit, so the order does not matter
        return [f"DELETE FROM {self.quote_name(table)};" for table in tables]

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[assignment]
