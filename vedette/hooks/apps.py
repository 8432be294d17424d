"""Tells Django about this room."""

from django.apps import AppConfig


class HooksConfig(AppConfig):
    """The `hooks` application."""

    name = "vedette.hooks"
    label = "hooks"

    def ready(self) -> None:
        """Listen to what the rooms below tell, in the transactions in which it happens."""
        from vedette.hooks.outbox import on_assignments, on_changes, on_deploy, on_release
        from vedette.issues import announce
        from vedette.shipping.deploytold import deploy_created
        from vedette.shipping.releasetold import release_created

        announce.changing.connect(on_changes)
        announce.assigning.connect(on_assignments)
        deploy_created.connect(on_deploy)
        release_created.connect(on_release)
