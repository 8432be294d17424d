"""What the door has to know about a key, from four queries."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import QuerySet

from vedette.core.errors import TryAgain
from vedette.orgs import options as org_options
from vedette.orgs.models import OrganizationOption, OrganizationStatus
from vedette.orgs.options import Option
from vedette.projects.models import ObjectStatus, ProjectAlias, ProjectKey, ProjectOption
from vedette.projects.options import ALLOWED_DOMAINS, LIMITS, SPIKE_PROTECTION, is_protected
from vedette.wire.quotas import KEY_QUOTA, MINUTE, ORG_QUOTA, PROJECT_QUOTA, Quota, abuse_quota, quota

PROJECT_OPTIONS: tuple[Option[Any], ...] = (ALLOWED_DOMAINS, SPIKE_PROTECTION, *LIMITS.values())
ORG_OPTIONS: tuple[Option[Any], ...] = (
    org_options.ACCOUNT_RATE_LIMIT,
    org_options.PROJECT_RATE_LIMIT,
    org_options.SPIKE_PROTECTION,
    *org_options.LIMITS.values(),
)


class KeysUnavailable(TryAgain):
    """The relational database does not answer, so nobody can tell whether a key is good."""

    code = "keys-unavailable"


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key, its project, and whether either may receive. `quotas` are all that its items count against.

    `aliases` are the ids that the project had on the servers it came from: its old addresses still hold them.
    `is_protected` says that spikes of the project are cut off; how high they may go, its past says.
    """

    organization_id: int
    project_id: int
    key_id: int
    public_key: str
    active: bool
    project_active: bool
    allowed_domains: tuple[str, ...]
    quotas: tuple[Quota, ...]
    is_protected: bool
    aliases: frozenset[int] = frozenset()


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
    own = _stored(ProjectOption.objects.filter(project_id=project.pk), PROJECT_OPTIONS)
    shared = _stored(OrganizationOption.objects.filter(organization_id=project.organization_id), ORG_OPTIONS)
    return KeyFacts(
        organization_id=project.organization_id,
        project_id=project.pk,
        key_id=key.pk,
        public_key=key.public_key,
        active=key.is_active,
        project_active=project.status == ObjectStatus.ACTIVE
        and project.organization.status == OrganizationStatus.ACTIVE,
        allowed_domains=own[ALLOWED_DOMAINS.field],
        quotas=tuple(_quotas(key, own, shared)),
        is_protected=is_protected(own, shared),
        aliases=frozenset(ProjectAlias.objects.filter(project_id=project.pk).values_list("old_id", flat=True)),
    )


def _stored(rows: QuerySet[Any], options: tuple[Option[Any], ...]) -> dict[str, Any]:
    """The values of these options by their API names, defaults filled in."""
    found = dict(rows.filter(key__in=[option.key for option in options]).values_list("key", "value"))
    return {one.field: one.stored(found[one.key]) if one.key in found else one.default for one in options}


def _quotas(key: ProjectKey, own: dict[str, Any], shared: dict[str, Any]) -> Iterator[Quota]:
    """The narrowest first: its reason is the one that a refusal is counted under."""
    project, organization = key.project_id, key.project.organization_id
    if key.rate_limit_count is not None and key.rate_limit_window:
        count, window = key.rate_limit_count, key.rate_limit_window
        yield quota(f"key:{key.pk}", "key", count, window, KEY_QUOTA, organization)
    for group, option in LIMITS.items():
        if own[option.field]:
            yield abuse_quota(f"project:{project}", "project", group, own[option.field], organization)
    for group, option in org_options.LIMITS.items():
        if shared[option.field]:
            yield abuse_quota(f"organization:{organization}", "organization", group, shared[option.field], organization)
    account, percent = shared[org_options.ACCOUNT_RATE_LIMIT.field], shared[org_options.PROJECT_RATE_LIMIT.field]
    if account and percent < 100:
        allowed = max(1, account * percent // 100)
        yield quota(f"project:{project}", "project", allowed, MINUTE, PROJECT_QUOTA, organization)
    if account:
        yield quota(f"organization:{organization}", "organization", account, MINUTE, ORG_QUOTA, organization)
