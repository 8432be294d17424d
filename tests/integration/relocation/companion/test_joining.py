"""What an application did on the new server before the archive came: rows join, and nothing is there twice."""

from datetime import timedelta

import pytest

from tests.support.companion import FullOrganization
from tests.support.factories import NOON, a_project, a_release, an_organization, hash_of
from tests.support.moving import wipe
from vedette.issues.models import Activity, Group, GroupHash, GroupRedirect, GroupRelease
from vedette.projects.models import Project, ProjectCounter
from vedette.releases.models import Commit, Release, ReleaseProject, Repository
from vedette.relocation.companion import importing
from vedette.relocation.files.findings import FindingKind

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def move(carrier, monkeypatch):
    """Moves everything; `meanwhile` happens between Sentry's part and the rest, to the new project."""

    def run(meanwhile):
        archive = carrier.exports()
        wipe()
        rows = importing._Importing._import_rows

        def later(self):
            meanwhile(Project.objects.get(slug="web"))
            rows(self)

        with monkeypatch.context() as patched:
            patched.setattr(importing._Importing, "_import_rows", later)
            return carrier.imports(archive)

    return run


@pytest.fixture
def project(db):
    return a_project(an_organization())


def an_issue(project, title="ValueError: bad", **fields):
    values = {"short_id": 1, "times_seen": 3, "first_seen": NOON, "last_seen": NOON, "title": title, **fields}
    group = Group.objects.create(project=project, **values)
    GroupHash.objects.create(project=project, hash=hash_of(title), group=group)
    return group


def test_a_release_that_was_reported_meanwhile_keeps_its_row_and_gets_its_age_and_its_commits(project, move):
    release = a_release("shop@1.0", project, date_added=NOON, ref="main", commit_count=2, date_released=NOON)
    ReleaseProject.objects.update(new_groups=4)
    commit = Commit.objects.create(
        organization=project.organization, repository=a_repository(project.organization), key="a" * 40
    )
    release.commit_links.create(organization_id=project.organization_id, commit=commit, order=0)

    result = move(lambda new: a_release("shop@1.0", new, date_added=NOON + DAY, ref="other"))

    (there,) = Release.objects.all()
    assert (there.date_added, there.date_released, there.ref, there.commit_count) == (NOON, NOON, "other", 2)
    assert there.commit_links.get().commit.key == "a" * 40
    assert ReleaseProject.objects.get().new_groups == 4
    assert (result.plan["releases.release"].existing, result.plan["releases.release"].inserted) == (1, 0)


def a_repository(organization):
    return Repository.objects.create(organization=organization, name="acme/shop")


def test_a_release_never_becomes_younger(project, move):
    a_release("shop@1.0", project, date_added=NOON)

    move(lambda new: a_release("shop@1.0", new, date_added=NOON - DAY))

    assert Release.objects.get().date_added == NOON - DAY


def test_an_issue_that_was_reported_meanwhile_takes_its_history_in(project, move):
    old = an_issue(project)
    Activity.objects.create(project=project, group=old, type=8, data={"text": "seen this"})

    result = move(lambda new: an_issue(new, short_id=2, times_seen=1, first_seen=NOON + DAY, last_seen=NOON + DAY))

    (home,) = Group.objects.all()
    assert (home.short_id, home.times_seen, home.first_seen, home.last_seen) == (2, 4, NOON, NOON + DAY)
    assert home.activities.get().data == {"text": "seen this"}
    redirect = GroupRedirect.objects.get()
    assert (redirect.previous_short_id, redirect.previous_project_slug, redirect.group_id) == (1, "web", home.pk)
    assert redirect.moved_at
    assert redirect.settled_at
    assert FindingKind.MERGED in {finding.kind for finding in result.findings}


def test_an_issue_whose_short_id_is_taken_gets_another_one(project, move):
    an_issue(project)

    result = move(lambda new: an_issue(new, "KeyError: other"))

    first, second = Group.objects.order_by("short_id")
    assert (first.title, first.short_id) == ("KeyError: other", 1)
    assert (second.title, second.short_id) == ("ValueError: bad", 2)
    assert ProjectCounter.objects.get().value == 2
    assert [one.field for one in result.findings if one.model == "issues.group"] == ["short_id"]


def test_numbers_of_a_release_in_an_issue_join(project, move):
    release = a_release("shop@1.0", project)
    group = an_issue(project)
    row = {"project_id": project.pk, "release": release, "environment": "prod"}
    GroupRelease.objects.create(group=group, first_seen=NOON, last_seen=NOON, **row)

    def meanwhile(new):
        there = {"project_id": new.pk, "release": a_release("shop@1.0", new), "environment": "prod"}
        GroupRelease.objects.create(group=an_issue(new), first_seen=NOON + DAY, last_seen=NOON + DAY, **there)

    move(meanwhile)

    joined = GroupRelease.objects.get()
    assert (joined.first_seen, joined.last_seen) == (NOON, NOON + DAY)


def test_a_repository_that_a_commit_has_named_meanwhile_is_the_same_one(project, move):
    a_repository(project.organization)

    result = move(lambda new: a_repository(new.organization))

    assert Repository.objects.count() == 1
    assert result.plan["releases.repository"].existing == 1


def test_two_old_users_who_are_one_here_count_once(carrier, project):
    full = FullOrganization(carrier.files, an_organization("other"))
    second = full.user.__class__.objects.create(username="bob@example.com", email="bob@example.com")
    full.organization.members.create(user_id=second.pk, role="member")
    group = full["issues.group"]
    group.subscriptions.create(project=full.project, user_id=second.pk)
    archive = carrier.exports(org_slugs=frozenset({"other"}))

    carrier.imports(archive, map_users={"bob@example.com": "ann@example.com"}, merge_users=True)

    moved = Group.objects.exclude(pk__in=[group.pk]).get(title=group.title)
    assert [row.user_id for row in moved.subscriptions.all()] == [full.user.pk]
