"""Changing issues: which ones, what, and what to say afterwards.

Source: the issue workflow specification, section 3; the API specification, section 14. What needs releases, conditions
or tables that are not there is refused by name, so that nobody believes it was done.
"""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from vedette.accounts.models import User
from vedette.api.bodies import Wish
from vedette.api.shapes.issues import as_assignee
from vedette.core.errors import RuleBroken
from vedette.issues.actions import archive, assign, reopen, resolve
from vedette.issues.assignees import Assignee, parse_assignee
from vedette.issues.models import Group, GroupSubStatus
from vedette.orgs.models import Organization

_STATUSES = ("resolved", "unresolved", "ignored", "muted", "resolvedInNextRelease", "reprocessing")
_SUBSTATUSES = {
    **{substatus.word: substatus for substatus in GroupSubStatus},
    "until_escalating": GroupSubStatus.ARCHIVED_UNTIL_ESCALATING,
    "until_condition_met": GroupSubStatus.ARCHIVED_UNTIL_CONDITION_MET,
    "forever": GroupSubStatus.ARCHIVED_FOREVER,
}
_CONDITIONS = ("ignoreDuration", "ignoreCount", "ignoreWindow", "ignoreUserCount", "ignoreUserWindow", "snoozeDuration")
_RELEASES = ("inRelease", "inNextRelease", "inCommit", "inUpcomingRelease")
_MAX_WINDOW_MINUTES = 10_080


class StatusDetails(Wish):
    """How to resolve or to archive."""

    inRelease = serializers.CharField(required=False)
    inNextRelease = serializers.BooleanField(required=False)
    inUpcomingRelease = serializers.BooleanField(required=False)
    inCommit = serializers.DictField(required=False)
    untilEscalating = serializers.BooleanField(required=False)
    ignoreDuration = serializers.IntegerField(required=False)
    ignoreCount = serializers.IntegerField(required=False)
    ignoreWindow = serializers.IntegerField(required=False, max_value=_MAX_WINDOW_MINUTES)
    ignoreUserCount = serializers.IntegerField(required=False)
    ignoreUserWindow = serializers.IntegerField(required=False, max_value=_MAX_WINDOW_MINUTES)
    snoozeDuration = serializers.IntegerField(required=False)


class IssueChanges(StatusDetails):
    """What to change; what is absent stays. Without `statusDetails` its keys may stand at the top."""

    status = serializers.ChoiceField(required=False, choices=_STATUSES)
    statusDetails = StatusDetails(required=False)
    substatus = serializers.ChoiceField(required=False, choices=sorted(_SUBSTATUSES))
    assignedTo = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    priority = serializers.ChoiceField(required=False, choices=("low", "medium", "high"))
    hasSeen = serializers.BooleanField(required=False)
    isBookmarked = serializers.BooleanField(required=False)
    isSubscribed = serializers.BooleanField(required=False)
    isPublic = serializers.BooleanField(required=False)
    inbox = serializers.BooleanField(required=False)
    merge = serializers.BooleanField(required=False)
    discard = serializers.BooleanField(required=False)


def apply(wish: dict[str, Any], groups: Sequence[Group], organization: Organization, by: User | None) -> dict[str, Any]:
    """Change `groups` as a checked `wish` says and give what was set, as bulk answers show it. Raises `RuleBroken`.

    Everything is checked before anything is changed.
    """
    _refuse_what_is_missing(wish)
    to_assign = "assignedTo" in wish
    assignee = parse_assignee(wish["assignedTo"], organization, by) if to_assign else None
    told = _set_status(wish, groups, by) if "status" in wish else {}
    if to_assign:
        told |= _assign(groups, assignee, by)
    return told


def _set_status(wish: dict[str, Any], groups: Sequence[Group], by: User | None) -> dict[str, Any]:
    status = wish["status"]
    if status == "resolved":
        resolve(groups, by)
        return {"status": "resolved", "statusDetails": {}, "substatus": None, "inbox": None}
    if status == "unresolved":
        reopen(groups, by)
        return {"status": "unresolved", "statusDetails": {}, "substatus": _common_substatus(groups)}
    substatus = _how_to_archive(wish)
    archive(groups, by, substatus)
    until = substatus == GroupSubStatus.ARCHIVED_UNTIL_ESCALATING
    details = {"ignoreUntilEscalating": True} if until else {}
    return {"status": "ignored", "statusDetails": details, "substatus": substatus.word, "inbox": None}


def _how_to_archive(wish: dict[str, Any]) -> GroupSubStatus:
    wanted = _SUBSTATUSES.get(wish.get("substatus", ""))
    if wanted in (GroupSubStatus.ARCHIVED_UNTIL_ESCALATING, GroupSubStatus.ARCHIVED_FOREVER):
        return wanted
    details = wish.get("statusDetails", wish)
    return (
        GroupSubStatus.ARCHIVED_UNTIL_ESCALATING if details.get("untilEscalating") else GroupSubStatus.ARCHIVED_FOREVER
    )


def _common_substatus(groups: Sequence[Group]) -> str | None:
    found = {group.substatus_word for group in groups}
    return found.pop() if len(found) == 1 else None


def _assign(groups: Sequence[Group], assignee: Assignee | None, by: User | None) -> dict[str, Any]:
    assign(groups, assignee, by)
    return {"assignedTo": as_assignee(assignee)}


def _refuse_what_is_missing(wish: dict[str, Any]) -> None:
    """Raise `RuleBroken` for what cannot be done, by the field that asks for it.

    `hasSeen` and `isSubscribed` are taken and change nothing, and no answer says that they did.
    """
    errors: dict[str, list[str]] = {}
    if wish.get("status") in ("resolvedInNextRelease", "reprocessing"):
        errors["status"] = [f"Setting the status {wish['status']!r} is not supported."]
    if _SUBSTATUSES.get(wish.get("substatus", "")) is GroupSubStatus.ARCHIVED_UNTIL_CONDITION_MET:
        errors["substatus"] = ["Archiving until a condition is met is not supported."]
    for field in ("isBookmarked", "isPublic", "merge", "discard"):
        if wish.get(field):
            errors[field] = ["This change is not supported."]
    if "priority" in wish:
        errors["priority"] = ["Changing the priority is not supported."]
    if wish.get("inbox") is False:
        errors["inbox"] = ["Marking issues as reviewed is not supported."]
    prefix, details = ("statusDetails.", wish["statusDetails"]) if "statusDetails" in wish else ("", wish)
    for name in _RELEASES:
        if details.get(name):
            errors[f"{prefix}{name}"] = ["Resolving in a release or a commit is not supported."]
    for name in _CONDITIONS:
        if details.get(name):
            errors[f"{prefix}{name}"] = ["Archiving until a condition is met is not supported."]
    if errors:
        raise RuleBroken(errors)
