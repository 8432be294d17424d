"""Tells Django about this room."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The `core` application."""

    name = "vedette.core"
    label = "core"
