"""Requests to other servers, over real sockets of this machine."""

import datetime
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.standin import Reply, StandIn
from vedette.core.outgoing import USER_AGENT, Outgoing, OutgoingFailed, OutgoingRefused

LOOPBACK = Outgoing(allow=("127.0.0.1",), timeout_seconds=5)


@pytest.fixture
def stand_in():
    """A server that answers with its `answer`; tests may replace it."""
    with StandIn(lambda asked: Reply(200, b"here")) as server:
        yield server


def test_a_request_says_who_asks_and_brings_the_answer(stand_in):
    answer = LOOPBACK.send("POST", f"{stand_in.url}/a/b?c=d#e", headers={"X-One": "1"}, body=b"{}")

    (asked,) = stand_in.asked
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"here", "4")
    assert (asked.method, asked.target, asked.body) == ("POST", "/a/b?c=d", b"{}")
    assert asked.headers["host"] == f"127.0.0.1:{stand_in.port}"
    assert asked.headers["user-agent"] == USER_AGENT
    assert asked.headers["x-one"] == "1"


def test_a_refusal_of_the_other_side_is_an_answer_too(stand_in):
    stand_in.answer = lambda asked: Reply(503, b"busy", {"Retry-After": "7"})

    answer = LOOPBACK.send("GET", stand_in.url)

    assert (answer.status, answer.headers["retry-after"]) == (503, "7")


def test_nothing_is_sent_to_this_machine_unless_the_operator_allows_it(stand_in):
    with pytest.raises(OutgoingRefused) as caught:
        Outgoing().send("GET", stand_in.url)

    assert stand_in.asked == []
    assert "VEDETTE_OUTGOING_ALLOW" in caught.value.hint


def test_a_name_that_means_another_machine_when_it_is_asked_again_gains_nothing(stand_in):
    told = []

    def rebinding(host, port):
        told.append(host)
        return ["127.0.0.1"] if len(told) > 1 else ["127.0.0.2"]  # nobody listens there

    outgoing = Outgoing(allow=("127.0.0.2",), timeout_seconds=2, resolve=rebinding)

    with pytest.raises(OutgoingFailed):
        outgoing.send("GET", f"http://rebinding.example:{stand_in.port}/")

    assert told == ["rebinding.example"]
    assert stand_in.asked == []


def test_a_second_address_is_tried_where_nobody_listens_at_the_first(stand_in):
    outgoing = Outgoing(allow=("127.0.0.0/8",), resolve=lambda host, port: ["127.0.0.2", "127.0.0.1"])

    answer = outgoing.send("GET", f"http://example.org:{stand_in.port}/")

    assert answer.body == b"here"
    assert stand_in.asked[0].headers["host"] == f"example.org:{stand_in.port}"


def test_redirects_are_not_followed_unless_somebody_wants_it(stand_in):
    stand_in.answer = lambda asked: Reply(302, headers={"Location": "/elsewhere"})

    assert LOOPBACK.send("GET", stand_in.url).status == 302
    assert len(stand_in.asked) == 1


def test_a_redirect_is_followed_as_often_as_was_said(stand_in):
    stand_in.answer = lambda asked: Reply(302, headers={"Location": f"/{len(stand_in.asked)}"})

    assert LOOPBACK.send("GET", stand_in.url, redirects=2).status == 302
    assert [asked.target for asked in stand_in.asked] == ["/", "/1", "/2"]


def test_a_redirect_to_an_address_that_is_not_allowed_is_refused(stand_in):
    stand_in.answer = lambda asked: Reply(302, headers={"Location": f"http://127.0.0.3:{stand_in.port}/"})

    with pytest.raises(OutgoingRefused, match="no public address"):
        LOOPBACK.send("GET", stand_in.url, redirects=3)

    assert len(stand_in.asked) == 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://127.0.0.1/", "http://u:p@127.0.0.1/"])
def test_a_redirect_to_what_is_no_address_of_the_web_is_refused(stand_in, target):
    stand_in.answer = lambda asked: Reply(302, headers={"Location": target})

    with pytest.raises(OutgoingRefused):
        LOOPBACK.send("GET", stand_in.url, redirects=3)


def test_secrets_stay_with_the_host_that_they_were_meant_for(stand_in):
    with StandIn(lambda asked: Reply(200)) as other:
        stand_in.answer = lambda asked: Reply(307, headers={"Location": "/same" if asked.target == "/" else other.url})
        secrets = {"Authorization": "Bearer s3cret", "PRIVATE-TOKEN": "s3cret", "Accept": "text/plain"}

        LOOPBACK.send("GET", stand_in.url, headers=secrets, redirects=3)

        assert [asked.headers["authorization"] for asked in stand_in.asked] == ["Bearer s3cret"] * 2
        assert "s3cret" not in str(other.asked[0].headers)
        assert other.asked[0].headers["accept"] == "text/plain"


def test_an_answer_that_is_too_large_is_given_up(stand_in):
    stand_in.answer = lambda asked: Reply(200, b"x" * 1001)

    with pytest.raises(OutgoingFailed, match="larger than 1000 bytes"):
        Outgoing(allow=("127.0.0.1",), most_bytes=1000).send("GET", stand_in.url)


def test_an_answer_stays_packed(stand_in):
    stand_in.answer = lambda asked: Reply(200, b"\x1f\x8b no gzip at all", {"Content-Encoding": "gzip"})

    assert LOOPBACK.send("GET", stand_in.url).body == b"\x1f\x8b no gzip at all"
    assert stand_in.asked[0].headers["accept-encoding"] == "identity"


def test_a_header_cannot_smuggle_another_one(stand_in):
    with pytest.raises(OutgoingFailed):
        LOOPBACK.send("GET", stand_in.url, headers={"X-One": "1\r\nX-Two: 2"})

    assert stand_in.asked == []


@pytest.fixture
def dripping():
    """A server that sends a byte whenever a timeout of sockets would be about to end, for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip():
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    stop.set()
    thread.join(5)
    listener.close()


def test_an_answer_that_never_ends_is_cut_off_in_time(dripping):
    began = time.monotonic()

    with pytest.raises(OutgoingFailed, match="in time"):
        Outgoing(allow=("127.0.0.1",), timeout_seconds=0.3).send("GET", dripping)

    assert time.monotonic() - began < 3


def test_nobody_listening_and_no_web_server_are_told_apart_in_words():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def talk():
            connection, _ = listener.accept()
            connection.sendall(b"SSH-2.0-x\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=talk)
        thread.start()
        with pytest.raises(OutgoingFailed) as caught:
            LOOPBACK.send("GET", f"http://127.0.0.1:{port}/")
        thread.join(5)

    assert "0x" not in str(caught.value)
    with pytest.raises(OutgoingFailed, match="refused"):
        LOOPBACK.send("GET", f"http://127.0.0.1:{port}/")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for the name git.example, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "git.example")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("git.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def secure(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with StandIn(lambda asked: Reply(200, b"secure"), tls=context) as server:
        yield server


def to_loopback(**options):
    return Outgoing(allow=("127.0.0.1",), timeout_seconds=5, resolve=lambda host, port: ["127.0.0.1"], **options)


def test_a_certificate_is_held_against_the_name_and_not_the_address(secure, certificate):
    trusting = to_loopback(trust=ssl.create_default_context(cafile=str(certificate)))

    assert trusting.send("GET", f"https://git.example:{secure.port}/").body == b"secure"
    with pytest.raises(OutgoingFailed, match="certificate"):
        trusting.send("GET", f"https://other.example:{secure.port}/")


def test_a_certificate_that_nobody_vouches_for_is_not_believed(secure):
    with pytest.raises(OutgoingFailed, match="certificate is not believed"):
        to_loopback().send("GET", f"https://git.example:{secure.port}/")

    assert secure.asked == []


def test_a_redirect_does_not_leave_encryption(secure, certificate):
    secure.answer = lambda asked: Reply(302, headers={"Location": "http://git.example/"})

    with pytest.raises(OutgoingRefused, match="https to http"):
        to_loopback(trust=ssl.create_default_context(cafile=str(certificate))).send(
            "GET", f"https://git.example:{secure.port}/", redirects=1
        )
