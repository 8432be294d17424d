"""What the pages, the API and the digest ask of the event store. Values in, values out; SQL stays in here.

Every function takes the `EventStore` first and raises `StoreUnavailable` when the store is away.
"""

from vedette.events.queries.events import (
    edge_event,
    event_project,
    get_event,
    groups_of_events,
    known_events,
    list_events,
    neighbours,
)
from vedette.events.queries.issues import count_issues, issue_series, issue_stats, rank_issues
from vedette.events.queries.series import bucket_starts, project_counts, project_series, series, store_facts
from vedette.events.queries.tags import facets, tag_keys, tag_values
from vedette.events.queries.transactions import count_transactions, list_transactions

__all__ = [
    "bucket_starts",
    "count_issues",
    "count_transactions",
    "edge_event",
    "event_project",
    "facets",
    "get_event",
    "groups_of_events",
    "issue_series",
    "issue_stats",
    "known_events",
    "list_events",
    "list_transactions",
    "neighbours",
    "project_counts",
    "project_series",
    "rank_issues",
    "series",
    "store_facts",
    "tag_keys",
    "tag_values",
]
