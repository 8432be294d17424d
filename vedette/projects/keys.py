"""What the door has to know about a key, from one query."""

from dataclasses import dataclass

from django.db import Error as DatabaseError
from django.db import connection

from vedette.core.errors import TryAgain
from vedette.orgs.models import OrganizationStatus
from vedette.projects.models import ObjectStatus, ProjectKey, ProjectOption
from vedette.projects.options import ALLOWED_DOMAINS


class KeysUnavailable(TryAgain):
    """The relational database does not answer, so nobody can tell whether a key is good."""

    code = "keys-unavailable"


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key, its project, and whether either may receive. `rate_limit` is (items, window in seconds)."""

    organization_id: int
    project_id: int
    key_id: int
    public_key: str
    active: bool
    project_active: bool
    allowed_domains: tuple[str, ...]
    rate_limit: tuple[int, int] | None


def load_key(public_key: str) -> KeyFacts | None:
    """The key with this public half, None if there is none.

    Made for threads outside of a request: a connection that broke or is too old is replaced first, a good one is kept
    for the thread's next call. Raises `KeysUnavailable`.
    """
    try:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        return _load(public_key)
    except DatabaseError as error:
        connection.close()  # the next call opens a new one, whatever is wrong with this one
        raise KeysUnavailable("the relational database is not reachable") from error


def _load(public_key: str) -> KeyFacts | None:
    key = ProjectKey.objects.select_related("project__organization").filter(public_key=public_key).first()
    if key is None:
        return None
    project = key.project
    stored = ProjectOption.objects.filter(project_id=project.pk, key=ALLOWED_DOMAINS.key).values_list(
        "value", flat=True
    )
    count, window = key.rate_limit_count, key.rate_limit_window
    return KeyFacts(
        organization_id=project.organization_id,
        project_id=project.pk,
        key_id=key.pk,
        public_key=key.public_key,
        active=key.is_active,
        project_active=project.status == ObjectStatus.ACTIVE
        and project.organization.status == OrganizationStatus.ACTIVE,
        allowed_domains=next((ALLOWED_DOMAINS.stored(value) for value in stored), ALLOWED_DOMAINS.default),
        rate_limit=(count, window) if count is not None and window else None,
    )
