"""Webhooks of an organization: who is told what, and what they were told.

Vedette's own paths; what is sent is that of the API specification, section 17.
"""

from typing import Any, TypedDict

from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.bodies import Wish, read
from vedette.api.endpoint import OrganizationEndpoint
from vedette.api.operations import PAGING, REPOSITORY_WRITE, Operation, operation
from vedette.api.paging import by_number
from vedette.api.shapes.base import Moment
from vedette.core import clock
from vedette.core.clock import as_z
from vedette.core.ids import as_id
from vedette.hooks import webhooks
from vedette.hooks.events import EVENTS
from vedette.hooks.models import Delivery, DeliveryState, Webhook

WEBHOOK = REPOSITORY_WRITE  # org:write, org:admin, org:integrations: an address may hold what not everybody may read


class WebhookShape(TypedDict):
    """A webhook. `failures` counts deliveries that were given up since one arrived."""

    id: str
    guid: str
    url: str
    events: list[str]
    isActive: bool
    failures: int
    dateCreated: Moment


class NewWebhookShape(WebhookShape):
    """A webhook with its secret, which is not told again."""

    secret: str


class DeliveryShape(TypedDict):
    """One thing that was told, or waits to be."""

    id: str
    event: str
    state: str
    attempts: int
    status: int | None
    error: str
    dateCreated: Moment
    dateFinished: Moment | None


class WebhookWish(Wish):
    """Who is to be told what."""

    url = serializers.CharField(max_length=2000)
    events = serializers.ListField(child=serializers.ChoiceField(choices=list(EVENTS)), allow_empty=False)


class WebhookChange(Wish):
    """What to change of a webhook."""

    url = serializers.CharField(max_length=2000, required=False)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=list(EVENTS)), allow_empty=False, required=False
    )
    isActive = serializers.BooleanField(required=False)


class _Webhooks(OrganizationEndpoint):
    """The webhooks of an organization."""

    tag = "Webhooks"

    def find(self) -> Webhook:
        """The one that the path names. Raises `NotFound`."""
        rows = Webhook.objects.filter(organization=self.organization, pk=as_id(self.path["webhook_id"]) or 0)
        row = rows.first()
        if row is None:
            raise NotFound
        row.organization = self.organization
        return row

    @property
    def said_by(self) -> dict[str, Any]:
        """Who asks, for the audit log."""
        return {"by": self.user, "label": self.caller.label, "ip_address": self.address}


class WebhookList(_Webhooks):
    """The webhooks of an organization."""

    @operation(Operation("listWebhooks", WEBHOOK, query=PAGING, answers=list[WebhookShape]))
    def get(self, request: Request) -> Response:
        """The webhooks of the organization, oldest first."""
        page = by_number(Webhook.objects.filter(organization=self.organization).order_by("pk"), request.query_params)
        return self.paged(page, [as_webhook(row) for row in page.rows])

    @operation(Operation("createWebhook", WEBHOOK, takes=WebhookWish, answers=NewWebhookShape, statuses=(201,)))
    def post(self, request: Request) -> Response:
        """Have an address told what happens. Its secret is in this answer only."""
        wish = read(WebhookWish, request.data)
        row, secret = webhooks.create_webhook(
            self.organization, wish["url"], wish["events"], settings.VEDETTE, **self.said_by
        )
        return Response({**as_webhook(row), "secret": secret}, status=201)


class WebhookItem(_Webhooks):
    """A webhook."""

    @operation(Operation("updateWebhook", WEBHOOK, takes=WebhookChange, answers=WebhookShape))
    def put(self, request: Request) -> Response:
        """Change the address, the events, or switch the webhook on or off."""
        row, wish = self.find(), read(WebhookChange, request.data)
        names = {"url": "url", "events": "events", "isActive": "is_active"}
        changes = {names[name]: value for name, value in wish.items()}
        webhooks.change_webhook(row, changes, settings.VEDETTE, **self.said_by)
        return Response(as_webhook(row))

    @operation(Operation("deleteWebhook", WEBHOOK, statuses=(204,)))
    def delete(self, request: Request) -> Response:
        """Delete a webhook, with what it was to be told."""
        webhooks.delete_webhook(self.find(), **self.said_by)
        return Response(status=204)


class WebhookSecret(_Webhooks):
    """The secret of a webhook."""

    @operation(Operation("createWebhookSecret", WEBHOOK, answers=NewWebhookShape, statuses=(201,)))
    def post(self, request: Request) -> Response:
        """Make a new secret; the one before is void at once."""
        row = self.find()
        secret = webhooks.new_secret(row, **self.said_by)
        return Response({**as_webhook(row), "secret": secret}, status=201)


class WebhookDeliveries(_Webhooks):
    """What a webhook was told."""

    @operation(Operation("listWebhookDeliveries", WEBHOOK, query=PAGING, answers=list[DeliveryShape]))
    def get(self, request: Request) -> Response:
        """What the webhook was told in the last seven days, and what waits, newest first."""
        page = by_number(Delivery.objects.filter(webhook=self.find()).order_by("-pk"), request.query_params)
        return self.paged(page, [_as_delivery(row) for row in page.rows])

    @operation(Operation("testWebhook", WEBHOOK, statuses=(202,)))
    def post(self, request: Request) -> Response:
        """Have the webhook told something to try it with, soon."""
        webhooks.send_test(self.find(), clock.now())
        return Response(status=202)


def as_webhook(row: Webhook) -> WebhookShape:
    """A webhook, without its secret."""
    return {
        "id": str(row.pk),
        "guid": row.guid,
        "url": row.url,
        "events": row.events,
        "isActive": row.is_active,
        "failures": row.failures,
        "dateCreated": as_z(row.date_added),
    }


def _as_delivery(row: Delivery) -> DeliveryShape:
    return {
        "id": row.guid,
        "event": row.event,
        "state": DeliveryState(row.state).word,
        "attempts": row.attempts,
        "status": row.status,
        "error": row.error,
        "dateCreated": as_z(row.date_added),
        "dateFinished": as_z(row.date_finished) if row.date_finished else None,
    }
