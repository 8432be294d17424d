"""The audit log: who changed what, when, from where.

Numbers and names are those of the release specification, section 20; those from 10000 on are our own.
"""

from collections.abc import Mapping
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
    TOMBSTONE_REMOVE = 10020
    REPOSITORY_ADD = 10030
    REPOSITORY_EDIT = 10031
    REPOSITORY_REMOVE = 10032
    WEBHOOK_ADD = 10033
    WEBHOOK_EDIT = 10034
    WEBHOOK_REMOVE = 10035
    RELOCATION_EXPORT = 10040
    RELOCATION_DOWNLOAD = 10041
    RELOCATION_UPLOAD = 10042
    RELOCATION_CONFIRM = 10043
    RELOCATION_CANCEL = 10044
    RELOCATION_APPROVE = 10045
    RELOCATION_REJECT = 10046

    @property
    def word(self) -> str:
        """The name that the API uses: `org.edit`, `member.accept-invite`, `org-auth-token.create`."""
        if self.name.startswith("ORG_AUTH_TOKEN_"):
            return f"org-auth-token.{self.name.removeprefix('ORG_AUTH_TOKEN_').lower()}"
        subject, _, verb = self.name.lower().partition("_")
        return f"{subject}.{verb.replace('_', '-')}"


_SENTENCES = {
    AuditEvent.MEMBER_INVITE: "invited {email} as {role}",
    AuditEvent.MEMBER_ADD: "added {email} as {role}",
    AuditEvent.MEMBER_ACCEPT_INVITE: "accepted the invitation",
    AuditEvent.MEMBER_EDIT: "edited the member {email}: {role} {teams} {team}",
    AuditEvent.MEMBER_REMOVE: "removed the member {email}",
    AuditEvent.ORG_CREATE: "created the organization",
    AuditEvent.ORG_REMOVE: "gave the organization up",
    AuditEvent.ORG_RESTORE: "restored the organization",
    AuditEvent.TEAM_CREATE: "created the team {slug}",
    AuditEvent.TEAM_EDIT: "edited the team {slug}",
    AuditEvent.TEAM_REMOVE: "removed the team {slug}",
    AuditEvent.PROJECT_CREATE: "created the project {slug}",
    AuditEvent.PROJECT_EDIT: "edited the project {slug}: {changed}",
    AuditEvent.PROJECT_REMOVE: "gave the project {slug} up",
    AuditEvent.PROJECTKEY_CREATE: "created the key {label}",
    AuditEvent.PROJECTKEY_EDIT: "edited the key {label}",
    AuditEvent.PROJECTKEY_REMOVE: "removed the key {label}",
    AuditEvent.PROJECTKEY_ENABLE: "enabled the key {label}",
    AuditEvent.PROJECTKEY_DISABLE: "disabled the key {label}",
    AuditEvent.ORG_AUTH_TOKEN_CREATE: "created the organization token {name}",
    AuditEvent.ORG_AUTH_TOKEN_REMOVE: "revoked the organization token {name}",
    AuditEvent.ISSUE_DELETE: "deleted the issue {issue_id} of {project_slug}",
    AuditEvent.RELEASE_CREATE: "created the release {version}",
    AuditEvent.RELEASE_EDIT: "edited the release {version}: {changed}{projects}",
    AuditEvent.RELEASE_ARCHIVE: "archived the release {version}",
    AuditEvent.RELEASE_DELETE: "deleted the release {version}{project}",
    AuditEvent.DEPLOY_CREATE: "deployed {version} to {environment}",
    AuditEvent.RELOCATION_EXPORT: "asked for an export of the organization",
    AuditEvent.RELOCATION_DOWNLOAD: "downloaded an export of the organization",
    AuditEvent.RELOCATION_UPLOAD: "uploaded organizations to be imported",
    AuditEvent.RELOCATION_CONFIRM: "confirmed an import of organizations",
    AuditEvent.RELOCATION_CANCEL: "gave up a move of data",
    AuditEvent.RELOCATION_APPROVE: "approved the import of {organizations}",
    AuditEvent.RELOCATION_REJECT: "rejected the import of {organizations}",
    AuditEvent.TOMBSTONE_REMOVE: "let the discarded issue {issue_id} of {project_slug} in again",
}


class _Said(dict[str, Any]):
    """The data of an entry, as words; what is missing is said with nothing."""

    def __missing__(self, key: str) -> str:
        return ""


def word_of(event: int) -> str:
    """The name of an event by its number, also of one that only an older or another server knew."""
    try:
        return AuditEvent(event).word
    except ValueError:
        return f"event.{event}"


def sentence_of(event: int, data: Mapping[str, Any]) -> str:
    """What happened, as a page says it after the name of who did it."""
    if event == AuditEvent.ORG_EDIT:
        changes = ", ".join(f"{key} {value}" for key, value in sorted(data.items()))  # PostgreSQL keeps no order
        return f"edited the organization setting: {changes}"
    words = _Said({key: _listed(value) for key, value in data.items()})
    try:
        return _SENTENCES[AuditEvent(event)].format_map(words).strip().rstrip(":")
    except (KeyError, ValueError):
        return word_of(event)


def _listed(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


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
