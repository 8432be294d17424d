"""Tells Django about this room."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The `web` application."""

    name = "vedette.web"
    label = "web"
