"""Making webhooks, changing and deleting them. Secrets are told once, when they are made."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from vedette.accounts.models import User
from vedette.core.errors import RuleBroken
from vedette.core.ids import new_hex
from vedette.core.outgoing import Outgoing, OutgoingRefused
from vedette.core.sealing import seal
from vedette.hooks.events import EVENTS, of_test
from vedette.hooks.models import Webhook
from vedette.hooks.outbox import put
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.models import Organization
from vedette.settings import Settings

PURPOSE = "webhook"
MOST = 20  # of one organization
LONGEST_URL = 500


def create_webhook(
    organization: Organization,
    url: str,
    events: Sequence[str],
    settings: Settings,
    *,
    by: User | None,
    label: str = "",
    ip_address: str | None = None,
) -> tuple[Webhook, str]:
    """A new webhook, and its secret, which is not told again. Raises `RuleBroken`."""
    checked = {"url": _url(url, settings), "events": _events(events)}
    secret = new_hex(32)
    with transaction.atomic():
        Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)  # so that nobody passes the bound
        if Webhook.objects.filter(organization=organization).count() >= MOST:
            raise RuleBroken(f"An organization has at most {MOST} webhooks.")
        row = Webhook.objects.create(
            organization=organization, guid=new_hex(16), secret=seal(secret, PURPOSE), **checked
        )
        _note(AuditEvent.WEBHOOK_ADD, row, by, label, ip_address)
    return row, secret


def change_webhook(
    row: Webhook,
    changes: dict[str, Any],
    settings: Settings,
    *,
    by: User | None,
    label: str = "",
    ip_address: str | None = None,
) -> None:
    """Change `url`, `events` and `is_active`, those that are given. Raises `RuleBroken`."""
    if "url" in changes:
        row.url = _url(changes["url"], settings)
    if "events" in changes:
        row.events = _events(changes["events"])
    if "is_active" in changes:
        row.is_active = bool(changes["is_active"])
    with transaction.atomic():
        row.save(update_fields=["url", "events", "is_active"])
        _note(AuditEvent.WEBHOOK_EDIT, row, by, label, ip_address)


def new_secret(row: Webhook, *, by: User | None, label: str = "", ip_address: str | None = None) -> str:
    """Another secret; the one before is void, also for what waits to be sent."""
    secret = new_hex(32)
    with transaction.atomic():
        row.secret = seal(secret, PURPOSE)
        row.save(update_fields=["secret"])
        _note(AuditEvent.WEBHOOK_EDIT, row, by, label, ip_address)
    return secret


def delete_webhook(row: Webhook, *, by: User | None, label: str = "", ip_address: str | None = None) -> None:
    """Forget a webhook, what it was told, and what it was to be told."""
    with transaction.atomic():
        _note(AuditEvent.WEBHOOK_REMOVE, row, by, label, ip_address)
        row.delete()


def send_test(row: Webhook, now: datetime) -> None:
    """Have something told to a webhook, whatever it wants to be told."""
    with transaction.atomic():
        put([row], [of_test()], now)


def _url(url: str, settings: Settings) -> str:
    try:
        Outgoing(settings.outgoing_allow).check(url)
    except OutgoingRefused as error:
        hint = f" {error.hint}" if "public" in str(error) else ""
        raise RuleBroken({"url": [f"{error}.{hint}"]}) from None
    if len(url) > LONGEST_URL:
        raise RuleBroken({"url": [f"An address has at most {LONGEST_URL} characters."]})
    return url


def _events(events: Sequence[str]) -> list[str]:
    unknown = sorted(set(events) - EVENTS.keys())
    if unknown or not events:
        raise RuleBroken({"events": [f"Say which of {', '.join(EVENTS)}."]})
    return [name for name in EVENTS if name in events]


def _note(event: AuditEvent, row: Webhook, by: User | None, label: str, ip_address: str | None) -> None:
    data = {"url": row.url, "events": ", ".join(row.events)}
    record(event, row.organization, by=by, label=label, target=row.pk, data=data, ip_address=ip_address)
