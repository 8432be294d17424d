"""How it is with webhooks: what waits, and what became of the rest."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min

from vedette.hooks.models import Delivery, DeliveryState

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WebhookStatus:
    """Counts of deliveries: those that wait, and those that ended in the last 24 hours. `oldest_at` is since when the
    longest waiting one waits, `error` what was wrong with the last one that was given up in these hours."""

    counts: dict[DeliveryState, int]
    oldest_at: datetime | None
    error: str


def webhook_status(now: datetime) -> WebhookStatus:
    """As it is now. Three queries."""
    waiting = Delivery.objects.filter(state=DeliveryState.WAITING).aggregate(
        number=Count("pk"), oldest=Min("date_added")
    )
    ended = Delivery.objects.filter(date_finished__gte=now - DAY)
    counts = dict.fromkeys(DeliveryState, 0)
    for state, number in ended.values_list("state").annotate(number=Count("pk")).order_by("state"):
        counts[DeliveryState(state)] = number
    counts[DeliveryState.WAITING] = waiting["number"]
    last = ended.filter(state=DeliveryState.GIVEN_UP).order_by("-date_finished").values_list("error", flat=True).first()
    return WebhookStatus(counts, waiting["oldest"], last or "")
