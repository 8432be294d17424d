"""`prepare` under any bytes and any JSON: it always answers, and never tells a secret."""

from typing import Any

import msgspec
import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.digest.making import CONFIG, EVENT_ID, prepared, receipt
from vedette.digest.prepare import HANDLERS, prepare
from vedette.digest.values import Dropped, PreparedEvent, PreparedTransaction
from vedette.spool.records import SpooledEnvelope
from vedette.wire.event import Event

SECRET = "hunter2-7f3a"
LIMITS = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30),
    st.sampled_from(
        ["{{auto}}", "2026-01-01T00:00:00Z", "https://u:p@h/x?y=1#z", "0x1f", "a=1&b=2", '{"a":1}', "%s {}"]
    ),
)
NAMES = st.one_of(st.sampled_from([field.encode_name for field in msgspec.structs.fields(Event)]), st.text(max_size=8))
INNER = st.sampled_from(
    "values frames type value stacktrace mechanism data vars message formatted params headers url query_string cookies "
    "env trace os id email ip_address timestamp level function filename abs_path module lineno in_app name version "
    "csp-report blocked_uri effective_directive exception_id parent_id is_exception_group spans images".split()
)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(INNER, st.text(max_size=6)), inner)),
    max_leaves=20,
)
EVENTS = st.dictionaries(NAMES, JSON, max_size=8)


def check(value: object) -> None:
    if not isinstance(value, (PreparedEvent, PreparedTransaction)):
        return
    kept = orjson.loads(value.payload)
    assert isinstance(kept, dict)
    assert len(value.payload) <= 2_000_000
    assert all(key and text and len(key) <= 200 and len(text) <= 256 for key, text in value.tags)
    assert len({key for key, _ in value.tags}) == len(value.tags)
    if isinstance(value, PreparedEvent):
        assert 1 <= len(value.title) <= 500
        assert len(value.culprit) <= 200
        assert len(value.message) <= 8192
        assert value.hashes
        assert all(len(one) == 32 for one in value.hashes)


@LIMITS
@given(payload=st.binary(max_size=200), kind=st.sampled_from([*HANDLERS, "session", "?"]))
def test_any_bytes_as_an_item_are_answered(payload: bytes, kind: str) -> None:
    values = prepared(({"type": kind}, payload))

    assert len(values) == 1
    check(values[0])


@LIMITS
@given(
    body=st.binary(max_size=300),
    kind=st.sampled_from(["envelope", "store", "outcomes"]),
    encoding=st.sampled_from(["", "gzip", "br", "?"]),
)
def test_any_bytes_as_a_request_are_answered(body: bytes, kind: str, encoding: str) -> None:
    prepare(SpooledEnvelope(1, receipt(kind=kind, encoding=encoding), body), CONFIG)


@LIMITS
@given(event=st.one_of(EVENTS, JSON), kind=st.sampled_from(list(HANDLERS)))
def test_any_json_as_an_item_is_answered_the_same_way_twice(event: Any, kind: str) -> None:
    payload = msgspec.json.encode(event)

    first = prepared(({"type": kind}, payload))

    check(first[0])
    assert prepared(({"type": kind}, payload)) == first


@LIMITS
@given(
    event=EVENTS,
    times=st.fixed_dictionaries({"start_timestamp": st.just(1_759_999_990), "timestamp": st.just(1_759_999_999)}),
)
def test_any_transaction_is_answered(event: dict[str, Any], times: dict[str, Any]) -> None:
    trace = {"trace": {"trace_id": EVENT_ID, "span_id": EVENT_ID[:16]}}

    (value,) = prepared(({"type": "transaction"}, msgspec.json.encode({**event, **times, "contexts": trace})))

    check(value)
    assert isinstance(value, (PreparedTransaction, Dropped))


@LIMITS
@given(
    section=st.sampled_from(["extra", "user", "contexts", "request", "vars", "breadcrumbs", "params", "message"]),
    keys=st.lists(st.text(min_size=1, max_size=6), max_size=4),
    secret_key=st.sampled_from(["password", "X-Auth-Thing", "my_token", "API_KEY", "otp"]),
)
def test_a_secret_in_free_form_data_is_never_stored(section: str, keys: list[str], secret_key: str) -> None:
    data: Any = {secret_key: SECRET}
    for key in keys:
        data = {key: [data]}
    sections: dict[str, Any] = {
        "extra": {"extra": {"x": data, secret_key: SECRET}},
        "user": {"user": {"id": "1", "data": data, secret_key: SECRET}},
        "contexts": {"contexts": {"mine": data, "trace": {"data": data}, secret_key: {"a": SECRET}}},
        "request": {
            "request": {"data": data, "headers": {secret_key: SECRET}, "query_string": f"{secret_key}={SECRET}"}
        },
        "vars": {"stacktrace": {"frames": [{"vars": data}]}},
        "breadcrumbs": {"breadcrumbs": {"values": [{"data": data, "message": f"password={SECRET}"}]}},
        "params": {"logentry": {"message": "x %s", "formatted": "x", "params": [data]}},
    }

    sections["message"] = {"message": sections["params"]["logentry"]}

    (value,) = prepared(({"type": "event"}, msgspec.json.encode(sections[section])))

    assert isinstance(value, PreparedEvent)
    assert SECRET.encode() not in value.payload
    assert SECRET not in repr(value)


@LIMITS
@given(text=st.text(max_size=40), where=st.sampled_from(["message", "extra", "tags", "release", "user", "vars"]))
def test_any_text_survives_as_valid_utf8(text: str, where: str) -> None:
    payloads: dict[str, Any] = {
        "message": {"message": text},
        "extra": {"extra": {"a": text}},
        "tags": {"tags": {"a": text}},
        "release": {"release": text},
        "user": {"user": {"id": text}},
        "vars": {"stacktrace": {"frames": [{"vars": {"a": text}}]}},
    }

    (value,) = prepared(({"type": "event"}, msgspec.json.encode(payloads[where])))

    check(value)
