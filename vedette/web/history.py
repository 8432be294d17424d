"""The history of issues in sentences; what they name (releases, commits) can be links."""

import re
from dataclasses import dataclass
from typing import Any

from vedette.issues.lines import MOST_LISTED
from vedette.issues.lookup import FeedEntry
from vedette.issues.models import ActivityType
from vedette.issues.owners import SUSPECT_COMMITTER
from vedette.web.text import clip, plural, visible

_NAMED = re.compile("\0([0-9]+)\0")  # texts of strangers hold no NUL when they are made visible


@dataclass(frozen=True, slots=True)
class Named:
    """Something that a sentence names: a `release` by its version, a `commit` by the id of its row, or an `issue` by
    its short id. `text` is how the sentence says it."""

    kind: str
    value: str
    text: str


def sentence_of(entry: FeedEntry) -> str:
    """What happened, and who did it; the server itself where no person did."""
    return "".join(part if isinstance(part, str) else part.text for part in parts_of(entry))


def parts_of(entry: FeedEntry) -> list[str | Named]:
    """The same in pieces, so that what it names can become links."""
    named: list[Named] = []
    pieces = _NAMED.split(_told(entry, named))
    return [named[int(piece)] if place % 2 else piece for place, piece in enumerate(pieces)]


def _told(entry: FeedEntry, named: list[Named]) -> str:
    by = f" by {_said(entry.user.display_name)}" if entry.user else ""
    data: dict[str, Any] = entry.data if isinstance(entry.data, dict) else {}
    match entry.type:
        case ActivityType.SET_RESOLVED:
            return f"Resolved{by}"
        case ActivityType.SET_RESOLVED_IN_RELEASE:
            version = _versions(data.get("versions"), named) or _version(data.get("version"), named)
            after = _version(data.get("current_release_version"), named)
            where = version or (f"what comes after {after}" if after else "the next release")
            return f"Resolved in {where}{f' by {_commit(entry, named)}' if entry.commit else ''}{by}"
        case ActivityType.SET_RESOLVED_IN_COMMIT:
            return f"Resolved by {_commit(entry, named)}{by}"
        case ActivityType.SET_RESOLVED_IN_PULL_REQUEST:
            return f"{_request(entry).capitalize()} says that it fixes this{by}"
        case ActivityType.PULL_REQUEST_CLOSED:
            return f"{_request(entry).capitalize()} was closed without being merged"
        case ActivityType.PULL_REQUEST_REOPENED:
            return f"{_request(entry).capitalize()} was opened again"
        case ActivityType.PULL_REQUEST_MERGED:
            return f"{_request(entry).capitalize()} was merged"
        case ActivityType.PULL_REQUEST_UNLINKED:
            return f"{_request(entry).capitalize()} does not say any more that it fixes this"
        case ActivityType.REFERENCED_IN_COMMIT:
            return f"{_commit(entry, named).capitalize()} says that it fixes this{by}"
        case ActivityType.SET_RESOLVED_BY_AGE:
            return f"Resolved: nothing was heard of it for {_number(data.get('age'))} hours"
        case ActivityType.SET_UNRESOLVED:
            return f"Reopened{by}" if by else "Open again: the time of its archive is over"
        case ActivityType.SET_IGNORED:
            return f"Archived{until(data)}{by}"
        case ActivityType.SET_REGRESSION:
            version = _version(data.get("version"), named)
            was = _version(data.get("resolved_in_version"), named)
            return f"Came back{f' in {version}' if version else ''}{f'; it was resolved in {was}' if was else ''}"
        case ActivityType.SET_ESCALATING:
            over = isinstance(data.get("expired_snooze"), dict)
            if isinstance(usual := data.get("per_hour"), (int, float)):
                return f"Escalated: it is new, and comes faster than {usual:,.4g} events an hour"
            return "Open again: it happened as often as was said" if over else "Escalated: more events than expected"
        case ActivityType.RELEASE:
            return f"Released {_version(data.get('version'), named)}"
        case ActivityType.DEPLOY:
            return f"Deployed {_version(data.get('version'), named)} to {_said(data.get('environment'))}"
        case ActivityType.AUTO_SET_ONGOING:
            days = data.get("after_days")
            return f"Ongoing: open for {_number(days)} days" if days else f"Ongoing{by}"
        case ActivityType.MARK_REVIEWED:
            return f"Reviewed{by}"
        case ActivityType.ASSIGNED:
            to = _said(data.get("assigneeName") or data.get("assigneeEmail")) or "somebody"
            why = ", who wrote a suspect commit" if data.get("integration") == SUSPECT_COMMITTER else ""
            return f"Assigned to {to}{why}{by}"
        case ActivityType.UNASSIGNED:
            return f"Unassigned{by}"
        case ActivityType.NOTE:
            return f"{_said(entry.user.display_name) if entry.user else 'Somebody'}: {_said(data.get('text'), 2000)}"
        case ActivityType.MERGE:
            return f"Other issues were merged into this one{by}"
        case ActivityType.UNMERGE_SOURCE:
            return f"{_fingerprints(data)} split off{by}, into {_issue(entry, named)}"
        case ActivityType.UNMERGE_DESTINATION:
            return f"{_fingerprints(data)} split off{by}, out of {_issue(entry, named)}"
        case ActivityType.SET_PUBLIC:
            return f"A public link was made{by}"
        case ActivityType.SET_PRIVATE:
            return f"The public link was taken back{by}"
        case ActivityType.SET_PRIORITY:
            return f"Priority set to {_said(data.get('priority'))}{by}"
        case ActivityType.STORM_BEGAN:
            return f"A storm began: more than {_number(data.get('perMinute'))} events in a minute"
        case ActivityType.STORM_ENDED:
            kept, came = _number(data.get("bodies")), _number(data.get("events"))
            return f"The storm ended: {kept} of {came} bodies are kept"
        case _:
            return "First seen"


def _version(value: object, named: list[Named]) -> str:
    if not isinstance(value, str) or not value:
        return ""
    return _marked(Named("release", value, _said(value)), named)


def _versions(values: object, named: list[Named]) -> str:
    """Several of them in words."""
    said = [
        text for value in (values if isinstance(values, list) else [])[:MOST_LISTED] if (text := _version(value, named))
    ]
    return " and ".join((", ".join(said[:-1]), said[-1])) if len(said) > 1 else ""


def _commit(entry: FeedEntry, named: list[Named]) -> str:
    if not entry.commit:
        return "a commit"
    return f"commit {_marked(Named('commit', str(entry.data.get('commit', '')), _said(entry.commit)[:12]), named)}"


def _issue(entry: FeedEntry, named: list[Named]) -> str:
    if entry.issue is None:
        return "an issue that is not here any more"
    name = entry.issue.qualified_short_id
    return _marked(Named("issue", name, name), named)


def _fingerprints(data: dict[str, Any]) -> str:
    found = data.get("fingerprints")
    count = len(found) if isinstance(found, list) else 0
    return "A fingerprint was" if count == 1 else f"{count or 'Some'} fingerprints were"


def _marked(one: Named, named: list[Named]) -> str:
    """Where the sentence names it."""
    named.append(one)
    return f"\0{len(named) - 1}\0"


def until(data: dict[str, Any]) -> str:
    """Until when something is archived, as its history or its conditions say (`ignoreCount` and the like), with a space
    in front; nothing where that is for good."""
    if data.get("ignoreUntilEscalating"):
        return " until it escalates"
    ends = []
    if data.get("ignoreUntil"):
        ends.append(_said(data["ignoreUntil"])[:16].replace("T", " ") + " UTC")
    for count, window, unit in (
        ("ignoreCount", "ignoreWindow", "event"),
        ("ignoreUserCount", "ignoreUserWindow", "user"),
    ):
        if isinstance(number := data.get(count), int):
            within = data.get(window)
            ends.append(f"{plural(number, unit)}{f' in {within} minutes' if isinstance(within, int) else ' more'}")
    return f" until {' or '.join(ends)}" if ends else ""


def _request(entry: FeedEntry) -> str:
    return f"pull request {_said(entry.pull_request, 20)}" if entry.pull_request else "a pull request"


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "some"


def _said(value: object, length: int = 120) -> str:
    return clip(visible(value), length) if isinstance(value, str) else ""
