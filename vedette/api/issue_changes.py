"""Changing issues: which ones, what, and what to say afterwards.

Source: the issue workflow specification, section 3; the API specification, section 14. What cannot be done is refused
by name, so that nobody believes it was done.
"""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from vedette.accounts.models import User
from vedette.api.bodies import Wish
from vedette.api.issue_fixes import InCommitWish, actor_of, fix_of, told_of
from vedette.api.shapes.issues import as_activities, as_assignee
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.issues import inbox
from vedette.issues.actions import archive, assign, reopen
from vedette.issues.assignees import Assignee, assignee_of, check_access, parse_assignee
from vedette.issues.claiming import willing
from vedette.issues.lines import MOST_LISTED
from vedette.issues.lookup import feed
from vedette.issues.marks import set_bookmarked, set_seen
from vedette.issues.merging import merge
from vedette.issues.models import Group, GroupSnooze, GroupSubStatus
from vedette.issues.priorities import PRIORITIES, set_priority
from vedette.issues.resolve import Fix, InCommit, resolve
from vedette.issues.sharing import check_sharing, set_public
from vedette.issues.snoozes import Until, told
from vedette.issues.subscriptions import set_subscribed
from vedette.orgs.models import Organization

NO_DISCARDING = "You do not have permission to discard events"
_ARCHIVED = ("ignored", "muted")
_OWN = ("isBookmarked", "isSubscribed")  # what only people can say
_STATUSES = ("resolved", "unresolved", "ignored", "muted", "resolvedInNextRelease", "reprocessing")
_SUBSTATUSES = {
    **{substatus.word: substatus for substatus in GroupSubStatus},
    "until_escalating": GroupSubStatus.ARCHIVED_UNTIL_ESCALATING,
    "until_condition_met": GroupSubStatus.ARCHIVED_UNTIL_CONDITION_MET,
    "forever": GroupSubStatus.ARCHIVED_FOREVER,
}
_MAX_WINDOW_MINUTES = 10_080
_MAX_NUMBER = 2**31 - 1
_MAX_MINUTES = 10 * 366 * 24 * 60  # ten years
_REQUIRES_A_USER = "This attribute requires a user."


class StatusDetails(Wish):
    """How to resolve or to archive."""

    inRelease = serializers.CharField(required=False, trim_whitespace=False)
    inReleases = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False), required=False, max_length=MOST_LISTED
    )
    inNextRelease = serializers.BooleanField(required=False)
    inUpcomingRelease = serializers.BooleanField(required=False)
    inCommit = InCommitWish(required=False)
    untilEscalating = serializers.BooleanField(required=False)
    ignoreDuration = serializers.IntegerField(required=False, min_value=0, max_value=_MAX_MINUTES)
    ignoreCount = serializers.IntegerField(required=False, min_value=0, max_value=_MAX_NUMBER)
    ignoreWindow = serializers.IntegerField(required=False, min_value=0, max_value=_MAX_WINDOW_MINUTES)
    ignoreUserCount = serializers.IntegerField(required=False, min_value=0, max_value=_MAX_NUMBER)
    ignoreUserWindow = serializers.IntegerField(required=False, min_value=0, max_value=_MAX_WINDOW_MINUTES)
    snoozeDuration = serializers.IntegerField(required=False, min_value=0, max_value=_MAX_MINUTES)


class IssueChanges(StatusDetails):
    """What to change; what is absent stays. Without `statusDetails` its keys may stand at the top."""

    status = serializers.ChoiceField(required=False, choices=_STATUSES)
    statusDetails = StatusDetails(required=False)
    substatus = serializers.ChoiceField(required=False, allow_null=True, choices=sorted(_SUBSTATUSES))
    assignedTo = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    priority = serializers.ChoiceField(required=False, choices=("low", "medium", "high"))
    hasSeen = serializers.BooleanField(required=False)
    isBookmarked = serializers.BooleanField(required=False)
    isSubscribed = serializers.BooleanField(required=False)
    isPublic = serializers.BooleanField(required=False)
    inbox = serializers.BooleanField(required=False)
    merge = serializers.BooleanField(required=False)
    discard = serializers.BooleanField(required=False)


def is_discard(wish: dict[str, Any]) -> bool:
    """Whether a checked `wish` is to discard, which stands alone. Raises `RuleBroken` for more beside it."""
    if not wish.get("discard"):
        return False
    if wish.keys() - {"discard"}:
        raise RuleBroken({"non_field_errors": ["Other attributes cannot be updated when discarding"]})
    return True


def apply(wish: dict[str, Any], groups: Sequence[Group], organization: Organization, by: User | None) -> dict[str, Any]:
    """Change `groups` as a checked `wish` says and give what was set, as bulk answers show it. Raises `RuleBroken`.

    Everything is checked before anything is changed.
    """
    _refuse_what_is_missing(wish, by)
    until = _until(wish)
    to_assign = "assignedTo" in wish
    assignee = parse_assignee(wish["assignedTo"], organization, by) if to_assign else None
    check_access(assignee, {group.project for group in groups})
    fix = fix_of(wish, groups)
    if wish.get("merge") and len({group.project_id for group in groups}) > 1:
        raise RuleBroken("Merging across multiple projects is not supported")
    if wish.get("isPublic"):
        check_sharing(groups)
    answer: dict[str, Any] = {}
    if "priority" in wish:
        set_priority(groups, PRIORITIES[wish["priority"]], by)
        answer["priority"] = wish["priority"]
    if "status" in wish:
        answer |= _set_status(wish, groups, by, fix, until)
    if to_assign:
        answer |= _assign(groups, assignee, by)
    if by is not None:
        answer |= _mark(wish, groups, by)
    if "isPublic" in wish:
        links = set_public(groups, by, wanted=wish["isPublic"])
        answer |= {"isPublic": wish["isPublic"], "shareId": links[groups[0].pk] if len(groups) == 1 else None}
    if wish.get("merge") and (merged := merge(groups, by)):
        groups = [group for group in groups if group.pk not in merged.children]
        answer["merge"] = {"parent": str(merged.parent), "children": [str(pk) for pk in merged.children]}
        answer |= {"warnings": list(merged.warnings)} if merged.warnings else {}
    if "inbox" in wish:
        answer |= _review(groups, by, waits=wish["inbox"])
    return answer


def _mark(wish: dict[str, Any], groups: Sequence[Group], by: User) -> dict[str, Any]:
    """What the user says about the issues for themselves."""
    answer: dict[str, Any] = {name: wish[name] for name in ("hasSeen", *_OWN) if name in wish}
    if "hasSeen" in wish:
        set_seen(groups, by, wanted=wish["hasSeen"])
    if "isBookmarked" in wish:
        set_bookmarked(groups, by, wanted=wish["isBookmarked"])
    if "isSubscribed" in wish:
        set_subscribed(groups, by, clock.now(), wanted=wish["isSubscribed"])
        answer["subscriptionDetails"] = {"reason": "unknown"}
    return answer


def _set_status(
    wish: dict[str, Any], groups: Sequence[Group], by: User | None, fix: Fix | None, until: Until
) -> dict[str, Any]:
    status = wish["status"]
    if status in ("resolved", "resolvedInNextRelease"):
        resolve(groups, by, fix)
        answer: dict[str, Any] = {
            "status": "resolved",
            "statusDetails": told_of(fix, by),
            "substatus": None,
            "inbox": None,
        }
        if by is not None and len(groups) == 1 and willing({by.pk}):
            answer["assignedTo"] = as_assignee(assignee_of(groups[0]))
        if fix is not None and not isinstance(fix, InCommit) and len(groups) == 1:
            answer["activity"] = as_activities(feed(groups[0]))
        return answer
    if status == "unresolved":
        reopen(groups, by)
        return {"status": "unresolved", "statusDetails": {}, "substatus": _common_substatus(groups)}
    substatus = _how_to_archive(wish, until)
    archive(groups, by, substatus, until=until)
    details: dict[str, Any] = {}
    if substatus == GroupSubStatus.ARCHIVED_UNTIL_ESCALATING:
        details = {"ignoreUntilEscalating": True}
    elif until and (snooze := GroupSnooze.objects.filter(group__in=groups).first()):
        details = {**told(snooze), "actor": actor_of(by)}
    return {"status": "ignored", "statusDetails": details, "substatus": substatus.word, "inbox": None}


def _until(wish: dict[str, Any]) -> Until:
    """What ends an archive that `wish` asks for. Raises `RuleBroken` for a window of nothing, for conditions of an
    archive that knows none, and for an archive until a condition that nobody names."""
    if wish.get("status") not in _ARCHIVED:
        return Until()
    prefix, details = ("statusDetails.", wish["statusDetails"]) if "statusDetails" in wish else ("", wish)
    until = Until(
        details.get("ignoreDuration") or details.get("snoozeDuration"),
        details.get("ignoreCount"),
        details.get("ignoreWindow"),
        details.get("ignoreUserCount"),
        details.get("ignoreUserWindow"),
    )
    if until.is_orphaned:
        name = "ignoreWindow" if until.window and not until.count else "ignoreUserWindow"
        raise RuleBroken({f"{prefix}{name}": ["A window needs a number that it counts up to."]})
    wanted = _SUBSTATUSES.get(wish.get("substatus") or "")
    if until and wanted in (GroupSubStatus.ARCHIVED_FOREVER, GroupSubStatus.ARCHIVED_UNTIL_ESCALATING):
        raise RuleBroken({"substatus": ["Conditions end an archive that is until a condition is met, and no other."]})
    if not until and wanted is GroupSubStatus.ARCHIVED_UNTIL_CONDITION_MET:
        raise RuleBroken({"substatus": ["Which condition ends the archive is missing."]})
    return until


def _how_to_archive(wish: dict[str, Any], until: Until) -> GroupSubStatus:
    if until:
        return GroupSubStatus.ARCHIVED_UNTIL_CONDITION_MET
    wanted = _SUBSTATUSES.get(wish.get("substatus") or "")
    if wanted in (GroupSubStatus.ARCHIVED_UNTIL_ESCALATING, GroupSubStatus.ARCHIVED_FOREVER):
        return wanted
    escalating = wish.get("statusDetails", wish).get("untilEscalating")
    return GroupSubStatus.ARCHIVED_UNTIL_ESCALATING if escalating else GroupSubStatus.ARCHIVED_FOREVER


def _common_substatus(groups: Sequence[Group]) -> str | None:
    found = {group.substatus_word for group in groups}
    return found.pop() if len(found) == 1 else None


def _review(groups: Sequence[Group], by: User | None, *, waits: bool) -> dict[str, Any]:
    if waits:
        inbox.put_in(groups)
    else:
        inbox.review(groups, by)
    return {"inbox": waits}


def _assign(groups: Sequence[Group], assignee: Assignee | None, by: User | None) -> dict[str, Any]:
    assign(groups, assignee, by)
    return {"assignedTo": as_assignee(assignee)}


def _refuse_what_is_missing(wish: dict[str, Any], by: User | None) -> None:
    """Raise `RuleBroken` for what cannot be done, by the field that asks for it."""
    errors: dict[str, list[str]] = {}
    if wish.get("status") == "reprocessing":
        errors["status"] = ["Setting the status 'reprocessing' is not supported."]
    for field in _OWN:
        if field in wish and by is None:
            errors[field] = [_REQUIRES_A_USER]
    if errors:
        raise RuleBroken(errors)
