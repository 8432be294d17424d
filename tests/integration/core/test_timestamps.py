"""Timestamps of both databases, as the connections of this installation read them."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from psycopg import DataError

from tests.support.factories import an_organization
from vedette.core.connections import read_datetime
from vedette.core.timestamps import UtcLoader
from vedette.orgs.models import Organization

TIMESTAMPTZ = 1184


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (b"2026-01-02 03:04:05+00", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (b"2026-01-02 03:04:05.6+00", datetime(2026, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC)),
        (b"2026-01-02 03:04:05.678901+05:30", datetime(2026, 1, 1, 21, 34, 5, 678_901, tzinfo=UTC)),
        (b"0001-01-01 00:00:00+00", datetime(1, 1, 1, tzinfo=UTC)),
        (b"9999-12-31 23:59:59.999999+00", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_what_the_database_writes_is_read_as_a_moment_in_utc(text, moment):
    read = UtcLoader(TIMESTAMPTZ).load(text)

    assert (read, read.tzinfo) == (moment, UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (b"2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (b"2026-01-02 03:04:05.678901", datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)),
        (b"2026-01-02T03:04:05.600+05:30", datetime(2026, 1, 1, 21, 34, 5, 600_000, tzinfo=UTC)),
        (b"9999-12-31 23:59:59.999999", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        (b"0", None),
    ],
)
def test_so_is_what_stands_in_a_column_of_sqlite(text, moment):
    read = read_datetime(text)

    assert read == moment
    assert read is None or read.tzinfo is UTC


@pytest.mark.django_db
def test_a_moment_comes_back_as_it_was_written_with_its_microseconds_and_in_utc():
    at = datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC)
    organization = an_organization("acme", date_added=at)

    assert Organization.objects.get(pk=organization.pk).date_added == at
    with connection.cursor() as cursor:
        cursor.execute("SELECT date_added FROM orgs_organization WHERE id = %s", [organization.pk])
        (told,) = cursor.fetchone()
    assert (told, told.tzinfo) == (at, UTC)


@pytest.mark.parametrize("text", [b"infinity", b"10000-01-01 00:00:00+00", b"0001-01-01 00:00:00+00 BC"])
def test_moments_that_python_does_not_have_are_refused_with_the_words_of_the_driver(text):
    with pytest.raises(DataError):
        UtcLoader(TIMESTAMPTZ).load(text)


@pytest.mark.django_db
def test_every_connection_to_postgresql_reads_so():
    if connection.vendor != "postgresql":
        pytest.skip("it is a type of PostgreSQL")
    with connection.cursor() as cursor:
        cursor.execute("SELECT '2026-01-02 03:04:05.5+02'::timestamptz, NULL::timestamptz")
        row = cursor.fetchone()
        loader = cursor.adapters.get_loader(TIMESTAMPTZ, cursor.format)

    assert row == (datetime(2026, 1, 2, 1, 4, 5, 500_000, tzinfo=UTC), None)
    assert row[0].tzinfo is UTC
    assert loader is UtcLoader
