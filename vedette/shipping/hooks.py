"""The token of a project's build hook, with which a build server that knows no other credential makes releases.

The token signs addresses and is never sent back: whoever has an address may make releases in its project, until the
token is changed. Source: the release specification, 7.4 and R16.
"""

import hmac
from hashlib import sha256

from django.conf import settings
from django.db import transaction

from vedette.core.ids import new_hex
from vedette.orgs.audit import AuditEvent, record
from vedette.projects.models import Project, ProjectOption
from vedette.shipping.sender import Sender

BUILTIN = "builtin"
TOKEN_KEY = "sentry:release-token"  # noqa: S105 (the name of an option)
_TOKEN_BYTES = 16


def token_of(project: Project) -> str:
    """The project's token: 32 hex digits, made when it is first asked for."""
    ProjectOption.objects.get_or_create(project=project, key=TOKEN_KEY, defaults={"value": new_hex(_TOKEN_BYTES)})
    return _stored(project) or change_token(project, by=Sender())


@transaction.atomic
def change_token(project: Project, *, by: Sender) -> str:
    """Give the project another token: addresses that were signed with the one before are refused from now on."""
    token = new_hex(_TOKEN_BYTES)
    ProjectOption.objects.update_or_create(project=project, key=TOKEN_KEY, defaults={"value": token})
    record(
        AuditEvent.PROJECT_EDIT,
        project.organization,
        by=by.user,
        label=by.label,
        target=project.pk,
        data={"slug": project.slug, "changed": ["releaseToken"]},
        ip_address=by.ip_address,
    )
    return token


def address_of(project: Project, token: str) -> str:
    """Where a build server makes releases of the project, as this token signs it."""
    signature = _signature(token, BUILTIN, str(project.pk))
    return f"{settings.VEDETTE.url}/api/hooks/release/{BUILTIN}/{project.pk}/{signature}/"


def is_signed(project: Project, plugin: str, signature: str) -> bool:
    """Whether the project's token made this signature; False while there is no token. Takes as long for a good one as
    for a bad one."""
    token = _stored(project)
    expected = _signature(token or new_hex(_TOKEN_BYTES), plugin, str(project.pk))
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")) and bool(token)


def _signature(token: str, plugin: str, project_id: str) -> str:
    return hmac.new(token.encode(), f"{plugin}-{project_id}".encode("utf-8", "replace"), sha256).hexdigest()


def _stored(project: Project) -> str:
    value = ProjectOption.objects.filter(project=project, key=TOKEN_KEY).values_list("value", flat=True).first()
    return value if isinstance(value, str) else ""
