"""What the addresses among the settings mean: taken apart, or refused by their variable's name.

A refusal (`Misconfigured`) never repeats the password of a store. What Django wants to be told is said in its words,
but nothing here imports it, so that the supervisor stays small.
"""

from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from vedette.core.errors import Misconfigured

DEFAULT_SENDER = "vedette@localhost"  # of mail, where nobody says one
_ESCAPE = "In a password, write %2F for /, %3F for ?, %23 for #, %40 for @ and %5B for [."


@dataclass(frozen=True, slots=True)
class EventsAddress:
    """Where the event store is: `embedded` with the directory of its files, or a ClickHouse server."""

    embedded: bool
    path: Path
    host: str = ""
    port: int = 8123
    username: str = "default"
    password: str = ""
    database: str = "default"
    secure: bool = False


def read_bind(text: str) -> tuple[str, int]:
    """The host (without brackets) and port that VEDETTE_BIND names."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise Misconfigured(f"VEDETTE_BIND is {text!r}", "Write HOST:PORT, for example 127.0.0.1:9000.")
    return host.strip("[]"), int(port)


def read_url(text: str, host: str, port: int) -> str:
    """The root that VEDETTE_URL names, without a slash; the empty text is where the server listens."""
    if not text:
        shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 (compared, not bound)
        return f"http://{f'[{shown}]' if ':' in shown else shown}{'' if port == 80 else f':{port}'}"
    parts = _parts("VEDETTE_URL", text, "Write http:// or https:// and a host, without a path.")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise Misconfigured("VEDETTE_URL is not understood", "Write http:// or https:// and a host, without a path.")
    return f"{parts.scheme}://{parts.netloc}"


def read_events_url(text: str, data_dir: Path) -> EventsAddress:
    """The event store that VEDETTE_EVENTS_URL names; the empty text is the embedded one. Raises `Misconfigured`."""
    name, hint = "VEDETTE_EVENTS_URL", "Write chdb:///PATH or clickhouse://USER:PASSWORD@HOST:PORT/DATABASE?secure=1."
    if not text:
        return EventsAddress(embedded=True, path=data_dir / "events")
    parts = _parts(name, text, hint)
    if parts.scheme == "chdb" and not parts.netloc:
        return EventsAddress(embedded=True, path=Path(unquote(parts.path)) if parts.path else data_dir / "events")
    if parts.scheme == "clickhouse" and parts.hostname:
        secure = _options(name, parts, ("secure",)).get("secure", "0").lower() in ("1", "true", "yes")
        return EventsAddress(
            embedded=False,
            path=data_dir / "events",
            host=parts.hostname,
            port=parts.port or (8443 if secure else 8123),
            username=unquote(parts.username or "default"),
            password=unquote(parts.password or ""),
            database=unquote(parts.path.strip("/")) or "default",
            secure=secure,
        )
    raise Misconfigured(f"{name} is not understood", hint)


def read_database_url(text: str, data_dir: Path) -> dict[str, Any]:
    """Django's description of the database that VEDETTE_DATABASE_URL names; the empty text is SQLite's."""
    name, hint = "VEDETTE_DATABASE_URL", "Write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME."
    parts = _parts(name, text or f"sqlite:///{data_dir / 'vedette.sqlite3'}", hint)
    if parts.scheme == "sqlite":
        path = unquote(parts.path)
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": path.removeprefix("/") if path.startswith("//") else path,
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                # FULL, because the spool forgets what a commit here says is done (docs/reliability).
                "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA cache_size=-8192;"
                "PRAGMA temp_store=MEMORY;PRAGMA foreign_keys=ON;",
            },
        }
    if parts.scheme in ("postgres", "postgresql"):
        options: dict[str, Any] = dict(parse_qsl(parts.query))
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.strip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": options.pop("host", unquote(parts.hostname or "")),
            "PORT": parts.port or "",
            "CONN_MAX_AGE": None,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": options,
        }
    raise Misconfigured(f"{name} is not understood", hint)


def read_mail_url(text: str) -> dict[str, Any]:
    """Django's settings for the mail server that VEDETTE_MAIL_URL names; the empty text sends nothing."""
    if not text:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    name, hint = "VEDETTE_MAIL_URL", "Write smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS."
    parts = _parts(name, text, hint)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise Misconfigured(f"{name} is not understood", hint)
    options = _options(name, parts, ("from", "tls", "ca"))
    sender = options.get("from", DEFAULT_SENDER)
    if not sender.isprintable() or "@" not in parseaddr(sender)[1]:
        raise Misconfigured(f"{name} has no address after from=", hint)
    if options.get("tls", "true") not in ("true", "false"):
        raise Misconfigured(f"{name} has tls= and neither true nor false behind it", hint)
    ca_file = options.get("ca", "")
    if ca_file and not Path(ca_file).is_file():
        raise Misconfigured(f"{name} has no file of certificates behind ca=", "Write the whole path of a PEM file.")
    return {
        "EMAIL_BACKEND": "vedette.mail.connection.Connection",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and options.get("tls", "true") != "false",
        "EMAIL_CA_FILE": ca_file,
        "DEFAULT_FROM_EMAIL": sender,
        "EMAIL_TIMEOUT": 10,
    }


def _parts(name: str, text: str, hint: str) -> SplitResult:
    """The parts of a URL. Raises `Misconfigured` by the variable's name, never repeating a password."""
    # Python's own words for what is wrong hold a part of the address: of `u:pass/word@host`, a part of the password.
    try:
        parts = urlsplit(text)
    except ValueError:
        raise Misconfigured(f"{name} is no address", f"{hint} {_ESCAPE}") from None
    try:
        _ = parts.port  # read here, where a bad one can still be told by name
    except ValueError:
        raise Misconfigured(f"{name} has a port that is none", f"{hint} {_ESCAPE}") from None
    return parts


def _options(name: str, parts: SplitResult, known: tuple[str, ...]) -> dict[str, str]:
    """What stands behind the question mark. Raises `Misconfigured` for an option that nobody reads."""
    options = dict(parse_qsl(parts.query))
    unknown = options.keys() - set(known)
    if unknown:
        raise Misconfigured(f"{name} has an unknown option: {min(unknown)}", f"Known: {', '.join(known)}.")
    return options
