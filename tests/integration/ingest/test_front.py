"""The front: Django's side of the port, order in stopping, and nothing lost when it is killed."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.support.server import ROOT
from vedette.wire.envelope import write_envelope

AUTH = f"Sentry sentry_key={'a' * 32}"
MIB = 1024 * 1024
PAGE_THREADS = 4


def test_pages_get_a_whole_wsgi_environment(front):
    answer = front.client.request("POST", "/p%C3%A4ge?a=%20b", b"x" * 2_000_000, {"X-Test": "1"})

    environ = answer.json()["environ"]
    assert answer.json()["body"] == 2_000_000
    assert (environ["REQUEST_METHOD"], environ["QUERY_STRING"]) == ("POST", "a=%20b")
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/päge"
    assert (environ["REMOTE_ADDR"], environ["SERVER_PORT"]) == ("127.0.0.1", str(front.port))
    assert (environ["HTTP_X_TEST"], environ["CONTENT_LENGTH"]) == ("1", "2000000")
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["HTTP_HOST"] == f"127.0.0.1:{front.port}"
    assert answer.headers["set-cookie"] == "a=1, b=2"


def test_repeated_headers_are_joined_and_underscores_are_not_dashes(front):
    head = b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-A: 1\r\nX-A: 2\r\nX_Forwarded_For: 6.6.6.6\r\n\r\n"
    with socket.create_connection(("127.0.0.1", front.port), timeout=10) as connection:
        connection.sendall(head)
        answer = connection.makefile("rb").read().decode()

    assert '"HTTP_X_A": "1,2"' in answer
    assert "6.6.6.6" not in answer


def test_chunked_request_bodies_reach_pages_with_a_length(front):
    head = b"POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", front.port), timeout=10) as connection:
        connection.sendall(head + b"5\r\nhello\r\n0\r\n\r\n")
        answer = connection.makefile("rb").read().decode()

    assert '"CONTENT_LENGTH": "5"' in answer
    assert '"body": 5' in answer


def test_a_page_may_be_made_while_it_is_sent_and_is_closed_in_the_end(front):
    (front.directory / "closed").unlink(missing_ok=True)

    answer = front.client.get("/feed")

    assert answer.body == b"".join(b"chunk %d\n" % number for number in range(5))
    assert answer.headers["transfer-encoding"] == "chunked"
    assert (front.directory / "closed").exists()


def test_a_large_page_comes_whole(front):
    answer = front.client.get("/large")

    assert answer.body == b"x" * 3_000_000
    assert answer.headers["content-length"] == "3000000"


def test_a_visitor_who_goes_away_ends_the_page(front):
    (front.directory / "closed").unlink(missing_ok=True)
    with socket.create_connection(("127.0.0.1", front.port), timeout=10) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.recv(100)

    deadline = time.monotonic() + 10
    while not (front.directory / "closed").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_head_has_the_headers_and_no_body(front):
    answer = front.client.request("HEAD", "/x")

    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_an_answer_without_body_stays_without(front):
    answer = front.client.get("/nothing")

    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", '"x"')


def test_the_old_way_of_writing_a_page_works(front):
    assert front.client.get("/late").body == b"written returned"


def test_a_broken_page_is_500_and_the_next_one_is_not(a_front):
    front = a_front()

    assert front.client.get("/raise").status == 500
    assert front.client.get("/x").status == 200
    assert "ValueError: broken page" in front.output()


def test_a_body_beyond_forty_megabytes_is_413_for_pages(front):
    assert front.client.request("POST", "/x", bytes(39 * MIB)).status == 200

    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=10)
    connection.putrequest("POST", "/x")
    connection.putheader("Content-Length", str(41 * MIB))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_pages_that_take_every_thread_do_not_hold_up_ingest(front):
    pages = [threading.Thread(target=front.client.get, args=(f"/held?{number}",)) for number in range(6)]
    for thread in pages:
        thread.start()
    deadline = time.monotonic() + 20
    while len(list(front.directory.glob("held-*"))) < PAGE_THREADS and time.monotonic() < deadline:
        time.sleep(0.01)

    try:
        answer = front.post("/api/7/envelope/", b'{}\n{"type":"event"}\n{}', x_sentry_auth=AUTH)
        waiting = [thread.is_alive() for thread in pages]
    finally:
        (front.directory / "let-go").touch()
        for thread in pages:
            thread.join()

    assert len(list(front.directory.glob("held-*"))) == len(pages)
    assert answer.status == 200
    assert waiting == [True] * len(pages)


def test_the_empty_handler_is_there_for_benchmarks(front):
    assert front.post("/_vedette/noop", b"x").body == b"{}"


def test_sigterm_finishes_what_is_under_way_and_exits_with_0(a_front):
    front = a_front()
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(front.client.get("/slow?1").status))
    idle = socket.create_connection(("127.0.0.1", front.port))
    thread.start()
    time.sleep(0.3)

    started = time.monotonic()
    status = front.stop()
    thread.join()
    idle.close()

    assert status == 0, front.output()
    assert answers == [200]
    assert time.monotonic() - started < 6


def test_an_address_that_is_taken_is_said_in_one_line(tmp_path):
    script = Path(__file__).with_name("front_process.py")

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = subprocess.run(
            [sys.executable, str(script), str(tmp_path), port],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=30,
        )

    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"vedette.core.errors.Misconfigured: cannot listen on 127.0.0.1:{port}: Address already")


def test_a_killed_front_has_lost_nothing_that_it_acknowledged(a_front):
    front = a_front()
    acknowledged: list[str] = []

    def send(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=10)
        for turn in range(10_000):
            event_id = f"{number:016x}{turn:016x}"
            body = write_envelope({"event_id": event_id}, [({"type": "event"}, b"{}")])
            try:
                connection.request("POST", "/api/7/envelope/", body, {"X-Sentry-Auth": AUTH})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                break
            if answer.status == 200:
                acknowledged.append(event_id)
        connection.close()

    senders = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in senders:
        thread.start()
    time.sleep(1.5)
    front.process.send_signal(signal.SIGKILL)
    for thread in senders:
        thread.join()
    front.process.wait()

    stored = [item.receipt.event_id for item in front.spooled()]
    assert len(acknowledged) > 50
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))
