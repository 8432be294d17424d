"""Public links: whoever has the link of an issue may read a part of it (`issues.shareable`) without signing in.

The link is a secret of 128 bits and leads nowhere once it is taken back, or while the organization lets nothing be
shared. Asking for one again makes another and ends the first.
Source: the issue workflow specification, 8.4.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from vedette.accounts.models import User
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.core.ids import new_hex
from vedette.issues.models import VISIBLE_STATUSES, Activity, ActivityType, Group, GroupShare
from vedette.orgs.models import Organization, OrganizationFlags, OrganizationStatus
from vedette.projects.models import ObjectStatus

NOT_SHARED = "This organization does not let issues be shared."
_SHARE_ID = re.compile(r"[0-9a-f]{32}")


def may_share(organization: Organization) -> bool:
    """Whether issues of the organization may have public links."""
    return not organization.has_flag(OrganizationFlags.DISABLE_SHARED_ISSUES)


def check_sharing(groups: Sequence[Group]) -> None:
    """Raise `RuleBroken` if one of these issues, whose projects are at hand, may not have a public link."""
    if not all(may_share(group.project.organization) for group in groups):
        raise RuleBroken({"isPublic": [NOT_SHARED]})


def set_public(
    groups: Sequence[Group], by: User | None, *, wanted: bool, now: datetime | None = None
) -> dict[int, str | None]:
    """Give these issues new public links, or none; the ids of the links by those of the issues. Links that they had end
    either way. Raises `RuleBroken` where links are not allowed."""
    if wanted:
        check_sharing(groups)
    moment = now or clock.now()
    return {group.pk: _set(group, by, moment, wanted=wanted) for group in sorted(groups, key=lambda group: group.pk)}


@transaction.atomic
def _set(group: Group, by: User | None, now: datetime, *, wanted: bool) -> str | None:
    rows = Group.objects.select_for_update(no_key=True).filter(pk=group.pk, status__in=VISIBLE_STATUSES)
    if not list(rows.values_list("pk")):
        return None
    if GroupShare.objects.filter(group=group).delete()[0]:
        _tell(group, by, ActivityType.SET_PRIVATE, now)
    if not wanted:
        return None
    made = GroupShare.objects.create(
        project_id=group.project_id, group=group, uuid=new_hex(16), user_id=by.pk if by else None, date_added=now
    )
    _tell(group, by, ActivityType.SET_PUBLIC, now)
    return made.uuid


def _tell(group: Group, by: User | None, kind: ActivityType, now: datetime) -> None:
    who = by.pk if by else None
    Activity.objects.create(project_id=group.project_id, group=group, type=kind, user_id=who, datetime=now, data={})


def shares_of(groups: Sequence[Group]) -> dict[int, str]:
    """The ids of the public links of those of these issues that have one."""
    rows = GroupShare.objects.filter(group__in=[group.pk for group in groups])
    return dict(rows.values_list("group_id", "uuid")) if groups else {}


def shared_group(share_id: str, organization: Organization | None = None) -> Group | None:
    """The issue that a public link leads to, in this organization if one is given; None where it leads nowhere."""
    if not _SHARE_ID.fullmatch(share_id):
        return None
    shares = GroupShare.objects.select_related("group__project__organization").filter(
        uuid=share_id,
        group__status__in=VISIBLE_STATUSES,
        group__project__status=ObjectStatus.ACTIVE,
        group__project__organization__status=OrganizationStatus.ACTIVE,
    )
    share = shares.first()
    if share is None or not may_share(share.group.project.organization):
        return None
    if organization is not None and share.group.project.organization_id != organization.pk:
        return None
    return share.group
