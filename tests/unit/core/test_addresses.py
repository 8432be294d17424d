"""The addresses among the settings: what they mean, and what is refused."""

from pathlib import Path

import pytest

from vedette.core.addresses import EventsAddress, read_events_url, read_url
from vedette.core.errors import Misconfigured

DATA = Path("/data")


def a_server(host, port, username="default", password="", database="default", secure=False):
    return EventsAddress(False, DATA / "events", host, port, username, password, database, secure)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", EventsAddress(True, DATA / "events")),
        ("chdb:///", EventsAddress(True, Path("/"))),
        ("chdb:///var/lib/my%20events", EventsAddress(True, Path("/var/lib/my events"))),
        ("clickhouse://db", a_server("db", 8123)),
        ("clickhouse://u:p%40ss@db:9999/events", a_server("db", 9999, "u", "p@ss", "events")),
        ("clickhouse://db/?secure=1", a_server("db", 8443, secure=True)),
        ("clickhouse://[::1]:8123/x", a_server("::1", 8123, database="x")),
    ],
)
def test_the_event_stores_address_is_taken_apart(url, expected):
    assert read_events_url(url, DATA) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://db",
        "clickhouse://",
        "clickhouse://:s3cret@",
        "clickhouse://u:s3cret@db:port",
        "clickhouse://u:s3cret@db/?sceure=1",
        "clickhouse://u:s3cret/2@db",
        "clickhouse://u:[s3cret@db",
        "clickhouse://u:s3cret@\u2100db",
        "clickhouse://[::1",
        "chdb://host/path",
    ],
)
def test_what_is_no_address_is_refused_by_name_and_without_its_password(url):
    with pytest.raises(Misconfigured, match="VEDETTE_EVENTS_URL") as caught:
        read_events_url(url, DATA)

    assert "s3cret" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("url", ["https://u:s3cret@host/path", "ftp://u:s3cret@host", "https://u:s3cret/2@host"])
def test_the_servers_own_address_is_refused_without_what_it_holds(url):
    with pytest.raises(Misconfigured, match="VEDETTE_URL") as caught:
        read_url(url, "127.0.0.1", 9000)

    assert "s3cret" not in str(caught.value) + caught.value.hint
