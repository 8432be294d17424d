"""Addresses to listen on: whether one is free, and whether somebody answers there. Reads no settings."""

import errno
import http.client
import socket

from vedette.core.errors import Misconfigured

PROBE_SECONDS = 1.0


def free_port(host: str) -> int:
    """A port of `host` that nobody listens on now."""
    with socket.create_server((host, 0), family=_family(host)) as server:
        return int(server.getsockname()[1])


def check_address(host: str, port: int) -> None:
    """Raise `Misconfigured` when nobody can listen on this address now, with the reason."""
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        socket.create_server((host, port), family=_family(host)).close()
    except OSError as error:
        in_use = "another process listens on it" if error.errno == errno.EADDRINUSE else error.strerror
        raise Misconfigured(
            f"cannot listen on {shown}: {in_use}",
            "Stop the other process, or choose another address with --bind HOST:PORT or VEDETTE_BIND.",
        ) from error


def dialled(host: str) -> str:
    """Where to connect to, to reach what listens on `host`: an address that means "all of them" is none to dial."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 (compared, not bound)


def is_live(host: str, port: int, *, timeout_seconds: float = PROBE_SECONDS) -> bool:
    """Whether a front answers on this address."""
    connection = http.client.HTTPConnection(dialled(host), port, timeout=timeout_seconds)
    try:
        connection.request("GET", "/health/live", headers={"Host": "localhost"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
