"""Headers that let pages of other sites call the API with a token.

Source: the API specification, section 10. Cookies of this server are of no use to other sites: see `authentication`.
"""

from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request

from vedette.api.authentication import is_own_origin

ALLOW_HEADERS = (
    "X-Sentry-Auth, X-Requested-With, Origin, Accept, Content-Type, Authentication, Authorization, Content-Encoding, "
    "sentry-trace, baggage, X-CSRFToken"
)
EXPOSE_HEADERS = "X-Sentry-Error, X-Sentry-Direct-Hit, X-Hits, X-Max-Hits, Endpoint, Retry-After, Link"
MAX_AGE_SECONDS = 3600


def add_headers(request: Request, response: HttpResponseBase, methods: list[str]) -> None:
    """Says which pages, methods and headers are welcome."""
    origin = request.META.get("HTTP_ORIGIN")
    allowed = ", ".join(methods)
    response["Allow"] = allowed
    response["Access-Control-Allow-Methods"] = allowed
    response["Access-Control-Allow-Headers"] = ALLOW_HEADERS
    response["Access-Control-Expose-Headers"] = EXPOSE_HEADERS
    response["Access-Control-Allow-Origin"] = origin if origin and origin != "null" else "*"
    if request.method == "OPTIONS":
        response["Access-Control-Max-Age"] = str(MAX_AGE_SECONDS)
    if origin and origin != "null" and is_own_origin(request, origin):
        response["Access-Control-Allow-Credentials"] = "true"
    patch_vary_headers(response, ["Origin"])
