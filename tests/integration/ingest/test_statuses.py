"""Every status that ingest answers, over a real server (ingest specification, 1 to 5)."""

import base64
import gzip
import json
import socket
import time
import zlib
from typing import Any

import brotli
import pytest
import zstandard

from vedette.wire.envelope import write_envelope
from vedette.wire.outcomes import Category, Outcome

KEY = "a" * 32
AUTH = f"Sentry sentry_version=7, sentry_client=demo.client/1.0, sentry_key={KEY}"
EVENT_ID = "3b1f0c7cf0a94b6b9dd5b2f6c1a8e701"
EVENT = b'{"message":"disk full"}'
ENVELOPE = write_envelope({"event_id": EVENT_ID}, [({"type": "event"}, EVENT)])
MIB = 1024 * 1024
CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "x-sentry-error, x-sentry-rate-limits, retry-after",
    "cross-origin-resource-policy": "cross-origin",
}


def auth_of(letter: str) -> str:
    return f"Sentry sentry_key={letter * 32}"


def newest(front) -> Any:
    return front.spooled()[-1]


# ---------------------------------------------------------------- accepted


def test_an_envelope_is_on_disk_when_its_id_comes_back(front):
    answer = front.post("/api/7/envelope/", ENVELOPE, x_sentry_auth=AUTH, user_agent="curl/8")

    assert (answer.status, answer.json()) == (200, {"id": EVENT_ID})
    assert answer.headers["content-type"] == "application/json"
    item = newest(front)
    assert item.body == ENVELOPE
    receipt = item.receipt
    assert (receipt.organization_id, receipt.project_id, receipt.key_id) == (1, 7, 70)
    assert (receipt.kind, receipt.encoding, receipt.event_id, receipt.refused) == ("envelope", "", EVENT_ID, ())
    assert (receipt.client, receipt.user_agent, receipt.remote_addr) == ("demo.client/1.0", "curl/8", "127.0.0.1")
    assert abs(receipt.received_at - time.time()) < 60


def test_an_event_without_id_gets_one(front):
    answer = front.post("/api/7/envelope/", write_envelope({}, [({"type": "event"}, EVENT)]), x_sentry_auth=AUTH)

    assert len(answer.json()["id"]) == 32
    assert newest(front).receipt.event_id == answer.json()["id"]


def test_an_envelope_that_needs_no_event_has_no_id(front):
    answer = front.post("/api/7/envelope/", b'{}\n{"type":"session"}\n{}', x_sentry_auth=AUTH)

    assert (answer.status, answer.body) == (200, b"{}")
    assert newest(front).receipt.event_id is None


def test_an_empty_envelope_is_accepted_and_not_kept(front):
    before = len(front.spooled())

    answer = front.post("/api/7/envelope/", b"{}", x_sentry_auth=AUTH)

    assert (answer.status, answer.body) == (200, b"{}")
    assert len(front.spooled()) == before


def test_an_unknown_item_type_is_accepted(front):
    answer = front.post("/api/7/envelope/", b'{}\n{"type":"novelty"}\nx', x_sentry_auth=AUTH)

    assert answer.status == 200
    assert newest(front).body == b'{}\n{"type":"novelty"}\nx'


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/7/envelope/", {"authorization": AUTH}),
        ("/api/7/envelope/", {"authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()}),
        (f"/api/7/envelope/?sentry_key={KEY}&sentry_version=7&sentry_client=js%2F1", {}),
        ("//api///7//envelope//", {"x-sentry-auth": AUTH}),
    ],
    ids=["authorization", "basic", "query", "runs of slashes"],
)
def test_credentials_may_come_in_every_form(front, path, headers):
    # Over a socket of its own: clients tidy up such paths.
    named = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(ENVELOPE)}\r\n{named}\r\n"

    assert raw(front, head.encode() + ENVELOPE).startswith(b"HTTP/1.1 200 ")


def test_the_envelope_header_may_carry_the_credentials(front):
    body = write_envelope({"dsn": f"https://{KEY}:@errors.example.org/7"}, [({"type": "event"}, EVENT)])

    assert front.post("/api/7/envelope/", body).status == 200


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
        ("deflate,gzip", lambda plain: gzip.compress(zlib.compress(plain))),
    ],
)
def test_compressed_bytes_are_kept_as_they_came(front, encoding, compress):
    body = compress(ENVELOPE)

    answer = front.post("/api/7/envelope/", body, x_sentry_auth=AUTH, content_encoding=encoding)

    assert (answer.status, answer.json()) == (200, {"id": EVENT_ID})
    assert (newest(front).receipt.encoding, newest(front).body) == (encoding, body)


@pytest.mark.parametrize("encoding", ["", "utf-8"])
def test_what_is_no_encoding_is_ignored(front, encoding):
    answer = front.post("/api/7/envelope/", ENVELOPE, x_sentry_auth=AUTH, content_encoding=encoding)

    assert answer.status == 200
    assert newest(front).receipt.encoding == ""


def test_a_body_may_come_in_chunks(front):
    head = f"POST /api/7/envelope/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Sentry-Auth: {AUTH}\r\n"
    half = len(ENVELOPE) // 2
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (ENVELOPE[:half], ENVELOPE[half:]))

    answer = raw(front, f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks + b"0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert newest(front).body == ENVELOPE


def test_a_large_attachment_is_accepted_whole(front):
    content = bytes(40 * MIB)

    answer = front.post("/api/7/envelope/", write_envelope({}, [({"type": "attachment"}, content)]), x_sentry_auth=AUTH)

    assert answer.status == 200
    assert len(newest(front).body) > 40 * MIB


def test_a_large_compressed_attachment_is_inflated_beside_the_event_loop(front):
    body = gzip.compress(write_envelope({}, [({"type": "attachment"}, bytes(40 * MIB))]), 1)

    assert front.post("/api/7/envelope/", body, x_sentry_auth=AUTH, content_encoding="gzip").status == 200


# ---------------------------------------------------------------- store


@pytest.mark.parametrize(
    "body",
    [EVENT, base64.b64encode(EVENT), base64.b64encode(zlib.compress(EVENT))],
    ids=["JSON", "base64", "base64 of zlib"],
)
@pytest.mark.parametrize("path", ["/api/7/store/", "/api/store/"])
def test_the_store_endpoint_takes_one_event(front, path, body):
    answer = front.post(path, body, x_sentry_auth=AUTH)

    assert answer.status == 200
    item = newest(front)
    assert (item.receipt.kind, item.receipt.project_id, item.body) == ("store", 7, body)
    assert item.receipt.event_id == answer.json()["id"]


def test_the_store_endpoint_keeps_the_event_id(front):
    body = json.dumps({"event_id": EVENT_ID.upper()}).encode()

    assert front.post("/api/7/store/", body, x_sentry_auth=AUTH).json() == {"id": EVENT_ID}


def test_the_store_endpoint_takes_an_envelope_by_its_content_type(front):
    answer = front.post(
        "/api/7/store/", ENVELOPE, x_sentry_auth=AUTH, content_type="application/x-sentry-envelope; charset=utf-8"
    )

    assert answer.json() == {"id": EVENT_ID}
    assert newest(front).receipt.kind == "envelope"


@pytest.mark.parametrize("data", ["%7B%7D", base64.b64encode(zlib.compress(b'{"a":"~~~???>>>"}')).decode()])
def test_a_page_that_can_only_load_images_gets_a_pixel(front, data):
    answer = front.client.get(f"/api/7/store/?sentry_key={KEY}&sentry_data={data}")

    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.body.startswith(b"GIF89a")
    assert newest(front).receipt.kind == "store"


def test_old_python_clients_may_say_nan(front):
    answer = front.post("/api/7/store/", b'{"a":NaN}', x_sentry_auth=auth_of("a") + ", sentry_client=raven-python/6")

    assert answer.status == 200


# ---------------------------------------------------------------- refused


def test_no_path_is_404_and_the_slash_at_the_end_belongs_to_it(front):
    for path in ("/api/7/envelope", "/api/7/security", "/api/7/upload/", "/api/7/unreal/key/", "/api/7/x/"):
        answer = front.post(path, ENVELOPE, x_sentry_auth=AUTH)
        assert (path, answer.status, answer.json()) == (path, 404, {"detail": "there is nothing at this path"})


def test_a_path_without_a_project_s_number_belongs_to_the_pages(front):
    answer = front.post("/api/envelope/x/", ENVELOPE, x_sentry_auth=AUTH)

    assert (answer.status, answer.json()["environ"]["PATH_INFO"]) == (200, "/api/envelope/x/")


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/7/envelope/"), ("PUT", "/api/7/store/")])
def test_another_method_is_405(front, method, path):
    answer = front.client.request(method, path, b"x", {"X-Sentry-Auth": AUTH})

    assert answer.status == 405
    assert "POST" in answer.headers["allow"]
    assert answer.json()["detail"]


@pytest.mark.parametrize("project", ["x", "-7", "1.5", "18446744073709551616"])
def test_a_project_that_is_no_number_is_400(front, project):
    answer = front.post(f"/api/{project}/envelope/", ENVELOPE, x_sentry_auth=AUTH)

    assert (answer.status, answer.json()["detail"]) == (400, "bad project path parameter")


@pytest.mark.parametrize(
    ("path", "headers", "body", "detail"),
    [
        ("/api/7/envelope/", {}, ENVELOPE, "missing authorization information"),
        ("/api/7/envelope/", {}, b"", "missing authorization information"),
        ("/api/7/store/", {}, EVENT, "missing authorization information"),
        ("/api/7/envelope/", {}, b"nonsense", "bad envelope authentication header"),
        ("/api/7/envelope/", {}, b'{"dsn":"x"}', "bad envelope authentication header"),
        ("/api/7/envelope/", {"x_sentry_auth": "Sentry x=y"}, ENVELOPE, "bad x-sentry-auth header"),
        ("/api/7/envelope/", {"x_sentry_auth": "Sentry sentry_key=short"}, ENVELOPE, "bad x-sentry-auth header"),
        (f"/api/7/store/?sentry_key={KEY}", {"x_sentry_auth": AUTH}, EVENT, "multiple authorization payloads detected"),
        ("/api/7/store/", {"x_sentry_auth": AUTH, "authorization": AUTH}, EVENT, "multiple authorization payloads"),
    ],
)
def test_bad_credentials_are_401(front, path, headers, body, detail):
    answer = front.post(path, body, **headers)

    assert answer.status == 401
    assert answer.json()["detail"].startswith(detail)


@pytest.mark.parametrize(
    ("path", "key", "reason", "cause"),
    [
        ("/api/7/envelope/", "0", "project_id", "no such project or key"),
        ("/api/999/envelope/", "a", "project_id", "the key does not belong to this project"),
        ("/api/8/envelope/", "b", "project_id", "the key is disabled"),
        ("/api/9/envelope/", "c", "project_id", "the project is disabled"),
        ("/api/store/", "b", "project_id", "the key is disabled"),
    ],
    ids=["unknown key", "wrong project", "disabled key", "disabled project", "store"],
)
def test_a_key_that_may_not_send_is_403(front, path, key, reason, cause):
    answer = front.post(path, ENVELOPE, x_sentry_auth=auth_of(key))

    assert answer.status == 403
    assert answer.json() == {"detail": f"event submission rejected with_reason: {reason}", "causes": [cause]}


def test_the_foreign_dsn_in_an_envelope_is_an_unknown_key(front):
    body = write_envelope({"dsn": f"https://{'9' * 32}:@elsewhere.example/42"}, [({"type": "event"}, EVENT)])

    assert front.post("/api/7/envelope/", body).status == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://shop.example.com", 200),
        ("https://example.com", 200),
        ("https://elsewhere.example", 403),
        (None, 200),
    ],
)
def test_pages_from_elsewhere_are_403(front, origin, status):
    headers = {"origin": origin} if origin else {}

    answer = front.post("/api/10/envelope/", ENVELOPE, x_sentry_auth=auth_of("d"), **headers)

    assert answer.status == status
    if status == 403:
        assert answer.json()["detail"] == "event submission rejected with_reason: cors"


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ({"dsn": f"https://{KEY}@host/8"}, "project id"),
        ({"dsn": f"https://{'9' * 32}@host/7"}, "public key"),
        ({"dsn": "nonsense"}, "invalid envelope header"),
        ({"dsn": 7}, "invalid envelope header"),
        ({"origin": "https://b.example"}, "origin"),
    ],
)
def test_an_envelope_that_contradicts_its_request_is_400(front, header, detail):
    body = write_envelope(header, [({"type": "event"}, EVENT)])

    answer = front.post("/api/7/envelope/", body, x_sentry_auth=AUTH, origin="https://a.example")

    assert answer.status == 400
    assert detail in answer.json()["detail"]


def test_an_envelope_that_agrees_with_its_request_is_accepted(front):
    header = {"dsn": f"https://{KEY}@host/7", "origin": "https://a.example"}

    answer = front.post("/api/7/envelope/", write_envelope(header, []), x_sentry_auth=AUTH, origin="https://a.example")

    assert answer.status == 200


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "empty request body"),
        (b"nonsense", "invalid envelope header"),
        (b'{"event_id":"x"}', "invalid envelope header"),
        (b"{}\r\n", "missing newline after header or payload"),
        (b'{}\n{"type":"event","length":9}\nx', "unexpected end of file"),
        (b'{}\n{"length":1}\nx', "invalid item header"),
        (b"{}\n" + b'{"type":"x"}\n\n' * 501, "too many individual items"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "invalid envelope header"),
        (b"\xff\xfe", "invalid envelope header"),
    ],
)
def test_a_broken_envelope_is_400(front, body, detail):
    answer = front.post("/api/7/envelope/", body, x_sentry_auth=AUTH)

    assert (answer.status, answer.json()["detail"]) == (400, detail)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "empty request body"),
        (b'{"message"', "invalid JSON data"),
        (b"nonsense", "invalid JSON data"),
        (b'{"a":NaN}', "invalid JSON data"),
        (b'{"a":"\\ud800"}', "invalid JSON data"),
        (b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "invalid JSON data"),
        (b'{"event_id":"x"}', "invalid event id"),
    ],
)
def test_a_broken_store_body_is_400(front, body, detail):
    answer = front.post("/api/7/store/", body, x_sentry_auth=AUTH)

    assert (answer.status, answer.json()["detail"]) == (400, detail)


@pytest.mark.parametrize(
    ("encoding", "body", "detail"),
    [
        ("gzip", gzip.compress(ENVELOPE)[:-5], "failed to decode the body"),
        ("gzip", ENVELOPE, "failed to decode the body"),
        ("br", b"\xff", "failed to decode the body"),
        ("rot13", ENVELOPE, "unsupported content encoding 'rot13'"),
    ],
    ids=["truncated", "not compressed", "not brotli", "unknown"],
)
@pytest.mark.parametrize("path", ["/api/7/envelope/", "/api/7/store/"])
def test_a_body_that_cannot_be_decoded_is_400(front, path, encoding, body, detail):
    answer = front.post(path, body, x_sentry_auth=AUTH, content_encoding=encoding)

    assert (answer.status, answer.json()["detail"]) == (400, detail)


@pytest.mark.parametrize(
    ("path", "body", "encoding"),
    [
        ("/api/7/store/", bytes(40 * MIB), ""),
        ("/api/7/store/", gzip.compress(b'{"a":"%s"}' % bytes(2 * MIB)), "gzip"),
        ("/api/7/envelope/", write_envelope({}, [({"type": "event"}, bytes(40 * MIB))]), ""),
        ("/api/7/envelope/", gzip.compress(bytes(300 * MIB), 1), "gzip"),
        ("/api/7/envelope/", write_envelope({}, [({"type": "event"}, EVENT), ({"type": "transaction"}, EVENT)]), ""),
    ],
    ids=["40 MB store", "inflated store", "40 MB event", "bomb", "event and transaction"],
)
def test_what_is_too_large_is_413(front, path, body, encoding):
    answer = front.post(path, body, x_sentry_auth=AUTH, content_encoding=encoding)

    assert answer.status == 413
    assert answer.json()["detail"]


def test_a_declared_length_beyond_the_limit_is_413_before_anything_is_sent(front):
    head = f"POST /api/7/envelope/ HTTP/1.1\r\nHost: x\r\nX-Sentry-Auth: {AUTH}\r\nContent-Length: {300 * MIB}\r\n"

    assert raw(front, f"{head}Expect: 100-continue\r\n\r\n".encode()).startswith(b"HTTP/1.1 413 ")


def test_a_chunked_body_beyond_the_limit_is_413(front):
    head = f"POST /api/7/store/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Sentry-Auth: {AUTH}\r\n"
    chunk = b"%x\r\n%s\r\n" % (MIB, bytes(MIB))

    answer = raw(front, f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk * 4 + b"0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_newer_protocol_is_400(front):
    answer = front.post("/api/7/envelope/", ENVELOPE, x_sentry_auth=f"Sentry sentry_version=8, sentry_key={KEY}")

    assert (answer.status, answer.json()["detail"]) == (400, "unsupported protocol version")


def test_a_key_that_cannot_be_looked_up_is_503(front):
    answer = front.post("/api/7/envelope/", ENVELOPE, x_sentry_auth=auth_of("f"))

    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0


def test_a_sender_that_goes_away_in_the_middle_disturbs_nobody(front):
    head = f"POST /api/7/envelope/ HTTP/1.1\r\nHost: x\r\nX-Sentry-Auth: {AUTH}\r\nContent-Length: 5000\r\n\r\n"
    for size in (10, 4000):
        with socket.create_connection(("127.0.0.1", front.port)) as connection:
            connection.sendall(head.encode() + bytes(size))

    assert front.post("/api/7/envelope/", ENVELOPE, x_sentry_auth=AUTH).status == 200
    deadline = time.monotonic() + 5
    while (stats := front.client.get("/stats").json())["inflight_bytes"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (stats["inflight_bytes"], stats["inflight_requests"]) == (0, 0)


# ---------------------------------------------------------------- the table of 5.1

A_FILE = (
    b'--b\r\nContent-Disposition: form-data; name="a"; filename="a.txt"\r\n\r\nx\r\n--b--\r\n',
    {"content_type": "multipart/form-data; boundary=b"},
)


@pytest.mark.parametrize(
    ("status", "method", "path", "body", "headers"),
    [
        pytest.param(200, "POST", "/api/7/envelope/", ENVELOPE, {"x_sentry_auth": AUTH}, id="200 accepted"),
        pytest.param(
            201,
            "POST",
            f"/api/7/events/{EVENT_ID}/attachments/",
            A_FILE[0],
            {"x_sentry_auth": AUTH, **A_FILE[1]},
            id="201 attachments",
        ),
        pytest.param(202, "GET", "/api/7/cron/nightly/?status=ok", b"", {"x_sentry_auth": AUTH}, id="202 cron"),
        pytest.param(400, "POST", "/api/7/envelope/", b"nonsense", {"x_sentry_auth": AUTH}, id="400 syntax"),
        pytest.param(401, "POST", "/api/7/store/", EVENT, {}, id="401 no credentials"),
        pytest.param(403, "POST", "/api/8/store/", EVENT, {"x_sentry_auth": auth_of("b")}, id="403 disabled"),
        pytest.param(404, "POST", "/api/7/novelty/", EVENT, {"x_sentry_auth": AUTH}, id="404 unknown path"),
        pytest.param(405, "PUT", "/api/7/store/", EVENT, {"x_sentry_auth": AUTH}, id="405 wrong method"),
        pytest.param(413, "POST", "/api/7/store/", bytes(2 * MIB), {"x_sentry_auth": AUTH}, id="413 body limit"),
        pytest.param(
            415,
            "POST",
            "/api/7/security/",
            b"{}",
            {"x_sentry_auth": AUTH, "content_type": "text/plain"},
            id="415 no report",
        ),
        pytest.param(503, "POST", "/api/7/store/", EVENT, {"x_sentry_auth": auth_of("f")}, id="503 cannot look up"),
    ],
)
def test_5_1_status(front, status, method, path, body, headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    answer = front.client.request(method, path, body, named)

    assert answer.status == status
    if status >= 400:
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["detail"]
        assert answer.json().keys() <= {"detail", "causes"}


def test_5_1_status_429(a_front):
    front = a_front()

    answers = [front.post("/api/11/envelope/", ENVELOPE, x_sentry_auth=auth_of("e")) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].json()["detail"]


# ---------------------------------------------------------------- headers


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/api/7/envelope/", {"X-Sentry-Auth": AUTH}),
        ("POST", "/api/7/envelope/", {}),
        ("POST", "/api/999/envelope/", {"X-Sentry-Auth": AUTH}),
        ("POST", "/api/7/nothing/", {}),
        ("DELETE", "/api/7/store/", {}),
        ("OPTIONS", "/api/7/envelope/", {"Origin": "https://a.example"}),
        ("OPTIONS", "/api/store/", {}),
    ],
    ids=["200", "401", "403", "404", "405", "preflight", "preflight store"],
)
def test_every_answer_may_be_read_by_any_page(front, method, path, headers):
    answer = front.client.request(method, path, ENVELOPE if method == "POST" else None, headers)

    assert CORS.items() <= answer.headers.items()
    assert "content-encoding" not in answer.headers
    assert "set-cookie" not in answer.headers


def test_a_preflight_says_what_a_page_may_send(front):
    answer = front.client.request("OPTIONS", "/api/7/envelope/", headers={"Origin": "https://a.example"})

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-max-age"] == "3600"
    allowed = set(answer.headers["access-control-allow-headers"].split(", "))
    assert {"x-sentry-auth", "content-type", "content-encoding", "authorization", "origin"} <= allowed


def test_a_connection_is_kept_for_the_next_request(front):
    head = f"POST /api/7/envelope/ HTTP/1.1\r\nHost: x\r\nX-Sentry-Auth: {AUTH}\r\nContent-Length: {len(ENVELOPE)}\r\n"
    refused = head.replace(KEY, "0" * 32)

    first, second = (f"{refused}\r\n".encode() + ENVELOPE, f"{head}Connection: close\r\n\r\n".encode() + ENVELOPE)
    answers = raw(front, first + second)

    assert answers.count(b"HTTP/1.1 403 ") == 1
    assert answers.count(b"HTTP/1.1 200 ") == 1


# ---------------------------------------------------------------- rate limits and outcomes


def test_the_limit_of_a_key_takes_out_errors_and_tells_for_how_long(front):
    auth = auth_of("e")
    mixed = write_envelope(
        {"event_id": EVENT_ID},
        [
            ({"type": "session"}, b"{}"),
            ({"type": "event"}, EVENT),
            ({"type": "attachment"}, b"12345"),
            ({"type": "user_report"}, b"{}"),
        ],
    )

    within = [front.post("/api/11/envelope/", ENVELOPE, x_sentry_auth=auth).status for _ in range(2)]
    part, whole, store = (
        front.post("/api/11/envelope/", mixed, x_sentry_auth=auth),
        front.post("/api/11/envelope/", ENVELOPE, x_sentry_auth=auth),
        front.post("/api/11/store/", EVENT, x_sentry_auth=auth),
    )
    transaction = front.post("/api/11/envelope/", b'{}\n{"type":"transaction"}\n{}', x_sentry_auth=auth)

    assert within == [200, 200]
    assert [answer.status for answer in (part, whole, store, transaction)] == [429, 429, 429, 200]
    seconds = int(part.headers["retry-after"])
    assert 0 < seconds <= 3600
    assert part.headers["x-sentry-rate-limits"] == f"{seconds}:default;error;security:key:key_quota"
    kept = [item for item in front.spooled() if item.receipt.project_id == 11]
    assert [item.receipt.refused for item in kept] == [(), (), ((1, "key_quota"), (2, "key_quota")), ()]
    assert counted(front, 11, lambda lines: sum(line["quantity"] for line in lines) >= 2) == {
        (Outcome.RATE_LIMITED, Category.ERROR, "key_quota"): 2
    }


def test_limits_of_every_scope_are_told_together_and_only_what_met_one_goes(front):
    auth = auth_of("1")
    session, transaction = ({"type": "session"}, b"{}"), ({"type": "transaction"}, b"{}")
    mixed = write_envelope({"event_id": EVENT_ID}, [({"type": "event"}, EVENT), session, session])

    first, second, third = (front.post("/api/12/envelope/", mixed, x_sentry_auth=auth) for _ in range(3))
    fourth = front.post("/api/12/envelope/", write_envelope({}, [transaction]), x_sentry_auth=auth)
    report = front.post(
        "/api/12/envelope/", write_envelope({}, [({"type": "client_report"}, b"{}")]), x_sentry_auth=auth
    )

    assert [answer.status for answer in (first, second, third, fourth, report)] == [429, 429, 429, 429, 200]
    told = [
        [limit.partition(":")[2] for limit in answer.headers["x-sentry-rate-limits"].split(", ")]
        for answer in (first, third, fourth)
    ]
    assert told == [
        ["session:project:project_abuse_limit"],
        ["default;error;security:organization:org_quota", "session:project:project_abuse_limit"],
        ["transaction:key:key_quota"],
    ]
    assert 0 < int(third.headers["retry-after"]) <= 60
    kept = [
        item.receipt.refused
        for item in front.spooled()
        if item.receipt.project_id == 12 and item.receipt.kind != "outcomes"
    ]
    assert kept[0] == ((2, "project_abuse_limit"),)
    assert len(kept) == 3
    assert counted(front, 12, lambda lines: sum(line["quantity"] for line in lines) >= 4) == {
        (Outcome.RATE_LIMITED, Category.ERROR, "org_quota"): 1,
        (Outcome.RATE_LIMITED, Category.SESSION, "project_abuse_limit"): 2,
        (Outcome.RATE_LIMITED, Category.TRANSACTION, "key_quota"): 1,
    }


def test_refusals_of_a_known_project_are_counted_once(a_front):
    front = a_front()
    front.post("/api/7/envelope/", write_envelope({}, [({"type": "event"}, bytes(2 * MIB))]), x_sentry_auth=AUTH)
    front.post("/api/7/envelope/", b"nonsense", x_sentry_auth=AUTH)
    front.post("/api/7/store/", b"nonsense", x_sentry_auth=AUTH)
    front.post("/api/7/store/", bytes(2 * MIB), x_sentry_auth=AUTH)
    front.post("/api/7/envelope/", b"", x_sentry_auth=AUTH)
    front.post("/api/7/envelope/", ENVELOPE, x_sentry_auth=AUTH, content_encoding="gzip")
    front.post("/api/8/envelope/", ENVELOPE, x_sentry_auth=auth_of("b"))
    front.post("/api/10/store/", EVENT, x_sentry_auth=auth_of("d"), origin="https://elsewhere.example")
    front.post("/api/7/envelope/", ENVELOPE, x_sentry_auth=auth_of("0"))
    front.stop()

    invalid = Outcome.INVALID
    assert totals(front, 7) == {
        (invalid, Category.ERROR, "too_large"): 2,
        (invalid, Category.UNKNOWN, "invalid_envelope"): 1,
        (invalid, Category.ERROR, "invalid_json"): 1,
        (invalid, Category.UNKNOWN, "no_data"): 1,
        (invalid, Category.UNKNOWN, "invalid_encoding"): 1,
    }
    assert totals(front, 8) == {(invalid, Category.UNKNOWN, "project_id"): 1}
    assert totals(front, 10) == {(invalid, Category.ERROR, "cors"): 1}
    assert front.spooled() == []


def test_a_full_spool_is_429_with_all_that_sdks_obey(a_front):
    front = a_front(f"spool_max_bytes={100_000}")
    body = write_envelope({}, [({"type": "attachment"}, bytes(30_000))])

    answers = [front.post("/api/7/envelope/", body, x_sentry_auth=AUTH) for _ in range(5)]
    front.stop()

    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[3].headers["retry-after"] == "30"
    assert answers[3].headers["x-sentry-rate-limits"] == "30::organization:spool_full"
    assert totals(front, 7) == {(Outcome.RATE_LIMITED, Category.ATTACHMENT, "spool_full"): 60_000}


def test_a_key_that_is_switched_off_is_refused_within_seconds(a_front):
    front = a_front()
    assert front.post("/api/7/envelope/", ENVELOPE, x_sentry_auth=AUTH).status == 200

    front.write_keys({KEY: {"organization_id": 1, "project_id": 7, "key_id": 70, "active": False}})

    deadline = time.monotonic() + 10
    while front.post("/api/7/envelope/", ENVELOPE, x_sentry_auth=AUTH).status == 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert front.post("/api/7/envelope/", ENVELOPE, x_sentry_auth=AUTH).status == 403


# ---------------------------------------------------------------- helpers


def raw(front, request: bytes) -> bytes:
    """Send bytes as they are; whatever comes back until the server closes, or is silent for a moment."""
    with socket.create_connection(("127.0.0.1", front.port), timeout=20) as connection:
        connection.sendall(request)
        answer = connection.recv(65536)
        connection.settimeout(0.5)
        try:
            while more := connection.recv(65536):
                answer += more
        except TimeoutError:
            pass
    return answer


def totals(front, project: int) -> dict[tuple[int, int, str], int]:
    found: dict[tuple[int, int, str], int] = {}
    for line in front.outcomes():
        if line["project"] == project:
            what = (line["outcome"], line["category"], line["reason"])
            found[what] = found.get(what, 0) + line["quantity"]
    return found


def counted(front, project: int, is_complete) -> dict[tuple[int, int, str], int]:
    deadline = time.monotonic() + 10
    while not is_complete([line for line in front.outcomes() if line["project"] == project]):
        assert time.monotonic() < deadline, front.outcomes()
        time.sleep(0.1)
    return totals(front, project)
