"""Issues whose events ask who may have caused them: who is kept as an owner, who gets the issue, and what it costs."""

from datetime import timedelta

import msgspec
import pytest

from tests.support.factories import a_member, a_project, a_release, an_event
from vedette.core import clock
from vedette.core.files import FileStore
from vedette.digest.batch import sort_out
from vedette.digest.models import DigestBatch
from vedette.digest.relate import relate
from vedette.digest.store import store
from vedette.digest.suspecting import ask_for_suspects
from vedette.events.client import StoreUnavailable
from vedette.issues import suspicion
from vedette.issues.actions import assign
from vedette.issues.assignees import of_user
from vedette.issues.models import (
    Activity,
    ActivityType,
    Group,
    GroupAssignee,
    GroupHistory,
    GroupOwner,
    GroupStatus,
    GroupSubscription,
    GroupSuspicion,
    HistoryStatus,
    OwnerType,
    SubscriptionReason,
)
from vedette.issues.owners import Suspected, assign_suspect, owners_of, suspect
from vedette.orgs.models import OrganizationFlags, OrganizationMember
from vedette.projects.options import ASSIGN_OWNERS, ASSIGN_SUSPECTS, AUTO_ASSIGNMENT, set_option
from vedette.releases.models import Commit, Repository
from vedette.shipping.commits import CommitInput, FileChange, set_commits
from vedette.shipping.suspicion import MOST_ATTEMPTS, look_at_due
from vedette.tasks.models import ScheduledJob

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
FRAMES = [{"filename": "src/shop/checkout.py", "in_app": True}, {"filename": "src/shop/cart.py", "in_app": True}]
PAYLOAD = {"platform": "python", "exception": {"values": [{"stacktrace": {"frames": FRAMES}}]}}


@pytest.fixture(autouse=True)
def nothing_believed(monkeypatch):
    monkeypatch.setattr(suspicion, "_believed", {})


@pytest.fixture
def project(db):
    return a_project()


@pytest.fixture
def now():
    return clock.now()


@pytest.fixture
def ann(project):
    return a_member(project.organization, "ann@example.com", verified=True, name="Ann")


@pytest.fixture
def bob(project):
    return a_member(project.organization, "bob@example.com", verified=True, name="Bob")


@pytest.fixture
def bring(project, now):
    """Set the commits of the project's release: `bring(("a", "src/shop/cart.py", "ann@example.com"))`."""

    def _bring(*told):
        release = a_release("web@1.0", project, date_added=now - DAY)
        commits = [
            CommitInput(
                key * 40,
                repository="acme/web",
                message="Change",
                author_name="Somebody",
                author_email=email,
                timestamp=now - DAY,
                patch_set=[FileChange(path, "M")],
            )
            for key, path, email in told
        ]
        set_commits(release, commits, now=now)

    return _bring


@pytest.fixture
def arrive(project, events, tmp_path, now):
    """Let an event be digested as a batch, and ask; the issue."""

    def _arrive(title="ValueError: bad", payload=PAYLOAD, version="web@1.0"):
        event = an_event(project, title, release=version, timestamp=now, payload=msgspec.json.encode(payload))
        mark = DigestBatch.objects.create(stream=clock.now().isoformat(), first_position=1, last_position=1)
        batch = sort_out([event])
        groups = relate(mark, batch, (), {}, FileStore(tmp_path))
        store(events, mark, batch, groups, (), pytest.fail)
        ask_for_suspects(batch, groups)
        return Group.objects.select_related("project__organization").get(pk=groups[0])

    return _arrive


def said(group):
    row = GroupAssignee.objects.filter(group=group).first()
    return row and row.user_id


def wants(project, value=ASSIGN_SUSPECTS):
    set_option(project, AUTO_ASSIGNMENT, value)


def test_whoever_wrote_a_suspect_commit_is_kept_and_gets_the_issue(project, bring, arrive, events, ann, now):
    wants(project)
    bring(("a", "backend/src/shop/cart.py", ann.email))
    group = arrive()
    assert ScheduledJob.objects.get(name="suspects").due_at <= clock.now()

    assert look_at_due(events, clock.now()) == 1

    owner = GroupOwner.objects.get()
    assert (owner.user_id, owner.type, owner.context) == (
        ann.pk,
        OwnerType.SUSPECT_COMMIT,
        {"commitId": Commit.objects.get().pk},
    )
    assert said(group) == ann.pk
    entry = Activity.objects.get(type=ActivityType.ASSIGNED)
    assert (entry.user_id, entry.data["assignee"], entry.data["integration"]) == (None, str(ann.pk), "suspectCommitter")
    assert GroupHistory.objects.filter(status=HistoryStatus.ASSIGNED).count() == 1
    assert GroupSubscription.objects.get(user_id=ann.pk).reason == SubscriptionReason.ASSIGNED
    assert GroupSuspicion.objects.get().rests_until > now + 6 * DAY


@pytest.mark.parametrize("value", [None, ASSIGN_OWNERS], ids=["off", "by rules"])
def test_nobody_gets_it_where_the_project_does_not_say_so(value, project, bring, arrive, events, ann):
    if value:
        wants(project, value)
    bring(("a", "src/shop/cart.py", ann.email))
    group = arrive()

    look_at_due(events, clock.now())

    assert said(group) is None
    assert [row.user_id for row in owners_of([group])[group.pk]] == [ann.pk]


def test_the_likeliest_two_are_owners_and_the_likeliest_gets_it(project, bring, arrive, events, ann, bob):
    eve = a_member(project.organization, "eve@example.com", verified=True)
    wants(project)
    bring(("a", "cart.py", eve.email), ("b", "shop/checkout.py", bob.email), ("c", "src/shop/cart.py", ann.email))
    group = arrive()

    look_at_due(events, clock.now())

    assert list(GroupOwner.objects.order_by("pk").values_list("user_id", flat=True)) == [ann.pk, bob.pk]
    assert said(group) == ann.pk


def test_an_event_of_an_organization_without_commits_asks_nothing(project, arrive, django_assert_num_queries):
    group = arrive()
    batch = sort_out([an_event(project)])

    with django_assert_num_queries(0):
        ask_for_suspects(batch, [group.pk])

    assert not GroupSuspicion.objects.exists()


def test_a_batch_pays_one_look_up_once_its_issues_were_asked_for(
    project, bring, arrive, ann, events, django_assert_num_queries
):
    bring(("a", "src/shop/cart.py", ann.email))
    group, other = arrive(), arrive("TypeError: worse")
    batch = sort_out([an_event(project), an_event(project, "TypeError: worse", event_id="f" * 32)])
    with django_assert_num_queries(1):
        ask_for_suspects(batch, [group.pk, other.pk])

    look_at_due(events, clock.now())

    with django_assert_num_queries(1):
        ask_for_suspects(batch, [group.pk, other.pk])
    assert not GroupSuspicion.objects.filter(asked_at__isnull=False).exists()


def test_first_commits_are_heard_of_within_a_minute(project, monkeypatch):
    at = [1000.0]
    monkeypatch.setattr(suspicion.time, "monotonic", lambda: at[0])
    organization = project.organization_id
    assert suspicion.with_commits({organization}) == set()
    repository = Repository.objects.create(organization_id=organization, name="acme/web")
    Commit.objects.create(organization_id=organization, repository=repository, key="a" * 40)
    assert suspicion.with_commits({organization}) == set()

    at[0] += suspicion.UNKNOWN_SECONDS

    assert suspicion.with_commits({organization}) == {organization}


def test_an_issue_rests_a_day_after_nobody_and_a_week_after_somebody(bring, arrive, events, ann, now):
    bring(("a", "elsewhere.py", ann.email))
    group = arrive()
    assert look_at_due(events, clock.now()) == 0
    assert GroupSuspicion.objects.get().rests_until < now + DAY + timedelta(minutes=5)

    assert [suspicion.ask({group.pk: "e" * 32}, now + DAY * days) for days in (0.9, 1.1, 1.1)] == [0, 1, 0]


@pytest.mark.parametrize("version", ["", "web@0.1"], ids=["no release", "no commits"])
def test_without_a_release_or_its_commits_there_is_nobody(version, project, bring, arrive, events, ann):
    other = a_project(project.organization, "other")
    repository = Repository.objects.create(organization=project.organization, name="acme/other")
    Commit.objects.create(organization=other.organization, repository=repository, key="a" * 40)

    arrive(version=version)

    assert look_at_due(events, clock.now()) == 0
    assert GroupSuspicion.objects.get().asked_at is None
    assert not GroupOwner.objects.exists()


def test_a_person_has_the_last_word_until_it_is_nobodys_again(project, bring, arrive, events, ann, bob):
    wants(project)
    bring(("a", "src/shop/cart.py", ann.email))
    group = arrive()
    assign([group], of_user(bob), bob)
    look_at_due(events, clock.now())
    assert said(group) == bob.pk
    GroupAssignee.objects.all().delete()  # as when somebody leaves
    assert not assign_suspect(group, [ann.pk], clock.now())

    assign([group], of_user(bob), bob)
    assign([group], None, bob)
    arrive()
    look_at_due(events, clock.now())

    assert said(group) == ann.pk


def test_who_cannot_have_it_is_passed_over(project, ann, bob, now):
    wants(project)
    group = Group.objects.create(project=project, short_id=1)
    gone = a_member(project.organization, "gone@example.com", verified=True)
    OrganizationMember.objects.filter(user_id=gone.pk).delete()
    suspect(group, [Suspected(gone.pk, 1), Suspected(bob.pk, 2)], now)

    assert assign_suspect(group, [gone.pk, bob.pk], now)

    assert said(group) == bob.pk
    assert [row.user_id for row in owners_of([group])[group.pk]] == [bob.pk]


def test_where_membership_is_closed_only_those_of_the_projects_teams_get_issues(project, ann, now):
    wants(project)
    group = Group.objects.create(project=project, short_id=1)
    organization = project.organization
    organization.flags &= ~OrganizationFlags.ALLOW_JOINLEAVE
    organization.save()

    assert not assign_suspect(group, [ann.pk], now)


def test_what_is_being_deleted_is_left_alone(project, ann, now):
    wants(project)
    group = Group.objects.create(project=project, short_id=1, status=GroupStatus.PENDING_DELETION)

    suspect(group, [Suspected(ann.pk, 1)], now)

    assert not assign_suspect(group, [ann.pk], now)
    assert not GroupOwner.objects.exists()


def test_a_third_owner_takes_the_place_of_one_of_long_ago(project, ann, bob, now):
    group = Group.objects.create(project=project, short_id=1)
    eve = a_member(project.organization, "eve@example.com")
    suspect(group, [Suspected(ann.pk, 1)], now - 8 * DAY)
    suspect(group, [Suspected(bob.pk, 2)], now - DAY)

    suspect(group, [Suspected(eve.pk, 3)], now)
    suspect(group, [Suspected(ann.pk, 4)], now)  # the others are fresh

    assert set(GroupOwner.objects.values_list("user_id", flat=True)) == {eve.pk, bob.pk}


def test_those_who_are_suspected_lately_are_not_looked_for_again(project, bring, arrive, events, ann, bob, now):
    wants(project)
    bring(("a", "src/shop/cart.py", ann.email))
    group = arrive()
    suspect(group, [Suspected(bob.pk, 1), Suspected(ann.pk, 2)], now)

    assert look_at_due(events, clock.now()) == 1

    assert GroupOwner.objects.get(user_id=ann.pk).context == {"commitId": 2}
    assert said(group) == bob.pk


def test_where_the_event_store_is_away_it_is_looked_at_later(bring, arrive, events, ann, monkeypatch):
    bring(("a", "src/shop/cart.py", ann.email))
    arrive()

    def away(*_, **__):
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(events, "rows", away)
        for _ in range(MOST_ATTEMPTS + 1):
            with pytest.raises(StoreUnavailable):
                look_at_due(events, clock.now())

    assert look_at_due(events, clock.now()) == 1


def test_what_fails_again_and_again_rests(bring, arrive, events, ann):
    bring(("a", "src/shop/cart.py", ann.email))
    arrive()
    GroupSuspicion.objects.update(attempts=MOST_ATTEMPTS)

    assert look_at_due(events, clock.now()) == 0
    assert GroupSuspicion.objects.get().asked_at is None


def test_what_another_node_has_taken_is_left_to_it(bring, arrive, events, ann):
    bring(("a", "src/shop/cart.py", ann.email))
    arrive()
    GroupSuspicion.objects.update(rests_until=clock.now() + timedelta(seconds=30))

    assert look_at_due(events, clock.now()) == 0
    assert look_at_due(events, clock.now() + timedelta(minutes=1)) == 1
