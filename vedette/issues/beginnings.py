"""How an issue begins: its number, its priority, and what only its first event says.

Source: the ingest specification, 14.15; the issue workflow specification, 8.6.
"""

from collections.abc import Mapping
from typing import Any

from vedette.core import sql
from vedette.issues.models import PRIORITY_HIGH, PRIORITY_LOW, PRIORITY_MEDIUM

TITLE_LENGTH = 1024
CULPRIT_LENGTH = 200


def take_short_ids(project_id: int, count: int) -> range:
    """So many fresh numbers for issues of a project, by one atomic increment. In the caller's transaction, before it
    locks an issue.

    A counter that is missing, or behind the numbers in use (rows that were imported), goes on behind them.
    """
    [(last,)] = sql.run(
        "INSERT INTO projects_projectcounter (project_id, value) "  # noqa: S608
        "SELECT %s, COALESCE(MAX(short_id), 0) + %s FROM issues_group WHERE project_id = %s "
        "ON CONFLICT (project_id) DO UPDATE SET "
        f"value = {sql.greatest()}(projects_projectcounter.value + %s, excluded.value) RETURNING value",
        [project_id, count, project_id, count],
    )
    return range(last - count + 1, last + 1)


def first_priority(level: str) -> int:
    """The priority that an event of this level gives its issue."""
    if level in ("fatal", "error"):
        return PRIORITY_HIGH
    return PRIORITY_MEDIUM if level == "warning" else PRIORITY_LOW


def first_data(data: Mapping[str, Any], level: str) -> dict[str, Any]:
    """The data of an issue's first event, with what only that one says."""
    sdk = (data.get("sdk") or {}).get("name") or ""
    own = {"initial_priority": first_priority(level), "sdk": {"name": sdk, "name_normalized": _family(sdk)}}
    return {**data, "metadata": {**(data.get("metadata") or {}), **own}}


def _family(sdk: str) -> str:
    """`sentry.python` of `sentry.python.django`; the SDKs for JavaScript keep their framework."""
    parts = sdk.split(".")
    return ".".join(parts[: 3 if parts[1:2] == ["javascript"] else 2])
