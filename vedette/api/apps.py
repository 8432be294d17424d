"""Tells Django about this room."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The `api` application."""

    name = "vedette.api"
    label = "api"
