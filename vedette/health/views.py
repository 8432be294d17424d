"""Probes for load balancers and numbers for Prometheus."""

import ipaddress
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from vedette.health.probes import ASKED_HOST

INGEST_STATS = "vedette.ingest_stats"  # where the front leaves its counters in the WSGI environment
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """This process answers. Always 200: a store that is away is no reason to restart it."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Whether this node should get traffic: 200 or 503, with each check's verdict. Names nobody's data."""
    from vedette.health.ready import check_all

    checks = check_all()
    ok = all(check.ok for check in checks.values())
    body = {
        "status": "ok" if ok else "unavailable",
        "checks": {name: {"ok": check.ok, "detail": check.detail} for name, check in checks.items()},
    }
    return JsonResponse(body, status=200 if ok else 503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus's text format, for this machine only: another peer or `Host`, and any proxy, gets 403."""
    if not _is_local(request.META):
        return HttpResponse("metrics are answered on this machine only\n", status=403, content_type="text/plain")
    from vedette.health.metrics import CONTENT_TYPE, render

    return HttpResponse(render(request.META.get(INGEST_STATS)), content_type=CONTENT_TYPE)


def _is_local(environ: dict[str, Any]) -> bool:
    if any(environ.get(name) for name in _FORWARDED):
        return False
    return _is_loopback(str(environ.get("REMOTE_ADDR", ""))) and _names_loopback(str(environ.get(ASKED_HOST, "")))


def _names_loopback(host: str) -> bool:
    """Whether a `Host` header asks for this machine: a page elsewhere may point a name of its own at it."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower() == "localhost" or _is_loopback(name)


def _is_loopback(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
