"""Tells Django about this room."""

from django.apps import AppConfig


class IssuesConfig(AppConfig):
    """The `issues` application."""

    name = "vedette.issues"
    label = "issues"

    def ready(self) -> None:
        """Listen to what the rooms below tell, and count what this one does."""
        from vedette.issues import announce
        from vedette.issues.pending import on_links
        from vedette.issues.resolvedcounts import on_changes
        from vedette.releases.links import came_to_projects

        came_to_projects.connect(on_links)
        announce.changed.connect(on_changes)
