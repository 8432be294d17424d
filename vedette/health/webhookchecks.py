"""What `vedette doctor` and `/metrics` say about webhooks."""

from collections.abc import Iterator

from django.db import Error as DatabaseError
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from vedette.core import clock
from vedette.health.findings import Finding, Verdict
from vedette.hooks.models import DeliveryState
from vedette.hooks.status import webhook_status
from vedette.tasks.schedule import as_age

LATE_SECONDS = 3600.0


def webhooks() -> Finding:
    """Whether what webhooks have to be told arrives."""
    now = clock.now()
    try:
        status = webhook_status(now)
    except DatabaseError:
        return Finding("webhooks", Verdict.NOTE, "unknown: the database is away")
    counts, oldest = status.counts, status.oldest_at
    since = f", the oldest for {as_age(now - oldest)}" if oldest else ""
    detail = (
        f"{counts[DeliveryState.WAITING]} deliveries wait{since}; in a day {counts[DeliveryState.DELIVERED]} arrived, "
        f"{counts[DeliveryState.GIVEN_UP]} were given up"
    )
    if counts[DeliveryState.GIVEN_UP]:
        return Finding("webhooks", Verdict.WARN, f"{detail}: {status.error}", "Each organization's settings say which.")
    if oldest and (now - oldest).total_seconds() > LATE_SECONDS:
        return Finding("webhooks", Verdict.WARN, detail, "Each organization's settings say which.")
    return Finding("webhooks", Verdict.OK, detail)


def webhook_metrics() -> Iterator[Metric]:
    """Numbers about deliveries; none while the database is away."""
    now = clock.now()
    try:
        status = webhook_status(now)
    except DatabaseError:
        return
    age = (now - status.oldest_at).total_seconds() if status.oldest_at else 0.0
    waiting = status.counts[DeliveryState.WAITING]
    yield GaugeMetricFamily("vedette_webhook_waiting", "Deliveries to webhooks that wait.", value=waiting)
    oldest = "For how long the oldest of them has waited."
    yield GaugeMetricFamily("vedette_webhook_oldest_seconds", oldest, value=max(age, 0.0))
    ended = GaugeMetricFamily(
        "vedette_webhook_ended", "What became of deliveries in the last 24 hours.", labels=["outcome"]
    )
    for state in (DeliveryState.DELIVERED, DeliveryState.GIVEN_UP):
        ended.add_metric([state.word], status.counts[state])
    yield ended
