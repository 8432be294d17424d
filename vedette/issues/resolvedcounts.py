"""Counting resolved issues by how they were resolved, for `/metrics`.

Issues are resolved in every process of every node: by pages and the API, by jobs, by commands. So the sums are in the
database, and each node tells the same ones. They are added up after the commit, so that nobody who resolves waits for
the rows of the sums with issues locked; what a process that dies just then has resolved is not counted.
Source: the issue workflow specification, 5.2, step 8.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from vedette.core import sql
from vedette.issues.announce import IssueStatusChanged
from vedette.issues.models import GroupStatus, ResolvedCount


def on_changes(changes: Sequence[IssueStatusChanged], **_: Any) -> None:
    """Issues have other statuses. One statement, and none where nothing was resolved."""
    counted = Counter(change.kind for change in changes if change.status == GroupStatus.RESOLVED)
    table = ResolvedCount._meta.db_table
    sql.insert_rows(
        table,
        ("kind", "quantity"),
        sorted(counted.items()),
        tail=f"ON CONFLICT (kind) DO UPDATE SET quantity = {table}.quantity + excluded.quantity",
    )


def resolved_counts() -> dict[str, int]:
    """How many issues were ever resolved, by kind."""
    return dict(ResolvedCount.objects.order_by("kind").values_list("kind", "quantity"))
