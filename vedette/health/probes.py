"""Probes are asked by address: `Host: 10.0.3.7:9000` is no name of this server, and must be answered all the same.

They come every few seconds, so that a node which is not ready would fill its log with saying so.
"""

import logging
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


class NoProbes(logging.Filter):
    """Of Django's log of failed requests: a probe that is answered with 503 did what it is for. A traceback stays."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this line is worth a place."""
        path = getattr(getattr(record, "request", None), "path", "")
        return bool(record.exc_info) or not path.startswith(PREFIXES)
