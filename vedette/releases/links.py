"""Telling the rooms above that a release came to a project: an issue may be resolved in the release that comes next.

Releases come to projects in many ways (people, pipelines, events, sessions), and whoever makes the link tells it here,
in its transaction. Of two nodes that make one link both may tell: whoever listens must not mind.
"""

from collections.abc import Iterable

from django.dispatch import Signal

came_to_projects = Signal()  # links: a list of (project id, release id)


def tell(links: Iterable[tuple[int, int]]) -> None:
    """These releases came to these projects: (project id, release id)."""
    if listed := sorted(links):
        came_to_projects.send(sender=None, links=listed)
