"""The table of endpoints, row by row, over a real server (ingest specification, 1)."""

import base64
import bz2
import gzip
import json
import lzma
import re
import time
import uuid
import zlib
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest
import zstandard

from vedette.wire.envelope import parse_envelope, write_envelope
from vedette.wire.outcomes import Category, Outcome

KEY = "a" * 32
AUTH = f"Sentry sentry_version=7, sentry_key={KEY}"
EVENT_ID = "3b1f0c7cf0a94b6b9dd5b2f6c1a8e701"
DSN = f"https://{KEY}@errors.example.org/7"
DUMP = b"MDMP" + bytes(range(256)) * 4
CSP = {"csp-report": {"document-uri": "https://a.example/", "violated-directive": "img-src", "blocked-uri": "x:"}}
REPORT = {"type": "csp-violation", "url": "https://a.example/", "body": {"effectiveDirective": "img-src"}}
MIB = 1024 * 1024
EVERY_PATH = (
    "/api/7/envelope/",
    "/api/7/store/",
    "/api/store/",
    "/api/7/security/",
    "/api/7/csp-report/",
    "/api/7/nel/",
    "/api/7/minidump",
    "/api/7/minidump/",
    f"/api/7/events/{EVENT_ID}/attachments/",
    "/api/7/cron/nightly",
    "/api/7/cron/nightly/",
    f"/api/7/cron/nightly/{KEY}",
    f"/api/7/cron/nightly/{KEY}/",
    "/api/embed/error-page/",
)


def form(*parts: tuple[str, str | None, bytes]) -> tuple[bytes, str]:
    """A multipart body of (name, filename, content), and its content type."""
    body = b""
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename is not None else ""
        body += (
            f'--b0undary\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"
        )
    return body + b"--b0undary--\r\n", "multipart/form-data; boundary=b0undary"


def post_form(front, path: str, *parts: tuple[str, str | None, bytes], **headers: str) -> Any:
    body, content_type = form(*parts)
    return front.post(path, body, x_sentry_auth=AUTH, content_type=content_type, **headers)


def last(front, number: int = 1) -> Any:
    """The newest spooled request: its receipt, and its envelope."""
    item = front.spooled()[-number]
    return item.receipt, parse_envelope(item.body)


def shapes(envelope: Any) -> list[tuple[str, str, str, bytes]]:
    return [
        (item.type, item.header.get("attachment_type", ""), item.header.get("filename", ""), bytes(item.payload))
        for item in envelope.items
    ]


# ---------------------------------------------------------------- rows 1 to 4


def test_row_1_post_envelope_answers_its_id(front):
    body = write_envelope({"event_id": EVENT_ID}, [({"type": "event"}, b"{}")])

    answer = front.post("/api/7/envelope/", body, x_sentry_auth=AUTH)

    assert (answer.status, answer.json()) == (200, {"id": EVENT_ID})


def test_row_2_post_store_answers_the_id_of_its_event(front):
    answer = front.post("/api/7/store/", json.dumps({"event_id": EVENT_ID}).encode(), x_sentry_auth=AUTH)

    assert (answer.status, answer.json()) == (200, {"id": EVENT_ID})


def test_row_3_get_store_answers_a_transparent_pixel(front):
    data = quote(base64.b64encode(zlib.compress(b'{"message":"from an image"}')).decode())

    answer = front.client.get(f"/api/7/store/?sentry_version=7&sentry_key={KEY}&sentry_data={data}")

    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.body[:6] == b"GIF89a"
    assert int.from_bytes(answer.body[6:8], "little") == int.from_bytes(answer.body[8:10], "little") == 1
    assert front.spooled()[-1].receipt.kind == "store"


def test_row_4_the_oldest_form_takes_its_project_from_the_key(front):
    posted = front.post("/api/store/", b"{}", x_sentry_auth=AUTH)
    shown = front.client.get(f"/api/store/?sentry_key={KEY}&sentry_data=%7B%7D")

    assert (posted.status, shown.status, shown.headers["content-type"]) == (200, 200, "image/gif")
    assert [item.receipt.project_id for item in front.spooled()[-2:]] == [7, 7]


# ---------------------------------------------------------------- row 5: security


@pytest.mark.parametrize("path", ["/api/7/security/", "/api/7/csp-report/"])
@pytest.mark.parametrize(
    "content_type", ["application/csp-report", "application/json; charset=utf-8", "Application/Reports+JSON"]
)
def test_row_5_a_csp_report_is_an_event_of_its_own(front, path, content_type):
    body = json.dumps(CSP).encode()

    answer = front.post(
        f"{path}?sentry_key={KEY}&sentry_release=shop%401.4&sentry_environment=canary", body, content_type=content_type
    )

    assert (answer.status, answer.body) == (200, b"")
    receipt, envelope = last(front)
    (item,) = envelope.items
    assert (item.type, bytes(item.payload)) == ("raw_security", body)
    assert (item.header["sentry_release"], item.header["sentry_environment"]) == ("shop@1.4", "canary")
    assert receipt.event_id == envelope.event_id


def test_row_5_each_report_of_a_list_gets_its_own_id(front):
    before = len(front.spooled())

    answer = front.post(
        "/api/7/security/",
        json.dumps([REPORT] * 3).encode(),
        x_sentry_auth=AUTH,
        content_type="application/reports+json",
    )

    assert answer.status == 200
    new = front.spooled()[before:]
    assert len({item.receipt.event_id for item in new}) == 3


@pytest.mark.parametrize(
    ("content_type", "body", "status", "detail"),
    [
        ("text/plain", b"{}", 415, "unsupported content type"),
        ("", b"{}", 415, "unsupported content type"),
        ("application/json", b"", 400, "empty request body"),
        ("application/json", b"[]", 400, "empty request body"),
        ("application/json", b"{", 400, "invalid JSON data"),
        ("application/json", b"[{},]", 400, "invalid JSON data"),
        ("application/json", b"[" + b"{}," * 100 + b"{}]", 413, "more than 100 reports"),
        ("application/json", b'"' + b"x" * MIB + b'"', 413, "request body is larger"),
    ],
)
def test_row_5_refusals(front, content_type, body, status, detail):
    answer = front.post("/api/7/security/", body, x_sentry_auth=AUTH, content_type=content_type)

    assert answer.status == status
    assert answer.json()["detail"].startswith(detail)


def test_row_5_reports_beyond_the_limit_of_the_key_are_taken_out_one_by_one(a_front):
    front = a_front()

    answer = front.post(
        "/api/11/security/",
        json.dumps([REPORT] * 5).encode(),
        x_sentry_auth=f"Sentry sentry_key={'e' * 32}",
        content_type="application/json",
    )
    front.stop()

    assert answer.status == 429
    assert len(front.spooled()) == 2
    counted = {(line["outcome"], line["category"], line["reason"]): line["quantity"] for line in front.outcomes()}
    assert counted == {(Outcome.RATE_LIMITED, Category.SECURITY, "key_quota"): 3}


# ---------------------------------------------------------------- row 6: network error logging


def test_row_6_network_errors_are_taken_and_kept_for_counting(front):
    answer = front.post("/api/7/nel/", b'[{"type":"network-error"},{}]', x_sentry_auth=AUTH)

    assert (answer.status, answer.body) == (200, b"")
    assert [item.type for item in last(front)[1].items] == ["nel", "nel"]
    assert front.post("/api/7/nel/", b"nonsense", x_sentry_auth=AUTH).status == 400


# ---------------------------------------------------------------- row 7: minidumps


@pytest.mark.parametrize("path", ["/api/7/minidump", "/api/7/minidump/"])
def test_row_7_a_form_with_a_dump_becomes_an_envelope(front, path):
    answer = post_form(
        front,
        path,
        ("prod", None, b"Electron"),
        ("sentry[user][id]", None, "jürgen".encode()),
        ("upload_file_minidump", "C:\\tmp\\crash.dmp", DUMP),
        ("log", "out.log", b"line\r\nline"),
        ("view-hierarchy.json", "view-hierarchy.json", b"{}"),
        ("__sentry-breadcrumb1", "__sentry-breadcrumb1", b"\x80"),
    )

    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain")
    receipt, envelope = last(front)
    assert str(uuid.UUID(receipt.event_id)) == answer.text
    assert envelope.event_id == receipt.event_id
    assert shapes(envelope) == [
        ("attachment", "event.minidump", "crash.dmp", DUMP),
        ("attachment", "event.attachment", "out.log", b"line\r\nline"),
        ("attachment", "event.view_hierarchy", "view-hierarchy.json", b"{}"),
        ("attachment", "event.breadcrumbs", "__sentry-breadcrumb1", b"\x80"),
        ("form_data", "", "", '[["prod","Electron"],["sentry[user][id]","jürgen"]]'.encode()),
    ]


@pytest.mark.parametrize("content_type", ["application/octet-stream", "application/x-dmp"])
@pytest.mark.parametrize(
    "pack",
    [bytes, gzip.compress, lzma.compress, bz2.compress, zstandard.ZstdCompressor().compress],
    ids=["plain", "gzip", "xz", "bzip2", "zstd"],
)
def test_row_7_a_raw_dump_may_be_packed(front, content_type, pack):
    answer = front.post("/api/7/minidump/", pack(DUMP), x_sentry_auth=AUTH, content_type=content_type)

    assert answer.status == 200
    assert shapes(last(front)[1])[0] == ("attachment", "event.minidump", "minidump.dmp", DUMP)


def test_row_7_a_dump_in_the_other_byte_order_is_one(front):
    answer = front.post("/api/7/minidump/", b"PMDM123", x_sentry_auth=AUTH, content_type="application/x-dmp")

    assert answer.status == 200


def test_row_7_a_form_within_the_form_is_unwrapped_once(front):
    inner, _ = form(("upload_file_minidump", "inner.dmp", DUMP))
    twice, _ = form(("upload_file_minidump", "outer.dmp", inner))

    once = post_form(front, "/api/7/minidump/", ("upload_file_minidump", "a.dmp", inner.replace(b"b0undary", b"other")))
    again = post_form(
        front, "/api/7/minidump/", ("upload_file_minidump", "a.dmp", twice.replace(b"b0undary", b"other"))
    )

    assert (once.status, again.status) == (200, 400)
    assert shapes(last(front)[1])[0][3] == DUMP


@pytest.mark.parametrize(
    "part",
    [
        ("__sentry-event", "__sentry-event", msgspec.msgpack.encode({"message": "x", "event_id": EVENT_ID})),
        ("sentry", None, json.dumps({"event_id": str(uuid.UUID(EVENT_ID))}).encode()),
        ("sentry[event_id]", None, EVENT_ID.encode()),
    ],
    ids=["MessagePack", "JSON", "path"],
)
def test_row_7_the_event_keeps_the_id_that_the_program_gave_it(front, part):
    answer = post_form(front, "/api/7/minidump/", part, ("upload_file_minidump", "a.dmp", DUMP))

    assert answer.text == str(uuid.UUID(EVENT_ID))


@pytest.mark.parametrize(
    ("parts", "detail"),
    [
        ([("log", "out.log", DUMP)], "missing minidump"),
        ([("upload_file_minidump", "a.dmp", b"ELF")], "invalid minidump"),
        ([("upload_file_minidump", "a.dmp", b"")], "invalid minidump"),
        ([("upload_file_minidump", "a.dmp", gzip.compress(b"ELF"))], "invalid minidump"),
        ([("upload_file_minidump", "a.dmp", gzip.compress(DUMP)[:-9])], "invalid minidump"),
        ([("upload_file_minidump", "a.dmp", lzma.compress(DUMP)[:-9])], "invalid minidump"),
        ([("upload_file_minidump", "a.dmp", bz2.compress(DUMP)[:-9])], "invalid minidump"),
        ([("a", None, b"")] * 501, "invalid multipart body"),
    ],
)
def test_row_7_what_is_no_dump_is_400(front, parts, detail):
    answer = post_form(front, "/api/7/minidump/", *parts)

    assert (answer.status, answer.json()["detail"]) == (400, detail)


@pytest.mark.parametrize(
    ("content_type", "detail"),
    [
        ("application/json", "missing minidump"),
        ("", "missing minidump"),
        ("multipart/form-data", "invalid multipart body"),
        ("multipart/form-data; boundary=other", "invalid multipart body"),
    ],
)
def test_row_7_other_bodies_are_400(front, content_type, detail):
    body, _ = form(("upload_file_minidump", "a.dmp", DUMP))

    answer = front.post("/api/7/minidump/", body, x_sentry_auth=AUTH, content_type=content_type)

    assert (answer.status, answer.json()["detail"]) == (400, detail)


@pytest.mark.parametrize("pack", [bz2.compress, zstandard.ZstdCompressor().compress])
def test_row_7_a_dump_that_unpacks_beyond_the_limit_is_413(front, pack):
    bomb = pack(b"MDMP" + bytes(201 * MIB))

    answer = front.post("/api/7/minidump/", bomb, x_sentry_auth=AUTH, content_type="application/x-dmp")

    assert answer.status == 413


def test_row_7_more_files_than_an_envelope_may_hold_are_413(front):
    files = [("log", f"{number}.log", b"x") for number in range(30)]

    answer = post_form(front, "/api/7/minidump/", ("upload_file_minidump", "a.dmp", DUMP), *files)

    assert answer.status == 413


def test_row_7_a_dump_beyond_the_limit_of_the_key_is_429_and_counted(a_front):
    front = a_front()
    auth = f"Sentry sentry_key={'e' * 32}"

    answers = [
        front.post("/api/11/minidump/", DUMP, x_sentry_auth=auth, content_type="application/x-dmp") for _ in range(3)
    ]
    front.stop()

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert {(line["outcome"], line["reason"]) for line in front.outcomes()} == {(Outcome.RATE_LIMITED, "key_quota")}


# ---------------------------------------------------------------- row 8, and 12, 15, 16: not here


@pytest.mark.parametrize(
    "path", [f"/api/7/unreal/{KEY}/", "/api/7/upload/", "/api/7/integration/otlp/v1/traces", "/api/7/otlp/v1/logs/"]
)
def test_rows_8_15_16_are_not_here(front, path):
    assert front.post(path, b"x", x_sentry_auth=AUTH).status == 404


# ---------------------------------------------------------------- row 9: attachments


def test_row_9_each_part_is_a_file_of_the_event(front):
    answer = post_form(
        front,
        f"/api/7/events/{uuid.UUID(EVENT_ID)}/attachments/",
        ("first", "a.txt", b"one"),
        ("second", None, b"two"),
    )

    assert (answer.status, answer.body) == (201, b"")
    receipt, envelope = last(front)
    assert receipt.event_id == EVENT_ID
    assert shapes(envelope) == [
        ("attachment", "event.attachment", "a.txt", b"one"),
        ("attachment", "event.attachment", "second", b"two"),
    ]


@pytest.mark.parametrize(
    ("event_id", "parts", "status", "detail"),
    [
        ("x", [("a", "a", b"")], 400, "invalid event id"),
        (EVENT_ID, [("a", "a", b"x")] * 31, 413, "envelope exceeded size limits for type 'attachment'"),
    ],
)
def test_row_9_refusals(front, event_id, parts, status, detail):
    answer = post_form(front, f"/api/7/events/{event_id}/attachments/", *parts)

    assert (answer.status, answer.json()["detail"]) == (status, detail)


def test_row_9_wants_a_form(front):
    answer = front.post(f"/api/7/events/{EVENT_ID}/attachments/", b"x", x_sentry_auth=AUTH, content_type="text/plain")

    assert (answer.status, answer.json()["detail"]) == (400, "invalid multipart body")


# ---------------------------------------------------------------- row 10: check-ins


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/api/7/cron/nightly", "/api/7/cron/nightly/"])
def test_row_10_a_check_in_needs_nothing_but_an_address(front, method, path):
    query = f"sentry_key={KEY}&status=in_progress&environment=dev&duration=1.5&check_in_id={EVENT_ID}"

    answer = front.client.request(method, f"{path}?{query}")

    assert (answer.status, answer.body) == (202, b"")
    (item,) = last(front)[1].items
    assert item.type == "check_in"
    assert json.loads(bytes(item.payload)) == {
        "monitor_slug": "nightly",
        "status": "in_progress",
        "environment": "dev",
        "duration": 1.5,
        "check_in_id": EVENT_ID,
    }


@pytest.mark.parametrize("path", [f"/api/7/cron/nightly/{KEY}", f"/api/7/cron/nightly/{KEY}/"])
def test_row_10_the_key_may_stand_in_the_path_and_the_slug_there_wins(front, path):
    body = json.dumps({"status": "ok", "monitor_slug": "other", "monitor_config": {"schedule": {}}}).encode()

    answer = front.post(path, body, content_type="application/json")

    assert answer.status == 202
    said = json.loads(bytes(last(front)[1].items[0].payload))
    assert (said["monitor_slug"], said["check_in_id"]) == ("nightly", "0" * 32)


@pytest.mark.parametrize(
    ("query", "body", "status", "detail"),
    [
        ("", None, 400, "invalid check-in"),
        ("status=missed", None, 400, "invalid check-in"),
        ("status=ok&check_in_id=x", None, 400, "invalid check-in"),
        ("status=ok&duration=nan", None, 400, "invalid check-in"),
        ("status=ok&duration=x", None, 400, "invalid check-in"),
        ("", b"{", 400, "invalid JSON data"),
        ("", b"[]", 400, "invalid JSON data"),
        ("", b'{"status":"ok","x":"%s"}' % (b"x" * 200_000), 413, "envelope exceeded size limits for type 'check_in'"),
    ],
)
def test_row_10_refusals(front, query, body, status, detail):
    headers = {"content_type": "application/json"} if body else {}

    answer = front.post(f"/api/7/cron/nightly/{KEY}?{query}", body or b"", **headers)

    assert (answer.status, answer.json()["detail"]) == (status, detail)


def test_row_10_never_answers_429(a_front):
    front = a_front()

    answers = [front.client.get(f"/api/11/cron/nightly/{'e' * 32}?status=ok").status for _ in range(5)]

    assert answers == [202] * 5


# ---------------------------------------------------------------- row 11: the crash-report dialog


def dialog(front, method: str = "GET", fields: Any = None, accept: str = "*/*", **query: str) -> Any:
    address = "/api/embed/error-page/?" + urlencode({"eventId": EVENT_ID, "dsn": DSN, **query})
    body = urlencode(fields).encode() if fields is not None else None
    headers = {"Origin": "https://shop.example", "Accept": accept}
    return front.client.request(
        method, address, body, {**headers, "Content-Type": "application/x-www-form-urlencoded"} if body else headers
    )


SAID = {"name": "Ann", "email": "ann@example.org", "comments": "I pressed “Buy”."}


def test_row_11_get_answers_a_script_that_pages_of_other_origins_may_load(front):
    answer = dialog(front, title="Ojemine", name="Ann")

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "Accept" in answer.headers["vary"]
    chosen = json.loads(re.search(r"\}\)\((\{.*\})\);\n$", answer.text, re.S)[1])
    assert (chosen["texts"]["title"], chosen["values"]["name"]) == ("Ojemine", "Ann")
    assert chosen["texts"]["labelClose"] == "Close"


@pytest.mark.parametrize(
    "hostile",
    ['"});alert(1);//', "</script><script>alert(1)</script>", "\u2028alert(1)", "\\", "'-alert(1)-'", "\ud800"],
)
@pytest.mark.parametrize("name", ["title", "labelSubmit", "name", "email"])
def test_row_11_no_parameter_becomes_code(front, name, hostile):
    query = urlencode({"eventId": EVENT_ID, "dsn": DSN, name: hostile}, errors="surrogatepass")

    answer = front.client.get(f"/api/embed/error-page/?{query}")

    assert answer.status == 200
    plain = front.client.get(f"/api/embed/error-page/?{urlencode({'eventId': EVENT_ID, 'dsn': DSN})}").text
    start = plain.rindex("({")
    assert answer.text[:start] == plain[:start]
    config = answer.text[start + 1 :].removesuffix(");\n")
    assert not set(config) & set("<>&'\u2028\u2029")
    chosen = json.loads(config)
    assert {**chosen["texts"], **chosen["values"]}[name] == hostile.replace("\ud800", "\ufffd" * 3)


def test_row_11_post_keeps_what_was_said(front):
    answer = dialog(front, "POST", SAID)

    assert (answer.status, answer.json()) == (200, {})
    receipt, envelope = last(front)
    assert (receipt.kind, receipt.project_id, receipt.event_id) == ("dialog", 7, EVENT_ID)
    (item,) = envelope.items
    assert (item.type, json.loads(bytes(item.payload))) == ("user_report", {"event_id": EVENT_ID, **SAID})


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {"name", "email", "comments"}),
        ({**SAID, "name": "x" * 129}, {"name"}),
        ({**SAID, "email": "nobody"}, {"email"}),
        ({**SAID, "email": "a@" + "b" * 80 + ".org"}, {"email"}),
        ({**SAID, "comments": " "}, {"comments"}),
        ({**SAID, "comments": "x" * 4097}, {"comments"}),
    ],
)
def test_row_11_what_is_wrong_with_the_form_is_told_by_field(front, fields, wrong):
    answer = dialog(front, "POST", fields or {"x": "y"})

    assert answer.status == 400
    assert answer.json()["errors"].keys() == wrong


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ({"eventId": "x"}, 400, {"eventId": "Missing or invalid parameter."}),
        ({"eventId": ""}, 400, {"eventId": "Missing or invalid parameter."}),
        ({"dsn": ""}, 404, {"dsn": "Missing or invalid parameter."}),
        ({"dsn": "nonsense"}, 404, {"dsn": "Missing or invalid parameter."}),
        ({"dsn": f"https://{'0' * 32}@host/7"}, 404, {"dsn": "Missing or invalid parameter."}),
        ({"dsn": f"https://{'b' * 32}@host/8"}, 404, {"dsn": "Missing or invalid parameter."}),
        ({"dsn": f"https://{KEY}@host/8"}, 404, {"dsn": "Missing or invalid parameter."}),
    ],
    ids=["event id", "no event id", "no dsn", "no dsn at all", "unknown key", "disabled key", "foreign project"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_row_11_a_bad_parameter_is_named(front, method, query, status, told):
    answer = dialog(front, method, SAID if method == "POST" else None, **query)

    assert (answer.status, answer.json()) == (status, told)


def test_row_11_a_page_from_elsewhere_is_403(front):
    answer = dialog(front, dsn=f"https://{'d' * 32}@host/10")

    assert answer.status == 403


def test_row_11_who_asks_for_a_script_reads_what_was_wrong_in_a_header(front):
    answer = dialog(front, "POST", {"x": "y"}, accept="text/javascript")

    assert (answer.status, answer.body) == (400, b"")
    assert json.loads(answer.headers["x-sentry-context"])["errors"].keys() == {"name", "email", "comments"}


# ---------------------------------------------------------------- row 13: the reports of the API


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_row_13_user_feedback_belongs_to_the_api(front, method):
    path = "/api/0/projects/acme/web/user-feedback/"

    answer = front.client.request(method, path, b"{}" if method == "POST" else b"", {"Authorization": f"DSN {DSN}"})

    assert (answer.status, answer.json()["environ"]["PATH_INFO"]) == (200, path)


# ---------------------------------------------------------------- row 14: every path


@pytest.mark.parametrize("path", EVERY_PATH)
def test_row_14_every_endpoint_answers_the_question_whether_a_page_may_send(front, path):
    answer = front.client.request("OPTIONS", path, headers={"Origin": "https://a.example"})

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-max-age"] == "3600"
    assert "x-sentry-auth" in answer.headers["access-control-allow-headers"]
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize("path", EVERY_PATH)
def test_every_endpoint_refuses_other_methods(front, path):
    answer = front.client.request("PUT", path, b"x", {"X-Sentry-Auth": AUTH})

    assert answer.status == 405
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("path", [path for path in EVERY_PATH if path.startswith("/api/7/") and KEY not in path])
def test_every_endpoint_wants_credentials_and_a_number(front, path):
    nobody = front.post(path, b"x")
    odd = front.post(path.replace("/7/", "/seven/"), b"x", x_sentry_auth=AUTH)
    foreign = front.post(path.replace("/7/", "/8/"), b"x", x_sentry_auth=AUTH)

    assert (nobody.status, foreign.status) == (401, 403)
    assert (odd.status, odd.json()["detail"]) == (400, "bad project path parameter")


def test_small_answers_are_not_compressed(front):
    for path in EVERY_PATH:
        answer = front.client.request("POST", path, b"x", {"Accept-Encoding": "gzip", "X-Sentry-Auth": AUTH})
        assert "content-encoding" not in answer.headers


def test_large_forms_stay_within_their_room(a_front):
    front = a_front()
    content = DUMP + bytes(20 * MIB)

    answer = post_form(front, "/api/7/minidump/", ("upload_file_minidump", "a.dmp", content))

    assert answer.status == 200
    deadline = time.monotonic() + 5
    while (stats := front.client.get("/stats").json())["inflight_bytes"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stats["inflight_bytes"] == 0


# ---------------------------------------------------------------- row 12: the loader


@pytest.mark.parametrize("key", [KEY, "0" * 32], ids=["of a key", "of no key"])
def test_row_12_the_loader_is_a_script_that_does_nothing(front, key):
    answer = front.client.get(f"/js-sdk-loader/{key}.min.js")

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == (
        "public, max-age=3600, s-maxage=60, stale-while-revalidate=315360000, stale-if-error=315360000"
    )
    assert "captureException" in answer.text
    assert front.post(f"/js-sdk-loader/{key}.min.js", b"x").status == 405
