"""Why an event of a release brings an issue back, or does not.

Source: the issue workflow specification, 6.2 and 17.3; for people: docs/resolutions.md.
"""

from typing import TypedDict

from rest_framework.request import Request
from rest_framework.response import Response

from vedette.api.endpoint import IssueEndpoint
from vedette.api.operations import EVENT_READ, Operation, Parameter, operation
from vedette.api.shapes.commits import CommitShape, as_commits
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.issues.models import GroupResolution
from vedette.issues.regressions import Explanation, explain
from vedette.issues.resolve import listed_versions
from vedette.releases import versions
from vedette.releases.models import Commit, Release

RELEASE = Parameter("release", "The version of the event; absent or empty is an event that names none.")
_REASONS = {
    1: "It is resolved and tied to no release: any event brings it back.",
    2: "An event without a release says nothing about a resolution that is tied to one.",
    3: "The version is compared with the one that was current when the issue was resolved.",
    4: "The release's date is compared with that of the one that was current when the issue was resolved.",
    5: "The release's date is compared with that of the one after which the issue is fixed.",
    6: "It is the release in which the issue is said to be fixed.",
    7: "The version is compared with the one in which the issue is fixed.",
    8: "The release's date is compared with that of the one in which the issue is fixed.",
}
_SEVERAL = "It is fixed in several releases, of which {} is that of the event's line, or the nearest to it."
_UNSHIPPED = "The commit that resolves it is in no release yet."
_NOT_RESOLVED = "It is not resolved."


class CheckedResolution(TypedDict):
    """What an issue's resolution is tied to. `releases` are all of them; more than one where each line has its own."""

    release: str
    type: str
    status: str
    currentReleaseVersion: str | None
    releases: list[str]


class RegressionCheck(TypedDict):
    """Whether an event brings the issue back.

    `row` is the rule that decides, by the number of its row in docs/resolutions.md; null where none is asked.
    `comparedWith` is the version that decides, where the issue is fixed in several releases.
    `releaseExists` is false for a version that is not there yet: it counts as younger than any.
    """

    regresses: bool
    row: int | None
    reason: str
    comparedWith: str | None
    release: str | None
    releaseExists: bool
    followsSemver: bool
    status: str
    resolution: CheckedResolution | None
    commit: CommitShape | None


class IssueRegressionCheck(IssueEndpoint):
    """What an event of a release would do to an issue."""

    tag = "Issues"

    @operation(Operation("checkIssueRegression", EVENT_READ, query=(RELEASE,), answers=RegressionCheck))
    def get(self, request: Request) -> Response:
        """Whether an event of a release that happens now would bring the issue back, and the rule that decides.

        Nothing is changed. Not in Sentry.
        """
        version = request.query_params.get("release", "")
        if version and not versions.is_valid(version):
            raise RuleBroken({"release": ["This is no version of a release."]})
        release = Release.objects.filter(organization=self.organization, version=version).first() if version else None
        found = explain(self.group, release, version, clock.now())
        return Response(
            RegressionCheck(
                regresses=found.regresses,
                row=found.row,
                reason=_reason(found),
                comparedWith=found.line,
                release=version or None,
                releaseExists=release is not None,
                followsSemver=found.follows_semver,
                status=self.group.status_word,
                resolution=self.resolution(),
                commit=_commit(found.commit_id),
            )
        )

    def resolution(self) -> CheckedResolution | None:
        """What the issue's resolution is tied to."""
        row = GroupResolution.objects.filter(group=self.group).select_related("release").first()
        if row is None:
            return None
        return {
            "release": row.release.version,
            "type": "in_release" if row.type == 0 else "in_next_release",
            "status": "resolved" if row.status else "pending",
            "currentReleaseVersion": row.current_release_version,
            "releases": listed_versions([row]).get(row.pk, [row.release.version]),
        }


def _reason(found: Explanation) -> str:
    if found.row is not None:
        return (f"{_SEVERAL.format(found.line)} " if found.line else "") + _REASONS[found.row]
    return _UNSHIPPED if found.commit_id is not None else _NOT_RESOLVED


def _commit(commit_id: int | None) -> CommitShape | None:
    commits = Commit.objects.filter(pk=commit_id).select_related("repository", "author") if commit_id else []
    return next(iter(as_commits(list(commits))), None)
