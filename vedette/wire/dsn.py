"""DSNs: the address of a project with the key that opens it.

Source: the ingest specification, 2.1.
"""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from vedette.wire.refusals import InvalidDsn

MAX_DSN_LENGTH = 1024
MAX_PROJECT_ID = 2**64 - 1
_KEY = re.compile(r"[!-~]{32}")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Dsn:
    """The parts of a DSN. `port` is None when the scheme's own is meant; `path` is "" or starts with a slash."""

    scheme: str
    public_key: str
    host: str
    port: int | None
    path: str
    project_id: int

    def as_text(self) -> str:
        """The DSN as SDKs read it."""
        return f"{self.scheme}://{self.public_key}@{self._netloc()}{self.path}/{self.project_id}"

    def envelope_url(self) -> str:
        """Where envelopes for this project are posted."""
        return f"{self.scheme}://{self._netloc()}{self.path}/api/{self.project_id}/envelope/"

    def _netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


def public_key(text: str) -> str | None:
    """The public key in `text`, its flags (`.no-cache`) taken off; None if it has not the shape of a key."""
    key = text.partition(".")[0]
    return key if _KEY.fullmatch(key) else None


def build_dsn(base_url: str, key: str, project_id: int) -> Dsn:
    """The DSN of a project on the server whose external address is `base_url` (scheme, host, maybe port and path)."""
    scheme, host, port, path = _server(base_url, urlsplit(base_url))
    return Dsn(scheme, key, host, port, path.rstrip("/"), project_id)


def parse_dsn(text: str) -> Dsn:
    """Read a DSN; an obsolete secret, empty or not, is ignored. Raises `InvalidDsn`."""
    if len(text) > MAX_DSN_LENGTH:
        raise InvalidDsn("DSN is too long")
    try:
        parts = urlsplit(text.strip())
    except ValueError as error:
        raise InvalidDsn("DSN is not an address") from error
    scheme, host, port, path = _server("DSN", parts)
    key = public_key(parts.username or "")
    if key is None:
        raise InvalidDsn("DSN has no valid public key")
    prefix, _, project = path.rstrip("/").rpartition("/")
    return Dsn(scheme, key, host, port, prefix, _project_id(project))


def _server(name: str, parts: SplitResult) -> tuple[str, str, int | None, str]:
    try:
        port = parts.port
    except ValueError as error:
        raise InvalidDsn(f"{name} has no valid port") from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise InvalidDsn(f"{name} needs a scheme (http or https) and a host")
    return parts.scheme, parts.hostname, None if port == _DEFAULT_PORTS[parts.scheme] else port, parts.path


def _project_id(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= MAX_PROJECT_ID:
        return int(text)
    raise InvalidDsn("DSN has no project id")
