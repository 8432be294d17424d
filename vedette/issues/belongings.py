"""The rows that hang on an issue, moved to another one when the two are merged. What both have stays the other's.

Source: the issue workflow specification, section 9 with its [V].
"""

from django.db import transaction
from django.db.models import Model

from vedette.core import sql
from vedette.core.pieces import PIECE
from vedette.issues.models import (
    Activity,
    EventAttachment,
    Group,
    GroupAssignee,
    GroupBookmark,
    GroupLink,
    GroupOwner,
    GroupSeen,
    GroupSubscription,
    UserReport,
)

_FREE: tuple[type[Model], ...] = (Activity, EventAttachment, UserReport, GroupOwner)
# What may be there already, and by which column (with the issue).
_UNIQUE: tuple[tuple[type[Model], tuple[str, ...]], ...] = (
    (GroupAssignee, ()),
    (GroupSubscription, ("user_id",)),
    (GroupBookmark, ("user_id",)),
    (GroupSeen, ("user_id",)),
    (GroupLink, ("linked_type", "linked_id")),
)
# First seen in either, last seen in either; the child's rows go with it.
_ENVIRONMENTS = """
INSERT INTO issues_groupenvironment (group_id, environment_id, first_release_id, first_seen)
SELECT %s, environment_id, first_release_id, first_seen FROM issues_groupenvironment WHERE group_id = %s
ON CONFLICT (group_id, environment_id) DO UPDATE SET
first_seen = {least}(issues_groupenvironment.first_seen, excluded.first_seen)
"""
_RELEASES = """
INSERT INTO issues_grouprelease (project_id, group_id, release_id, environment, first_seen, last_seen)
SELECT project_id, %s, release_id, environment, first_seen, last_seen FROM issues_grouprelease WHERE group_id = %s
ON CONFLICT (group_id, release_id, environment) DO UPDATE SET
first_seen = {least}(issues_grouprelease.first_seen, excluded.first_seen),
last_seen = {greatest}(issues_grouprelease.last_seen, excluded.last_seen)
"""


def move_rows(child_id: int, parent: Group) -> None:
    """Move the rows of an issue to `parent`, a thousand in a transaction. Safe to interrupt and to repeat."""
    for model in _FREE:
        rows = model._default_manager.filter(group_id=child_id).order_by("pk")
        while ids := list(rows.values_list("pk", flat=True)[:PIECE]):
            model._default_manager.filter(pk__in=ids).update(group_id=parent.pk)
    for model, key in _UNIQUE:
        _move_unique(model, key, child_id, parent.pk)
    for statement in (_ENVIRONMENTS, _RELEASES):
        sql.run(statement.format(least=sql.least(), greatest=sql.greatest()), [parent.pk, child_id])


def _move_unique(model: type[Model], key: tuple[str, ...], child_id: int, parent_id: int) -> None:
    """What the parent has already wins, and the child's row goes with the child."""
    rows = model._default_manager.filter(group_id=child_id).order_by("pk")
    with transaction.atomic():
        there = set(model._default_manager.filter(group_id=parent_id).values_list(*key)) if key else set()
        if not key and model._default_manager.filter(group_id=parent_id).exists():
            return
        columns = list(rows.values_list("pk", *key))
        ids = [pk for pk, *values in columns if tuple(values) not in there]
        for start in range(0, len(ids), PIECE):
            model._default_manager.filter(pk__in=ids[start : start + PIECE]).update(group_id=parent_id)
