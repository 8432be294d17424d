"""Bodies of the store endpoint (ingest specification, 1.1)."""

import base64
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.errors import Refused
from vedette.wire.refusals import MalformedStore, TooLarge
from vedette.wire.store import STORE_LIMIT_BYTES, decode_store

EVENT_ID = "3b1f0c7cf0a94b6b9dd5b2f6c1a8e701"
EVENT = json.dumps({"message": "disk full", "event_id": EVENT_ID}).encode()
FORMS = {
    "JSON": EVENT,
    "base64": base64.b64encode(EVENT),
    "base64 with line breaks": base64.encodebytes(EVENT),
    "base64 of zlib": base64.b64encode(zlib.compress(EVENT)),
}


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS.keys())
def test_every_form_becomes_json(body):
    event = decode_store(body)

    assert event.json == EVENT
    assert event.event_id == EVENT_ID
    assert event.type == "event"


@pytest.mark.parametrize(
    ("given_type", "item_type"),
    [("transaction", "transaction"), ("feedback", "feedback"), ("error", "event"), (None, "event"), ([1], "event")],
)
def test_the_type_decides_the_item(given_type, item_type):
    assert decode_store(json.dumps({"type": given_type}).encode()).type == item_type


def test_a_missing_id_is_made_up():
    first, second = decode_store(b"{}").event_id, decode_store(b'{"event_id":null}').event_id

    assert len(first) == len(second) == 32
    assert first != second


@pytest.mark.parametrize("event_id", ['"x"', "7", "[]", '""'])
def test_an_unreadable_id_is_400(event_id):
    with pytest.raises(MalformedStore, match="invalid event id") as caught:
        decode_store(b'{"event_id":%s}' % event_id.encode())

    assert caught.value.status == 400


@pytest.mark.parametrize(
    "body",
    [
        b'{"message":"disk full"',
        b'{"a":1,}',
        b"[]",
        b"not JSON",
        b'{"a":NaN}',
        b'{"a":%s1%s}' % (b"[" * 100_000, b"]" * 100_000),
        base64.b64encode(b'{"a"'),
        base64.b64encode(zlib.compress(b'["a"]')),
    ],
    ids=["cut", "comma", "list", "text", "nan", "deep", "base64 cut", "zlib list"],
)
def test_broken_json_is_400(body):
    with pytest.raises(MalformedStore, match="invalid JSON data"):
        decode_store(body)


def test_zlib_inside_base64_that_is_truncated_is_400():
    with pytest.raises(MalformedStore, match="invalid JSON data") as caught:
        decode_store(base64.b64encode(zlib.compress(EVENT)[:-5]))

    assert caught.value.causes == ("it ends too early",)


def test_a_bomb_inside_base64_is_413():
    with pytest.raises(TooLarge):
        decode_store(base64.b64encode(zlib.compress(b'{"a":"%s"}' % (b"x" * STORE_LIMIT_BYTES))))


@pytest.mark.parametrize("client", ["raven-python/6.0", "sentry-python/1.0"])
def test_old_python_clients_may_say_nan(client):
    body = b'{"a":NaN,"b":[Infinity,-Infinity],"c":"NaN \\" Infinity"}'

    event = decode_store(body, client)

    assert len(event.json) == len(body)
    assert json.loads(event.json) == {"a": 0.0, "b": [None, None], "c": 'NaN " Infinity'}


@given(
    st.binary() | st.text().map(str.encode) | st.binary().map(base64.b64encode), st.sampled_from(["", "raven-python/6"])
)
def test_any_bytes_are_an_event_or_refused(body, client):
    try:
        status = 200 if len(decode_store(body, client).event_id) == 32 else 500
    except Refused as refused:
        status = refused.status

    assert status in (200, 400, 413)
