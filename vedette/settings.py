"""Settings: the only reader of the environment, and Django's settings module.

Every setting has a default that suits one machine. A value that makes no sense is refused with a sentence
(`Misconfigured`), never guessed at: `core.environment` reads variables, `core.addresses` takes URLs apart.
Importing this module needs no Django, so that the supervisor stays small.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vedette.core import environment
from vedette.core.addresses import (
    EventsAddress,
    read_bind,
    read_database_url,
    read_events_url,
    read_mail_url,
    read_url,
)


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
        "Redis or Valkey for what several nodes share: rate limits of sign-ins and of ingest, and the id sequence.",
        secret=True,
    ),
    Variable(
        "VEDETTE_MAIL_URL",
        "none: no mail is sent",
        "Outgoing mail: `smtp://USER:PASSWORD@HOST:PORT` or `smtps://…`, with `?from=ADDRESS`, `&tls=false` for a "
        "server that knows no STARTTLS, and `&ca=FILE` for certificates of an authority of your own.",
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
        "For how many days events (in whole weeks), user reports and outcomes are kept, and issues after their last "
        "event. An organization may say otherwise.",
    ),
    Variable(
        "VEDETTE_ATTACHMENT_RETENTION_DAYS",
        "30",
        "For how many days attachments are kept, if their events are. An organization may say otherwise.",
    ),
    Variable(
        "VEDETTE_ARTIFACT_RETENTION_DAYS",
        "90",
        "For how many days bundles of artifacts are kept after they were last uploaded, and after events or sessions "
        "of their release were last seen. Files of a release go with it.",
    ),
    Variable(
        "VEDETTE_IMPORT_MAX_BYTES",
        "2147483648",
        "How many bytes a file may have that an owner uploads in pieces to be imported. Its pieces and itself lie on "
        "the disk of files meanwhile.",
    ),
    Variable(
        "VEDETTE_GROUPING_TRANSITION_DAYS",
        "90",
        "For how many days after an upgrade of a project's grouping its events are also looked for under the version "
        "before, so that no issue is split.",
    ),
    Variable(
        "VEDETTE_STORM_EVENTS_PER_MINUTE",
        "6000",
        "How many events of one issue in a minute make a storm, of which only a sample keeps its bodies; 0 for never. "
        "Organizations and projects may say otherwise.",
    ),
    Variable(
        "VEDETTE_OPEN_ORGANIZATIONS",
        "false",
        "Whether everybody with an account may make organizations. Superusers always may; the first owner is one.",
    ),
    Variable("VEDETTE_REGION", "0", "The number of this region in the ids of organizations, teams and projects."),
    Variable(
        "VEDETTE_ANALYTICS",
        "true",
        "Whether facts about the making of releases (which client, which kind of credential) are kept in a table of "
        "this server, for as long as events. They go nowhere else.",
    ),
    Variable(
        "VEDETTE_GIT_ROOTS",
        "none",
        "Directories, separated by `:`, below which git repositories on this machine's disk may lie whose commits are "
        "fetched for releases.",
    ),
    Variable(
        "VEDETTE_OUTGOING_ALLOW",
        "none: public addresses only",
        "Hosts, addresses and networks, comma separated, that this server may speak to although they are not public: a "
        "GitLab or a receiver of webhooks in your own network. `git.internal, 10.0.0.0/8`; `*` is all.",
    ),
    Variable(
        "VEDETTE_GCP_KMS_URL",
        "https://cloudkms.googleapis.com",
        "The address of Google Cloud KMS, where exports are encrypted with a key of it: another one for a private "
        "endpoint.",
    ),
    Variable("VEDETTE_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR."),
    Variable("VEDETTE_BENCH", "false", "Adds an empty handler to measure against. For benchmarks only."),
)


def _secret_key(data_dir: Path) -> str:
    """The signing key; made once, readable by its owner only."""
    given = environment.text("VEDETTE_SECRET_KEY")
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
    attachment_retention_days: int
    artifact_retention_days: int
    import_max_bytes: int
    grouping_transition_days: int
    storm_events_per_minute: int
    open_organizations: bool
    region: int
    analytics: bool
    git_roots: tuple[Path, ...]
    outgoing_allow: tuple[str, ...]
    gcp_kms_url: str
    sends_mail: bool
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
    data_dir = Path(environment.text("VEDETTE_DATA_DIR", "./vedette-data")).absolute()
    host, port = read_bind(environment.text("VEDETTE_BIND", "127.0.0.1:9000"))
    return Settings(
        data_dir=data_dir,
        bind_host=host,
        bind_port=port,
        url=read_url(environment.text("VEDETTE_URL"), host, port),
        events=read_events_url(environment.text("VEDETTE_EVENTS_URL"), data_dir),
        redis_url=environment.text("VEDETTE_REDIS_URL"),
        trust_proxy=environment.flag("VEDETTE_TRUST_PROXY", False),
        spool_max_bytes=environment.number("VEDETTE_SPOOL_MAX_BYTES", 2**31, 2**20, 2**50),
        spool_max_age_seconds=environment.number("VEDETTE_SPOOL_MAX_AGE", 86_400, 10, 10**9),
        retention_days=environment.number("VEDETTE_RETENTION_DAYS", 90, 1, 3650),
        attachment_retention_days=environment.number("VEDETTE_ATTACHMENT_RETENTION_DAYS", 30, 1, 3650),
        artifact_retention_days=environment.number("VEDETTE_ARTIFACT_RETENTION_DAYS", 90, 1, 3650),
        import_max_bytes=environment.number("VEDETTE_IMPORT_MAX_BYTES", 2**31, 2**20, 2**42),
        grouping_transition_days=environment.number("VEDETTE_GROUPING_TRANSITION_DAYS", 90, 1, 3650),
        storm_events_per_minute=environment.number("VEDETTE_STORM_EVENTS_PER_MINUTE", 6000, 0, 10**9),
        open_organizations=environment.flag("VEDETTE_OPEN_ORGANIZATIONS", False),
        region=environment.number("VEDETTE_REGION", 0, 0, 4095),
        analytics=environment.flag("VEDETTE_ANALYTICS", True),
        git_roots=environment.directories("VEDETTE_GIT_ROOTS"),
        outgoing_allow=environment.hosts("VEDETTE_OUTGOING_ALLOW"),
        gcp_kms_url=environment.text("VEDETTE_GCP_KMS_URL", "https://cloudkms.googleapis.com"),
        sends_mail=bool(environment.text("VEDETTE_MAIL_URL")),
        log_level=environment.choice("VEDETTE_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        bench=environment.flag("VEDETTE_BENCH", False),
    )


def _allowed_hosts(settings: Settings) -> list[str]:
    given = [host.strip() for host in environment.text("VEDETTE_ALLOWED_HOSTS").split(",") if host.strip()]
    loopback = ["localhost", "127.0.0.1", "[::1]"]
    if given:
        return given if "*" in given else given + loopback
    own = urlsplit(settings.url).hostname or ""
    if not environment.text("VEDETTE_URL") and settings.bind_host not in (*loopback, "::1"):
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
    "vedette.tasks",
    "vedette.accounts",
    "vedette.mail",
    "vedette.orgs",
    "vedette.projects",
    "vedette.releases",
    "vedette.issues",
    "vedette.relocation",
    "vedette.hooks",
    "vedette.digest",
    "vedette.api",
    "vedette.web",
]
MIDDLEWARE = [
    "vedette.health.probes.AnyHost",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "vedette.web.security.SecurityHeadersMiddleware",
    "vedette.web.security.NulMiddleware",
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
DATABASES = {"default": read_database_url(environment.text("VEDETTE_DATABASE_URL"), VEDETTE.data_dir)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": VEDETTE.redis_url,
        "OPTIONS": {"socket_timeout": 2},  # a page does not wait for ever for a Redis that hangs
    }
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
    "filters": {"no_probes": {"()": "vedette.health.probes.NoProbes"}},
    "loggers": {
        "django.request": {"level": "ERROR", "filters": ["no_probes"]},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
globals().update(read_mail_url(environment.text("VEDETTE_MAIL_URL")))
