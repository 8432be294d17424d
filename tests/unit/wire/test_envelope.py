"""The grammar of envelopes, rule by rule (ingest specification, 4.1), and their limits (4.3)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.errors import Refused
from vedette.wire.envelope import (
    MAX_HEADER_BYTES,
    MAX_ITEM_HEADER_BYTES,
    Envelope,
    Item,
    category_of,
    check_limits,
    creates_event,
    event_id_in,
    needs_event,
    own_event_id,
    parse_envelope,
    quantity_of,
    write_envelope,
)
from vedette.wire.items import MIB
from vedette.wire.outcomes import Category
from vedette.wire.refusals import MalformedEnvelope, TooLarge

EVENT_ID = "3b1f0c7cf0a94b6b9dd5b2f6c1a8e701"


def payloads(body: bytes) -> list[bytes]:
    return [bytes(item.payload) for item in parse_envelope(body).items]


def refusal(body: bytes) -> str:
    with pytest.raises(MalformedEnvelope) as caught:
        parse_envelope(body)
    assert caught.value.status == 400
    return str(caught.value)


@pytest.mark.parametrize("behind", [b"\r\n", b" \n", b"\t\n", b" "], ids=["cr lf", "space lf", "tab lf", "space"])
def test_rule_1_nothing_but_a_line_feed_ends_a_header(behind):
    assert refusal(b"{}" + behind) == "missing newline after header or payload"


def test_rule_1_carriage_return_after_an_item_header_is_refused():
    assert refusal(b'{}\n{"type":"event"}\r\n{}') == "missing newline after header or payload"


def test_rule_1_white_space_and_blank_lines_before_a_header_are_skipped():
    assert payloads(b' \n\n\t{}\n\n  {"type":"session"}\nx') == [b"x"]


def test_rule_1_a_header_may_be_printed_over_several_lines():
    envelope = parse_envelope(b'{\n "event_id":\n "%s"\n}\n{"type":\n"session"}\nx' % EVENT_ID.encode())

    assert envelope.event_id == EVENT_ID
    assert [item.type for item in envelope.items] == ["session"]


@pytest.mark.parametrize("body", [b"{}", b"{}\n"], ids=["without newline", "with newline"])
def test_rule_2_a_header_alone_is_an_empty_envelope(body):
    assert parse_envelope(body) == Envelope({}, ())


def test_rule_3_a_payload_shorter_than_its_length_is_refused():
    assert refusal(b'{}\n{"type":"event","length":38}\n{"message":"short"}') == "unexpected end of file"


def test_rule_3_a_payload_longer_than_its_length_is_refused():
    body = b'{}\n{"type":"event","length":38}\n{"message":"disk full","level":"error"}'

    assert refusal(body) == "missing newline after header or payload"


def test_rule_3_a_payload_with_length_may_hold_line_feeds():
    assert payloads(b'{}\n{"type":"attachment","length":5}\nhe\nlo\n') == [b"he\nlo"]


def test_rule_4_a_payload_without_length_ends_before_the_next_line_feed():
    assert payloads(b'{}\n{"type":"attachment"}\nhelloworld\n{"type":"session"}\n{"a":1}') == [
        b"helloworld",
        b'{"a":1}',
    ]


def test_rule_4_a_payload_without_length_ends_at_the_end():
    assert payloads(b'{}\n{"type":"attachment"}\nhelloworld') == [b"helloworld"]


@pytest.mark.parametrize("behind", [b"", b"\n", b"\n\n", b"\n \r\n\t\n"], ids=["none", "one", "two", "more"])
def test_rule_5_white_space_after_the_last_payload_is_ignored(behind):
    assert payloads(b'{}\n{"type":"session","length":1}\nx' + behind) == [b"x"]


@pytest.mark.parametrize("length", [b"", b',"length":0'], ids=["implicit", "zero"])
def test_rule_6_the_last_item_header_may_end_the_input(length):
    assert payloads(b'{}\n{"type":"attachment"%s}' % length) == [b""]


def test_rule_7_an_empty_payload_has_a_line_of_its_own():
    first = b'{"type":"attachment","length":0}'

    assert payloads(b"{}\n%s\n\n%s\n" % (first, first)) == [b"", b""]
    assert refusal(b"{}\n%s\n%s\n" % (first, first)) == "missing newline after header or payload"


@pytest.mark.parametrize(
    "header",
    [
        b"{}",
        b'{"type":null}',
        b'{"type":1}',
        b"[]",
        b"7",
        b"event",
        b'{"type":"event","length":-1}',
        b'{"type":"event","length":1.0}',
        b'{"type":"event","length":"1"}',
        b'{"type":"event","length":true}',
        b'{"type":"event",}',
        b'{"type":"event\xff"}',
        b'{"type":"event","a":NaN}',
        b'{"type":"\\ud800"}',
    ],
)
def test_rule_8_an_item_header_is_an_object_with_a_type_and_maybe_a_length(header):
    assert refusal(b"{}\n" + header + b"\nx") == "invalid item header"


def test_rule_8_unknown_keys_are_kept():
    (item,) = parse_envelope(b'{}\n{"type":"novelty","length":1,"colour":"red"}\nx').items

    assert item == Item({"type": "novelty", "length": 1, "colour": "red"}, b"x", "novelty")


def test_rule_9_five_hundred_items_are_the_most():
    item = b'{"type":"novelty","length":0}\n\n'

    assert len(parse_envelope(b"{}\n" + item * 500).items) == 500
    assert refusal(b"{}\n" + item * 501) == "too many individual items"


@pytest.mark.parametrize(
    "body", [b"\x00", b"nope", b"[]", b'"{}"', b'{"a"', b"{]}", b'{"a":"\xff"}', b"\xef\xbb\xbf{}"]
)
def test_rule_10_the_first_line_is_a_json_object(body):
    assert refusal(body) == "invalid envelope header"


@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n\t"], ids=["nothing", "line feed", "white space"])
def test_rule_10_an_empty_body_has_no_header(body):
    assert refusal(body) == "missing envelope header"


def test_rule_11_an_error_in_the_last_item_refuses_the_whole():
    assert refusal(b'{}\n{"type":"session"}\nx\n{"type":"session","length":9}\nx') == "unexpected end of file"


@pytest.mark.parametrize("event_id", ["3B1F0C7CF0A94B6B9DD5B2F6C1A8E701", "3b1f0c7c-f0a9-4b6b-9dd5-b2f6c1a8e701"])
def test_the_event_id_may_have_any_form_of_a_uuid(event_id):
    assert parse_envelope(b'{"event_id":"%s"}' % event_id.encode()).event_id == EVENT_ID


@pytest.mark.parametrize("event_id", [b'"x"', b"7", b'""', b"{}"])
def test_an_event_id_that_is_none_is_refused(event_id):
    assert refusal(b'{"event_id":%s}' % event_id) == "invalid envelope header"


@pytest.mark.parametrize("body", [b"{}", b'{"event_id":null}'])
def test_an_envelope_may_have_no_event_id(body):
    assert parse_envelope(body).event_id is None


@pytest.mark.parametrize(
    ("sent_at", "moment"),
    [
        (b'"2026-03-01T10:00:00Z"', datetime(2026, 3, 1, 10, tzinfo=UTC)),
        (b'"2026-03-01T11:00:00+01:00"', datetime(2026, 3, 1, 10, tzinfo=UTC)),
        (b'"2026-03-01T10:00:00"', datetime(2026, 3, 1, 10, tzinfo=UTC)),
        (b'"yesterday"', None),
        (b"{}", None),
        (b"null", None),
    ],
)
def test_sent_at_is_a_moment_or_ignored(sent_at, moment):
    assert parse_envelope(b'{"sent_at":%s}' % sent_at).sent_at == moment


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("sdk", {"name": "sentry.python", "version": "2.75.0"}, id="sdk"),
        pytest.param("sdk", "nonsense", id="sdk, broken"),
        pytest.param("trace", {"trace_id": "a" * 32, "public_key": "b" * 32, "sample_rate": "1.0"}, id="trace"),
        pytest.param("trace", {"trace_id": 7, "sample_rate": []}, id="trace, broken members"),
        pytest.param("trace", "nonsense", id="trace, broken"),
        pytest.param("trace", None, id="trace, null"),
        pytest.param("novelty", [1, {"a": None}], id="others"),
    ],
)
def test_4_2_a_header_that_decides_nothing_is_kept(name, value):
    body = write_envelope({"event_id": EVENT_ID, name: value}, [({"type": "event"}, b"{}")])

    envelope = parse_envelope(body)

    assert envelope.header == {"event_id": EVENT_ID, name: value}
    assert [item.type for item in envelope.items] == ["event"]


@pytest.mark.parametrize("where", [b"%s", b'{}\n{"type":"x","a":%s}'], ids=["envelope", "item"])
def test_headers_nested_deeply_are_refused(where):
    deep = b'{"a":' * 100 + b"1" + b"}" * 100

    assert refusal(where % deep).endswith("header")


@pytest.mark.parametrize("text", [b"[" * 200_000, b'"' * 200_000, b'\\"' * 100_000, b"a" * 200_000])
def test_headers_without_end_are_refused_quickly(text):
    assert refusal(b'{"a":"b","c":' + text) == "invalid envelope header"


def test_a_header_beyond_its_size_is_refused():
    assert refusal(b'{"a":"%s"}\n' % (b"x" * MAX_HEADER_BYTES)) == "invalid envelope header"


def test_a_header_with_many_small_objects_is_read():
    packages = b'{"sdk":{"packages":[%s]}}' % b",".join([b'{"name":"p"}'] * 40)

    assert len(parse_envelope(packages + b"\n").header["sdk"]["packages"]) == 40


def test_an_item_header_beyond_its_size_is_refused():
    header = b'{"type":"x","a":"%s"}'
    most = MAX_ITEM_HEADER_BYTES - len(header % b"")

    assert len(parse_envelope(b"{}\n" + header % (b"x" * most) + b"\n").items) == 1
    assert refusal(b"{}\n" + header % (b"x" * (most + 1)) + b"\n") == "invalid item header"


def test_headers_beyond_their_size_all_together_are_refused():
    item = b'{"type":"x","length":0,"a":"%s"}\n\n' % (b"x" * 8000)

    assert len(parse_envelope(b"{}\n" + item * 32).items) == 32
    assert refusal(b"{}\n" + item * 33) == "invalid item header"


@pytest.mark.parametrize(
    ("where", "name"), [(b"%s", "envelope"), (b'{}\n{"type":"x","a":%s}', "item")], ids=["envelope", "item"]
)
def test_headers_with_very_many_brackets_are_refused(where, name):
    many = b'{"a":[%s]}' % b",".join([b"[]"] * 300)

    assert refusal(where % many + b"\n") == f"invalid {name} header"


def test_brackets_in_strings_are_no_brackets():
    text = b"[{" * 1000 + b'\\"]'

    assert parse_envelope(b'{"a":"%s"}\n' % text).header["a"].endswith('"]')


def test_payloads_can_be_views_of_the_body():
    (item,) = parse_envelope(b'{}\n{"type":"session"}\nxyz', views=True).items

    assert isinstance(item.payload, memoryview)
    assert bytes(item.payload) == b"xyz"


def of_types(*types_and_sizes: tuple[str, int]) -> Envelope:
    return Envelope({}, tuple(Item({"type": name}, bytes(size), name) for name, size in types_and_sizes))


@pytest.mark.parametrize(
    "envelope",
    [
        of_types(("event", MIB)),
        of_types(("event", 1), *[("attachment", MIB)] * 30),
        of_types(("novelty", 3 * MIB), ("novelty", 3 * MIB)),
        of_types(*[("session", 1)] * 100),
        of_types(("log", 12 * MIB)),
    ],
    ids=["one event", "thirty attachments", "unknown type", "hundred sessions", "container"],
)
def test_what_is_within_the_limits_passes(envelope):
    check_limits(envelope)


@pytest.mark.parametrize(
    ("envelope", "named"),
    [
        (of_types(("event", MIB + 1)), "event"),
        (of_types(("session", 1), ("event", MIB + 1)), "event"),
        (of_types(("event", 1), ("event", 1)), "event"),
        (of_types(("event", 1), ("transaction", 1)), "transaction"),
        (of_types(("feedback", 1), ("replay_event", 1)), "replay_event"),
        (of_types(*[("attachment", 1)] * 30, ("user_report", 1)), "user_report"),
        (of_types(*[("session", 1)] * 100, ("sessions", 1)), "sessions"),
        (of_types(("sessions", 6 * MIB), ("session", 5 * MIB)), "session"),
        (of_types(("client_report", 100 * 1024 + 1)), "client_report"),
        (of_types(("check_in", 1), ("check_in", 1)), "check_in"),
        (of_types(("log", 1), ("log", 1)), "log"),
    ],
)
def test_what_is_beyond_a_limit_is_refused_by_the_name_of_its_type(envelope, named):
    with pytest.raises(TooLarge, match=f"envelope exceeded size limits for type '{named}'") as caught:
        check_limits(envelope)

    assert caught.value.status == 413


@pytest.mark.parametrize(
    ("item_type", "attachment_type", "creates", "needs", "category"),
    [
        ("event", None, True, True, Category.ERROR),
        ("transaction", None, True, True, Category.TRANSACTION),
        ("feedback", None, True, True, Category.FEEDBACK),
        ("attachment", None, False, True, Category.ATTACHMENT),
        ("attachment", "event.view_hierarchy", False, True, Category.ATTACHMENT),
        ("attachment", "event.minidump", True, True, Category.ATTACHMENT),
        ("user_report", None, False, True, Category.FEEDBACK),
        ("session", None, False, False, Category.SESSION),
        ("client_report", None, False, False, Category.UNKNOWN),
        ("novelty", None, False, False, Category.UNKNOWN),
    ],
)
def test_items_are_classified_by_their_type(item_type, attachment_type, creates, needs, category):
    item = Item({"type": item_type, "attachment_type": attachment_type}, b"", item_type)

    assert (creates_event(item), needs_event(item), category_of(item)) == (creates, needs, category)


def test_an_attachment_counts_its_bytes_and_at_least_one():
    assert [quantity_of(item) for item in of_types(("attachment", 9), ("attachment", 0), ("event", 9)).items] == [
        9,
        1,
        1,
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), lambda inner: st.lists(inner, max_size=3)
)
HEADERS = st.dictionaries(st.text().filter(lambda name: name not in ("event_id", "length", "type")), JSON, max_size=4)
ITEMS = st.lists(st.tuples(HEADERS, st.text(), st.binary(max_size=50)), max_size=6)


@given(HEADERS, ITEMS)
def test_a_written_envelope_is_read_back(header, items):
    written = write_envelope(header, [({**item, "type": name}, payload) for item, name, payload in items])

    envelope = parse_envelope(written)

    assert envelope.header == header
    assert [(item.type, item.payload) for item in envelope.items] == [(name, payload) for _, name, payload in items]
    assert [item.header for item in envelope.items] == [
        {**item, "type": name, "length": len(payload)} for item, name, payload in items
    ]


PIECES = st.sampled_from(
    [
        b"{}",
        b"\n",
        b" ",
        b"\r",
        b'{"type":"event"}',
        b'{"type":"event","length":3}',
        b"abc",
        b"{",
        b"}",
        b'"',
        b"[",
        b"\\",
    ]
)


@given(st.binary() | st.lists(PIECES).map(b"".join))
def test_any_bytes_are_an_envelope_or_refused(body):
    try:
        envelope = parse_envelope(body)
        check_limits(envelope)
        status = 200
    except Refused as refused:
        envelope, status = Envelope({}, ()), refused.status

    assert status in (200, 400, 413)
    assert sum(len(item.payload) for item in envelope.items) <= len(body)


@pytest.mark.parametrize(
    ("header", "payload", "expected"),
    [
        pytest.param({"event_id": "a" * 32}, {"event_id": "b" * 32}, "a" * 32, id="the header's first"),
        pytest.param({}, {"event_id": "b" * 32}, "b" * 32, id="then the payload's"),
        pytest.param({}, {"event_id": "nonsense"}, None, id="nonsense is none"),
        pytest.param({}, {}, None, id="none"),
    ],
)
def test_an_envelope_goes_by_its_headers_id_or_its_events(
    header: dict[str, Any], payload: dict[str, Any], expected: str | None
) -> None:
    body = b"\n".join(json.dumps(part).encode() for part in (header, {"type": "event"}, payload))

    assert own_event_id(parse_envelope(body)) == expected


@pytest.mark.parametrize("payload", [b"", b"[]", b"\xff", b"[" * 10_000, b'{"event_id": 7}'])
def test_a_payload_that_cannot_be_read_has_no_id(payload: bytes) -> None:
    assert event_id_in(payload) is None
