"""Tells Django about this room."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class CoreConfig(AppConfig):
    """The `core` application."""

    name = "vedette.core"
    label = "core"

    def ready(self) -> None:
        """Have every new connection set up."""
        connection_created.connect(_set_up, dispatch_uid="core.connections")


def _set_up(connection: Any, **_: Any) -> None:
    if connection.vendor == "postgresql":
        from vedette.core.timestamps import read_fast  # its driver is not loaded where nobody needs it

        read_fast(connection)
