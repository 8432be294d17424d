"""Tells Django about this room."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    """The `projects` application."""

    name = "vedette.projects"
    label = "projects"
