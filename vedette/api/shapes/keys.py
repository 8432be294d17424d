"""Project keys, which SDKs report with."""

from typing import TypedDict

from django.conf import settings

from vedette.api.shapes.base import Moment
from vedette.core.clock import as_z
from vedette.projects.models import ProjectKey
from vedette.projects.services import dsn_of


class RateLimit(TypedDict):
    """How many events in how many seconds a key may send."""

    window: int
    count: int


class Dsns(TypedDict):
    """The addresses to report to. `public` is the DSN."""

    public: str
    secret: str
    csp: str
    security: str
    minidump: str
    nel: str
    unreal: str
    crons: str
    cdn: str
    playstation: str
    integration: str
    otlp_traces: str
    otlp_logs: str


class BrowserSdk(TypedDict):
    """The versions of the browser SDK that a loader script could serve."""

    choices: list[list[str]]


class LoaderOptions(TypedDict):
    """What a loader script would load."""

    hasReplay: bool
    hasPerformance: bool
    hasDebug: bool
    hasFeedback: bool
    hasLogsAndMetrics: bool


class KeyShape(TypedDict):
    """A key of a project. `id` is its public half."""

    id: str
    name: str
    label: str
    public: str
    secret: str
    projectId: int
    isActive: bool
    rateLimit: RateLimit | None
    dsn: Dsns
    browserSdkVersion: str
    browserSdk: BrowserSdk
    dateCreated: Moment
    dynamicSdkLoaderOptions: LoaderOptions
    useCase: str


def as_key(key: ProjectKey) -> KeyShape:
    """A key with its addresses on this server."""
    return {
        "id": key.public_key,
        "name": key.label,
        "label": key.label,
        "public": key.public_key,
        "secret": key.secret_key,
        "projectId": key.project_id,
        "isActive": key.is_active,
        "rateLimit": _rate_limit(key),
        "dsn": _dsns(key, settings.VEDETTE.url),
        "browserSdkVersion": "latest",
        "browserSdk": {"choices": [["latest", "latest"]]},
        "dateCreated": as_z(key.date_added),
        "dynamicSdkLoaderOptions": {
            "hasReplay": False,
            "hasPerformance": False,
            "hasDebug": False,
            "hasFeedback": False,
            "hasLogsAndMetrics": False,
        },
        "useCase": key.use_case,
    }


def _rate_limit(key: ProjectKey) -> RateLimit | None:
    if key.rate_limit_count is None or not key.rate_limit_window:
        return None
    return {"window": key.rate_limit_window, "count": key.rate_limit_count}


def _dsns(key: ProjectKey, url: str) -> Dsns:
    scheme, _, host = url.partition("://")
    base, query = f"{url}/api/{key.project_id}", f"?sentry_key={key.public_key}"
    return {
        "public": dsn_of(key, url),
        "secret": f"{scheme}://{key.public_key}:{key.secret_key}@{host}/{key.project_id}",
        "csp": f"{base}/csp-report/{query}",
        "security": f"{base}/security/{query}",
        "minidump": f"{base}/minidump/{query}",
        "nel": f"{base}/nel/{query}",
        "unreal": f"{base}/unreal/{key.public_key}/",
        "crons": f"{base}/cron/___MONITOR_SLUG___/{key.public_key}/",
        "cdn": f"{url}/js-sdk-loader/{key.public_key}.min.js",
        "playstation": f"{base}/playstation/{query}",
        "integration": f"{base}/integration/",
        "otlp_traces": f"{base}/integration/otlp/v1/traces",
        "otlp_logs": f"{base}/integration/otlp/v1/logs",
    }
