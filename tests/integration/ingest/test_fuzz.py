"""Any bytes at any endpoint get a status that the specification knows, and the server goes on."""

import http.client

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DOCUMENTED = {200, 201, 202, 400, 401, 403, 404, 405, 413, 415, 429}
KEY = "a" * 32
# What is wrong, in every answer that is no success; the dialog names the parameter or the field.
TOLD = (b'{"detail":', b'{"eventId":', b'{"dsn":', b'{"errors":')
PIECES = st.sampled_from(
    [
        b"{}",
        b"\n",
        b'{"type":"event"}',
        b'{"type":"event","length":5}',
        b'{"event_id":"%s"}' % (b"7" * 32),
        b"[]",
        b'[{"type":"csp-violation"}]',
        b'{"status":"ok"}',
        b'--b\r\nContent-Disposition: form-data; name="upload_file_minidump"; filename="a"\r\n\r\nMDMP',
        b"\r\n--b",
        b"--\r\n",
        b"\x1f\x8b",
        b"BZh9",
        b"\xfd7zXZ\0",
        b"x",
        b"\xff",
    ]
)
BODIES = st.binary(max_size=300) | st.lists(PIECES, max_size=8).map(b"".join)
PATHS = st.sampled_from(
    [
        "/api/7/envelope/",
        "/api/7/store/",
        "/api/store/",
        "/api/7/security/",
        "/api/7/csp-report/",
        "/api/7/nel/",
        "/api/7/minidump",
        "/api/7/minidump/",
        f"/api/7/events/{'7' * 32}/attachments/",
        "/api/7/events/x/attachments/",
        "/api/7/cron/nightly",
        f"/api/7/cron/nightly/{KEY}/",
        "/api/embed/error-page/",
        "//api/7//envelope//",
        "/api/%37/store/",
    ]
) | st.text("abc/7%.é", max_size=10).map(lambda text: "/api/7/" + text.encode().hex() + "/store/")
# The server itself refuses control characters, before anybody here sees the request.
LATIN = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=40)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "X-Sentry-Auth": st.just(f"Sentry sentry_key={KEY}") | LATIN.map(lambda text: f"Sentry sentry_key={text}"),
        "Authorization": LATIN,
        "Content-Encoding": st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br", "x", "utf-8"]) | LATIN,
        "Content-Type": LATIN
        | st.sampled_from(
            ["multipart/form-data; boundary=b", "application/json", "application/csp-report", "application/x-dmp"]
        ),
        "Accept": st.sampled_from(["text/javascript", "*/*"]) | LATIN,
        "Origin": LATIN,
        "Referer": LATIN,
    },
)


@pytest.fixture(scope="module")
def connection(front):
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=20)
    yield connection
    connection.close()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["POST", "GET", "OPTIONS", "PUT"]),
    path=PATHS,
    query=st.binary(max_size=40),
    body=BODIES,
    headers=HEADERS,
)
def test_any_request_gets_a_documented_status(front, connection, method, path, query, body, headers):
    target = path + "?" + query.hex(":") + f"&sentry_data={query.hex()}&eventId={'7' * 32}&title=%{query.hex()}"
    target += f"&dsn=https://{KEY}@host/7" if len(query) % 2 else f"&status={query.hex()}"

    connection.request(method, target, body, headers)
    answer = connection.getresponse()
    content = answer.read()

    assert answer.status in DOCUMENTED, content
    assert answer.status < 300 or content.startswith(TOLD) or answer.getheader("x-sentry-context"), content
    assert answer.getheader("access-control-allow-origin"), "every answer is for pages of other origins"
    assert answer.getheader("cross-origin-resource-policy") == "cross-origin"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=BODIES,
    path=PATHS.filter(lambda path: "x" not in path),
    kind=st.sampled_from(["multipart/form-data; boundary=b", "application/json", "application/x-dmp"]),
)
def test_any_body_with_a_good_key_is_accepted_or_refused(front, connection, body, path, kind):
    key = {} if KEY in path else {"X-Sentry-Auth": f"Sentry sentry_key={KEY}"}

    connection.request("POST", path, body, {**key, "Content-Type": kind})
    answer = connection.getresponse()
    answer.read()

    assert answer.status in {200, 201, 202, 400, 404, 413, 415}


def test_after_all_that_the_server_has_no_complaint(front):
    assert "Traceback" not in front.output()
