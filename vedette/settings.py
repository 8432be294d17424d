"""Settings: the only reader of the environment, and Django's settings module.

Every setting has a default that suits one machine. A value that makes no sense is refused with a sentence
(`Misconfigured`), never guessed at. Each `VEDETTE_X` may also come from a file named by `VEDETTE_X_FILE`.
Importing this module needs no Django, so that the supervisor stays small.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from vedette.core.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Variable:
    """One documented environment variable. `secret` ones are never printed."""

    name: str
    default: str
    meaning: str
    secret: bool = False


VARIABLES = (
    Variable("VEDETTE_DATA_DIR", "./vedette-data", "Where everything that Vedette keeps on this node's disk lives."),
    Variable("VEDETTE_BIND", "127.0.0.1:9000", "The address and port that the server listens on."),
    Variable(
        "VEDETTE_URL",
        "http:// and VEDETTE_BIND",
        "The address that people and SDKs reach this server by; it goes into DSNs, links and tokens. "
        "It has to be the root of a host: `sentry-cli` refuses a path.",
    ),
    Variable(
        "VEDETTE_SECRET_KEY",
        "made on the first start, kept in `secret-key` in the data directory",
        "Signs cookies and links. The same on every node.",
        secret=True,
    ),
    Variable(
        "VEDETTE_DATABASE_URL",
        "sqlite:///vedette.sqlite3 in the data directory",
        "The relational database: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST:PORT/NAME`.",
        secret=True,
    ),
    Variable(
        "VEDETTE_EVENTS_URL",
        "chdb:///events in the data directory",
        "The event store: `chdb:///PATH` (inside the engine process) or "
        "`clickhouse://USER:PASSWORD@HOST:PORT/DATABASE` (`?secure=1` for TLS).",
        secret=True,
    ),
    Variable(
        "VEDETTE_REDIS_URL",
        "none",
        "Redis or Valkey for what several nodes share: sign-in rate limits and the id sequence.",
        secret=True,
    ),
    Variable(
        "VEDETTE_MAIL_URL",
        "none: mail is written to the log",
        "Outgoing mail: `smtp://USER:PASSWORD@HOST:PORT`, `smtps://…`, with `?from=ADDRESS` and `&tls=false`. "
        "Nothing sends mail yet.",
        secret=True,
    ),
    Variable(
        "VEDETTE_ALLOWED_HOSTS",
        "the host of VEDETTE_URL and this machine's names",
        "Host names that pages and the API answer to, comma separated; `*` for any.",
    ),
    Variable(
        "VEDETTE_TRUST_PROXY",
        "false",
        "Whether `X-Forwarded-For` and `X-Forwarded-Proto` are believed. Only behind a proxy that sets them.",
    ),
    Variable(
        "VEDETTE_SPOOL_MAX_BYTES",
        "2147483648",
        "How many bytes may wait on this node's disk to be digested; beyond that senders get 429.",
    ),
    Variable(
        "VEDETTE_SPOOL_MAX_AGE",
        "86400",
        "How many seconds the oldest waiting item may be old; beyond that senders get 429.",
    ),
    Variable(
        "VEDETTE_RETENTION_DAYS",
        "90",
        "For how many days events (in whole weeks), attachments, user reports and outcomes are kept.",
    ),
    Variable("VEDETTE_REGION", "0", "The number of this region in the ids of organizations, teams and projects."),
    Variable("VEDETTE_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR."),
    Variable("VEDETTE_BENCH", "false", "Adds an empty handler to measure against. For benchmarks only."),
)


def _text(name: str, default: str = "") -> str:
    """The value of a variable, or of the file that its `_FILE` twin names."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        if os.environ.get(name):
            raise Misconfigured(f"both {name} and {name}_FILE are set", "Keep one of them.")
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise Misconfigured(f"{name}_FILE cannot be read: {error.strerror}: {path}") from error
    return os.environ.get(name) or default


def _number(name: str, default: int, least: int, most: int) -> int:
    text = _text(name, str(default))
    try:
        value = int(text)
    except ValueError:
        raise Misconfigured(f"{name} is {text!r}, which is no whole number") from None
    if not least <= value <= most:
        raise Misconfigured(f"{name} is {value}, outside {least} to {most}")
    return value


def _flag(name: str, default: bool) -> bool:
    text = _text(name, str(default)).lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise Misconfigured(f"{name} is {text!r}; say true or false")


def _choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    text = _text(name, default).upper()
    if text not in choices:
        raise Misconfigured(f"{name} is {text!r}; say one of {', '.join(choices)}")
    return text


def _bind(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise Misconfigured(f"VEDETTE_BIND is {text!r}", "Write HOST:PORT, for example 127.0.0.1:9000.")
    return host.strip("[]"), int(port)


def _parts(name: str, text: str, hint: str) -> SplitResult:
    """The parts of a URL. Raises `Misconfigured` by the variable's name, never repeating a password."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # read here, where a bad one can still be told by name
    except ValueError as error:
        raise Misconfigured(f"{name} is no address: {error}", hint) from None
    return parts


def _options(name: str, parts: SplitResult, known: tuple[str, ...]) -> dict[str, str]:
    """What stands behind the question mark. Raises `Misconfigured` for an option that nobody reads."""
    options = dict(parse_qsl(parts.query))
    unknown = options.keys() - set(known)
    if unknown:
        raise Misconfigured(f"{name} has an unknown option: {min(unknown)}", f"Known: {', '.join(known)}.")
    return options


def _external_url(text: str, host: str, port: int) -> str:
    if not text:
        shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 (compared, not bound)
        return f"http://{f'[{shown}]' if ':' in shown else shown}{'' if port == 80 else f':{port}'}"
    parts = _parts("VEDETTE_URL", text, "Write http:// or https:// and a host, without a path.")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise Misconfigured(f"VEDETTE_URL is {text!r}", "Write http:// or https:// and a host, without a path.")
    return f"{parts.scheme}://{parts.netloc}"


def _secret_key(data_dir: Path) -> str:
    """The signing key; made once, readable by its owner only."""
    given = _text("VEDETTE_SECRET_KEY")
    if given:
        return given
    path = data_dir / "secret-key"
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"secret-key.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(fresh, path)  # fails when another process was first: then its key is the key
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()


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


def _database(text: str, data_dir: Path) -> dict[str, Any]:
    """Django's description of the relational database."""
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


def _mail(text: str) -> dict[str, Any]:
    if not text:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    name, hint = "VEDETTE_MAIL_URL", "Write smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS."
    parts = _parts(name, text, hint)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise Misconfigured(f"{name} is not understood", hint)
    options = _options(name, parts, ("from", "tls"))
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and options.get("tls", "true") != "false",
        "DEFAULT_FROM_EMAIL": options.get("from", "vedette@localhost"),
        "EMAIL_TIMEOUT": 10,
    }


@dataclass(frozen=True, slots=True)
class Settings:
    """Vedette's own settings, read once. Elsewhere: `django.conf.settings.VEDETTE`."""

    data_dir: Path
    bind_host: str
    bind_port: int
    url: str
    events: EventsAddress
    redis_url: str
    trust_proxy: bool
    spool_max_bytes: int
    spool_max_age_seconds: int
    retention_days: int
    region: int
    log_level: str
    bench: bool

    @property
    def spool_dir(self) -> Path:
        """One directory per stream of accepted requests."""
        return self.data_dir / "spool"

    @property
    def files_dir(self) -> Path:
        """Attachments, by their content's hash."""
        return self.data_dir / "files"

    @property
    def runtime_file(self) -> Path:
        """Where the running supervisor says how to reach its engine."""
        return self.data_dir / "run" / "engine.json"


def _read() -> Settings:
    data_dir = Path(_text("VEDETTE_DATA_DIR", "./vedette-data")).absolute()
    host, port = _bind(_text("VEDETTE_BIND", "127.0.0.1:9000"))
    return Settings(
        data_dir=data_dir,
        bind_host=host,
        bind_port=port,
        url=_external_url(_text("VEDETTE_URL"), host, port),
        events=read_events_url(_text("VEDETTE_EVENTS_URL"), data_dir),
        redis_url=_text("VEDETTE_REDIS_URL"),
        trust_proxy=_flag("VEDETTE_TRUST_PROXY", False),
        spool_max_bytes=_number("VEDETTE_SPOOL_MAX_BYTES", 2**31, 2**20, 2**50),
        spool_max_age_seconds=_number("VEDETTE_SPOOL_MAX_AGE", 86_400, 10, 10**9),
        retention_days=_number("VEDETTE_RETENTION_DAYS", 90, 1, 3650),
        region=_number("VEDETTE_REGION", 0, 0, 4095),
        log_level=_choice("VEDETTE_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        bench=_flag("VEDETTE_BENCH", False),
    )


def _allowed_hosts(settings: Settings) -> list[str]:
    given = [host.strip() for host in _text("VEDETTE_ALLOWED_HOSTS").split(",") if host.strip()]
    loopback = ["localhost", "127.0.0.1", "[::1]"]
    if given:
        return given if "*" in given else given + loopback
    own = urlsplit(settings.url).hostname or ""
    if not _text("VEDETTE_URL") and settings.bind_host not in (*loopback, "::1"):
        return ["*"]  # reachable by names that nobody told us; `vedette doctor` says so
    return [*loopback, f"[{own}]" if ":" in own else own]


VEDETTE = _read()

SECRET_KEY = _secret_key(VEDETTE.data_dir)
DEBUG = False
ALLOWED_HOSTS = _allowed_hosts(VEDETTE)
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "vedette.core",
    "vedette.accounts",
    "vedette.orgs",
    "vedette.projects",
    "vedette.releases",
    "vedette.issues",
    "vedette.digest",
    "vedette.api",
    "vedette.web",
]
MIDDLEWARE = [
    "vedette.health.probes.AnyHost",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "vedette.web.security.SecurityHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "vedette.urls"
WSGI_APPLICATION = "vedette.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
DATABASES = {"default": _database(_text("VEDETTE_DATABASE_URL"), VEDETTE.data_dir)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": VEDETTE.redis_url}
    if VEDETTE.redis_url
    # Room enough that nobody can push the counters of failed sign-ins out of it.
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 100_000}}
}
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["vedette.accounts.backends.UsernameOrEmailBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/auth/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/auth/login/"
SESSION_COOKIE_NAME = "sentrysid"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = VEDETTE.url.startswith("https://")
CSRF_COOKIE_NAME = "sc"
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
CSRF_TRUSTED_ORIGINS = [VEDETTE.url]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if VEDETTE.trust_proxy else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
APPEND_SLASH = True
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 86_400  # links to static files carry a hash of the content
DATA_UPLOAD_MAX_MEMORY_SIZE = 40 * 2**20
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["vedette.api.authentication.Credentials"],
    "DEFAULT_PERMISSION_CLASSES": ["vedette.api.permissions.Denied"],
    "DEFAULT_RENDERER_CLASSES": ["vedette.api.rendering.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "vedette.api.errors.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Vedette API",
    "DESCRIPTION": "Error tracking that a team hosts itself; speaks the API that Sentry's clients use.",
    "VERSION": "v0",
    "OAS_VERSION": "3.0.3",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/0",
}
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": VEDETTE.log_level},
    "loggers": {"django.request": {"level": "ERROR"}, "django.security.DisallowedHost": {"level": "CRITICAL"}},
}
globals().update(_mail(_text("VEDETTE_MAIL_URL")))
