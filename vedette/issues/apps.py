"""Tells Django about this room."""

from django.apps import AppConfig


class IssuesConfig(AppConfig):
    """The `issues` application."""

    name = "vedette.issues"
    label = "issues"
