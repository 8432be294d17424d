"""Deleting repositories that were given up: their commits and pull requests, and what releases and issues say of them.

In pieces, each whole: what was done stays done, and a release never counts commits that are gone.
"""

from collections.abc import Collection

from django.db import transaction

from vedette.core.pieces import pieces
from vedette.issues.models import GroupLink, LinkedType
from vedette.releases.models import Commit, PullRequest, Release, ReleaseCommit, Repository, RepositoryStatus


def delete_given_up_repositories() -> int:
    """Delete what `hosting.give_up` left; of how many repositories nothing is left now."""
    rows = Repository.objects.filter(status=RepositoryStatus.PENDING_DELETION)
    return sum(_delete(pk) for pk in list(rows.order_by("pk").values_list("pk", flat=True)))


def _delete(repository_id: int) -> int:
    requests = PullRequest.objects.filter(repository=repository_id).values_list("pk", flat=True)
    for some in pieces(requests):
        with transaction.atomic():
            GroupLink.objects.filter(linked_type=LinkedType.PULL_REQUEST, linked_id__in=some).delete()
            PullRequest.objects.filter(pk__in=some).delete()
    for some in pieces(Commit.objects.filter(repository=repository_id).values_list("pk", flat=True), 500):
        _delete_commits(some)
    return Repository.objects.filter(pk=repository_id).delete()[0] and 1


def _delete_commits(commits: Collection[int]) -> None:
    with transaction.atomic():
        links = ReleaseCommit.objects.filter(commit__in=commits)
        releases = list(links.order_by("release_id").values_list("release_id", flat=True).distinct())
        GroupLink.objects.filter(linked_type=LinkedType.COMMIT, linked_id__in=commits).delete()
        Commit.objects.filter(pk__in=commits).delete()
        for release_id in releases:
            _count_again(release_id)


def _count_again(release_id: int) -> None:
    """Write down on a release which commits it still has."""
    links = ReleaseCommit.objects.filter(release=release_id).order_by("order")
    left = list(links.values_list("commit_id", "commit__author_id"))
    authors = dict.fromkeys(str(author) for _, author in left if author)
    Release.objects.filter(pk=release_id).update(
        commit_count=len(left), last_commit_id=left[0][0] if left else None, authors=list(authors)
    )
