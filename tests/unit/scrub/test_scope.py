from typing import Any

import msgspec

from vedette.scrub.event import scrub_event
from vedette.scrub.rules import FILTERED
from vedette.scrub.scrubber import scrubber_for
from vedette.wire.event import Event

SECRET = {"password": "hunter2", "count": 1}
CLEAN = {"password": FILTERED, "count": 1}


def scrubbed(payload: dict[str, Any], *, enabled: bool = True, addresses: bool = False) -> dict[str, Any]:
    raw = msgspec.json.encode(payload)
    event = msgspec.json.decode(raw, type=Event)
    scrub_event(event, raw, scrubber_for(enabled, True, addresses, (), ()))
    shown: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(event))
    return shown


def test_free_form_data_is_cleaned_wherever_it_is() -> None:
    frames = {"frames": [{"vars": SECRET}]}
    payload = {
        "user": {"id": "1", "data": SECRET},
        "extra": {"a": SECRET, "api_key": "x", "secrets": [1]},
        "contexts": {"mine": SECRET, "auth": {"a": 1}, "trace": {"data": SECRET}},
        "breadcrumbs": {"values": [{"message": "password: x", "data": SECRET}]},
        "exception": {
            "values": [
                {
                    "type": "E",
                    "stacktrace": frames,
                    "raw_stacktrace": frames,
                    "mechanism": {"type": "x", "data": SECRET},
                }
            ]
        },
        "stacktrace": frames,
        "threads": {"values": [{"stacktrace": frames}]},
        "logentry": {"formatted": "x", "params": [SECRET, "token=1"]},
        "spans": [{"data": SECRET}],
        "request": {"data": SECRET, "env": {"DB_PASSWORD": "x"}, "headers": [["Authorization", "Basic x"]]},
    }

    clean = scrubbed(payload)

    assert b"hunter2" not in msgspec.json.encode(clean)
    assert clean["extra"] == {"a": CLEAN, "api_key": FILTERED, "secrets": None}
    assert clean["contexts"] == {"mine": CLEAN, "auth": None, "trace": {"data": CLEAN}}
    assert clean["breadcrumbs"]["values"] == [{"message": FILTERED, "data": CLEAN}]
    assert clean["logentry"]["params"] == [CLEAN, FILTERED]
    assert clean["request"]["headers"] == [["Authorization", FILTERED]]
    assert clean["request"]["env"] == {"DB_PASSWORD": FILTERED}


def test_what_names_an_event_is_left_alone() -> None:
    payload = {
        "tags": [["password", "x"]],
        "culprit": "auth.login",
        "transaction": "/password/",
        "release": "secret@1",
        "environment": "auth",
        "logger": "auth",
        "modules": {"django-auth": "1"},
        "fingerprint": ["password"],
        "sdk": {"name": "auth", "version": "1"},
        "exception": {
            "values": [
                {
                    "type": "AuthError",
                    "value": "wrong password",
                    "module": "auth",
                    "stacktrace": {"frames": [{"function": "auth", "filename": "auth.py", "context_line": "password"}]},
                }
            ]
        },
        "contexts": {"device": {"name": "auth", "model": "token=1"}},
        "request": {"url": "https://h/password/", "headers": [["User-Agent", "auth/1"]]},
        "spans": [{"description": "SELECT password"}],
        "extra": {"password": "x"},
    }

    clean = scrubbed(payload)

    assert clean.pop("extra") == {"password": FILTERED}
    assert clean == {key: value for key, value in payload.items() if key != "extra"}


def test_messages_get_the_gentler_rules() -> None:
    clean = scrubbed({"logentry": {"formatted": "password of bob@x.io paid 4111111111111111 with Bearer abc"}})

    assert clean["logentry"]["formatted"] == "password of [email] paid [creditcard] with Bearer [token]"


def test_only_the_password_of_a_url_is_hidden() -> None:
    assert scrubbed({"request": {"url": "https://u:pw@h/auth"}})["request"]["url"] == f"https://u:{FILTERED}@h/auth"


def test_nothing_happens_when_scrubbing_is_off() -> None:
    payload = {"extra": {"password": "x"}, "user": {"id": "1", "ip_address": "10.0.0.1"}}

    assert scrubbed(payload, enabled=False) == payload


def test_addresses_are_removed_when_asked_even_with_the_rest_off() -> None:
    payload = {
        "user": {"id": "1", "ip_address": "10.0.0.1"},
        "request": {"env": {"REMOTE_ADDR": "10.0.0.1", "A": "10.0.0.2"}},
        "extra": {"peer": "10.0.0.3", "password": "x"},
    }

    clean = scrubbed(payload, enabled=False, addresses=True)

    assert clean == {"user": {"id": "1"}, "request": {"env": {"A": "[ip]"}}, "extra": {"peer": "[ip]", "password": "x"}}


def test_an_escaped_secret_does_not_slip_through() -> None:
    raw = b'{"extra": {"p\\u0061ssword": "x", "url": "https:\\/\\/u:pw@h\\/"}}'
    event = msgspec.json.decode(raw, type=Event)

    scrub_event(event, raw, scrubber_for(True, True, False, (), ()))

    assert msgspec.json.decode(msgspec.json.encode(event))["extra"] == {
        "password": FILTERED,
        "url": f"https://u:{FILTERED}@h/",
    }
