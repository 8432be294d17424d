"""A database for each live server: a fresh PostgreSQL one where the tests run on PostgreSQL, else SQLite."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

TEST_DATABASE_URL = os.environ.get("VEDETTE_TEST_DATABASE_URL", "")
TEST_REDIS_URL = os.environ.get("VEDETTE_TEST_REDIS_URL", "")


@contextmanager
def store_settings() -> Iterator[dict[str, str]]:
    """Environment variables of a server that shares its stores with no other; what they name is removed afterwards."""
    with _database() as database:
        yield database | ({"VEDETTE_REDIS_URL": TEST_REDIS_URL} if TEST_REDIS_URL else {})


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
