"""The audit log: who changed what, when, from where.

Numbers and names are those of the release specification, section 20; those from 10000 on are our own.
"""

from enum import IntEnum
from typing import Any

from vedette.accounts.models import User
from vedette.orgs.models import AuditLogEntry, Organization

LONGEST_VALUE = 200  # characters of a value that was changed
LONGEST_LABEL = 64


class AuditEvent(IntEnum):
    """What happened."""

    MEMBER_INVITE = 1
    MEMBER_ADD = 2
    MEMBER_ACCEPT_INVITE = 3
    MEMBER_EDIT = 4
    MEMBER_REMOVE = 5
    ORG_CREATE = 10
    ORG_EDIT = 11
    ORG_REMOVE = 12
    ORG_RESTORE = 13
    TEAM_CREATE = 20
    TEAM_EDIT = 21
    TEAM_REMOVE = 22
    PROJECT_CREATE = 30
    PROJECT_EDIT = 31
    PROJECT_REMOVE = 32
    PROJECTKEY_CREATE = 50
    PROJECTKEY_EDIT = 51
    PROJECTKEY_REMOVE = 52
    PROJECTKEY_ENABLE = 53
    PROJECTKEY_DISABLE = 54
    ORG_AUTH_TOKEN_CREATE = 176
    ORG_AUTH_TOKEN_REMOVE = 177
    ISSUE_DELETE = 186
    RELEASE_CREATE = 10000
    RELEASE_EDIT = 10001
    RELEASE_ARCHIVE = 10002
    RELEASE_DELETE = 10003
    DEPLOY_CREATE = 10010

    @property
    def word(self) -> str:
        """The name that the API uses: `org.edit`, `member.accept-invite`, `org-auth-token.create`."""
        if self.name.startswith("ORG_AUTH_TOKEN_"):
            return f"org-auth-token.{self.name.removeprefix('ORG_AUTH_TOKEN_').lower()}"
        subject, _, verb = self.name.lower().partition("_")
        return f"{subject}.{verb.replace('_', '-')}"


def record(
    event: AuditEvent,
    organization: Organization,
    *,
    by: User | None = None,
    label: str = "",
    target: int | None = None,
    target_user: int | None = None,
    data: dict[str, Any] | None = None,
    ip_address: str | None = None,
) -> AuditLogEntry:
    """Write one entry, in the caller's transaction.

    `label` names the credential where no person acted (a token's name); `target` is the id of what was changed.
    Texts in `data` are cut at 200 characters: the log is no copy of a secret.
    """
    return AuditLogEntry.objects.create(
        organization_id=organization.pk,
        actor_id=by.pk if by else None,
        actor_label=(label or (by.username if by else "") or ip_address or "")[:LONGEST_LABEL],
        target_object=target,
        target_user_id=target_user,
        event=event,
        ip_address=ip_address,
        data={key: _cut(value) for key, value in (data or {}).items()},
    )


def _cut(value: Any) -> Any:
    return value[:LONGEST_VALUE] if isinstance(value, str) else value
