"""Tells Django about this room."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from vedette.core.connections import set_up


class CoreConfig(AppConfig):
    """The `core` application."""

    name = "vedette.core"
    label = "core"

    def ready(self) -> None:
        """Have every connection set up when it is opened."""
        connection_created.connect(set_up, dispatch_uid="core.connections")
