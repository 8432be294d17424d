"""Suspect commits: what a release brought that may have broken what an event tells of, and who wrote it.

Asked for when somebody looks, so it is never older than what is known of the commits. Looks at the release in which
the issue began and at up to four before it, at their newest commits, and at the files that are called like a file of
the event's frames: a few bounded queries, whatever pipelines have sent.

Source: the issue workflow specification, section 13 ("By releases") with its [V].
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Q

from vedette.core.errors import RuleBroken
from vedette.core.pieces import pieces
from vedette.issues.models import Group, GroupRelease
from vedette.releases.models import Commit, CommitFileChange, Release, ReleaseCommit, ReleaseProject
from vedette.shipping.grouplinks import members_of
from vedette.shipping.suspectpaths import MOST_FRAMES, FrameFile, Match, frames_of, match

EARLIER_RELEASES = 4
AMONG_RELEASES = 100
MOST_COMMITS = 2000
MOST_FILES = 10_000
MOST_LOOKED_AT = 25_000  # changed files of a thousand commits
MOST_SUSPECTS = 20
SURE = 2  # trailing parts of a path: one may be a coincidence
MOST_SUGGESTED = 2


class NothingToSuspect(RuleBroken):
    """No commit can be suspected; says what is missing."""

    code = "nothing-to-suspect"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A commit (with its repository and author), why it is one, and the release that brought it. `user_id` is the
    member who wrote it, if one has proven to be that."""

    commit: Commit
    match: Match
    release: Release
    user_id: int | None

    @property
    def score(self) -> int:
        """How many trailing parts of the paths are the same."""
        return self.match.score

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return next(iter((self.commit.message or "").strip().splitlines()), "")


def suspects_of(group: Group, payload: object, frame_limit: int = MOST_FRAMES) -> list[Suspect]:
    """The commits that may have caused `group`, as the JSON of an event tells: the likeliest first, at most twenty.

    Raises `NothingToSuspect` if the issue began in no release, or nobody told of commits of that or those before it.
    """
    first = _first_release(group)
    if first is None:
        raise NothingToSuspect("Release not found")
    releases = _releases(group.project_id, first)
    brought = _commits(releases)
    if not brought:
        raise NothingToSuspect("No Commits found for Release")
    frames = frames_of(payload, frame_limit)
    matches = match(frames, _changes(frames, brought)) if frames else {}
    return _ranked(group, matches, brought, {release.pk: release for release in releases})


def suggested(suspects: Sequence[Suspect]) -> list[int]:
    """The members whom to ask: at most two, those of the likeliest commits first, and nobody by a coincidence."""
    users = [one.user_id for one in suspects if one.user_id and one.score >= SURE]
    return list(dict.fromkeys(users))[:MOST_SUGGESTED]


def _first_release(group: Group) -> Release | None:
    if group.first_release is not None:
        return group.first_release
    seen = GroupRelease.objects.filter(group=group).select_related("release").order_by("first_seen", "pk").first()
    return seen.release if seen else None


def _releases(project_id: int, first: Release) -> list[Release]:
    """The release, and those of the project before it, newest first."""
    links = ReleaseProject.objects.filter(project_id=project_id, release_id__lte=first.pk)
    recent = list(links.order_by("-release_id").values_list("release_id", flat=True)[:AMONG_RELEASES])
    at = first.date_released or first.date_added
    earlier = Release.objects.filter(pk__in=recent, sort_date__lte=at).exclude(pk=first.pk)
    return [first, *earlier.order_by("-sort_date", "-pk")[:EARLIER_RELEASES]]


def _commits(releases: Sequence[Release]) -> dict[int, int]:
    """The newest commits of the releases, and for each the release that brought it, which is the oldest."""
    place = {release.pk: number for number, release in enumerate(releases)}
    links = ReleaseCommit.objects.filter(release__in=releases).order_by("order", "pk")
    found: dict[int, int] = {}
    for commit, release in links.values_list("commit_id", "release_id")[:MOST_COMMITS]:
        if commit not in found or place[release] > place[found[commit]]:
            found[commit] = release
    return found


def _changes(frames: Sequence[FrameFile], commits: Collection[int]) -> list[tuple[int, str]]:
    """What the commits changed that is called like a file of the frames."""
    names = sorted({path[-1] for frame in frames for path in frame.paths})
    called = reduce(or_, (Q(filename__iendswith=name) for name in names))
    found: list[tuple[int, str]] = []
    for some in pieces(commits):
        told = CommitFileChange.objects.filter(commit__in=some).order_by("-commit_id", "-filename")
        looked_at = told.values("pk")[:MOST_LOOKED_AT]  # comparing names takes longest
        rows = CommitFileChange.objects.filter(called, pk__in=looked_at).order_by("-commit_id", "pk")
        found += rows.values_list("commit_id", "filename")[: MOST_FILES - len(found)]
        if len(found) == MOST_FILES:
            break
    return found


def _ranked(
    group: Group, matches: Mapping[int, Match], brought: Mapping[int, int], releases: Mapping[int, Release]
) -> list[Suspect]:
    """By score, then by the nearness of the frame, then the newest commit."""
    ages = Commit.objects.filter(pk__in=list(matches)).values_list("pk", "date_added")
    best = sorted(ages, key=lambda row: (*matches[row[0]].rank, -row[1].timestamp(), -row[0]))[:MOST_SUSPECTS]
    rows = Commit.objects.select_related("repository", "author").in_bulk([pk for pk, _ in best])
    commits = [rows[pk] for pk, _ in best if pk in rows]
    members = members_of(group.project.organization_id, {row.author_id for row in commits})
    return [
        Suspect(
            row,
            matches[row.pk],
            releases[brought[row.pk]],
            next(iter(members.get(row.author_id or 0, [])), None),
        )
        for row in commits
    ]
