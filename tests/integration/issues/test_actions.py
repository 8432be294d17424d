import threading
from datetime import timedelta

import pytest
from django.db import connection

from tests.support.factories import NOON, a_member, a_project, an_organization
from vedette.core.errors import RuleBroken
from vedette.issues.actions import archive, assign, reopen
from vedette.issues.assignees import Assignee, assignable, assignee_of, parse_assignee
from vedette.issues.lookup import feed, find_group
from vedette.issues.models import Activity, ActivityType, Group, GroupStatus, GroupSubStatus
from vedette.issues.resolve import resolve
from vedette.orgs.access import access_of_user
from vedette.orgs.models import OrganizationMember, Team


def a_group(project, number=1, **fields):
    values = {"title": "ValueError: bad", "first_seen": NOON, "last_seen": NOON, "times_seen": 3, **fields}
    return Group.objects.create(project=project, short_id=number, **values)


@pytest.fixture
def project(db):
    return a_project()


@pytest.fixture
def ann(project):
    return a_member(project.organization, name="Ann")


@pytest.mark.django_db
def test_resolving_is_written_once_with_its_author_and_moment(project, ann):
    group = a_group(project)

    assert resolve([group], ann, now=NOON) == [group.pk]
    assert resolve([group], ann, now=NOON + timedelta(hours=1)) == []

    group.refresh_from_db()
    assert (group.status, group.substatus, group.resolved_at) == (GroupStatus.RESOLVED, None, NOON)
    entry = Activity.objects.get()
    assert (entry.type, entry.user_id, entry.datetime) == (ActivityType.SET_RESOLVED, ann.pk, NOON)


@pytest.mark.django_db
def test_archiving_again_in_another_way_is_a_change(project):
    group = a_group(project)

    assert archive([group], None) == [group.pk]
    assert archive([group], None) == []
    assert archive([group], None, GroupSubStatus.ARCHIVED_UNTIL_ESCALATING) == [group.pk]

    group.refresh_from_db()
    assert (group.status_word, group.substatus_word) == ("ignored", "archived_until_escalating")
    assert Activity.objects.count() == 2


@pytest.mark.django_db
def test_nothing_is_archived_as_something_that_is_no_archive(project):
    with pytest.raises(ValueError, match="no way to archive"):
        archive([a_group(project)], None, GroupSubStatus.NEW)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "age_days", "substatus"),
    [
        pytest.param(GroupStatus.RESOLVED, 1, GroupSubStatus.REGRESSED, id="resolved"),
        pytest.param(GroupStatus.IGNORED, 1, GroupSubStatus.NEW, id="archived and young"),
        pytest.param(GroupStatus.IGNORED, 30, GroupSubStatus.ONGOING, id="archived and old"),
    ],
)
def test_reopening_says_what_the_issue_is_now(project, status, age_days, substatus):
    group = a_group(project, status=status, substatus=None, first_seen=NOON - timedelta(days=age_days))

    assert reopen([group], None, NOON) == [group.pk]

    group.refresh_from_db()
    assert (group.status, group.substatus) == (GroupStatus.UNRESOLVED, substatus)


@pytest.mark.django_db
def test_many_reopened_at_once_are_ongoing(project):
    groups = [a_group(project, n, status=GroupStatus.RESOLVED, substatus=None) for n in (1, 2)]

    reopen(groups, None, NOON)

    assert set(Group.objects.values_list("substatus", flat=True)) == {GroupSubStatus.ONGOING}


@pytest.mark.django_db
def test_an_issue_that_is_being_deleted_is_left_alone(project):
    group = a_group(project, status=GroupStatus.PENDING_DELETION, substatus=None)

    assert resolve([group], None) == archive([group], None) == reopen([group], None) == []


@pytest.mark.django_db
def test_assigning_moves_and_removes_and_remembers(project, ann):
    group = a_group(project)
    bob = a_member(project.organization, "bob@example.com", name="Bob")
    team = Team.objects.create(organization=project.organization, slug="core", name="Core")
    to = [parse_assignee(text, project.organization, ann) for text in ("me", "bob@example.com", "#core", "")]

    changed = [assign([group], who, ann) for who in (to[0], to[0], to[1], to[2], to[3], to[3])]

    assert changed == [[group.pk], [], [group.pk], [group.pk], [group.pk], []]
    assert assignee_of(group) is None
    rows = Activity.objects.order_by("id")
    kinds = [(row.type, row.data.get("assignee"), row.data.get("assigneeType")) for row in rows]
    assert kinds == [
        (ActivityType.ASSIGNED, str(ann.pk), "user"),
        (ActivityType.ASSIGNED, str(bob.pk), "user"),
        (ActivityType.ASSIGNED, str(team.pk), "team"),
        (ActivityType.UNASSIGNED, None, None),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("user:999999", "User is not a member of this organization"),
        ("999999", "User is not a member of this organization"),
        ("eve@example.com", "User is not a member of this organization"),
        ("#nobody", "Team is not a member of this organization"),
        ("team:999999", "Team is not a member of this organization"),
        ("user:x", "Could not parse actor. Format should be `type:id` where type is `team` or `user`."),
    ],
)
def test_somebody_outside_the_organization_cannot_be_named(project, ann, text, sentence):
    a_member(an_organization("other"), "eve@example.com")

    with pytest.raises(RuleBroken) as refused:
        parse_assignee(text, project.organization, ann)

    assert refused.value.errors == {"assignedTo": [sentence]}


@pytest.mark.django_db
def test_me_needs_a_user_and_a_deactivated_member_takes_nothing(project):
    bob = a_member(project.organization, "bob@example.com")
    bob.is_active = False
    bob.save()

    with pytest.raises(RuleBroken, match="belongs to no user"):
        parse_assignee("me", project.organization, None)
    with pytest.raises(RuleBroken, match="deactivated member"):
        parse_assignee("bob@example.com", project.organization, None)


@pytest.mark.django_db
def test_a_team_of_another_organization_is_no_assignee(project):
    foreign = Team.objects.create(organization=an_organization("other"), slug="core", name="Core")

    with pytest.raises(RuleBroken, match="Team is not a member"):
        parse_assignee(f"team:{foreign.pk}", project.organization, None)


@pytest.mark.django_db
def test_assignable_are_the_projects_teams_and_the_organizations_members(project, ann):
    team = Team.objects.create(organization=project.organization, slug="core", name="Core")
    project.teams.add(team)
    a_member(an_organization("other"), "eve@example.com")

    assert [who.key for who in assignable(project)] == [f"team:{team.pk}", f"user:{ann.pk}"]


@pytest.mark.django_db
def test_an_issue_is_found_by_id_and_short_id_by_those_who_may_see_it(project, ann):
    group = a_group(project, number=239)
    eve = a_member(an_organization("other"), "eve@example.com")
    mine = access_of_user(ann, project.organization)
    foreign = access_of_user(eve, OrganizationMember.objects.get(user_id=eve.pk).organization)

    for name in (str(group.pk), "WEB-7F", "web-7f"):
        assert find_group(mine, name) == group
        assert find_group(foreign, name) is None
    for name in ("0", "WEB-1", "x", "9" * 30, "WEB-", "²"):
        assert find_group(mine, name) is None


@pytest.mark.django_db
def test_closed_membership_hides_projects_of_other_teams(project):
    project.organization.flags = 0
    project.organization.save()
    ann = a_member(project.organization)
    group = a_group(project)

    assert find_group(access_of_user(ann, project.organization), str(group.pk)) is None


@pytest.mark.django_db
def test_the_feed_is_newest_first_and_always_tells_of_the_first_event(project, ann):
    group = a_group(project)
    resolve([group], ann, now=NOON + timedelta(hours=1))
    reopen([group], ann, NOON + timedelta(hours=2))

    entries = feed(group)

    assert [entry.type.word for entry in entries] == ["set_unresolved", "set_resolved", "first_seen"]
    assert entries[0].user == ann
    assert entries[-1].datetime == NOON


@pytest.mark.django_db
def test_the_feed_tells_a_repetition_once(project):
    group = a_group(project)
    for minute in range(3):
        Activity.objects.create(
            project=project, group=group, type=ActivityType.SET_RESOLVED, datetime=NOON + timedelta(minutes=minute)
        )
    for minute in range(2):
        Activity.objects.create(
            project=project,
            group=group,
            type=ActivityType.NOTE,
            datetime=NOON - timedelta(minutes=minute + 1),
            data={"text": "again"},
        )

    assert [entry.type.word for entry in feed(group)] == ["set_resolved", "note", "note", "first_seen"]


@pytest.mark.django_db(transaction=True)
def test_two_people_who_resolve_at_once_leave_one_entry():
    project = a_project()
    group = a_group(project)
    changed = []
    barrier = threading.Barrier(4)

    def press():
        mine = Group.objects.get(pk=group.pk)
        barrier.wait()
        changed.extend(resolve([mine], None))
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert changed == [group.pk]
    assert Activity.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_people_who_assign_at_once_leave_one_assignee():
    project = a_project()
    group = a_group(project)
    members = [a_member(project.organization, f"m{n}@example.com") for n in range(4)]
    barrier = threading.Barrier(4)

    def press(user):
        barrier.wait()
        assign([group], Assignee("user", user.pk, user.email), user)
        connection.close()

    threads = [threading.Thread(target=press, args=(user,)) for user in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert assignee_of(group) is not None
    assert Activity.objects.filter(type=ActivityType.ASSIGNED).count() >= 1
