"""Connections to PostgreSQL plan for many small questions, unless its operator decided otherwise."""

import pytest
from django.db import connection

from vedette.core import connections

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such settings"),
]


@pytest.fixture
def setting():
    """The value of a setting in this connection."""

    def read(name):
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting(%s)", [name])
            return cursor.fetchone()[0]

    return read


def test_defaults_are_replaced(setting):
    assert (setting("jit"), setting("random_page_cost")) == ("off", "1.1")


def test_what_an_operator_chose_stays(setting):
    with connection.cursor() as cursor:
        cursor.execute("SET random_page_cost = 2.5; SET jit = on")
    try:
        connections.set_up(connection)
        assert (setting("jit"), setting("random_page_cost")) == ("on", "2.5")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET random_page_cost = 1.1; SET jit = off")
