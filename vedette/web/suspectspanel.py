"""Suspect commits on the issue page, and the people whom the choice of assignees suggests because of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vedette.accounts.models import User
from vedette.issues.assignees import Assignee, of_user
from vedette.issues.models import Group
from vedette.shipping.suspects import NothingToSuspect, Suspect, suggested, suspects_of
from vedette.web.releasecommits import CommitLine, lines_of
from vedette.web.text import visible

MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class SuspectLine:
    """A commit that may have caused the issue. `filename` is what it changed; `version` the release that brought it;
    `who` its author, where a member has proven to be that."""

    line: CommitLine
    filename: str
    version: str
    who: Assignee | None


def load_suspects(group: Group, payload: object) -> list[SuspectLine]:
    """The likeliest commits, as the JSON of an event tells; none where nobody told of any."""
    found = _suspects(group, payload)[:MOST_SHOWN]
    if not found:
        return []
    people = _people([one.user_id for one in found if one.user_id])
    lines = lines_of([one.commit for one in found], group.project.organization_id)
    return [
        SuspectLine(line, visible(one.match.filename), one.release.version, people.get(one.user_id or 0))
        for one, line in zip(found, lines, strict=True)
    ]


def suggested_among(choices: Sequence[Assignee], group: Group, payload: object) -> list[Assignee]:
    """Those of `choices` who probably caused the issue, as the JSON of an event tells, the likeliest first."""
    by_key = {who.key: who for who in choices}
    return [by_key[key] for pk in suggested(_suspects(group, payload)) if (key := f"user:{pk}") in by_key]


def _suspects(group: Group, payload: object) -> list[Suspect]:
    try:
        return suspects_of(group, payload)
    except NothingToSuspect:
        return []


def _people(ids: Sequence[int]) -> dict[int, Assignee]:
    return {user.pk: of_user(user) for user in User.objects.filter(pk__in=ids)}
