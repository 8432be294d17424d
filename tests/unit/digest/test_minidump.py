"""What an envelope tells about a crash becomes one event (ingest specification, 1.3 and 4.4)."""

import struct
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.digest.making import CONFIG, EVENT_ID, NOW, Json, prepared
from vedette.digest.values import Dropped, PreparedAttachment, PreparedEvent
from vedette.wire.outcomes import Category, Outcome

KEEPING = replace(CONFIG, stored_crash_reports=-1)
DUMP = b"MDMP" + bytes(100)
pack = msgspec.msgpack.encode


def file(kind: str, content: bytes, name: str = "a") -> tuple[Json, bytes]:
    return {"type": "attachment", "attachment_type": kind, "filename": name}, content


def dump(content: bytes = DUMP) -> tuple[Json, bytes]:
    return file("event.minidump", content, "crash.dmp")


def fields(*pairs: tuple[str, str]) -> tuple[Json, bytes]:
    return {"type": "form_data"}, msgspec.json.encode(pairs)


def crumb(message: str, second: int) -> Json:
    return {"message": message, "timestamp": NOW + second}


def event_of(*items: tuple[Json, bytes], **more: object) -> Json:
    """The stored payload of the one event that the items make."""
    values = prepared(*items, config=KEEPING, **more)
    (event,) = [value for value in values if isinstance(value, PreparedEvent)]
    assert event.event_id == EVENT_ID
    payload: Json = msgspec.json.decode(event.payload)
    return payload


def test_a_dump_alone_is_a_fatal_event_and_a_file():
    event, kept = prepared(dump(), config=KEEPING)

    assert isinstance(event, PreparedEvent)
    assert (event.platform, event.level, event.handled) == ("native", "fatal", False)
    assert event.title == "Minidump: Invalid Minidump"
    assert (event.exception_types, event.exception_values) == (("Minidump",), ("Invalid Minidump",))
    assert isinstance(kept, PreparedAttachment)
    assert (kept.name, kept.attachment_type, kept.content) == ("crash.dmp", "event.minidump", DUMP)
    payload = msgspec.json.decode(event.payload)
    mechanism = payload["exception"]["values"][0]["mechanism"]
    assert (mechanism["type"], mechanism["handled"], mechanism["synthetic"]) == ("minidump", False, True)


def test_an_apple_crash_report_is_a_crash_too():
    event = event_of(file("event.applecrashreport", b"Incident Identifier: x"))

    assert event["exception"]["values"][0]["type"] == "AppleCrashReport"


def test_of_an_issue_that_keeps_none_no_dump_is_kept():
    event, dropped = prepared(dump())

    assert isinstance(event, PreparedEvent)
    assert isinstance(dropped, Dropped)
    assert (dropped.outcome, dropped.category, dropped.reason, dropped.quantity) == (
        Outcome.FILTERED,
        Category.ATTACHMENT,
        "crash-report-limit",
        len(DUMP),
    )


def test_the_crash_has_the_time_of_the_dump_unless_the_clock_was_wrong():
    header = b"MDMP" + bytes(16) + struct.pack("<I", int(NOW) - 3600)
    swapped = b"PMDM" + bytes(16) + struct.pack(">I", int(NOW) - 3600)
    future = b"MDMP" + bytes(16) + struct.pack("<I", int(NOW) + 3600)

    assert [event_of(dump(content))["timestamp"] for content in (header, swapped, future)] == [
        NOW - 3600,
        NOW - 3600,
        NOW,
    ]


def test_fields_of_the_form_are_the_event_by_path_and_extra_data():
    event = event_of(
        dump(),
        fields(
            ("sentry[user][id]", "7"),
            ("sentry[tags][flavour]", "beta"),
            ("sentry[level]", "error"),
            ("prod", "Electron"),
            ("sentry[]", "nothing"),
        ),
    )

    assert (event["user"]["id"], event["level"]) == ("7", "error")
    assert ["flavour", "beta"] in event["tags"]
    assert event["extra"] == {"prod": "Electron"}


def test_a_field_may_hold_the_whole_event():
    event = event_of(
        dump(), fields(("sentry", '{"release":"game@1.0","user":{"id":"7"}}'), ("sentry[user][email]", ""))
    )

    assert (event["release"], event["user"]["id"]) == ("game@1.0", "7")


def test_long_values_are_put_together_in_their_order():
    text = msgspec.json.encode({"release": "game@1.0", "extra": {"long": "x" * 50}}).decode()
    pieces = [(f"sentry__{number}", text[start : start + 7]) for number, start in enumerate(range(0, len(text), 7), 1)]

    assert event_of(dump(), fields(*reversed(pieces)))["release"] == "game@1.0"


@pytest.mark.parametrize(("levels", "is_read"), [(15, True), (16, False)])
def test_paths_are_fifteen_levels_deep_at_most(levels, is_read):
    path = "sentry[extra]" + "[a]" * (levels - 1)

    event = event_of(dump(), fields((path, "deep")))

    assert ("extra" in event) is is_read


def test_the_event_of_a_native_sdk_is_merged_in():
    sent = {"message": "from the handler", "release": "game@2.0", "tags": {"a": "b"}, "user": {"id": "7"}}

    event = event_of(
        dump(), file("event.payload", pack(sent)), fields(("sentry[release]", "less"), ("sentry[user][name]", "Jo"))
    )

    assert (event["release"], event["user"]["id"], event["user"]["name"]) == ("game@2.0", "7", "Jo")
    assert event["platform"] == "native"


def test_an_event_beside_the_dump_says_most_and_keeps_its_exception():
    own = {"release": "game@3.0", "exception": {"values": [{"type": "SIGSEGV", "value": "bad address"}]}}

    event = event_of(
        ({"type": "event"}, msgspec.json.encode(own)), dump(), file("event.payload", pack({"release": "x"}))
    )

    assert event["release"] == "game@3.0"
    assert [one["type"] for one in event["exception"]["values"]] == ["SIGSEGV"]


def messages(*files: bytes) -> list[str]:
    event = event_of(dump(), *[file("event.breadcrumbs", content) for content in files])
    return [one["message"] for one in event["breadcrumbs"]["values"]]


def test_of_two_files_of_breadcrumbs_the_newer_one_comes_last():
    old = pack(crumb("a", 1)) + pack(crumb("b", 2)) + pack(crumb("c", 3))
    new = pack(crumb("d", 4))

    assert messages(old, new) == messages(new, old) == ["b", "c", "d"]
    assert messages(new) == messages(new, b"") == ["d"]


def test_breadcrumbs_may_come_as_one_list_and_broken_ones_end_it():
    assert messages(pack([crumb("a", 1), crumb("b", 2)])) == ["a", "b"]
    assert messages(pack(crumb("a", 1)) + b"\xc1") == ["a"]


def test_a_file_that_cannot_be_read_costs_only_itself():
    event = event_of(dump(), file("event.payload", b"\xff\xff"), ({"type": "form_data"}, b"nonsense"))

    assert event["exception"]["values"][0]["type"] == "Minidump"


def test_a_broken_event_is_dropped_and_its_dump_is_kept():
    values = prepared(({"type": "event"}, b"{"), dump(), config=KEEPING)

    assert [type(value) for value in values] == [Dropped, PreparedAttachment]


def test_files_that_tell_nothing_are_left_alone():
    values = prepared(({"type": "event"}, b'{"message":"x"}'), file("event.attachment", b"log"))

    assert [type(value) for value in values] == [PreparedEvent, PreparedAttachment]
    assert b'"level":"fatal"' not in values[0].payload  # type: ignore[union-attr]


def test_a_refused_crash_makes_no_event():
    values = prepared(dump(), config=KEEPING, refused=((0, "key_quota"),))

    assert [(type(value), value.outcome) for value in values] == [(Dropped, Outcome.RATE_LIMITED)]  # type: ignore[union-attr]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["event.payload", "event.breadcrumbs", "event.minidump", "event.applecrashreport"]),
            st.binary(max_size=60) | st.dictionaries(st.text(max_size=5), st.text(max_size=5)).map(pack),
        ),
        max_size=4,
    ),
    st.lists(st.tuples(st.text(max_size=20) | st.sampled_from(["sentry", "sentry[a][b]", "sentry__1"]), st.text())),
)
def test_any_crash_is_an_event_or_dropped(files, pairs):
    values = prepared(*[file(kind, content) for kind, content in files], fields(*pairs), config=KEEPING)

    assert sum(isinstance(value, PreparedEvent) for value in values) <= 1
    assert len(values) >= len([1 for kind, _ in files if kind == "event.minidump"])
