"""The job that tells webhooks what the outbox holds.

A delivery is taken by one conditional UPDATE, which is a lease; whoever dies over it has used up an attempt. It may
arrive twice, under the same `Request-ID`. A webhook that fails is left alone until that delivery's next attempt, so
that one which is away keeps nobody else waiting. What the other side answers is not kept, beyond its status.

The signature is the HMAC-SHA256 of the very bytes of the body, in hex digits. Source: the API specification, section
17.
"""

import hashlib
import hmac
import logging
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from vedette.core import clock, json
from vedette.core.outgoing import Outgoing, OutgoingFailed, OutgoingRefused
from vedette.core.pieces import PIECE
from vedette.core.sealing import unseal
from vedette.hooks.models import Delivery, DeliveryState, Webhook
from vedette.hooks.webhooks import PURPOSE
from vedette.settings import Settings
from vedette.tasks.names import WEBHOOKS
from vedette.tasks.schedule import hasten

log = logging.getLogger(__name__)

PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
ATTEMPTS = len(PAUSES) + 1
OLDEST = timedelta(days=2)  # what is older is no news
LEASE = timedelta(minutes=2)
FURTHEST = timedelta(days=1)  # nothing is put off for longer: what lies further ahead comes of a clock set back
KEPT = timedelta(days=7)
TIMEOUT_SECONDS = 5.0
MOST_ANSWER_BYTES = 2**18
BUDGET_SECONDS = 50.0
SHARE_SECONDS = 10.0  # of one webhook in a run
LONGEST_ERROR = 300


@dataclass(slots=True)
class Delivered:
    """What a run did: counts."""

    delivered: int = 0
    put_off: int = 0
    given_up: int = 0

    def __bool__(self) -> bool:
        """Whether there was anything to do."""
        return any(asdict(self).values())

    def __str__(self) -> str:
        told = {"delivered": self.delivered, "put off": self.put_off, "given up": self.given_up}
        return ", ".join(f"{number} {word}" for word, number in told.items() if number)


def deliver_due(settings: Settings, now: datetime, outgoing: Outgoing | None = None) -> Delivered:
    """Tell what is due, as far as a minute goes; the rest is left to the next run, at once."""
    door = outgoing or Outgoing(settings.outgoing_allow, timeout_seconds=TIMEOUT_SECONDS, most_bytes=MOST_ANSWER_BYTES)
    done, began = Delivered(), clock.monotonic()
    for webhook in _in_turn(Webhook.objects.filter(pk__in=_due(now).values("webhook_id").distinct())):
        until = min(clock.monotonic() + SHARE_SECONDS, began + BUDGET_SECONDS)
        while clock.monotonic() < until:
            moment = now + timedelta(seconds=clock.monotonic() - began)
            one = _take(webhook, moment)
            if one is None:
                break
            try:
                _tell(webhook, one, door, moment, done)
            except (InterfaceError, OperationalError):
                raise  # the database is away, and the others need it as well
            except Exception:
                log.exception("delivery %s", one.guid)  # tried again when its lease ends
                break
    _forget(now)
    if _due(now).exists():
        with transaction.atomic():
            hasten(WEBHOOKS, now)
    return done


def _in_turn(webhooks: Iterable[Webhook]) -> list[Webhook]:
    """One of each organization, by chance, then another one: slow ones use up a run, and must not use up all runs."""
    mixed = list(webhooks)
    random.shuffle(mixed)
    before: Counter[int] = Counter()
    turns = []
    for webhook in mixed:
        turns.append((before[webhook.organization_id], webhook))
        before[webhook.organization_id] += 1
    return [webhook for _, webhook in sorted(turns, key=lambda pair: pair[0])]


def _due(now: datetime) -> QuerySet[Delivery]:
    return Delivery.objects.filter(Q(due_at__lte=now) | Q(due_at__gt=now + FURTHEST), state=DeliveryState.WAITING)


def _take(webhook: Webhook, now: datetime) -> Delivery | None:
    """The delivery of this webhook that is due for longest and that nobody else takes now."""
    while True:
        one = _due(now).filter(webhook=webhook).order_by("due_at", "pk").first()
        if one is None:
            return None
        mine = Delivery.objects.filter(pk=one.pk, state=DeliveryState.WAITING, due_at=one.due_at)
        if mine.update(due_at=now + LEASE, attempts=F("attempts") + 1):
            one.attempts += 1
            return one


def _tell(webhook: Webhook, one: Delivery, door: Outgoing, now: datetime, done: Delivered) -> None:
    outcome = _attempt(webhook, one, door, now)
    if outcome.state is DeliveryState.WAITING and one.attempts >= ATTEMPTS:
        outcome = replace(outcome, state=DeliveryState.GIVEN_UP)
    said = {"status": outcome.status, "error": outcome.error[:LONGEST_ERROR]}
    rows, hooks = Delivery.objects.filter(pk=one.pk), Webhook.objects.filter(pk=webhook.pk)
    match outcome.state:
        case DeliveryState.DELIVERED:
            rows.update(state=DeliveryState.DELIVERED, date_finished=now, **said)
            hooks.filter(failures__gt=0).update(failures=0)
            done.delivered += 1
        case DeliveryState.GIVEN_UP:
            rows.update(state=DeliveryState.GIVEN_UP, date_finished=now, **said)
            hooks.update(failures=F("failures") + 1)
            done.given_up += 1
        case DeliveryState.WAITING:
            again = now + PAUSES[one.attempts - 1]
            rows.update(due_at=again, **said)
            _due(now).filter(webhook=webhook).update(due_at=again)  # what waits behind it would fare no better
            done.put_off += 1


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of an attempt: the state, what the other side answered, and why that will not do."""

    state: DeliveryState
    status: int | None = None
    error: str = ""


def _attempt(webhook: Webhook, one: Delivery, door: Outgoing, now: datetime) -> _Outcome:
    secret = unseal(webhook.secret, PURPOSE)
    if not webhook.is_active:
        return _Outcome(DeliveryState.GIVEN_UP, error="the webhook was switched off")
    if secret is None:
        return _Outcome(DeliveryState.GIVEN_UP, error="its secret does not open: make a new one")
    if one.attempts > ATTEMPTS or now - one.date_added > OLDEST:
        return _Outcome(DeliveryState.GIVEN_UP, one.status, one.error or "it was not sent in time")
    body = json.dumps(one.payload)
    try:
        answer = door.send("POST", webhook.url, headers=_headers(one, body, secret, now), body=body)
    except OutgoingRefused as refused:
        return _Outcome(DeliveryState.GIVEN_UP, error=f"{refused}. {refused.hint}")
    except OutgoingFailed as failed:
        return _Outcome(DeliveryState.WAITING, error=str(failed))
    if 200 <= answer.status < 300:
        return _Outcome(DeliveryState.DELIVERED, answer.status)
    return _Outcome(DeliveryState.WAITING, answer.status, f"it answered {answer.status}")


def _headers(one: Delivery, body: bytes, secret: str, now: datetime) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "Request-ID": one.guid,
        "Sentry-Hook-Resource": one.event.partition(".")[0],
        "Sentry-Hook-Timestamp": str(int(now.timestamp())),
        "Sentry-Hook-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }


def _forget(now: datetime) -> None:
    """Delete what was told long ago, and what was to be told to webhooks that are gone; some in each run."""
    old = Delivery.objects.filter(date_finished__lt=now - KEPT).order_by("date_finished")
    Delivery.objects.filter(pk__in=list(old.values_list("pk", flat=True)[: 5 * PIECE])).delete()
    left = Delivery.objects.filter(~Exists(Webhook.objects.filter(pk=OuterRef("webhook_id"))), due_at__lte=now)
    Delivery.objects.filter(pk__in=list(left.values_list("pk", flat=True)[:PIECE])).delete()
