"""Probes are asked by address: `Host: 10.0.3.7:9000` is no name of this server, and must be answered all the same."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

PREFIXES = ("/health/", "/metrics")
ASKED_HOST = "vedette.asked_host"  # where the Host that the caller sent is kept aside


class AnyHost:
    """Middleware, the first of all: gives probes a Host that is always allowed. Their answers mention no host."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        if request.path.startswith(PREFIXES):
            request.META[ASKED_HOST] = request.META.get("HTTP_HOST", "")
            request.META["HTTP_HOST"] = "localhost"
            request.META.pop("HTTP_X_FORWARDED_HOST", None)
        return self._get_response(request)
