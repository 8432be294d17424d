"""The routes of this room: `/health/live`, `/health/ready` and `/metrics`, with or without a slash at the end."""

from django.urls import URLPattern, URLResolver, path, re_path

from vedette.health import views

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^health/live/?$", views.live, name="health-live"),
    re_path(r"^health/ready/?$", views.ready, name="health-ready"),
    path("metrics", views.metrics, name="metrics"),
]
