"""What the gate counts and measures, with rows of every kind."""

from datetime import timedelta

import pytest

from tests.support.factories import a_project, a_release
from vedette.core import clock
from vedette.events.client import StoreUnavailable
from vedette.issues.models import (
    Group,
    GroupEnvironment,
    GroupHistory,
    GroupLink,
    GroupRelease,
    GroupResolution,
    GroupResolutionRelease,
    GroupStatus,
    HistoryStatus,
    LinkedType,
    LinkRelationship,
    ResolutionType,
)
from vedette.projects.models import Environment
from vedette.releases.gate import Bounds
from vedette.releases.models import Commit, ReleaseEnvironment, Repository
from vedette.shipping.gate import Subject, hold_against, new_issues, regressed

pytestmark = pytest.mark.django_db
NOW = clock.now()
ISSUES = Bounds(max_new_issues=0, max_regressed_issues=0)


class _Away:
    """An event store that does not answer."""

    def rows(self, *_):
        raise StoreUnavailable("away")


@pytest.fixture
def web():
    return a_project()


@pytest.fixture
def release(web):
    return a_release("web@1.2.0", web)


@pytest.fixture
def issue(web, release):
    """Makes an issue that was first seen in the release."""

    def make(**fields):
        number = web.groups.count() + 1
        return web.groups.create(short_id=number, title=f"Bad {number}", **{"first_release": release, **fields})

    return make


@pytest.fixture
def gate(web, release):
    """`gate()` counts everywhere, `gate("production")` there."""

    def check(*environments, bounds=ISSUES, store=None):
        return hold_against(store or _Away(), Subject(release, (web,), environments), bounds, NOW)

    return check


def counts(verdict):
    return {check.name: check.measured for check in verdict.checks}


def put(release, name):
    return Environment.objects.get_or_create(organization_id=release.organization_id, name=name)[0]


def resolve(group, release=None, **fields):
    Group.objects.filter(pk=group.pk).update(status=GroupStatus.RESOLVED, resolved_at=NOW)
    if release is not None:
        GroupResolution.objects.create(group=group, release=release, **fields)


def come_back(group, release):
    GroupHistory.objects.create(
        organization_id=release.organization_id,
        project=group.project,
        group=group,
        release=release,
        status=HistoryStatus.REGRESSED,
    )


def test_issues_that_began_in_the_release_are_new(gate, issue, web, release):
    mine = issue()
    issue(first_release=a_release("web@1.1.0", web))
    issue(first_release=None)
    a_project(release.organization, "other").groups.create(short_id=1, first_release=release)

    verdict = gate()

    assert counts(verdict) == {"new-issues": 1, "regressed-issues": 0}
    assert verdict.findings[0].issues == (mine,)


def test_an_issue_is_new_where_an_environment_first_saw_it_in_the_release(gate, issue, web, release):
    known = issue(first_release=a_release("web@1.1.0", web))
    elsewhere = issue()
    for group, name in ((known, "production"), (elsewhere, "staging")):
        GroupEnvironment.objects.create(group=group, environment=put(release, name), first_release=release)

    assert gate("production").findings[0].issues == (known,)
    assert gate("staging").findings[0].issues == (elsewhere,)
    assert counts(gate("production", "staging"))["new-issues"] == 2


def test_issues_that_the_release_brought_back_are_counted_where_it_did(gate, issue, web, release):
    old = a_release("web@1.1.0", web)
    back, earlier = issue(first_release=old), issue(first_release=old)
    come_back(back, release)
    come_back(earlier, old)
    put(release, "staging")
    GroupRelease.objects.create(
        project_id=web.pk,
        group=back,
        release=release,
        environment=put(release, "production").name,
        first_seen=NOW,
        last_seen=NOW,
    )

    assert gate().findings[1].issues == (back,)
    assert gate("production").findings[1].issues == (back,)
    assert counts(gate("staging"))["regressed-issues"] == 0


def test_what_is_settled_does_not_count_and_is_told(gate, issue, web, release):
    issue(status=GroupStatus.IGNORED)
    resolve(issue())
    resolve(issue(), release)
    elsewhere = issue()
    resolve(elsewhere, a_release("web@2.0.1", web))
    GroupResolutionRelease.objects.create(resolution=elsewhere.resolution, release=release)

    check = gate().checks[0]

    assert (check.measured, check.passed) == (0, True)
    assert "Not counted: 1 archived and 3 resolved." in check.reason


def test_what_only_another_release_fixes_is_still_there(gate, issue, web, release):
    later = a_release("web@1.3.0", web)
    resolve(issue(), later)
    resolve(issue(), release, type=ResolutionType.IN_NEXT_RELEASE)
    resolve(issue(), release, current_release_version=release.version)
    unshipped = issue()
    resolve(unshipped)
    repository = Repository.objects.create(organization=release.organization, name="acme/web")
    commit = Commit.objects.create(organization=release.organization, repository=repository, key="f" * 40)
    GroupLink.objects.create(
        project=web,
        group=unshipped,
        linked_type=LinkedType.COMMIT,
        linked_id=commit.pk,
        relationship=LinkRelationship.RESOLVES,
    )

    assert counts(gate())["new-issues"] == 4


@pytest.mark.parametrize("status", [GroupStatus.PENDING_DELETION, GroupStatus.DELETION_IN_PROGRESS])
def test_issues_that_are_being_deleted_are_not_there(issue, web, release, status):
    come_back(issue(status=status), release)
    subject = Subject(release, (web,))

    assert (new_issues(subject).count(), regressed(subject).count()) == (0, 0)


def test_the_ten_newest_are_named(gate, issue):
    made = [issue() for _ in range(12)]

    verdict = gate()

    assert counts(verdict)["new-issues"] == 12
    assert verdict.findings[0].issues == tuple(made[:1:-1])


def test_an_environment_that_nobody_knows_passes_nothing(gate, issue):
    issue()

    verdict = gate("prodution")

    assert [(check.measured, check.passed, check.can_recover) for check in verdict.checks] == [(None, False, True)] * 2
    assert verdict.checks[0].reason == "Nothing has ever been told of the environment prodution."


def test_a_release_that_nothing_has_arrived_of_says_so(gate, release):
    before = gate()
    ReleaseEnvironment.objects.create(
        organization_id=release.organization_id,
        release=release,
        environment=put(release, "production"),
        first_seen=NOW - timedelta(hours=1),
        last_seen=NOW,
    )

    assert (before.observed, before.checks[0].passed) == (False, True)
    assert before.checks[0].reason.endswith("No event and no session of the release has arrived yet.")
    assert gate().observed
    assert gate("production").observed


@pytest.mark.parametrize("bound", ["min_crash_free_sessions", "min_crash_free_users", "min_adoption"])
def test_sessions_that_cannot_be_asked_for_are_not_taken_for_none(gate, bound):
    with pytest.raises(StoreUnavailable):
        gate(bounds=Bounds(**{bound: 1.0}))


def test_a_release_of_no_project_has_nothing_to_measure(release):
    verdict = hold_against(_Away(), Subject(release, ()), Bounds(0, 0, 1, 1, 1), NOW)

    assert [check.passed for check in verdict.checks] == [True, True, False, False, False]
