"""Pull requests, as providers tell of them: kept, linked, assigned, and followed until they are closed."""

from datetime import timedelta

import pytest

from tests.support.factories import NOON, a_member, a_project, an_organization
from tests.support.racing import at_once
from vedette.issues import announce
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupAssignee,
    GroupHistory,
    GroupLink,
    GroupStatus,
    HistoryStatus,
)
from vedette.releases.models import (
    Commit,
    CommitAuthor,
    PullRequest,
    PullRequestCommit,
    PullRequestState,
    Release,
    ReleaseProject,
    Repository,
)
from vedette.shipping.commits import CommitInput, set_commits
from vedette.shipping.pullrequests import PullRequestInput, save_pull_requests

LATER = NOON + timedelta(hours=1)
OPEN, CLOSED, MERGED = PullRequestState


@pytest.fixture
def web(db):
    return a_project(an_organization("acme"), "web")


@pytest.fixture
def repository(web):
    return Repository.objects.create(organization=web.organization, name="acme/web", provider="github")


@pytest.fixture
def group(web):
    return Group.objects.create(project=web, short_id=1, title="E: x", first_seen=NOON, last_seen=NOON)


@pytest.fixture
def ann(web):
    return a_member(web.organization, "ann@example.com", verified=True)


@pytest.fixture
def say(repository):
    """Tell of pull request 7: `say(title="…")`."""

    def _say(key="7", now=NOON, **said):
        return save_pull_requests(repository, [PullRequestInput(key, **said)], now)[0]

    return _say


def told(group, *kinds):
    rows = Activity.objects.filter(group=group, type__in=kinds) if kinds else Activity.objects.filter(group=group)
    return [(row.type, row.data, row.user_id) for row in rows.order_by("pk")]


def test_what_is_said_is_kept_and_what_is_not_said_stays(say, repository):
    say(title="Carts", message="Guard", author_email="Ann@Example.com", author_name="Ann", state=OPEN, created_at=NOON)
    say(merge_commit_sha="c" * 40, state=MERGED, now=LATER)

    row = PullRequest.objects.get()
    author = CommitAuthor.objects.get()
    assert (row.repository_id, row.key, row.title, row.message) == (repository.pk, "7", "Carts", "Guard")
    assert (row.merge_commit_sha, row.state, row.date_added) == ("c" * 40, MERGED, NOON)
    assert (row.author_id, author.email, author.name) == (author.pk, "ann@example.com", "Ann")


def test_an_issue_that_the_title_or_the_text_names_is_linked_assigned_and_told_and_stays_open(say, group, ann):
    heard = []
    announce.changing.connect(receiver := lambda changes, **_: heard.extend(changes))

    row = say(title="Carts. Fixes WEB-1", message="As promised", author_email="ann@example.com")

    announce.changing.disconnect(receiver)
    group.refresh_from_db()
    history = GroupHistory.objects.filter(status=HistoryStatus.SET_RESOLVED_IN_PULL_REQUEST).get()
    assert GroupLink.objects.get().linked_id == row.pk
    assert GroupAssignee.objects.get().user_id == history.user_id == ann.pk
    assert told(group, ActivityType.SET_RESOLVED_IN_PULL_REQUEST) == [
        (ActivityType.SET_RESOLVED_IN_PULL_REQUEST, {"pull_request": row.pk}, ann.pk)
    ]
    assert group.status == GroupStatus.UNRESOLVED
    assert heard == []  # nobody hears that it was resolved


def test_told_again_it_changes_nothing_and_whoever_is_assigned_meanwhile_stays(say, group, ann, web):
    say(message="fixes web-1", author_email="ann@example.com")
    bob = a_member(web.organization, "bob@example.com", verified=True)
    GroupAssignee.objects.update(user_id=bob.pk)

    say(message="fixes web-1 indeed", author_email="ann@example.com", now=LATER)

    assert GroupAssignee.objects.get().user_id == bob.pk
    assert len(told(group, ActivityType.SET_RESOLVED_IN_PULL_REQUEST)) == 1


def test_an_author_who_is_no_proven_member_is_assigned_nothing(say, group, web):
    a_member(web.organization, "eve@example.com")

    say(message="fixes web-1", author_email="eve@example.com")

    assert not GroupAssignee.objects.exists()
    assert told(group)[0][2] is None


def test_an_author_is_known_by_the_account_at_the_provider(say, group, ann, web):
    author = CommitAuthor.objects.create(
        organization=web.organization, email="ann@example.com", external_id="github:1234"
    )

    row = say(message="fixes web-1", author_external_id="github:1234", author_name="ann-on-github")

    assert (row.author_id, GroupAssignee.objects.get().user_id) == (author.pk, ann.pk)
    assert CommitAuthor.objects.count() == 1


def test_a_link_to_an_issue_that_is_named_no_more_goes_and_is_told(say, group):
    say(message="fixes web-1")
    row = say(message="mentions web-1")

    assert not GroupLink.objects.exists()
    assert told(group)[-1][:2] == (ActivityType.PULL_REQUEST_UNLINKED, {"pull_request": row.pk})


def test_an_issue_is_told_when_its_pull_requests_are_closed_merged_and_opened_again(say, group):
    first = say(message="fixes web-1", state=OPEN)
    say("8", message="fixes web-1")  # of which nobody said whether it is open: it is

    say(state=CLOSED)
    say(state=OPEN)
    say("8", state=CLOSED)  # nobody had said that it was open
    say(state=MERGED)
    say(state=CLOSED)  # merged or closed: it is over

    kinds = (ActivityType.PULL_REQUEST_CLOSED, ActivityType.PULL_REQUEST_REOPENED, ActivityType.PULL_REQUEST_MERGED)
    assert told(group, *kinds) == [
        (ActivityType.PULL_REQUEST_CLOSED, {"pull_request": first.pk, "has_other_open_prs": True}, None),
        (ActivityType.PULL_REQUEST_REOPENED, {"pull_request": first.pk, "has_other_open_prs": True}, None),
        (ActivityType.PULL_REQUEST_MERGED, {"pull_request": first.pk, "has_other_open_prs": False}, None),
    ]


def test_its_issues_are_resolved_in_the_release_that_brings_the_merge(say, group, ann, web, repository):
    row = say(message="fixes web-1", author_email="ann@example.com", merge_commit_sha="c" * 40)
    release = Release.objects.create(organization=web.organization, version="web@1.0", date_added=NOON)
    ReleaseProject.objects.create(project=web, release=release)

    set_commits(release, [CommitInput("c" * 40, repository="acme/web", message="Merge #7")], now=LATER)

    group.refresh_from_db()
    entry = Activity.objects.get(type=ActivityType.SET_RESOLVED_IN_RELEASE)
    assert group.status == GroupStatus.RESOLVED
    assert entry.data == {"version": "web@1.0", "commit": Commit.objects.get().pk}
    assert (entry.user_id, row.merge_commit_sha) == (ann.pk, "c" * 40)


def test_the_commits_that_it_holds_are_kept_as_far_as_they_are_known(say, web, repository):
    commit = Commit.objects.create(organization=web.organization, repository=repository, key="a" * 40)

    for _ in range(2):
        say(commits=["a" * 40, "b" * 40])

    assert PullRequestCommit.objects.get().commit == commit


def test_issues_and_authors_of_other_organizations_are_out_of_reach(say, group):
    theirs = a_project(an_organization("other"), "shop")
    issue = Group.objects.create(project=theirs, short_id=1, title="E: x", first_seen=NOON, last_seen=NOON)
    CommitAuthor.objects.create(organization=theirs.organization, email="x@example.com", external_id="github:9")

    row = say(message="fixes shop-1", author_external_id="github:9")

    assert (told(issue), row.author_id) == ([], None)


def test_what_does_not_fit_is_cut(say):
    row = say("7" * 100, title="t\0" + "t" * 100_000, merge_commit_sha="c" * 100)

    row.refresh_from_db()
    assert (len(row.key), len(row.title or ""), len(row.merge_commit_sha or "")) == (64, 64 * 1024, 64)
    assert (row.title or "").startswith("t\ufffdt")


@pytest.mark.django_db(transaction=True)
def test_of_several_nodes_that_are_told_at_once_one_tells_it(say, group, ann):
    raised = at_once(*[lambda: say(message="fixes web-1", author_email="ann@example.com", state=OPEN)] * 4)

    assert raised == [None] * 4
    assert PullRequest.objects.count() == GroupLink.objects.count() == GroupAssignee.objects.count() == 1
    assert len(told(group, ActivityType.SET_RESOLVED_IN_PULL_REQUEST)) == 1
