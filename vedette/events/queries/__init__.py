"""What the pages, the API and the digest ask of the event store. Values in, values out; SQL stays in here.

Every function takes the `EventStore` first and raises `StoreUnavailable` when the store is away.
"""

from vedette.events.queries.events import (
    edge_event,
    event_project,
    get_event,
    known_events,
    list_events,
    nearest_with_body,
    neighbours,
    payloads,
    places_of_events,
)
from vedette.events.queries.issues import count_issues, frequent_issues, issue_numbers, issue_stats, rank_issues
from vedette.events.queries.series import bucket_starts, project_counts, project_series, series, store_facts
from vedette.events.queries.sessions import session_edges, session_projects, session_releases, session_sums
from vedette.events.queries.spans import (
    get_span,
    span_groups,
    spans_by_op,
    trace_errors,
    trace_facts,
    trace_spans,
)
from vedette.events.queries.tags import facets, tag_keys, tag_values
from vedette.events.queries.transactions import (
    TransactionFilter,
    count_transactions,
    known_transactions,
    latency_histogram,
    list_transactions,
    measurements,
    trace_transactions,
    transaction_series,
    transaction_stats,
    transaction_totals,
)

__all__ = [
    "TransactionFilter",
    "bucket_starts",
    "count_issues",
    "count_transactions",
    "edge_event",
    "event_project",
    "facets",
    "frequent_issues",
    "get_event",
    "get_span",
    "issue_numbers",
    "issue_stats",
    "known_events",
    "known_transactions",
    "latency_histogram",
    "list_events",
    "list_transactions",
    "measurements",
    "nearest_with_body",
    "neighbours",
    "payloads",
    "places_of_events",
    "project_counts",
    "project_series",
    "rank_issues",
    "series",
    "session_edges",
    "session_projects",
    "session_releases",
    "session_sums",
    "span_groups",
    "spans_by_op",
    "store_facts",
    "tag_keys",
    "tag_values",
    "trace_errors",
    "trace_facts",
    "trace_spans",
    "trace_transactions",
    "transaction_series",
    "transaction_stats",
    "transaction_totals",
]
