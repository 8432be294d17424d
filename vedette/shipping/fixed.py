"""Which issues a release fixes.

Source: the release specification, 15.5, and the issue workflow specification, 5.4.
"""

from vedette.issues.models import GroupLink, GroupResolution, GroupResolutionRelease, LinkedType
from vedette.releases.models import PullRequest, Release, ReleaseCommit


def fixed_in(release: Release) -> set[int]:
    """The ids of the issues that are resolved in `release` (perhaps among others), or linked to one of its commits, or
    to a pull request that one of them merged; whoever may see them."""
    found = set(GroupResolution.objects.filter(release=release).values_list("group_id", flat=True))
    listed = GroupResolutionRelease.objects.filter(release=release)
    found.update(listed.values_list("resolution__group_id", flat=True))
    commits = ReleaseCommit.objects.filter(release=release)
    merged = PullRequest.objects.filter(
        organization_id=release.organization_id, merge_commit_sha__in=commits.values("commit__key")
    )
    by_commit = GroupLink.objects.filter(linked_type=LinkedType.COMMIT, linked_id__in=commits.values("commit_id"))
    by_request = GroupLink.objects.filter(linked_type=LinkedType.PULL_REQUEST, linked_id__in=merged.values("pk"))
    for links in (by_commit, by_request):
        found.update(links.values_list("group_id", flat=True))
    return found
