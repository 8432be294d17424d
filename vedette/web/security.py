"""Headers that every answer carries, and what no page is asked.

Pages run no inline script and no inline style, so the policy can be strict: markup that slips through an escape
somewhere still cannot run. Answers of the API hold no page at all and get a policy that allows nothing.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from vedette.core.nul import SENTENCE, holds_nul, query_holds_nul

PAGE_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
NOTHING_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

_PAGE_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_DATA_HEADERS = {
    "Content-Security-Policy": NOTHING_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class SecurityHeadersMiddleware:
    """Adds the headers that an answer does not set itself. Pages of signed-in people are never cached by anybody."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        data = request.path.startswith(("/api/", "/health/", "/metrics"))
        for name, value in (_DATA_HEADERS if data else _PAGE_HEADERS).items():
            response.headers.setdefault(name, value)
        if not data and not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class NulMiddleware:
    """Answers 400 to who asks a page with a NUL character in path, query or form. The API says it in its own way.

    A cookie with one (a quoted value may spell it) was never ours: it is as good as absent.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> None:
        """Before any view. Raises `BadRequest`."""
        if request.path_info.startswith("/api/"):
            return
        if "\0" in request.path_info or query_holds_nul(request.META.get("QUERY_STRING", "")):
            raise BadRequest(SENTENCE)
        if request.method == "POST" and holds_nul(dict(request.POST.lists())):
            raise BadRequest(SENTENCE)
