"""What the doctor and the metrics say about webhooks."""

from datetime import timedelta

import pytest

from tests.support.factories import an_organization
from vedette.core import clock
from vedette.health import metrics
from vedette.health.findings import Verdict
from vedette.health.webhookchecks import webhooks
from vedette.hooks.models import Delivery, DeliveryState, Webhook

pytestmark = pytest.mark.django_db


@pytest.fixture
def deliveries():
    """Make deliveries, by their state and the reason of their last attempt."""
    hook = Webhook.objects.create(organization=an_organization(), guid="1", url="https://x.example", secret="")

    def _deliveries(*states, error="", ago=timedelta(minutes=10)):
        at = clock.now() - ago
        for state in states:
            Delivery.objects.create(
                webhook=hook,
                guid="1",
                event="issue.resolved",
                payload={},
                state=state,
                error=error,
                due_at=clock.now(),
                date_added=at,
                date_finished=None if state is DeliveryState.WAITING else at,
            )

    return _deliveries


def test_what_arrives_is_counted(deliveries):
    deliveries(DeliveryState.WAITING, DeliveryState.DELIVERED, DeliveryState.DELIVERED)
    deliveries(DeliveryState.GIVEN_UP, ago=timedelta(days=2))

    found = webhooks()

    assert found.verdict is Verdict.OK
    assert found.detail == "1 deliveries wait, the oldest for 10 min; in a day 2 arrived, 0 were given up"


def test_what_was_given_up_is_a_warning_with_its_reason(deliveries):
    deliveries(DeliveryState.GIVEN_UP, error="it answered 500")

    assert webhooks().verdict is Verdict.WARN
    assert webhooks().detail.endswith("it answered 500")


def test_what_waits_for_long_is_a_warning(deliveries):
    deliveries(DeliveryState.WAITING, ago=timedelta(hours=2))

    assert webhooks().verdict is Verdict.WARN


def test_metrics_count_deliveries_by_what_became_of_them(deliveries):
    deliveries(DeliveryState.WAITING, DeliveryState.GIVEN_UP, DeliveryState.GIVEN_UP)

    told = metrics.render(None).decode()

    assert "vedette_webhook_waiting 1.0" in told
    assert 'vedette_webhook_ended{outcome="given_up"} 2.0' in told
    assert 'vedette_webhook_ended{outcome="delivered"} 0.0' in told
