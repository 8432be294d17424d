"""Grouping: why an event is in its issue, and what other rules would do."""

from typing import Any, NotRequired, TypedDict

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.bodies import Wish, read
from vedette.api.endpoint import ProjectEndpoint
from vedette.api.events import EventOfProject
from vedette.api.operations import PROJECT_READ, PROJECT_WRITE, Operation, operation
from vedette.core import clock
from vedette.digest.explanation import Explanation, explain
from vedette.digest.preview import Target
from vedette.digest.simulation import MOST_EVENTS, Change, Simulated, simulate
from vedette.events.connection import event_store
from vedette.grouping.components import as_tree
from vedette.grouping.result import Variant


class GroupingConfigName(TypedDict):
    """A configuration of grouping."""

    id: str


class GroupingVariant(TypedDict):
    """One way in which an event was or was not grouped. `component` is a tree: id, contributes, hint, values."""

    key: str
    type: str
    hash: str | None
    hashMismatch: bool
    description: str
    contributes: bool
    hint: str | None
    component: dict[str, Any]
    config: GroupingConfigName
    values: NotRequired[list[str]]
    client_values: NotRequired[list[str]]
    matched_rule: NotRequired[str | None]


_TYPES = {"custom": "custom-fingerprint", "checksum": "checksum", "fallback": "fallback"}
_DESCRIPTIONS = {
    "custom": "custom fingerprint",
    "checksum": "checksum of the client",
    "fallback": "nothing to group by",
    "app": "in-app",
    "system": "all frames",
    "default": "",
}


class EventGroupingInfo(EventOfProject):
    """Why an event is in its issue."""

    @operation(Operation("getProjectEventGroupingInfo", PROJECT_READ, answers=dict[str, GroupingVariant]))
    def get(self, request: Request) -> Response:
        """Each way to group the event: whether it counts, why or why not, its hash.

        `hashMismatch` marks a hash that differs from the one stored with the event.
        """
        stored = self.find()
        told = explain(self.project, stored.payload, dict(stored.summary.tags))
        variants = told.grouping.variants if told.grouping is not None else ()
        return Response({one.name: _variant(one, told) for one in variants})


def _variant(variant: Variant, told: Explanation) -> GroupingVariant:
    grouping = told.grouping
    is_hybrid = grouping is not None and grouping.kind == "hybrid"
    shape: GroupingVariant = {
        "key": variant.name,
        "type": _TYPES.get(variant.name, "salted-component" if is_hybrid else "component"),
        "hash": variant.hash,
        "hashMismatch": variant.hash is not None and variant.hash not in told.stored.values(),
        "description": " ".join(filter(None, (_DESCRIPTIONS.get(variant.name), variant.component.id))),
        "contributes": variant.hash is not None,
        "hint": variant.hint or variant.component.hint,
        "component": as_tree(variant.component),
        "config": {"id": told.config.id},
    }
    if grouping is not None and (is_hybrid or variant.name == "custom"):
        shape["values"] = list(grouping.fingerprint)
        shape["client_values"] = list(grouping.client_fingerprint)
        shape["matched_rule"] = grouping.rule.text if grouping.rule else None
    return shape


class PreviewWish(Wish):
    """Rules to try; what is absent stays as it is. `events`: how many of the newest events to look at."""

    fingerprintingRules = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    groupingEnhancements = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    groupingConfig = serializers.CharField(required=False)
    events = serializers.IntegerField(required=False, min_value=1, max_value=MOST_EVENTS, default=100)


class PreviewIssue(TypedDict):
    """An issue, or one that would be made: then it has no id, and a number that is good for this answer only."""

    id: str | None
    number: int | None
    shortId: str | None
    title: str
    events: NotRequired[int]


class PreviewMerge(TypedDict):
    """Issues whose next events would come together."""

    target: PreviewIssue
    sources: list[PreviewIssue]


class PreviewSplit(TypedDict):
    """An issue whose next events would part."""

    issue: PreviewIssue
    parts: list[PreviewIssue]


class PreviewShape(TypedDict):
    """What a change would do. `renewed` issues would go on as new ones, alone and whole."""

    examined: int
    unreadable: int
    changed: int
    wasCut: bool
    merges: list[PreviewMerge]
    splits: list[PreviewSplit]
    renewed: list[PreviewIssue]


class GroupingPreview(ProjectEndpoint):
    """What other rules would do."""

    tag = "Projects"

    @operation(Operation("previewGrouping", PROJECT_WRITE, takes=PreviewWish, answers=PreviewShape))
    def post(self, request: Request) -> Response:
        """Which issues would merge or split under other rules, by the project's newest events.

        Nothing is changed. A change of rules takes hold for new events only: what is told is where events like these
        would go.
        """
        wish = read(PreviewWish, request.data)
        change = Change(wish.get("fingerprintingRules"), wish.get("groupingEnhancements"), wish.get("groupingConfig"))
        found = simulate(event_store(), self.project, change, wish["events"], clock.now())
        preview = found.preview
        return Response(
            PreviewShape(
                examined=preview.examined,
                unreadable=preview.unreadable,
                changed=preview.changed,
                wasCut=found.was_cut,
                merges=[
                    {
                        "target": _target(one.target, found),
                        "sources": [_issue(group, found, count) for group, count in one.sources],
                    }
                    for one in preview.merges
                ],
                splits=[
                    {
                        "issue": _issue(one.group_id, found, sum(count for _, count in one.parts)),
                        "parts": [{**_target(target, found), "events": count} for target, count in one.parts],
                    }
                    for one in preview.splits
                ],
                renewed=[_issue(group, found, count) for group, count in preview.renewed],
            )
        )


def _issue(group_id: int, found: Simulated, events: int) -> PreviewIssue:
    return {**_target(Target(group_id), found), "events": events}


def _target(target: Target, found: Simulated) -> PreviewIssue:
    group = found.issues.get(target.group_id or 0)
    return {
        "id": None if target.group_id is None else str(target.group_id),
        "number": target.number or None,
        "shortId": group.qualified_short_id if group else None,
        "title": group.title if group else target.title,
    }
