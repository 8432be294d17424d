"""Facts about how releases are made, for whoever runs the server: which clients, which credentials, how often.

Rows that nothing else reads, written only while `VEDETTE_ANALYTICS` is on; nobody's request fails or waits for them.
Source: the release specification, 7.1, 8, 9.2 and 15.4.
"""

from collections.abc import Collection
from typing import Any

from django.conf import settings

from vedette.orgs.models import AnalyticsFact
from vedette.shipping.sender import Sender

RELEASE_CREATED = "release.created"
SET_COMMITS_LOCAL = "release.set_commits_local"
GET_PREVIOUS_COMMITS = "release.get_previous_commits"
RESOLVE_COMMIT = "integration.resolve.commit"
LONGEST_USER_AGENT = 1000
MOST_PROJECTS = 100


def note(name: str, organization_id: int, projects: Collection[int], by: Sender, **more: Any) -> None:
    """Write one fact down: who, where, with which program."""
    if not settings.VEDETTE.analytics:
        return
    AnalyticsFact.objects.create(
        name=name,
        organization_id=organization_id,
        user_id=by.user.pk if by.user else None,
        data={
            "project_ids": sorted(projects)[:MOST_PROJECTS],
            "user_agent": by.user_agent[:LONGEST_USER_AGENT],
            **more,
        },
    )
