"""Where everything is: pages, the API, probes. Ingest paths never come here: the front answers them itself."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.views import defaults

from vedette.api.releasehooks import ReleaseHook
from vedette.core import json

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("vedette.health.urls")),
    path("api/0/", include("vedette.api.urls")),
    path("api/hooks/release/<plugin>/<project_id>/<signature>/", ReleaseHook.as_view()),
    path("", include("vedette.web.urls")),
]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What is refused before a route is found, such as a host name that is not ours."""
    if _is_api(request):
        return _as_json(400, {"detail": "Bad Request"})
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """What fails outside of an endpoint."""
    if _is_api(request):
        return _as_json(500, {"detail": "Internal Error", "errorId": None})
    return defaults.server_error(request)


def _is_api(request: HttpRequest) -> bool:
    """Clients of the API cannot read pages."""
    return request.path.startswith("/api/")


def _as_json(status: int, body: dict[str, str | None]) -> HttpResponse:
    return HttpResponse(json.dumps(body), status=status, content_type="application/json")


handler400 = "vedette.urls.bad_request"
handler500 = "vedette.urls.server_error"
