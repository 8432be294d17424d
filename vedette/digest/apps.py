"""Tells Django about this room."""

from django.apps import AppConfig


class DigestConfig(AppConfig):
    """The `digest` application."""

    name = "vedette.digest"
    label = "digest"
