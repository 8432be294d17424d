"""`/metrics`: numbers for Prometheus, in its text format. They never name a tenant.

What ingest counts lives in the front, which answers this page and hands its counters over in the WSGI environment;
what the digest counts lives in the engine, and is asked for; outcomes and resolved issues are in the
relational database.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Protocol

from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import Sum
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from vedette import __version__
from vedette.core import clock
from vedette.core.errors import VedetteError
from vedette.core.process import cpu_seconds, private_memory_bytes
from vedette.digest.models import OutcomeCount
from vedette.events.connection import event_store
from vedette.events.queries import store_facts
from vedette.health.node import free_bytes, waiting
from vedette.health.ready import engine_status
from vedette.health.webhookchecks import webhook_metrics
from vedette.issues.resolvedcounts import resolved_counts
from vedette.mail.models import MailState
from vedette.mail.status import mail_status
from vedette.wire.outcomes import Category, Outcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MAX_OUTCOME_SERIES = 200
_REASON = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,39}")  # clients send reasons too, and may send anything


class IngestNumbers(Protocol):
    """What ingest counts, as far as it is shown here; its own class has these fields."""

    accepted_requests: int
    accepted_bytes: int
    refused_by_status: dict[int, int]
    inflight_requests: int
    inflight_bytes: int
    commit_seconds: float

    def cumulative_buckets(self) -> Iterator[tuple[float, int]]: ...


def render(ingest: IngestNumbers | None) -> bytes:
    """The page. A store that is away leaves its numbers out; the page is there all the same."""
    registry = CollectorRegistry()
    registry.register(_Numbers(ingest))
    return generate_latest(registry)


class _Numbers(Collector):
    def __init__(self, ingest: IngestNumbers | None) -> None:
        self._ingest = ingest

    def describe(self) -> Iterator[Metric]:
        return iter(())  # asked for when it is registered; the names depend on what answers

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("vedette", "The version that runs.", {"version": __version__})
        if self._ingest:
            yield from _ingest(self._ingest)
        engine = engine_status()
        yield _gauge("vedette_engine_up", "Whether the engine process answers.", int(engine is not None))
        yield from _spool((engine or {}).get("digest"))
        yield from _processes(engine)
        yield from _events()
        yield from _outcomes()
        yield from _resolved()
        yield from _mail()
        yield from webhook_metrics()


def _ingest(numbers: IngestNumbers) -> Iterator[Metric]:
    yield _counter("vedette_ingest_accepted_requests", "Requests answered 200, on disk.", numbers.accepted_requests)
    yield _counter("vedette_ingest_accepted_bytes", "Bytes of those requests.", numbers.accepted_bytes)
    refused = CounterMetricFamily("vedette_ingest_refused_requests", "Requests refused.", labels=["status"])
    for status, count in sorted(numbers.refused_by_status.items()):
        refused.add_metric([str(status)], count)
    yield refused
    yield _gauge("vedette_ingest_inflight_requests", "Requests in hand.", numbers.inflight_requests)
    yield _gauge("vedette_ingest_inflight_bytes", "Bytes of requests in hand.", numbers.inflight_bytes)
    buckets = [
        ("+Inf" if bound == float("inf") else str(bound), count) for bound, count in numbers.cumulative_buckets()
    ]
    commit = HistogramMetricFamily("vedette_ingest_commit_seconds", "From a request being read to its bytes on disk.")
    commit.add_metric([], buckets, sum_value=numbers.commit_seconds)
    yield commit


def _spool(digest: dict[str, Any] | None) -> Iterator[Metric]:
    own = settings.VEDETTE
    if digest is None:
        left = waiting(own.spool_dir)
        items, size, lag, parked = left.items, left.bytes, left.lag_seconds, left.parked
    else:
        items, size = int(digest["spooled"]), int(digest["spooled_bytes"])
        lag, parked = float(digest["lag_seconds"]), int(digest["parked"])
    yield _gauge("vedette_spool_items", "Accepted requests that wait to be digested.", items)
    yield _gauge("vedette_spool_bytes", "Their bytes.", size)
    yield _gauge("vedette_spool_limit_bytes", "Beyond that many waiting bytes senders get 429.", own.spool_max_bytes)
    yield _gauge("vedette_spool_free_bytes", "Free space on the spool's disk.", free_bytes(own.spool_dir)[0])
    yield _gauge("vedette_digest_lag_seconds", "For how long the oldest of them has waited.", lag)
    yield _gauge("vedette_digest_parked", "Requests that could not be digested and were set aside.", parked)
    if digest is None:
        return
    yield _counter("vedette_digest_requests", "Requests digested since the engine started.", digest["digested"])
    yield _counter("vedette_digest_events", "Events stored since the engine started.", digest["events"])
    yield _counter("vedette_digest_batches", "Batches digested since the engine started.", digest["batches"])
    steps = CounterMetricFamily("vedette_digest_step_seconds", "Time spent in each step.", labels=["step"])
    for step in ("prepare", "relate", "store"):
        steps.add_metric([step], float(digest.get(f"{step}_seconds", 0.0)))
    yield steps
    yield _gauge("vedette_digest_waiting_for_store", "Whether a store is away.", int(bool(digest.get("trouble"))))


def _processes(engine: dict[str, Any] | None) -> Iterator[Metric]:
    memory = GaugeMetricFamily("vedette_process_memory_bytes", "Private memory of a process.", labels=["process"])
    cpu = CounterMetricFamily("vedette_process_cpu_seconds", "Processor time of a process.", labels=["process"])
    memory.add_metric(["front"], private_memory_bytes())
    cpu.add_metric(["front"], cpu_seconds())
    if engine:
        memory.add_metric(["engine"], float(engine["memory_bytes"]))
        cpu.add_metric(["engine"], float(engine["cpu_seconds"]))
    yield memory
    yield cpu


def _events() -> Iterator[Metric]:
    try:
        facts = store_facts(event_store())
    except VedetteError:
        return
    rows = GaugeMetricFamily("vedette_events_rows", "Rows of a table of the event store.", labels=["table"])
    size = GaugeMetricFamily("vedette_events_bytes", "Bytes on disk of a table of the event store.", labels=["table"])
    parts = GaugeMetricFamily("vedette_events_parts", "Parts of a table of the event store.", labels=["table"])
    for table in facts.tables:
        rows.add_metric([table.table], table.rows)
        size.add_metric([table.table], table.bytes_on_disk)
        parts.add_metric([table.table], table.parts)
    yield from (rows, size, parts)


def _outcomes() -> Iterator[Metric]:
    """Of the present and the previous hour, over all tenants. The hour before is there because clients report late."""
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    rows = OutcomeCount.objects.filter(hour__gte=hour - timedelta(hours=1)).order_by()
    counts = rows.values_list("outcome", "category", "reason").annotate(total=Sum("quantity"))
    metric = GaugeMetricFamily(
        "vedette_outcomes",
        "What became of items in the present and the previous UTC hour (bytes for attachments).",
        labels=["category", "outcome", "reason"],
    )
    summed: dict[tuple[str, str, str], int] = {}
    try:
        for outcome, category, reason, total in counts.order_by("-total")[:MAX_OUTCOME_SERIES]:
            labels = (_word(Category, category), _word(Outcome, outcome), _reason(reason))
            summed[labels] = summed.get(labels, 0) + total
    except DatabaseError:
        return
    for labels, total in sorted(summed.items()):
        metric.add_metric(list(labels), total)
    yield metric


def _resolved() -> Iterator[Metric]:
    try:
        counts = resolved_counts()
    except DatabaseError:
        return
    metric = CounterMetricFamily("vedette_issues_resolved", "Issues resolved, on all nodes, by how.", labels=["kind"])
    for kind, quantity in counts.items():
        metric.add_metric([kind], quantity)
    yield metric


def _mail() -> Iterator[Metric]:
    now = clock.now()
    try:
        status = mail_status(now)
    except DatabaseError:
        return
    age = (now - status.oldest_at).total_seconds() if status.oldest_at else 0.0
    yield _gauge("vedette_mail_waiting", "Mails that wait to be sent.", status.counts[MailState.WAITING])
    yield _gauge("vedette_mail_oldest_seconds", "For how long the oldest of them has waited.", max(age, 0.0))
    ended = GaugeMetricFamily("vedette_mail_ended", "What became of mails in the last 24 hours.", labels=["outcome"])
    for state in (MailState.SENT, MailState.GIVEN_UP, MailState.DROPPED):
        ended.add_metric([state.word], status.counts[state])
    yield ended


def _word(kind: type[Category] | type[Outcome], number: int) -> str:
    try:
        return kind(number).word
    except ValueError:
        return str(number)


def _reason(reason: str) -> str:
    return reason if not reason or _REASON.fullmatch(reason) else "other"


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(name, meaning, value=value)
