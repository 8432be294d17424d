"""Where everything is: pages, the API, probes. Ingest paths never come here: the front answers them itself."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("vedette.health.urls")),
    path("api/0/", include("vedette.api.urls")),
    path("", include("vedette.web.urls")),
]
