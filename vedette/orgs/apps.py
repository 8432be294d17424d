"""Tells Django about this room."""

from django.apps import AppConfig


class OrgsConfig(AppConfig):
    """The `orgs` application."""

    name = "vedette.orgs"
    label = "orgs"
