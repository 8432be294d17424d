"""Tells Django about this room."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    """The `tasks` application."""

    name = "vedette.tasks"
    label = "tasks"
