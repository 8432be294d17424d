"""Resolving in a release, in the next one, by a commit; and what events do then. On the real database.

The cases are those of the issue workflow specification, 5 and 6.3.
"""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tests.support.factories import NOON, a_member, a_project, an_event, an_organization
from vedette.accounts import options as accounts_options
from vedette.issues.actions import archive, reopen
from vedette.issues.lookup import feed
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupAssignee,
    GroupHistory,
    GroupLink,
    GroupResolution,
    GroupResolutionRelease,
    GroupStatus,
    GroupSubscription,
    HistoryStatus,
    LinkedType,
    LinkRelationship,
    ResolutionStatus,
    ResolutionType,
)
from vedette.issues.pending import settle
from vedette.issues.regressions import explain
from vedette.issues.resolve import InCommit, InNextRelease, InRelease, InReleases, resolve
from vedette.issues.undo import remember, restore_status
from vedette.projects import options
from vedette.projects.options import set_option
from vedette.releases import versions
from vedette.releases.latest import newest_release
from vedette.releases.models import (
    Commit,
    PullRequest,
    PullRequestCommit,
    Release,
    ReleaseCommit,
    ReleaseProject,
    Repository,
)

pytestmark = pytest.mark.django_db
THEN = NOON + timedelta(hours=1)
LATER = NOON + timedelta(hours=2)


@pytest.fixture
def ann(project):
    return a_member(project.organization, name="Ann")


@pytest.fixture
def ship(project):
    """A release of the project, so many hours after noon."""

    def _ship(version, hours=0, *, links=True):
        release = Release.objects.create(
            organization=project.organization,
            version=version,
            date_added=NOON + timedelta(hours=hours),
            **versions.semver_columns(version),
        )
        if links:
            ReleaseProject.objects.create(project=project, release=release)
            settle([(project.pk, release.pk)])
        return release

    return _ship


@pytest.fixture
def issue(project, take):
    """An issue that was seen in this release (none without one) at noon."""

    def _issue(version=""):
        [pk] = take(an_event(project, release=version))
        return Group.objects.select_related("project").get(pk=pk)

    return _issue


@pytest.fixture
def a_commit(project):
    def _commit(key="a" * 40):
        repository, _ = Repository.objects.get_or_create(organization=project.organization, name="acme/web")
        return Commit.objects.create(organization=project.organization, repository=repository, key=key)

    return _commit


def newest(project):
    return newest_release(project.organization_id, project.pk)


def comes_back(group, take, version="", at=LATER):
    take(an_event(group.project, release=version, timestamp=at))
    group.refresh_from_db()
    return group.status == GroupStatus.UNRESOLVED


def told():
    return [(entry.type, entry.data) for entry in Activity.objects.order_by("pk")]


def the_row():
    row = GroupResolution.objects.select_related("release").get()
    return row.release.version, row.type, row.status, row.current_release_version


FIXED, NEXT = ResolutionType.IN_RELEASE, ResolutionType.IN_NEXT_RELEASE
DONE, PENDING = ResolutionStatus.RESOLVED, ResolutionStatus.PENDING
IN_RELEASE = ActivityType.SET_RESOLVED_IN_RELEASE


def test_resolving_in_a_release_writes_the_row_the_entry_and_the_history(issue, ship, ann):
    release = ship("p@1.2.0")
    group = issue()

    assert resolve([group], ann, InRelease(release), THEN) == [group.pk]

    row = GroupResolution.objects.get()
    entry = Activity.objects.get()
    assert the_row() == ("p@1.2.0", FIXED, DONE, None)
    assert (row.actor_id, row.datetime) == (ann.pk, THEN)
    assert (entry.type, entry.ident, entry.user_id, entry.data) == (
        IN_RELEASE,
        str(row.pk),
        ann.pk,
        {"version": "p@1.2.0"},
    )
    assert GroupHistory.objects.get().status == HistoryStatus.SET_RESOLVED_IN_RELEASE
    assert GroupSubscription.objects.get().user_id == ann.pk
    group.refresh_from_db()
    assert (group.status, group.substatus, group.resolved_at) == (GroupStatus.RESOLVED, None, THEN)


def test_the_same_again_writes_nothing_and_another_way_does(issue, ship, ann):
    first, second = ship("p@1.2.0"), ship("p@1.3.0")
    group = issue()

    changed = [
        resolve([group], ann, fix, THEN + timedelta(hours=hour))
        for hour, fix in enumerate((InRelease(first), InRelease(first), InRelease(second), None, None))
    ]

    assert [bool(one) for one in changed] == [True, False, True, True, False]
    assert told() == [
        (IN_RELEASE, {"version": "p@1.2.0"}),
        (IN_RELEASE, {"version": "p@1.3.0"}),
        (ActivityType.SET_RESOLVED, {}),
    ]
    assert not GroupResolution.objects.exists()
    group.refresh_from_db()
    assert group.resolved_at == THEN + timedelta(hours=3)


def test_what_was_current_for_one_way_does_not_govern_the_other(issue, ship):
    release = ship("p@1.2.0")
    group = issue("p@1.2.0")

    resolve([group], None, InNextRelease(release), THEN)
    resolve([group], None, InRelease(release), THEN)

    assert the_row() == ("p@1.2.0", FIXED, DONE, None)


@pytest.mark.parametrize("act", [reopen, archive])
def test_reopening_and_archiving_forget_the_release(act, issue, ship):
    group = issue()
    resolve([group], None, InRelease(ship("p@1.2.0")), THEN)

    act([group], None)

    assert not GroupResolution.objects.exists()


def test_an_issue_that_is_being_deleted_is_not_resolved(issue, ship):
    group = issue()
    Group.objects.update(status=GroupStatus.PENDING_DELETION)

    assert resolve([group], None, InRelease(ship("p@1.2.0"))) == []
    assert not GroupResolution.objects.exists()


@pytest.mark.parametrize(
    ("version", "regresses"),
    [
        ("p@1.2.0", False),
        ("p@1.1.9", False),
        ("p@1.2.0-rc.1", False),
        ("", False),
        ("p@1.2.1-rc.1", True),
        ("p@1.2.0+77", True),
    ],
)
def test_in_the_next_release_of_a_semver_project(issue, ship, project, take, version, regresses):
    group = issue(ship("p@1.2.0", -2).version)
    resolve([group], None, InNextRelease(newest(project)), THEN)

    assert the_row() == ("p@1.2.0", FIXED, DONE, "p@1.2.0")
    assert told() == [(IN_RELEASE, {"version": "", "current_release_version": "p@1.2.0"})]
    assert comes_back(group, take, version) is regresses


@pytest.mark.parametrize(
    ("version", "regresses"),
    [("p@1.1.9", False), ("p@1.2.0-rc.1", False), ("", False), ("p@1.2.0", True), ("p@1.3.0", True)],
)
def test_in_a_release_of_a_semver_project(issue, ship, take, version, regresses):
    group = issue()
    resolve([group], None, InRelease(ship("p@1.2.0", -2)), THEN)

    assert comes_back(group, take, version) is regresses


@pytest.mark.parametrize(
    ("version", "regresses", "measured_by"),
    [
        ("p@2.3.0", False, "p@2.3.1"),
        ("p@2.3.2", True, "p@2.3.1"),
        ("p@3.0.0", False, "p@3.0.1"),
        ("p@3.0.1", True, "p@3.0.1"),
        ("p@2.2.9", False, "p@2.3.1"),
        ("p@2.4.0", True, "p@2.3.1"),
        ("p@1.0.0", False, "p@2.3.1"),
        ("p@4.0.0", True, "p@2.3.1"),
        ("", False, None),
    ],
)
def test_in_several_releases_each_line_has_its_own(issue, ship, take, ann, version, regresses, measured_by):
    newer, older = ship("p@3.0.1"), ship("p@2.3.1", 1)
    group = issue()
    assert resolve([group], ann, InReleases((newer, older)), THEN) == [group.pk]
    said = explain(group, Release.objects.filter(version=version).first(), version, LATER)

    back = comes_back(group, take, version)

    assert (back, said.regresses, said.line) == (regresses, regresses, measured_by)
    assert GroupResolutionRelease.objects.count() == (0 if back else 2)
    if back:
        entry = Activity.objects.get(type=ActivityType.SET_REGRESSION)
        assert (entry.data["version"], entry.data["resolved_in_version"]) == (version, measured_by)


def test_several_releases_are_a_way_of_their_own(issue, ship, ann):
    one, two, three = ship("p@1.0.1"), ship("p@2.0.1"), ship("p@3.0.1")
    group = issue()
    fixes = (
        InReleases((three, one)),
        InReleases((three, one)),
        InReleases((three, two)),
        InRelease(three),
        InReleases((three, two)),
        None,
    )

    changed = [bool(resolve([group], ann, fix, THEN)) for fix in fixes]

    assert changed == [True, False, True, True, True, True]
    assert told()[0] == (IN_RELEASE, {"version": "p@3.0.1", "versions": ["p@3.0.1", "p@1.0.1"]})
    assert not GroupResolutionRelease.objects.exists()


def test_what_was_fixed_in_several_releases_is_so_again(issue, ship, ann):
    one, two = ship("p@1.0.1"), ship("p@2.0.1")
    group = issue()
    resolve([group], ann, InReleases((two, one)), THEN)
    [before] = remember([group])
    reopen([group], ann)

    assert restore_status(group, before, ann)

    assert the_row() == ("p@2.0.1", FIXED, DONE, None)
    assert list(GroupResolutionRelease.objects.order_by("pk").values_list("release_id", flat=True)) == [two.pk, one.pk]


def test_a_release_that_goes_is_listed_no_more(issue, ship, take):
    one, two = ship("p@1.0.1"), ship("p@2.0.1")
    group = issue()
    resolve([group], None, InReleases((two, one)), THEN)

    one.delete()

    assert explain(group, None, "p@1.0.0", LATER).line == "p@2.0.1"


def test_the_greatest_release_of_the_issues_own_package_is_current(issue, ship, project):
    ship("other@9.0.0", -5)
    ship("p@2.0.0", -9)
    group = issue(ship("p@1.2.0", -1).version)

    resolve([group], None, InNextRelease(newest(project)), THEN)

    assert the_row() == ("p@1.2.0", FIXED, DONE, "p@2.0.0")


def test_bare_versions_are_ordered_where_the_project_says_so(issue, ship, project, take):
    set_option(project, options.RELEASE_ORDERING, "semver")
    ship("1.10.0", -5)
    group = issue(ship("1.9.0", -1).version)

    resolve([group], None, InNextRelease(newest(project)), THEN)

    assert the_row() == ("1.9.0", FIXED, DONE, "1.10.0")
    assert comes_back(group, take, "1.10.0") is False
    assert comes_back(group, take, "1.11.0") is True


@pytest.mark.parametrize(("version", "regresses"), [("a", False), ("b", True), ("c", True), ("", False)])
def test_in_a_release_of_a_project_with_dates(issue, ship, take, version, regresses):
    releases = {name: ship(name, hour - 9) for hour, name in enumerate("abc")}
    group = issue()
    resolve([group], None, InRelease(releases["b"]), THEN)

    assert comes_back(group, take, version) is regresses


@pytest.mark.parametrize(("version", "regresses"), [("a", False), ("b", False), ("c", True), ("d", True)])
def test_next_with_a_later_release_there_already(issue, ship, project, take, version, regresses):
    for hour, name in enumerate("abc"):
        ship(name, hour - 9)
    group = issue("b")
    resolve([group], None, InNextRelease(newest(project)), THEN)

    assert the_row() == ("c", FIXED, DONE, "b")
    assert told() == [(IN_RELEASE, {"version": "c"})]
    assert comes_back(group, take, version) is regresses


def test_next_with_nothing_later_waits_for_the_next_release(issue, ship, project, take):
    for hour, name in enumerate("bc"):
        ship(name, hour - 9)
    group = issue("c")
    resolve([group], None, InNextRelease(newest(project)), THEN)
    assert the_row() == ("c", NEXT, PENDING, "c")
    assert told() == [(IN_RELEASE, {"version": ""})]
    assert [comes_back(group, take, version) for version in "bc"] == [False, False]

    ship("d", 3)

    assert the_row() == ("d", FIXED, DONE, "c")
    assert told() == [(IN_RELEASE, {"version": "d"})]
    assert comes_back(group, take, "c") is False
    assert comes_back(group, take, "d", NOON + timedelta(hours=4)) is True


def test_an_event_in_the_next_release_settles_it_and_brings_the_issue_back(issue, ship, project, take):
    group = issue(ship("c", -3).version)
    resolve([group], None, InNextRelease(newest(project)), THEN)

    assert comes_back(group, take, "d") is True

    entries = dict(told())
    assert entries[IN_RELEASE] == {"version": "d"}
    assert entries[ActivityType.SET_REGRESSION]["resolved_in_version"] == "d"
    assert not GroupResolution.objects.exists()


def test_an_upcoming_release_is_waited_for_though_a_later_one_is_there(issue, ship, project):
    for hour, name in enumerate("bc"):
        ship(name, hour - 9)
    group = issue("b")

    resolve([group], None, InNextRelease(newest(project), upcoming=True), THEN)

    assert the_row() == ("c", NEXT, PENDING, None)


def test_an_issue_that_was_seen_in_no_release_waits_too(issue, ship, project):
    group = issue()
    ship("c", -3)

    resolve([group], None, InNextRelease(newest(project)), THEN)

    assert the_row() == ("c", NEXT, PENDING, None)


@pytest.fixture
def waiting(issue, ship, project):
    group = issue(ship("c", -3).version)
    resolve([group], None, InNextRelease(newest(project)), THEN)
    return group


def test_a_release_that_is_linked_later_settles_then(waiting, ship, project):
    release = ship("d", 3, links=False)
    assert the_row()[0] == "c"

    ReleaseProject.objects.create(project=project, release=release)

    assert settle([(project.pk, release.pk)]) == 1
    assert settle([(project.pk, release.pk)]) == 0
    assert the_row()[0] == "d"


def test_of_several_that_come_at_once_the_oldest_is_next(waiting, ship, project):
    late, early = ship("e", 5, links=False), ship("d", 4, links=False)

    assert settle([(project.pk, late.pk), (project.pk, early.pk)]) == 1

    assert the_row()[0] == "d"


@pytest.mark.parametrize("hours", [-4, -24], ids=["older than the one it waits on", "imported"])
def test_a_release_of_the_past_settles_nothing(waiting, ship, hours):
    Release.objects.filter(version="c").update(date_added=NOON - timedelta(hours=3 if hours == -4 else 90))

    ship("d", hours)

    assert the_row()[:3] == ("c", NEXT, PENDING)


def test_a_release_of_another_project_settles_nothing(waiting, project, take):
    elsewhere = a_project(project.organization, "elsewhere")

    take(an_event(elsewhere, release="d", timestamp=LATER))

    assert the_row()[:3] == ("c", NEXT, PENDING)


def test_what_is_open_again_is_not_settled(waiting, ship):
    Group.objects.update(status=GroupStatus.UNRESOLVED)

    ship("d", 3)

    assert the_row()[:3] == ("c", NEXT, PENDING)


def test_a_commit_in_no_release_keeps_the_issue_resolved_until_it_is_in_one(issue, take, ann, a_commit, ship, project):
    commit = a_commit()
    group = issue("a")

    assert resolve([group], ann, InCommit(commit), THEN) == [group.pk]
    assert resolve([group], ann, InCommit(commit), THEN) == []

    link = GroupLink.objects.get()
    assert (link.linked_type, link.linked_id, link.relationship) == (
        LinkedType.COMMIT,
        commit.pk,
        LinkRelationship.RESOLVES,
    )
    assert told() == [(ActivityType.SET_RESOLVED_IN_COMMIT, {"commit": commit.pk})]
    assert GroupHistory.objects.get().status == HistoryStatus.SET_RESOLVED_IN_COMMIT
    assert feed(group)[0].commit == commit.key
    assert comes_back(group, take, "a") is False
    release = ship("b", 1)
    ReleaseCommit.objects.create(organization_id=project.organization_id, release=release, commit=commit, order=0)
    assert comes_back(group, take, "a", NOON + timedelta(hours=3)) is True


def test_a_commit_that_is_in_a_release_resolves_in_the_newest_of_them(issue, ship, a_commit, project):
    commit = a_commit()
    for order, name in enumerate("abc"):
        release = ship(name, order - 9)
        if name != "c":
            ReleaseCommit.objects.create(
                organization_id=project.organization_id, release=release, commit=commit, order=0
            )

    resolve([issue()], None, InCommit(commit), THEN)

    assert the_row() == ("b", FIXED, DONE, None)


def test_a_commit_of_a_pull_request_is_shipped_with_any_other_of_its_commits(issue, ship, a_commit, project, take):
    mine, merged = a_commit(), a_commit("b" * 40)
    group = issue("a")
    resolve([group], None, InCommit(mine), THEN)
    request = PullRequest.objects.create(organization=project.organization, repository=mine.repository, key="7")
    for commit in (mine, merged):
        PullRequestCommit.objects.create(pull_request=request, commit=commit)
    assert comes_back(group, take, "a") is False

    ReleaseCommit.objects.create(organization_id=project.organization_id, release=ship("b", 1), commit=merged, order=0)

    assert comes_back(group, take, "a", NOON + timedelta(hours=3)) is True


def test_a_check_says_what_an_event_would_do(issue, ship, project, a_commit):
    release = ship("p@1.2.0", -2)
    group = issue("p@1.2.0")
    assert explain(group, release, release.version, LATER).row is None

    resolve([group], None, InNextRelease(release), THEN)
    current, following = explain(group, release, "p@1.2.0", LATER), explain(group, None, "p@1.3.0", LATER)
    resolve([group], None, None, THEN)
    plain = explain(group, release, "p@1.2.0", LATER)
    resolve([group], None, InCommit(a_commit()), THEN)
    unshipped = explain(group, release, "p@1.2.0", LATER)

    assert (current.regresses, current.row, current.follows_semver) == (False, 3, True)
    assert (following.regresses, following.row) == (True, 3)
    assert (plain.regresses, plain.row) == (True, 1)
    assert (unshipped.regresses, unshipped.row, unshipped.commit_id) == (False, None, Commit.objects.get().pk)


@pytest.mark.django_db(transaction=True)
def test_of_those_who_resolve_at_once_one_is_told_so(issue, ship):
    release = ship("p@1.2.0")
    group = issue()
    changed = []
    barrier = threading.Barrier(4)

    def press():
        mine = Group.objects.select_related("project").get(pk=group.pk)
        barrier.wait()
        changed.extend(resolve([mine], None, InRelease(release), THEN))
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert changed == [group.pk]
    assert GroupResolution.objects.count() == Activity.objects.count() == GroupHistory.objects.count() == 1


@pytest.mark.parametrize("dated", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)], ids=str)
def test_an_event_of_a_release_of_any_date_is_taken(project, issue, ship, take, dated):
    elsewhere = a_project(project.organization, "api")
    release = ship("p@9.0.0", links=False)
    Release.objects.filter(pk=release.pk).update(date_released=dated)
    ReleaseProject.objects.create(project=elsewhere, release=release)

    group = issue("p@9.0.0")

    assert group.first_release_id == release.pk
    assert ReleaseProject.objects.filter(project=project, release=release).exists()


def test_what_somebody_resolves_becomes_theirs_if_they_chose_so_and_nobody_has_it(project, ann, take):
    bob = a_member(project.organization, "bob@example.com")
    pks = take(an_event(project, "E: a"), an_event(project, "E: b"))
    free, taken = Group.objects.select_related("project").filter(pk__in=pks).order_by("pk")
    GroupAssignee.objects.create(project=project, group=taken, user_id=bob.pk)

    resolve([free], bob, now=THEN)
    accounts_options.set_option(ann, accounts_options.SELF_ASSIGN_ISSUE, accounts_options.ON)
    reopen([free], ann)
    resolve([free, taken], ann, now=LATER)

    assert dict(GroupAssignee.objects.values_list("group_id", "user_id")) == {free.pk: ann.pk, taken.pk: bob.pk}
    entry = Activity.objects.get(type=ActivityType.ASSIGNED)
    assert (entry.group_id, entry.user_id, entry.data["assignee"]) == (free.pk, ann.pk, str(ann.pk))
    assert GroupSubscription.objects.filter(group=free, user_id=ann.pk).exists()


def test_issues_never_become_those_of_somebody_who_is_no_member(issue):
    stranger = a_member(an_organization("other"), "eve@example.com")
    accounts_options.set_option(stranger, accounts_options.SELF_ASSIGN_ISSUE, accounts_options.ON)

    resolve([issue()], stranger, now=THEN)

    assert not GroupAssignee.objects.exists()
