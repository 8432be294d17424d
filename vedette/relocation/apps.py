"""Tells Django about this room."""

from django.apps import AppConfig


class RelocationConfig(AppConfig):
    """The `relocation` application."""

    name = "vedette.relocation"
    label = "relocation"

    def ready(self) -> None:
        """Delete what was kept for users along with them."""
        from django.db.models.signals import post_delete

        from vedette.accounts.models import User
        from vedette.relocation.leaving import on_deleted_user

        post_delete.connect(on_deleted_user, sender=User)
