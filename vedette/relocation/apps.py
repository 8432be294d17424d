"""Tells Django about this room."""

from django.apps import AppConfig


class RelocationConfig(AppConfig):
    """The `relocation` application."""

    name = "vedette.relocation"
    label = "relocation"
