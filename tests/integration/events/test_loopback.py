"""The loopback front, spoken to by an unmodified clickhouse-connect and by hand."""

import gzip
import http.client
import json
import socket
import threading
import time
import zlib
from base64 import b64encode

import clickhouse_connect
import lz4.frame
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.integration.events.engine_process import running_engine
from vedette.events.client import EngineAddress, StoreUnavailable, connect


@pytest.fixture
def client(shared_engine):
    """As anybody would make one: sessions, compression and all."""
    client = clickhouse_connect.get_client(
        host="127.0.0.1", port=shared_engine.port, username="default", password=shared_engine.secret
    )
    client.command("CREATE OR REPLACE TABLE notes (n UInt64, text String) ENGINE = MergeTree ORDER BY n")
    yield client
    client.command("DROP TABLE notes")
    client.close()


@pytest.fixture
def ask(shared_engine):
    """One request by hand: (status, headers, body)."""

    def ask(method, path, body=None, headers=None, secret=shared_engine.secret):
        connection = http.client.HTTPConnection("127.0.0.1", shared_engine.port, timeout=10)
        try:
            given = {"Authorization": "Basic " + b64encode(f"default:{secret}".encode()).decode(), **(headers or {})}
            connection.request(method, path, body, given)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    return ask


class TestClient:
    @pytest.mark.parametrize("compression", ["lz4", "zstd", "gzip", False])
    def test_it_inserts_and_reads_many_blocks(self, shared_engine, client, compression):
        own = clickhouse_connect.get_client(
            host="127.0.0.1",
            port=shared_engine.port,
            username="default",
            password=shared_engine.secret,
            compress=compression,
        )
        rows = [[n, "text " * 20 + str(n)] for n in range(60_000)]  # some megabytes: several blocks, several frames

        own.insert("notes", rows, column_names=["n", "text"])

        assert own.query("SELECT n, text FROM notes ORDER BY n").result_rows == [tuple(row) for row in rows]
        with own.query_row_block_stream("SELECT n FROM notes ORDER BY n") as stream:
            assert sum(len(block) for block in stream) == 60_000
        own.close()

    def test_it_uses_commands_parameters_formats_and_settings(self, client):
        client.insert("notes", [[1, "a"], [2, "b"]], column_names=["n", "text"])

        assert client.command("SELECT count() FROM notes") == 2
        assert client.command("SELECT text FROM notes WHERE n = 9") == ""
        assert client.query("SELECT {x:String}, {y:Array(UInt8)}", {"x": "it's", "y": [1, 2]}).result_rows == [
            ("it's", [1, 2])
        ]
        assert client.raw_query("SELECT n, text FROM notes ORDER BY n", fmt="CSV") == b'1,"a"\n2,"b"\n'
        assert client.query("SELECT * FROM notes LIMIT 0").column_names == ("n", "text")
        threads = "SELECT getSetting('max_threads')"
        assert client.query(threads, settings={"max_threads": 7}).first_row == (7,)
        assert client.query(threads).first_row != (7,)
        client.raw_insert("notes", ["n", "text"], gzip.compress(b'3,"c"\n'), fmt="CSV", compression="gzip")
        client.command("ALTER TABLE notes UPDATE text = 'z' WHERE n = 1", settings={"mutations_sync": 2})
        assert client.query("SELECT text FROM notes ORDER BY n").result_columns == [["z", "b", "c"]]
        assert client.ping()

    def test_a_setting_of_a_command_does_not_stay(self, client):
        client.command("CREATE TABLE IF NOT EXISTS notes (n UInt8) ENGINE = Memory", settings={"max_execution_time": 7})

        values = {client.command("SELECT getSetting('max_execution_time')") for _ in range(10)}
        assert values == {60}

    @pytest.mark.parametrize(
        ("statement", "code", "status"),
        [
            ("SELECT nothing", 47, 404),
            ("SELECT 1 FROM no_such_table", 60, 404),
            ("SELEKT 1", 62, 400),
            ("SELECT throwIf(1)", 395, 500),
            ("SELECT sleep(2.5) SETTINGS max_execution_time = 1, timeout_overflow_mode = 'throw'", 159, 408),
            ("SET max_threads = 1", 48, 501),
            ("CREATE TEMPORARY TABLE t (n UInt8)", 48, 501),
        ],
    )
    def test_errors_carry_code_and_status(self, ask, client, statement, code, status):
        with pytest.raises(DatabaseError) as caught:
            client.query(statement) if statement.startswith("SELE") else client.command(statement)
        assert caught.value.code == code

        answered, headers, body = ask("POST", "/", statement.encode())
        assert (answered, headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
        assert body.startswith(f"Code: {code}. DB::Exception: ".encode())

    def test_a_refused_block_inserts_nothing(self, client):
        with pytest.raises(DatabaseError):
            client.raw_insert("notes", ["n", "text"], b'1,"a"\nnonsense,"b"\n', fmt="CSV")

        assert client.command("SELECT count() FROM notes") == 0


class TestDoor:
    @pytest.mark.parametrize("secret", ["", "wrong", "é\0"])
    def test_a_wrong_secret_is_refused(self, shared_engine, ask, secret):
        for method, path in (("GET", "/?query=SELECT%201"), ("POST", "/"), ("GET", "/-/status"), ("POST", "/-/flush")):
            status, headers, body = ask(method, path, b"SELECT 1" if method == "POST" else None, secret=secret)
            assert (status, headers["X-ClickHouse-Exception-Code"]) == (403, "516")
            assert secret == "" or secret.encode() not in body

        store = connect(lambda: EngineAddress("127.0.0.1", shared_engine.port, secret))
        with pytest.raises(StoreUnavailable, match="credentials"):
            store.rows("SELECT 1")

    def test_no_credentials_and_credentials_in_the_address_are_refused(self, shared_engine, ask):
        status, _, _ = ask("GET", f"/?query=SELECT+1&password={shared_engine.secret}", headers={"Authorization": ""})

        assert status == 403
        key = {"Authorization": "", "X-ClickHouse-User": "default", "X-ClickHouse-Key": shared_engine.secret}
        assert ask("POST", "/", b"SELECT 1", key)[2] == b"1\n"

    def test_it_listens_on_loopback_only(self, shared_engine):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # sends nothing; tells this machine's address
            own_address = probe.getsockname()[0]
        for address in {own_address, "127.0.0.2"} - {"127.0.0.1"}:
            with pytest.raises(ConnectionRefusedError), socket.create_connection((address, shared_engine.port), 2):
                pass

    def test_get_head_ping_and_many_requests_on_one_connection(self, ask, shared_engine):
        assert ask("GET", "/ping", secret="")[2] == b"Ok.\n"
        status, headers, body = ask("HEAD", "/?query=SELECT%20123")
        assert (status, headers["Content-Length"], body) == (200, "4", b"")
        connection = http.client.HTTPConnection("127.0.0.1", shared_engine.port, timeout=10)
        for n in range(5):
            connection.request("POST", "/", f"SELECT {n}", {"X-ClickHouse-Key": shared_engine.secret})
            assert connection.getresponse().read() == f"{n}\n".encode()
        connection.close()

    @pytest.mark.parametrize(
        ("encoding", "encode"),
        [("gzip", gzip.compress), ("deflate", zlib.compress), ("lz4", lz4.frame.compress)],
        ids=["gzip", "deflate", "lz4"],
    )
    def test_bodies_are_inflated_within_bounds(self, ask, encoding, encode):
        header = {"Content-Encoding": encoding}

        assert ask("POST", "/", encode(b"SELECT ") + encode(b"42"), header)[2] == b"42\n"
        status, headers, _ = ask("POST", "/", encode(b"SELECT 42")[:-5], header)
        assert (status, headers["X-ClickHouse-Exception-Code"]) == (400, "271")
        bomb = encode(b" " * 1_000_000) * 300
        assert ask("POST", "/", bomb, header)[0] == 413
        assert ask("POST", "/", b"x", {"Content-Encoding": "compress"})[0] == 400

    def test_answers_are_compressed_when_asked(self, ask):
        path = "/?enable_http_compression=1&query=" + "SELECT+number+FROM+numbers(5000)"

        status, headers, body = ask("GET", path, headers={"Accept-Encoding": "br;q=1, gzip, lz4"})
        assert (status, headers["Content-Encoding"]) == (200, "gzip")
        assert gzip.decompress(body).count(b"\n") == 5000
        assert "Content-Encoding" not in ask("GET", path, headers={"Accept-Encoding": "identity"})[1]

    @pytest.mark.parametrize(
        ("headers", "body", "status"),
        [
            ({"Content-Length": "999999999999"}, b"", 413),
            ({"Content-Length": "-5"}, b"", 413),
            ({"Content-Type": "multipart/form-data"}, b"x", 400),
            ({"Content-Type": "multipart/form-data; boundary=b"}, b"--b\r\n\r\nno name\r\n--b--", 501),
            ({"Content-Type": "multipart/form-data; boundary=b"}, b"never ends", 400),
            ({}, b"", 400),
            ({}, b"SELECT '" + b"x" * 300_000 + b"'", 413),
        ],
        ids=["too long", "negative", "no boundary", "no name", "no end", "empty", "long statement"],
    )
    def test_odd_requests_are_refused(self, ask, headers, body, status):
        assert ask("POST", "/", body, headers)[0] == status
        assert ask("POST", "/", b"SELECT 1")[0] == 200

    def test_garbage_and_half_requests_harm_nobody(self, shared_engine, ask):
        key = shared_engine.secret.encode()
        head = b"POST / HTTP/1.1\r\nX-ClickHouse-Key: " + key + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        for sent in (b"\x16\x03\x01\0\0nonsense\r\n\r\n", head + b"zz\r\n", head + b"5\r\nSELE", b"GET"):
            with socket.create_connection(("127.0.0.1", shared_engine.port), timeout=5) as raw:
                raw.sendall(sent)
                raw.shutdown(socket.SHUT_WR)
                raw.recv(1000)

        assert ask("POST", "/", b"SELECT 1")[0] == 200

    def test_it_answers_within_milliseconds(self, shared_engine):
        store = shared_engine.store()
        store.ping()
        times = []
        for _ in range(50):
            began = time.perf_counter()
            store.rows("SELECT 1")
            times.append(time.perf_counter() - began)

        assert min(times) < 0.02  # 2 ms; a lost TCP_NODELAY would cost each of them 44


HOOKED = """
import json, sys
from pathlib import Path
from vedette.events.engine import Engine, EngineOptions
from vedette.events.loopback import LoopbackServer
engine = Engine.open(EngineOptions(Path(sys.argv[1])))
def flush(asked):
    return json.dumps({"flushed": asked}).encode()
server = LoopbackServer(engine, "s3cret", 0, {"flush": flush})
server.start()
server.hooks["status"] = lambda asked: b'{"ready": true}'
print(server.port, flush=True)
sys.stdin.read()
server.close()
engine.close()
"""


def test_hooks_are_answered_to_whoever_knows_the_secret(tmp_path):
    import subprocess
    import sys

    from tests.integration.events.engine_process import ROOT

    command = [sys.executable, "-c", HOOKED, str(tmp_path / "store")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        port = int(process.stdout.readline())

        def ask(method, path, body=None, secret="s3cret"):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request(method, path, body, {"X-ClickHouse-Key": secret})
            response = connection.getresponse()
            answered = (response.status, json.loads(response.read() or b"null") if response.status == 200 else None)
            connection.close()
            return answered

        assert ask("GET", "/-/status") == (200, {"ready": True})
        assert ask("POST", "/-/flush", b'{"wait": 2}') == (200, {"flushed": {"wait": 2}})
        assert ask("POST", "/-/flush") == (200, {"flushed": {}})
        assert ask("POST", "/-/flush", b"no json")[0] == 400
        assert ask("GET", "/-/flush")[0] == 404
        assert ask("GET", "/-/nothing")[0] == 404
        assert ask("POST", "/-/flush", secret="guess")[0] == 403
        process.stdin.close()
        assert process.wait(10) == 0


def test_more_queries_than_handles_wait_their_turn(tmp_path):
    with running_engine(tmp_path / "store", "--handles", "2") as engine:
        store = engine.store()
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.append(store.value("SELECT sleep(0.05)"))) for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert answers == [0] * 12
