"""How much of what a sender makes up is looked at and kept."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.unit.digest.making import (
    CONFIG,
    EVENT_ID,
    NOW,
    Json,
    a_drop,
    an_event,
    errors_of,
    prepared,
    prepared_bytes,
    receipt,
    stored,
)
from vedette.digest.prepare import prepare
from vedette.digest.values import (
    Dropped,
    Prepared,
    PreparedSessions,
    PreparedUserReport,
    Reported,
    SessionBucket,
    held_bytes,
)
from vedette.spool.records import SpooledEnvelope
from vedette.wire.outcomes import CATEGORY_OF_WORD, Category, Outcome

MIB = 1024 * 1024
NESTED = b"[" + b"[]," * (MIB // 3 - 200) + b"[]]"


def counts(report: Json) -> list[tuple[Outcome, Category, str, int]]:
    value = prepared_bytes(msgspec.json.encode(report), "client_report")
    assert isinstance(value, Reported), value
    return [(count.outcome, count.category, count.reason, count.quantity) for count in value.counts]


def entry(reason: Any, category: str = "error", quantity: int = 1) -> Json:
    return {"reason": reason, "category": category, "quantity": quantity}


@pytest.mark.parametrize("name", ["module", "package", "filename", "abs_path"])
def test_long_names_of_frames_are_cut_before_they_are_grouped_by(name: str) -> None:
    kept = stored({"platform": "java", "stacktrace": {"frames": [{name: "$" * 100_000, "function": "run"}]}})
    (frame,) = kept["stacktrace"]["frames"]

    assert frame[name] == "$" * 1021 + "..."
    assert kept["_meta"]["stacktrace"]["frames"]["0"][name][""] == {
        "rem": [["!limit", "s", 1021, 1024]],
        "len": 100_000,
    }


def test_names_of_frames_within_the_allowance_stay() -> None:
    kept = stored({"platform": "java", "stacktrace": {"frames": [{"module": "m" * 1124}]}})

    assert kept["stacktrace"]["frames"][0]["module"] == "m" * 1124
    assert "_meta" not in kept


def test_many_wrong_frames_are_each_named_by_their_place() -> None:
    # Looking every place up from the start made this quadratic.
    frames = [{"function": "f", "instruction_addr": "x"}] * 20_000
    kept = stored({"platform": "native", "exception": [{"type": "A", "stacktrace": {"frames": frames}}]})
    places = errors_of(kept)

    assert places[:1] == [("invalid_data", "exception.values.0.stacktrace.frames.0.instruction_addr")]
    assert places[99:] == [("invalid_data", "exception.values.0.stacktrace.frames.99.instruction_addr")]
    assert kept["_meta"]["exception"]["values"]["0"]["stacktrace"]["frames"][""]["len"] == 20_000


def test_variables_of_many_threads_are_each_named_by_their_place() -> None:
    threads = [{"stacktrace": {"frames": [{"function": "f", "vars": 1}]}}] * 15_000

    assert errors_of(stored({"threads": threads}))[99:] == [
        ("invalid_data", "threads.values.99.stacktrace.frames.0.vars")
    ]


def test_the_first_two_hundred_tags_are_kept() -> None:
    pairs = [[f"t{number}", "x"] for number in range(5000)]
    kept = stored({"tags": pairs, "server_name": "web-1"})

    assert kept["tags"] == [*pairs[:200], ["server_name", "web-1"]]
    assert kept["_meta"]["tags"][""] == {"len": 5000}
    assert stored({"tags": dict(pairs[:200])})["tags"] == sorted(pairs[:200])
    assert len(stored({"tags": dict(pairs)})["tags"]) == 200


def test_a_hundred_contexts_are_kept_the_known_ones_before_the_others() -> None:
    given = {f"c{number}": {"type": "os", "name": "x"} for number in range(3000)}
    kept = stored({"contexts": {**given, "device": {"model": "M"}, "trace": {"trace_id": EVENT_ID}}})

    assert list(kept["contexts"]) == ["device", "trace", *list(given)[:98]]
    assert kept["_meta"]["contexts"][""] == {"len": 3002}
    assert len(an_event({"contexts": given}).tags) < 250


def test_what_a_report_does_not_know_is_skipped() -> None:
    said = b'"event_id":"%s","comments":"It broke"' % EVENT_ID.encode()

    for payload in (b'{"more":%s,%s}' % (NESTED, said), b'{"more":"\xff",%s}' % said, b'{"name":7,%s}' % said):
        value = prepared_bytes(payload, "user_report")
        assert isinstance(value, PreparedUserReport)
        assert (value.event_id, value.comments, value.name) == (EVENT_ID, "It broke", "")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"comments":%s}' % NESTED, "too_large"),
        (NESTED, "too_large"),
        (b'{"more":NaN,"less":%s}' % NESTED, "too_large"),
        (b'{"more":%s}' % (b"[" * 20_000 + b"]" * 20_000), "too_deep"),
        (b'{"more":' + b" " * MIB + b"1}", "too_large"),
    ],
    ids=["comments", "an array", "no JSON", "deep", "beyond the limit"],
)
def test_a_large_report_is_not_read_tolerantly(payload: bytes, reason: str) -> None:
    assert a_drop(payload, "user_report").reason == reason


def test_feedback_skips_what_it_does_not_know_and_reads_the_rest_tolerantly() -> None:
    said = b'"contexts":{"feedback":{"message":"It broke","name":7}}'

    for payload in (b'{"more":%s,%s}' % (NESTED, said), b'{"more":NaN,"user":[],%s}' % said):
        value = prepared_bytes(payload, "feedback")
        assert isinstance(value, PreparedUserReport)
        assert (value.event_id, value.comments, value.name) == (EVENT_ID, "It broke", "")
    assert a_drop(b'{"contexts":[]}', "feedback").reason == "no_data"
    assert a_drop(b"[]", "feedback").reason == "invalid_json"
    assert a_drop(b'{"more":%s}' % (b"[" * 2000 + b"]" * 2000), "feedback").reason == "too_deep"


def test_reasons_behind_the_first_twenty_are_folded_per_outcome_and_category() -> None:
    error = (Outcome.CLIENT_DISCARD, Category.ERROR)
    found = counts(
        {
            "discarded_events": [entry(f"r{number}") for number in range(22)]
            + [entry("r3", quantity=5), entry("late", "session", 2), entry("later", "session", 4)],
            "rate_limited_events": [entry("r1"), entry("other", quantity=2)],
        }
    )

    assert found[:20] == [(*error, f"r{number}", 6 if number == 3 else 1) for number in range(20)]
    assert found[20:] == [
        (*error, "other", 2),
        (Outcome.CLIENT_DISCARD, Category.SESSION, "other", 6),
        (Outcome.RATE_LIMITED, Category.ERROR, "other", 3),
    ]


def test_a_report_of_made_up_reasons_stays_small() -> None:
    entries = [entry(f"{number}", category) for number in range(60) for category in CATEGORY_OF_WORD]

    assert len(counts({"discarded_events": entries})) <= 20 + len(CATEGORY_OF_WORD)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (" queue_overflow ", "queue_overflow"),
        ("Sampled:1000,1004", "Sampled:1000,1004"),
        ("x" * 500, "x" * 64),
        ("two words", "other"),
        ("grün", "other"),
        ("a\x00b", "other"),
        ("", "other"),
        (None, "other"),
        (["x"], "other"),
    ],
)
def test_a_reason_is_a_word(reason: object, expected: str) -> None:
    assert counts({"discarded_events": [entry(reason)]}) == [(Outcome.CLIENT_DISCARD, Category.ERROR, expected, 1)]


def test_quantities_of_one_reason_add_up_to_a_bound() -> None:
    (found,) = counts({"discarded_events": [entry("x", quantity=2**31 - 1)] * 3})

    assert found[3] == 2**31 - 1


def an_envelope(kind: str, payload: Json, times: int) -> list[Prepared]:
    text = msgspec.json.encode(payload)
    lines = [b'{"type":"%s","length":%d}\n%s' % (kind.encode(), len(text), text)] * times
    return list(prepare(SpooledEnvelope(1, receipt(), b"\n".join([b"{}", *lines])), CONFIG))


@pytest.mark.parametrize(
    ("kind", "payload", "most"),
    [
        ("user_report", {"event_id": EVENT_ID, "comments": "it broke"}, 5),
        ("client_report", {"discarded_events": [entry("sample_rate")]}, 2),
    ],
)
def test_more_reports_in_one_envelope_than_anybody_sends_are_dropped_and_counted(
    kind: str, payload: Json, most: int
) -> None:
    values = an_envelope(kind, payload, most + 2)

    assert sum(isinstance(value, PreparedUserReport | Reported) for value in values) == most
    assert [value.reason for value in values if isinstance(value, Dropped)] == ["too_many"] * 2


def test_what_a_client_tells_a_day_late_counts_now() -> None:
    def moment(age: float) -> float:
        report = {"timestamp": NOW - age, "discarded_events": [entry("sample_rate")]}
        value = prepared_bytes(msgspec.json.encode(report), "client_report")
        assert isinstance(value, Reported)
        return value.counts[0].at

    assert moment(3600) == NOW - 3600
    assert moment(30 * 86_400) == NOW


def test_texts_counts_and_ids_of_sessions_are_memory_too() -> None:
    report, _ = an_envelope("user_report", {"event_id": EVENT_ID, "comments": "x" * 4000}, 2)
    told, _ = an_envelope("client_report", {"discarded_events": [entry(f"r{n}") for n in range(20)]}, 2)
    none = ((),) * 6
    bucket = SessionBucket(0, 1, 0, 0, 0, 0, tuple(range(1000)), tuple(range(1000)), *none, (1.0,) * 1000)
    sessions = PreparedSessions(7, 3, 1, "1.0", "", datetime.now(UTC), (bucket,))

    assert held_bytes(report) > 4000
    assert held_bytes(told) > 20 * 100
    assert held_bytes(sessions) >= 3000 * 40


def test_an_empty_file_is_memory_too() -> None:
    (file,) = prepared(({"type": "attachment"}, b""))
    (named,) = prepared(({"type": "attachment", "filename": "n" * 200}, b"12345"))

    assert held_bytes(file) >= 500
    assert held_bytes(named) - held_bytes(file) >= 5 + 180


def test_an_envelope_has_so_many_aggregates_however_they_are_divided() -> None:
    def an_item(count: int) -> bytes:
        aggregates = [{"started": NOW, "exited": 1}] * count
        payload = msgspec.json.encode({"attrs": {"release": "1.0"}, "aggregates": aggregates})
        return b'{"type":"sessions","length":%d}\n%s' % (len(payload), payload)

    lines = [an_item(count) for count in (6000, 4000, 1)]
    values = prepare(SpooledEnvelope(1, receipt(), b"\n".join([b"{}", *lines])), CONFIG)

    assert [value.reason if isinstance(value, Dropped) else "" for value in values] == ["", "", "too_large"]
