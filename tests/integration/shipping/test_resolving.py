"""Issues that commits fix: linked when a commit is stored, resolved when a release contains it."""

from datetime import timedelta

import pytest
from django.db import transaction

from tests.support.factories import NOON, a_member, a_project, an_organization
from tests.support.racing import at_once
from vedette.accounts.models import User, UserEmail
from vedette.accounts.options import ON, SELF_ASSIGN_ISSUE, set_option
from vedette.core.ids import short_id
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupAssignee,
    GroupHistory,
    GroupInbox,
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
from vedette.issues.resolve import InCommit, InNextRelease, InReleases, resolve
from vedette.orgs.models import AnalyticsFact
from vedette.releases.models import (
    Commit,
    CommitAuthor,
    PullRequest,
    Release,
    ReleaseCommit,
    ReleaseProject,
    Repository,
)
from vedette.shipping import resolving
from vedette.shipping.commits import CommitInput, set_commits
from vedette.shipping.resolving import link_commits, resolve_in

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def project(db):
    return a_project(an_organization("acme"), "web")


@pytest.fixture
def a_group(project):
    def _group(number=1, where=None, **fields):
        where = where or project
        group = Group.objects.create(
            project=where, short_id=number, title="E: x", first_seen=NOON, last_seen=NOON, **fields
        )
        GroupInbox.objects.create(organization_id=where.organization_id, project=where, group=group)
        return group

    return _group


@pytest.fixture
def a_commit(project):
    """A commit with this message by somebody with this address."""

    def _commit(message="", key="a" * 40, email="ann@example.com", organization=None):
        organization = organization or project.organization
        repository, _ = Repository.objects.get_or_create(organization=organization, name="acme/web")
        author = None
        if email:
            author, _ = CommitAuthor.objects.get_or_create(organization=organization, email=email)
        return Commit.objects.create(
            organization=organization, repository=repository, key=key, message=message, author=author
        )

    return _commit


@pytest.fixture
def a_release(project):
    """A release of the project with these commits."""

    def _release(*commits, version="web@2.4.0", links=(project,)):
        release = Release.objects.create(organization=project.organization, version=version, date_added=NOON)
        for one in links:
            ReleaseProject.objects.create(project=one, release=release)
        for order, commit in enumerate(commits):
            ReleaseCommit.objects.create(
                organization_id=project.organization_id, release=release, commit=commit, order=order
            )
        return release

    return _release


def a_verified_member(organization, email="ann@example.com"):
    user = a_member(organization, email)
    UserEmail.objects.update_or_create(user=user, email=email, defaults={"is_verified": True})
    return user


def links():
    return set(GroupLink.objects.values_list("group_id", "linked_id", "relationship"))


def test_a_commit_is_linked_told_and_followed_and_resolves_nothing_yet(project, a_group, a_commit):
    group, ann = a_group(), a_verified_member(project.organization, "Ann@Example.com")
    commit = a_commit("Guard null cart\n\nFixes WEB-1")

    link_commits([commit], NOON)

    entry = Activity.objects.get()
    group.refresh_from_db()
    assert links() == {(group.pk, commit.pk, LinkRelationship.RESOLVES)}
    assert (entry.type, entry.ident, entry.user_id, entry.data) == (
        ActivityType.REFERENCED_IN_COMMIT,
        str(commit.pk),
        ann.pk,
        {"commit": commit.pk},
    )
    assert list(GroupSubscription.objects.values_list("group_id", "user_id")) == [(group.pk, ann.pk)]
    assert group.status == GroupStatus.UNRESOLVED
    assert GroupInbox.objects.exists()
    assert not GroupResolution.objects.exists()


def test_a_commit_that_is_stored_again_is_not_told_again(a_group, a_commit):
    a_group()
    commit = a_commit("fixes web-1")

    link_commits([commit], NOON)
    link_commits([commit], LATER)

    assert Activity.objects.count() == GroupLink.objects.count() == 1


def test_a_link_that_the_message_asks_for_no_more_goes_and_what_a_person_said_stays(a_group, a_commit):
    first, second, third = a_group(1), a_group(2), a_group(3)
    commit = a_commit("fixes web-1, web-2")
    link_commits([commit], NOON)
    resolve([Group.objects.select_related("project").get(pk=third.pk)], None, InCommit(commit), NOON)

    commit.message = "fixes web-2"
    link_commits([commit], LATER)

    assert {group for group, *_ in links()} == {second.pk, third.pk}
    first.refresh_from_db()
    assert first.status == GroupStatus.UNRESOLVED


@pytest.mark.parametrize(
    "fields",
    [{"status": GroupStatus.PENDING_DELETION}, {"status": GroupStatus.PENDING_MERGE}],
    ids=["being deleted", "being merged"],
)
def test_an_issue_that_is_going_is_not_linked(fields, a_group, a_commit):
    a_group(**fields)

    link_commits([a_commit("fixes web-1, web-99, nowhere-1")], NOON)

    assert links() == set()


def test_a_commit_never_names_issues_of_another_organization(a_group, a_commit, project):
    other = a_project(an_organization("other"), "web")
    stranger = a_group(1, other)

    link_commits([a_commit("fixes web-1")], NOON)
    assert links() == set()

    own = a_group(1)
    link_commits([a_commit("fixes web-1", "b" * 40)], NOON)
    assert {group for group, *_ in links()} == {own.pk}
    assert not Activity.objects.filter(group=stranger).exists()


@pytest.mark.parametrize("flaw", ["unverified", "stranger", "inactive"])
def test_only_a_proven_address_of_a_member_makes_an_actor(flaw, project, a_group, a_commit):
    user = a_verified_member(an_organization("other") if flaw == "stranger" else project.organization)
    if flaw == "unverified":
        UserEmail.objects.update(is_verified=False)
    if flaw == "inactive":
        User.objects.filter(pk=user.pk).update(is_active=False)
    a_group()

    link_commits([a_commit("fixes web-1")], NOON)

    assert Activity.objects.get().user_id is None
    assert not GroupSubscription.objects.exists()


def test_many_commits_cost_no_statement_each(a_group, a_commit, django_assert_max_num_queries):
    numbers = [a_group(number) for number in range(1, 21)]
    commits = [
        a_commit(f"fixes {short_id('web', group.short_id)}", f"{place:040x}") for place, group in enumerate(numbers)
    ]

    with django_assert_max_num_queries(16):
        link_commits(commits, NOON)

    assert len(links()) == 20


def test_links_of_repositories_at_a_provider_are_counted(a_group, a_commit):
    a_group(1)
    a_group(2)
    link_commits([a_commit("fixes web-1", "a" * 40)], NOON)
    Repository.objects.update(provider="integrations:github")

    link_commits([a_commit("fixes web-1", "b" * 40), a_commit("fixes web-2", "c" * 40)], NOON)

    fact = AnalyticsFact.objects.get()
    assert fact.name == "integration.resolve.commit"
    assert (fact.data["provider"], fact.data["links"]) == ("github", 2)


def test_a_release_resolves_what_its_commits_fix(project, a_group, a_commit, a_release):
    group, ann = a_group(), a_verified_member(project.organization)
    commit = a_commit("fixes web-1")
    link_commits([commit], NOON)
    release = a_release(commit)

    assert resolve_in(release, LATER) == 1

    group.refresh_from_db()
    row = GroupResolution.objects.get()
    entry = Activity.objects.get(type=ActivityType.SET_RESOLVED_IN_RELEASE)
    history = GroupHistory.objects.get()
    assert (group.status, group.substatus, group.resolved_at) == (GroupStatus.RESOLVED, None, LATER)
    assert (row.release_id, row.type, row.status, row.actor_id, row.datetime) == (
        release.pk,
        ResolutionType.IN_RELEASE,
        ResolutionStatus.RESOLVED,
        ann.pk,
        LATER,
    )
    assert (entry.ident, entry.user_id, entry.data) == (
        str(row.pk),
        ann.pk,
        {"version": "web@2.4.0", "commit": commit.pk},
    )
    assert (history.status, history.user_id) == (HistoryStatus.RESOLVED, ann.pk)
    assert not GroupInbox.objects.exists()


def test_a_build_that_is_sent_again_tells_nothing_new(a_group, a_commit, a_release):
    a_group()
    commit = a_commit("fixes web-1")
    link_commits([commit], NOON)
    release = a_release(commit)

    assert (resolve_in(release, NOON), resolve_in(release, LATER)) == (1, 0)

    assert GroupHistory.objects.count() == 1
    assert GroupResolution.objects.get().datetime == NOON


def test_a_release_takes_the_place_of_several(a_group, a_commit, a_release):
    commit = a_commit("fixes web-1")
    group = Group.objects.select_related("project").get(pk=a_group().pk)
    link_commits([commit], NOON)
    release, other = a_release(commit), a_release(version="web@2.3.1")
    resolve([group], None, InReleases((release, other)), NOON)

    assert (resolve_in(release, LATER), resolve_in(release, LATER)) == (1, 0)

    assert GroupResolution.objects.get().release == release
    assert not GroupResolutionRelease.objects.exists()


def test_an_issue_that_was_resolved_otherwise_is_tied_to_the_release_and_not_told_again(
    a_group, a_commit, a_release, project
):
    before = a_release(version="web@2.3.0")
    group = Group.objects.select_related("project").get(pk=a_group().pk)
    resolve([group], None, InNextRelease(before), NOON)
    commit = a_commit("fixes web-1")
    link_commits([commit], NOON)
    release = a_release(commit)

    assert resolve_in(release, LATER) == 1

    row = GroupResolution.objects.get()
    group.refresh_from_db()
    assert (row.release_id, row.current_release_version, row.datetime) == (release.pk, None, LATER)
    assert group.resolved_at == NOON
    assert Activity.objects.filter(type=ActivityType.SET_RESOLVED_IN_RELEASE).count() == 1


def test_only_issues_of_the_releases_projects_are_resolved(a_group, a_commit, a_release, project):
    elsewhere = a_project(project.organization, "api")
    group = a_group(1, elsewhere)
    commit = a_commit("fixes api-1")
    link_commits([commit], NOON)

    assert resolve_in(a_release(commit), LATER) == 0
    assert resolve_in(a_release(commit, version="both", links=(project, elsewhere)), LATER) == 1

    group.refresh_from_db()
    assert group.status == GroupStatus.RESOLVED


@pytest.mark.parametrize("status", [GroupStatus.PENDING_DELETION, GroupStatus.PENDING_MERGE])
def test_an_issue_that_is_going_meanwhile_is_left_out(status, a_group, a_commit, a_release):
    group, other = a_group(1), a_group(2)
    commit = a_commit("fixes web-1, web-2")
    link_commits([commit], NOON)
    Group.objects.filter(pk=group.pk).update(status=status)

    assert resolve_in(a_release(commit), LATER) == 1

    assert GroupResolution.objects.get().group_id == other.pk


def test_a_pull_request_resolves_when_its_merge_is_in_the_release(project, a_group, a_commit, a_release):
    group, bob = a_group(), a_verified_member(project.organization, "bob@example.com")
    merge = a_commit("Merge #7", "c" * 40, email="ann@example.com")
    author = CommitAuthor.objects.create(organization=project.organization, email="bob@example.com")
    request = PullRequest.objects.create(
        organization=project.organization,
        repository=merge.repository,
        key="7",
        merge_commit_sha=merge.key,
        author=author,
    )
    GroupLink.objects.create(
        project=project,
        group=group,
        linked_type=LinkedType.PULL_REQUEST,
        linked_id=request.pk,
        relationship=LinkRelationship.RESOLVES,
    )

    assert resolve_in(a_release(merge), LATER) == 1

    entry = Activity.objects.get()
    assert (entry.user_id, entry.data["commit"]) == (bob.pk, merge.pk)


def test_a_release_without_fixes_resolves_nothing(a_group, a_commit, a_release):
    a_group()

    assert resolve_in(a_release(a_commit("mentions web-1")), NOON) == 0
    assert resolve_in(a_release(version="empty"), NOON) == 0


def test_issues_of_several_pieces_are_all_resolved(monkeypatch, a_group, a_commit, a_release):
    monkeypatch.setattr(resolving, "_ROWS", 4)
    groups = [a_group(number) for number in range(1, 11)]
    commit = a_commit("fixes " + ", ".join(short_id("web", number) for number in range(1, 11)))
    link_commits([commit], NOON)

    assert resolve_in(a_release(commit), LATER) == 10

    assert set(GroupResolution.objects.values_list("group_id", flat=True)) == {group.pk for group in groups}
    assert GroupHistory.objects.count() == 10
    assert not Group.objects.exclude(status=GroupStatus.RESOLVED).exists()


@pytest.mark.django_db(transaction=True)
def test_releases_that_fix_the_same_issues_at_once_leave_each_resolved_once(project, a_group, a_release):
    for number in range(1, 31):
        a_group(number)
    told = [CommitInput(f"{n:040x}", message=f"fixes {short_id('web', n)}", timestamp=NOON) for n in range(1, 31)]
    releases = [a_release(version=f"web@{number}") for number in range(4)]

    def work(release, step):
        return lambda: set_commits(release, told[::step], now=NOON)

    raised = at_once(*(work(release, step) for release, step in zip(releases, (1, -1, 1, -1), strict=True)))

    assert raised == [None] * 4
    assert not Group.objects.exclude(status=GroupStatus.RESOLVED).exists()
    assert Activity.objects.filter(type=ActivityType.SET_RESOLVED_IN_RELEASE).count() == 30
    assert Activity.objects.filter(type=ActivityType.REFERENCED_IN_COMMIT).count() == 30
    assert GroupResolution.objects.count() == 30


def choosing_to_be_assigned(user):
    set_option(user, SELF_ASSIGN_ISSUE, ON)
    return user


def assignees():
    return dict(GroupAssignee.objects.values_list("group_id", "user_id"))


def test_an_issue_becomes_its_fixers_who_chose_so_if_it_is_nobodys(project, a_group, a_commit):
    ann, bob = (a_verified_member(project.organization, f"{name}@example.com") for name in ("ann", "bob"))
    free, taken, bobs = a_group(1), a_group(2), a_group(3)
    GroupAssignee.objects.create(project=project, group=taken, user_id=bob.pk)
    choosing_to_be_assigned(ann)
    by_ann, by_bob = a_commit("fixes WEB-1, WEB-2"), a_commit("fixes WEB-3", "b" * 40, "bob@example.com")

    link_commits([by_ann, by_bob], NOON)
    link_commits([by_ann, by_bob], LATER)

    assert assignees() == {free.pk: ann.pk, taken.pk: bob.pk}
    entry = Activity.objects.get(type=ActivityType.ASSIGNED)
    assert (entry.group_id, entry.user_id, entry.datetime) == (free.pk, ann.pk, NOON)
    assert entry.data == {
        "assignee": str(ann.pk),
        "assigneeEmail": "ann@example.com",
        "assigneeName": "ann@example.com",
        "assigneeType": "user",
    }
    assert GroupHistory.objects.get().status == HistoryStatus.ASSIGNED
    assert not GroupAssignee.objects.filter(group=bobs).exists()


def test_an_issue_of_a_project_that_its_fixer_does_not_reach_stays_nobodys(project, a_group, a_commit):
    project.organization.flags = 0  # membership is closed, and Ann is in no team
    project.organization.save()
    choosing_to_be_assigned(a_verified_member(project.organization))
    a_group()

    link_commits([a_commit("fixes WEB-1")], NOON)

    assert assignees() == {}
    assert Activity.objects.get().type == ActivityType.REFERENCED_IN_COMMIT


def test_many_issues_become_their_fixers_with_no_statement_each(
    project, a_group, a_commit, django_assert_max_num_queries
):
    ann = choosing_to_be_assigned(a_verified_member(project.organization))
    groups = [a_group(number) for number in range(1, 21)]
    commits = [
        a_commit(f"fixes {short_id('web', group.short_id)}", f"{place:040x}") for place, group in enumerate(groups)
    ]

    with django_assert_max_num_queries(32):
        link_commits(commits, NOON)

    assert assignees() == {group.pk: ann.pk for group in groups}


@pytest.mark.django_db(transaction=True)
def test_of_those_who_fix_the_same_issues_at_once_each_issue_gets_one(project, a_group, a_commit):
    users = [choosing_to_be_assigned(a_verified_member(project.organization, f"{n}@example.com")) for n in range(3)]
    groups = [a_group(number) for number in range(1, 11)]
    text = " ".join(f"fixes {short_id('web', group.short_id)}" for group in groups)
    commits = [a_commit(text, f"{n:040x}", f"{n}@example.com") for n in range(3)]

    def work(commit):
        def linking():
            with transaction.atomic():
                link_commits([commit], NOON)

        return linking

    raised = at_once(*(work(commit) for commit in commits))

    assert raised == [None] * 3
    assert assignees().keys() == {group.pk for group in groups}
    assert set(assignees().values()) <= {user.pk for user in users}
    assert Activity.objects.filter(type=ActivityType.ASSIGNED).count() == 10
