"""What follows from a deploy: what runs where, and when it is told."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection

from tests.support.factories import a_project, a_release
from vedette.issues.models import Activity, ActivityType
from vedette.projects.models import Environment
from vedette.releases.models import (
    Commit,
    Deploy,
    LatestRelease,
    Release,
    ReleaseHeadCommit,
    ReleaseProjectEnvironment,
    Repository,
)
from vedette.shipping.deploys import DeployInput, announce, create_deploy
from vedette.shipping.deploytold import DeployCreated, ProjectTold, deploy_created
from vedette.shipping.fetchqueue import FetchRef, queue_fetch
from vedette.shipping.sender import Sender

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def web(db):
    return a_project()


def a_head(release, name="acme/web", key="a" * 40):
    organization = release.organization
    repository, _ = Repository.objects.get_or_create(organization=organization, name=name)
    commit = Commit.objects.create(organization=organization, repository=repository, key=key)
    return ReleaseHeadCommit.objects.create(
        organization_id=organization.pk, release=release, repository=repository, commit=commit
    )


def deploy(release, project, environment="production", at=NOON):
    return create_deploy(release, DeployInput(environment, date_finished=at), [project], by=Sender(), now=NOON)


def entries():
    return Activity.objects.filter(type=ActivityType.DEPLOY)


def test_what_runs_where_is_noted_for_the_repositories_of_the_head_commits(web):
    release = a_release("1.0", web)
    head = a_head(release)
    a_head(release, "acme/lib")

    made = deploy(release, web)

    assert LatestRelease.objects.count() == 2
    row = LatestRelease.objects.get(repository=head.repository)
    assert (row.release, row.deploy, row.commit) == (release, made, head.commit)
    assert row.environment.name == "production"


def test_the_deploy_that_finished_last_stays_the_latest_of_whichever_release(web):
    old, new = a_release("1.0", web), a_release("2.0", web)
    a_head(old)
    a_head(new, key="b" * 40)

    later = deploy(new, web, at=NOON)
    deploy(old, web, at=NOON - HOUR)

    assert LatestRelease.objects.get().deploy == later
    rolled_back = deploy(old, web, at=NOON + HOUR)
    row = LatestRelease.objects.get()
    assert (row.deploy, row.release, row.commit.key) == (rolled_back, old, "a" * 40)


def test_a_release_without_head_commits_changes_nothing_there(web):
    deploy(a_release("1.0", web), web)

    assert not LatestRelease.objects.exists()


def test_of_deploys_that_finished_at_once_the_newer_row_is_the_last(web):
    release = a_release("1.0", web)

    deploy(release, web)
    second = deploy(release, web)

    release.refresh_from_db()
    assert release.last_deploy_id == second.pk
    assert ReleaseProjectEnvironment.objects.get().last_deploy_id == second.pk


def test_where_a_release_was_seen_before_its_moments_stay(web):
    release = a_release("1.0", web)
    environment = Environment.objects.create(organization_id=web.organization_id, name="production")
    ReleaseProjectEnvironment.objects.create(
        project=web, release=release, environment=environment, first_seen=NOON - 9 * HOUR, last_seen=NOON - 8 * HOUR
    )

    made = deploy(release, web)

    row = ReleaseProjectEnvironment.objects.get()
    assert (row.first_seen, row.last_seen, row.last_deploy_id) == (NOON - 9 * HOUR, NOON - 8 * HOUR, made.pk)


def test_a_deploy_is_told_once(web):
    made = deploy(a_release("1.0", web), web)

    assert not announce(made, NOON)
    assert entries().count() == 1


def test_a_deploy_waits_for_commits_that_are_to_be_fetched(web):
    release = a_release("1.0", web)
    a_head(release)
    queue_fetch(release, [FetchRef("acme/web", "a" * 40)], previous_id=None, user_id=None, now=NOON)

    made = deploy(release, web)

    assert not entries().exists()
    assert not Deploy.objects.get(pk=made.pk).notified


def test_head_commits_alone_keep_no_deploy_waiting(web):
    release = a_release("1.0", web)
    a_head(release)

    deploy(release, web)

    assert entries().count() == 1


def test_a_deploy_of_a_release_that_is_gone_is_none(web):
    release = a_release("1.0", web)
    Release.objects.filter(pk=release.pk).delete()

    assert deploy(release, web) is None
    assert not Deploy.objects.exists()


@pytest.fixture
def heard():
    """What listeners are told, and whether that is in a transaction."""
    told = []

    def listen(created, **_):
        told.append((created, connection.in_atomic_block))

    deploy_created.connect(listen)
    yield told
    deploy_created.disconnect(listen)


def test_whoever_listens_is_told_of_a_new_deploy_in_its_transaction(web, heard):
    release = a_release("web@1.0+7 b", web)

    made = create_deploy(
        release,
        DeployInput("pro duction", name="blue", url="https://ci.example.com", date_finished=NOON),
        [web],
        by=Sender(),
        now=NOON,
    )

    assert heard == [
        (
            DeployCreated(
                deploy_id=made.pk,
                organization_id=web.organization_id,
                release_id=release.pk,
                version="web@1.0+7 b",
                environment="pro duction",
                name="blue",
                url="https://ci.example.com",
                date_started=None,
                date_finished=NOON,
                projects=(ProjectTold(web.pk, "web"),),
                web_url=f"{settings.VEDETTE.url}/organizations/acme/releases/web%401.0%2B7%20b/?environment=pro+duction",
            ),
            True,
        )
    ]


def test_a_deploy_that_a_listener_cannot_write_down_is_not_made(web):
    def listen(created, **_):
        raise ValueError("no room")

    deploy_created.connect(listen)
    try:
        with pytest.raises(ValueError, match="no room"):
            deploy(a_release("1.0", web), web)
    finally:
        deploy_created.disconnect(listen)

    assert not Deploy.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_deploys_at_once_all_are_counted_and_the_last_one_is_the_last():
    web = a_project()
    release = a_release("1.0", web)
    a_head(release)
    together, failures = threading.Barrier(4), []

    def node(number):
        try:
            own = Release.objects.select_related("organization").get(pk=release.pk)
            together.wait()
            deploy(own, web, at=NOON - number * HOUR)
        except Exception as error:  # noqa: BLE001 (told below)
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=node, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    last = Deploy.objects.get(date_finished=NOON)
    release.refresh_from_db()
    assert (release.total_deploys, release.last_deploy_id) == (4, last.pk)
    assert ReleaseProjectEnvironment.objects.get().last_deploy_id == last.pk
    assert LatestRelease.objects.get().deploy == last
    assert entries().count() == 4
