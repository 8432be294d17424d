"""Addresses of event stores."""

import pytest

from vedette.core.errors import Misconfigured
from vedette.events.client import ServerAddress, read_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("clickhouse://db", ServerAddress("db", 8123, "default", "")),
        ("clickhouse://u:p%40ss@db:9999/events", ServerAddress("db", 9999, "u", "p@ss", "events")),
        ("clickhouse://db/?secure=1", ServerAddress("db", 8443, "default", "", secure=True)),
        ("clickhouse://[::1]:8123/x", ServerAddress("::1", 8123, "default", "", "x")),
    ],
)
def test_an_address_is_taken_apart(url, expected):
    assert read_url(url) == expected


@pytest.mark.parametrize(
    "url", ["http://db", "clickhouse://", "clickhouse://:s3cret@", "clickhouse://u:s3cret@db:port"]
)
def test_what_is_no_address_is_refused_without_its_password(url):
    with pytest.raises(Misconfigured) as caught:
        read_url(url)

    assert "s3cret" not in str(caught.value) + caught.value.hint
