"""An issue's history in sentences."""

from typing import Any

from vedette.issues.lookup import FeedEntry
from vedette.issues.models import ActivityType
from vedette.web.text import clip, visible


def sentence_of(entry: FeedEntry) -> str:
    """What happened, and who did it; the server itself where no person did."""
    by = f" by {_said(entry.user.display_name)}" if entry.user else ""
    data: dict[str, Any] = entry.data if isinstance(entry.data, dict) else {}
    match entry.type:
        case ActivityType.SET_RESOLVED:
            return f"Resolved{by}"
        case ActivityType.SET_RESOLVED_IN_RELEASE:
            version = _said(data.get("version"))
            return f"Resolved in {version or 'the next release'}{by}"
        case ActivityType.SET_UNRESOLVED:
            return f"Reopened{by}"
        case ActivityType.SET_IGNORED:
            return f"Archived{' until it escalates' if data.get('ignoreUntilEscalating') else ''}{by}"
        case ActivityType.SET_REGRESSION:
            version = _said(data.get("version"))
            return f"Came back{f' in {version}' if version else ''}"
        case ActivityType.ASSIGNED:
            to = _said(data.get("assigneeName") or data.get("assigneeEmail")) or "somebody"
            return f"Assigned to {to}{by}"
        case ActivityType.UNASSIGNED:
            return f"Unassigned{by}"
        case ActivityType.NOTE:
            return f"{_said(entry.user.display_name) if entry.user else 'Somebody'}: {_said(data.get('text'), 2000)}"
        case ActivityType.MERGE:
            return f"Other issues were merged into this one{by}"
        case ActivityType.SET_PRIORITY:
            return f"Priority set to {_said(data.get('priority'))}{by}"
        case _:
            return "First seen"


def _said(value: object, length: int = 120) -> str:
    return clip(visible(value), length) if isinstance(value, str) else ""
