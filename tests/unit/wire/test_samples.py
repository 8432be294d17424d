"""Byte-exact envelopes, as SDKs of different taste write them."""

import pytest

from vedette.wire.envelope import parse_envelope

ID = b"7c9e5a1f0d3b4c6e8f2a9b7d5e3c1f00"
SAMPLES = {
    "implicit length, end of file": (
        b'{"event_id":"' + ID + b'"}\n{"type":"attachment"}\nhelloworld',
        [("attachment", b"helloworld")],
    ),
    "implicit length, newline": (
        b'{"event_id":"' + ID + b'"}\n{"type":"attachment"}\nhelloworld\n',
        [("attachment", b"helloworld")],
    ),
    "session without headers": (
        b'{}\n{"type":"session"}\n{"started":"2026-02-07T14:16:00Z","attrs":{"release":"shop@1.0.0"}}',
        [("session", b'{"started":"2026-02-07T14:16:00Z","attrs":{"release":"shop@1.0.0"}}')],
    ),
    "two empty attachments": (
        b'{"event_id":"' + ID + b'"}\n{"type":"attachment","length":0}\n\n{"type":"attachment","length":0}\n\n',
        [("attachment", b""), ("attachment", b"")],
    ),
    "two empty attachments, no last newline": (
        b'{"event_id":"' + ID + b'"}\n{"type":"attachment","length":0}\n\n{"type":"attachment","length":0}\n',
        [("attachment", b""), ("attachment", b"")],
    ),
    "byte order mark, carriage return and newline in a payload": (
        b'{"event_id":"'
        + ID
        + b'"}\n{"type":"attachment","length":10,"content_type":"text/plain","filename":"hi.txt"}\n'
        b"\xef\xbb\xbfHello\r\n\n"
        b'{"type":"event","length":39}\n{"message":"disk full","level":"error"}\n',
        [("attachment", b"\xef\xbb\xbfHello\r\n"), ("event", b'{"message":"disk full","level":"error"}')],
    ),
    "session and attachment with a line feed": (
        b'{"dsn":"https://0123456789abcdef0123456789abcdef@errors.example.org/7"}\n'
        b'{"type":"session"}\n'
        b'{"sid":"8333339f-5675-4f89-a9a0-1c935255ab58","init":true,"status":"ok"}\n'
        b'{"type":"attachment","length":5,"filename":"a.txt","attachment_type":"event.attachment"}\n'
        b"he\nlo\n",
        [
            ("session", b'{"sid":"8333339f-5675-4f89-a9a0-1c935255ab58","init":true,"status":"ok"}'),
            ("attachment", b"he\nlo"),
        ],
    ),
}


@pytest.mark.parametrize(("body", "items"), SAMPLES.values(), ids=SAMPLES.keys())
def test_a_sample_is_read_byte_for_byte(body, items):
    envelope = parse_envelope(body)

    assert [(item.type, item.payload) for item in envelope.items] == items
