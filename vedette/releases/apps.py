"""Tells Django about this room."""

from django.apps import AppConfig


class ReleasesConfig(AppConfig):
    """The `releases` application."""

    name = "vedette.releases"
    label = "releases"
