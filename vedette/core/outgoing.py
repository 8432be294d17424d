"""Requests that this server makes to others: to where code is hosted, and to whoever asked to be told things.

The addresses come from people who may not be trusted with this server's network. So a host is looked up once, each of
its addresses is judged, and the connection is made to the very address that was judged: nobody can name one address to
the judge and another one to the connection. Only public addresses are spoken to, unless the operator allows more
(`VEDETTE_OUTGOING_ALLOW`). A redirect is judged like the first address. Time and size are bounded; the environment's
proxies are not asked.
"""

import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPException
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse
from urllib3.util.ssl_match_hostname import CertificateError

from vedette import __version__
from vedette.core import clock
from vedette.core.errors import TryAgain, VedetteError

USER_AGENT = f"Vedette/{__version__}"
TIMEOUT_SECONDS = 15.0  # for all of it: looking up, connecting, sending, reading
MOST_BYTES = 16 * 2**20
MOST_ADDRESSES = 4  # of one host that are tried
LONGEST_URL = 2000
ANY = "*"
SECRET_HEADERS = frozenset({"authorization", "private-token"})  # kept from other hosts on a redirect
REDIRECTS = (301, 302, 303, 307, 308)

_PIECE = 2**16
_PLAIN = re.compile(r"[!-~]+")
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]


class OutgoingRefused(VedetteError):
    """This server does not speak to that address."""

    code = "outgoing-refused"
    hint = "The operator may allow it with VEDETTE_OUTGOING_ALLOW."


class OutgoingFailed(TryAgain):
    """No answer came, or none that could be taken."""

    code = "outgoing-failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. The names of `headers` are in lower case; the body is as it came, never unpacked."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system looks them up."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutgoingFailed(f"{host} is not found") from error
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Sends requests. `allow` names hosts and networks that may be spoken to although they are not public; `*` is all.

    `resolve` and `trust` (whose certificates are believed) are there for tests.
    """

    allow: tuple[str, ...] = ()
    timeout_seconds: float = TIMEOUT_SECONDS
    most_bytes: int = MOST_BYTES
    resolve: Resolve = resolve
    trust: ssl.SSLContext | None = None

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        redirects: int = 0,
    ) -> Answer:
        """The answer of whoever is at `url`, whatever its status; up to `redirects` are followed, without `body`.

        Raises `OutgoingRefused` for what this server does not speak to, `OutgoingFailed` when no answer came.
        """
        until = clock.monotonic() + self.timeout_seconds
        place, sent = read_url(url), dict(headers or {})
        while True:
            answer = self._ask(method, place, sent, body, until)
            target = answer.headers.get("location")
            if redirects <= 0 or answer.status not in REDIRECTS or not target or body is not None:
                return answer
            redirects -= 1
            following = read_url(urljoin(urlunsplit(place), target))
            if place.scheme == "https" and following.scheme != "https":
                raise OutgoingRefused("the answer leads from https to http")
            if (following.scheme, following.netloc.lower()) != (place.scheme, place.netloc.lower()):
                sent = {name: value for name, value in sent.items() if name.lower() not in SECRET_HEADERS}
            place = following

    def check(self, url: str) -> None:
        """Raise `OutgoingRefused` if this server would not speak to `url`, as far as that can be told without asking
        anybody: its form, and an address in place of a name."""
        place = read_url(url)
        host = place.hostname or ""
        address = _as_address(host)
        if address is not None and not self._may(host, address):
            raise OutgoingRefused(f"{host} is no public address")

    def _ask(
        self, method: str, place: SplitResult, headers: Mapping[str, str], body: bytes | None, until: float
    ) -> Answer:
        host, port = place.hostname or "", place.port or _PORTS[place.scheme]
        problem: Exception | None = None
        addresses = self._addresses(host, port)
        for number, address in enumerate(addresses):
            left = until - clock.monotonic()
            if left <= 0:
                break
            connection = self._connection(place.scheme, host, str(address), port, left / (len(addresses) - number))
            try:
                try:
                    connection.connect()
                except (HTTPError, OSError) as error:
                    problem = error
                    continue
                with _cut_off(connection.sock, until):
                    answer = self._exchange(connection, method, place, headers, body)
                if clock.monotonic() >= until:  # what was cut off looks like an end
                    raise TimeoutError
                return answer
            except (HTTPError, HTTPException, OSError, ValueError) as error:
                raise OutgoingFailed(f"{host}: {_reason(error, until)}") from error
            finally:
                connection.close()
        raise OutgoingFailed(f"{host}: {_reason(problem, until)}") from problem

    def _addresses(self, host: str, port: int) -> list[Address]:
        """The addresses of the host that may be spoken to. Raises `OutgoingRefused` if there are none."""
        found = [address for text in self.resolve(host, port) if (address := _as_address(text)) is not None]
        allowed = [address for address in found if self._may(host, address)]
        if not allowed:
            raise OutgoingRefused(f"{host} has no public address")
        return allowed[:MOST_ADDRESSES]

    def _may(self, host: str, address: Address) -> bool:
        if is_public(address):
            return True
        plain = _unwrapped(address)
        for entry in self.allow:
            if entry == ANY or entry.lower() == host.lower().rstrip("."):
                return True
            network = _as_network(entry)
            if network is not None and plain.version == network.version and plain in network:
                return True
        return False

    def _connection(self, scheme: str, host: str, address: str, port: int, timeout: float) -> HTTPConnection:
        if scheme == "http":
            return HTTPConnection(address, port, timeout=timeout)
        trust = self.trust or _usual_trust()
        named = host.rstrip(".")
        return HTTPSConnection(
            address, port, timeout=timeout, ssl_context=trust, server_hostname=named, assert_hostname=named
        )

    def _exchange(
        self,
        connection: HTTPConnection,
        method: str,
        place: SplitResult,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Answer:
        target = urlunsplit(("", "", place.path or "/", place.query, ""))
        common = {"Host": place.netloc, "User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Connection": "close"}
        connection.request(
            method, target, body=body, headers={**common, **headers}, preload_content=False, decode_content=False
        )
        response = connection.getresponse()
        try:
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, found, self._read(response))
        finally:
            response.close()

    def _read(self, response: BaseHTTPResponse) -> bytes:
        told = bytearray()
        while piece := response.read(min(_PIECE, self.most_bytes + 1 - len(told)), decode_content=False):
            told += piece
            if len(told) > self.most_bytes:
                raise OutgoingFailed(f"the answer is larger than {self.most_bytes} bytes")
        return bytes(told)


def read_url(url: str) -> SplitResult:
    """The parts of an address on the web: http or https, a host, no name and password, nothing but plain ASCII.

    Raises `OutgoingRefused`.
    """
    if len(url) > LONGEST_URL or not _PLAIN.fullmatch(url):
        raise OutgoingRefused(f"an address has at most {LONGEST_URL} characters, and only plain ones")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise OutgoingRefused("this is no address") from error
    if parts.scheme not in _PORTS or not parts.hostname or port == 0 or "\\" in url:
        raise OutgoingRefused("an address begins with https:// or http:// and a host")
    if parts.username is not None or parts.password is not None:
        raise OutgoingRefused("an address holds no name and no password")
    return parts._replace(fragment="")


def is_public(address: Address) -> bool:
    """Whether an address belongs to a machine of the internet, also when it is written inside of another one."""
    plain = _unwrapped(address)
    if isinstance(plain, ipaddress.IPv4Address):
        return plain.is_global and not plain.is_multicast and not plain.is_reserved
    return plain.is_global and plain in _UNICAST and plain.teredo is None


@cache
def _usual_trust() -> ssl.SSLContext:
    """Whom the system believes; read once, because it takes a while."""
    return ssl.create_default_context()


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def _as_address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _as_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


@contextmanager
def _cut_off(sock: socket.socket, until: float) -> Iterator[None]:
    """End the connection at `until`, whatever its other side does: a timeout of a socket is one for each piece."""
    left = max(until - clock.monotonic(), 0.001)
    sock.settimeout(left)
    timer = threading.Timer(left, _shut, [sock])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        sock.shutdown(socket.SHUT_RDWR)


def _reason(error: Exception | None, until: float) -> str:
    """What to tell about a failure. Texts of libraries name objects in memory; people are told what happened."""
    if error is None or isinstance(error, TimeoutError) or clock.monotonic() >= until:
        return "it does not answer in time"
    if isinstance(error, CertificateError):
        return "its certificate is that of another host"
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not believed: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return "no secure connection could be made"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return "it does not answer as a web server does"
