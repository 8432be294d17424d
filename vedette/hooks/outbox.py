"""Writing down what webhooks have to be told, in the transaction in which it happens: both are kept, or neither.

Where nobody wants to be told, that is one cheap query. Source: the issue workflow specification, section 16.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from vedette.core import clock
from vedette.core.ids import new_hex
from vedette.hooks import events
from vedette.hooks.events import Told
from vedette.hooks.models import Delivery, Webhook
from vedette.issues.announce import IssueAssigned, IssueStatusChanged
from vedette.shipping.deploytold import DeployCreated
from vedette.shipping.releasetold import ReleaseCreated
from vedette.tasks.names import WEBHOOKS
from vedette.tasks.schedule import hasten


def on_changes(changes: Sequence[IssueStatusChanged], **_: Any) -> None:
    """Issues have other statuses."""
    by_organization: dict[int, list[IssueStatusChanged]] = defaultdict(list)
    for change in changes:
        by_organization[change.organization_id].append(change)
    for organization_id, theirs in by_organization.items():
        hooks = _wanting(organization_id, {events.event_of(change) for change in theirs})
        if hooks:
            wanted = {name for hook in hooks for name in hook.events}
            told = [change for change in theirs if events.event_of(change) in wanted]
            put(hooks, events.of_changes(hooks[0].organization, told), clock.now())


def on_assignments(changes: Sequence[IssueAssigned], **_: Any) -> None:
    """Issues were given to somebody."""
    by_organization: dict[int, list[IssueAssigned]] = defaultdict(list)
    for change in changes:
        by_organization[change.organization_id].append(change)
    for organization_id, theirs in by_organization.items():
        hooks = _wanting(organization_id, {events.ASSIGNED})
        if hooks:
            put(hooks, events.of_assignments(hooks[0].organization, theirs), clock.now())


def on_deploy(created: DeployCreated, **_: Any) -> None:
    """A release reached an environment."""
    hooks = _wanting(created.organization_id, {events.DEPLOYED})
    if hooks:
        put(hooks, [events.of_deploy(created)], clock.now())


def on_release(created: ReleaseCreated, **_: Any) -> None:
    """Somebody made a release."""
    hooks = _wanting(created.organization_id, {events.RELEASED})
    if hooks:
        put(hooks, [events.of_release(created)], clock.now())


def put(hooks: Sequence[Webhook], told: Iterable[Told], now: datetime) -> int:
    """Have these things told to those of `hooks` that want them, soon; how many deliveries. Only in a transaction."""
    rows = [
        Delivery(
            webhook=hook, guid=new_hex(16), event=one.event, payload=one.body(hook.guid), due_at=now, date_added=now
        )
        for one in told
        for hook in hooks
        if one.event in hook.events or one.event == events.TEST
    ]
    if rows:
        Delivery.objects.bulk_create(rows, batch_size=500)
        # After the commit: many write here at once, and none may wait for the job's row with rows of its own locked.
        transaction.on_commit(partial(hasten, WEBHOOKS, now), robust=True)
    return len(rows)


def _wanting(organization_id: int, names: set[str]) -> list[Webhook]:
    """The webhooks of the organization that want to be told one of these."""
    rows = Webhook.objects.filter(organization=organization_id, is_active=True).select_related("organization")
    return [hook for hook in rows.order_by("pk") if names.intersection(hook.events)]
