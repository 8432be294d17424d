"""What an endpoint may ask of the door that it stands in: credentials, bodies within their limits, and the spool."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from vedette.ingest.bodies import Plain, Room
from vedette.ingest.keys import KeyInfo
from vedette.ingest.protocol import Exchange, Scope
from vedette.ingest.routes import Route
from vedette.ingest.settings import IngestSettings
from vedette.wire.auth import Credentials
from vedette.wire.envelope import Envelope
from vedette.wire.ratelimits import RateLimit

T = TypeVar("T")


class IngestRequest:
    """What is known of one request so far; a refusal is counted with it."""

    __slots__ = (
        "body_read",
        "encoding",
        "envelope",
        "exchange",
        "header",
        "held",
        "key",
        "length",
        "route",
        "scope",
    )

    def __init__(self, scope: Scope, exchange: Exchange, route: Route) -> None:
        self.scope = scope
        self.exchange = exchange
        self.route = route
        self.header: Callable[[str], str | None] = scope.headers.get
        self.key: KeyInfo | None = None
        self.envelope: Envelope | None = None
        self.length: int | None = None
        self.encoding = ""
        self.body_read = False
        self.held: list[tuple[Room, int]] = []

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    def hold(self, room: Room, size: int) -> None:
        """Take room until the request is answered. Raises `Busy` (503)."""
        room.take(size)
        self.held.append((room, size))

    def let_go(self) -> None:
        """Give back everything that is held."""
        while self.held:
            room, size = self.held.pop()
            room.give_back(size)


class Door(Protocol):
    """The half of `IngestApp` that endpoints use."""

    @property
    def settings(self) -> IngestSettings:
        """The limits."""

    async def identify(self, request: IngestRequest, path_key: str | None = None) -> Credentials:
        """The credentials of the request, admitted. Raises `Unauthenticated` (401), `Rejected` (403)."""

    async def admit(self, request: IngestRequest, credentials: Credentials) -> None:
        """Whether this key may send to this project from this page. Raises `Rejected` (403)."""

    async def read_plain(self, request: IngestRequest, limit: int) -> bytes:
        """The body, inflated, at most `limit` bytes; its room is held until the answer. Raises `Malformed` (400) for
        an empty one, `TooLarge` (413), `Busy` (503)."""

    async def unpack(
        self, request: IngestRequest, work: Callable[[int], Plain], packed_bytes: int, limit: int
    ) -> Plain:
        """What `work(bound)` makes of packed bytes, in a thread; room for it is taken before, and held until the
        answer. `work` raises `TooLarge` beyond its bound. Raises `TooLarge` (413) beyond `limit`, `Busy` (503)."""

    async def beside(self, work: Callable[..., T], *given: Any) -> T:
        """The result of work that takes long, done in a thread."""

    async def keep(
        self, request: IngestRequest, credentials: Credentials, envelope: Envelope, *, kind: str = "envelope"
    ) -> tuple[RateLimit, ...]:
        """Spool an envelope that an endpoint made; there is room for its bytes before they are written. On return it is
        on disk, but for what the limits took out. Raises `TooLarge` (413), `Busy` (503)."""
