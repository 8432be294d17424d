"""Who may have caused an event: the commits that changed what it stumbled over, by their authors.

Source: the issue workflow specification, section 13.
"""

from collections.abc import Sequence
from typing import Any, TypedDict

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.errors import NothingThere
from vedette.api.events import EventOfProject
from vedette.api.operations import PROJECT_READ, Operation, Parameter, operation
from vedette.api.shapes.commits import CommitShape, as_commits
from vedette.api.shapes.events import payload_of
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.issues.lookup import visible_groups
from vedette.shipping.suspectpaths import MOST_FRAMES
from vedette.shipping.suspects import NothingToSuspect, Suspect, suspects_of

VIA_RELEASE = "via commit in release"
MOST_ASKED = 100
FRAME_LIMIT = Parameter("frameLimit", "How many frames, the nearest to the crash first, are looked at; 25 unless told.")


class SuspectShape(CommitShape):
    """A commit, and how many trailing parts of the changed file's path are those of the frame's."""

    score: int


class Committer(TypedDict):
    """Somebody whose commits are suspected. `author` is a member, or a name and an address, or empty."""

    author: dict[str, Any]
    commits: list[SuspectShape]


class Committers(TypedDict):
    """Who may have caused an event, the likeliest first."""

    committers: list[Committer]


class EventCommitters(EventOfProject):
    """Who may have caused an event."""

    @operation(Operation("listEventCommitters", PROJECT_READ, query=(FRAME_LIMIT,), answers=Committers))
    def get(self, request: Request) -> Response:
        """The commits of the release in which the event's issue began, and of up to four before it, that changed files
        of its frames; by author, the likeliest first.

        Not found, with the reason, where there is no issue, no release, or nobody told of commits.
        """
        limit = frame_limit(request.query_params.get("frameLimit"))
        try:
            stored = self.find()
        except NotFound:
            raise NothingThere("Event not found") from None
        group = visible_groups(self.access).filter(pk=stored.summary.group_id or 0).first()
        if group is None:
            raise NothingThere("Issue not found")
        try:
            suspects = suspects_of(group, payload_of(stored), limit)
        except NothingToSuspect as missing:
            raise NothingThere(str(missing)) from None
        return Response(Committers(committers=by_author(suspects)))


def frame_limit(text: str | None) -> int:
    """How many frames to look at. Raises `RuleBroken`."""
    number = MOST_FRAMES if text is None else as_id(text)
    if not number or number > MOST_ASKED:
        raise RuleBroken(f"frameLimit must be between 1 and {MOST_ASKED}")
    return number


def by_author(suspects: Sequence[Suspect]) -> list[Committer]:
    """The suspects, in their order, under their authors; commits of nobody each stand alone."""
    found: dict[int, Committer] = {}
    shapes = as_commits([one.commit for one in suspects])
    for one, shape in zip(suspects, shapes, strict=True):
        told: SuspectShape = {**shape, "suspectCommitType": VIA_RELEASE, "score": one.score}
        author = one.commit.author_id or -one.commit.pk
        found.setdefault(author, Committer(author=shape["author"], commits=[]))["commits"].append(told)
    return list(found.values())
