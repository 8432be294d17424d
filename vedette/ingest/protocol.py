"""What ingest asks of the server: the parts of RSGI that it uses, as types."""

from typing import Protocol

from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]

from vedette.ingest.answers import Headers
from vedette.ingest.bodies import BodySource

# Raised when the sender has gone away, while the body is read or when the answer is written.
GONE: tuple[type[Exception], ...] = (ProtocolClosed, ProtocolError)


class RequestHeaders(Protocol):
    """RSGI's headers: names in lower case; a value that is no text is as good as absent."""

    def get(self, key: str, /) -> str | None: ...


class Scope(Protocol):
    """The parts of an RSGI scope that ingest looks at. `client` is `host:port`."""

    method: str
    path: str
    query_string: str
    client: str

    @property
    def headers(self) -> RequestHeaders: ...


class Exchange(BodySource, Protocol):
    """One request's RSGI protocol object: it gives the body and takes the answer."""

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...
