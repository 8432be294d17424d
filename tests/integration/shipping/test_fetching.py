"""The job that fetches commits of releases from their repositories."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from tests.support.factories import a_project, a_release, an_organization
from tests.support.gitrepository import GitRepository
from vedette.cli.jobs import JOBS
from vedette.core.locks import held
from vedette.issues.models import Activity, ActivityType
from vedette.releases.models import Deploy, LatestRelease, Release, ReleaseCommit, Repository
from vedette.shipping import commits as setting_commits
from vedette.shipping import fetching
from vedette.shipping.commits import UnknownRelease, set_commits
from vedette.shipping.deploys import DeployInput, create_deploy
from vedette.shipping.fetching import ATTEMPTS, LEASE, RETRY_AFTER, fetch_due
from vedette.shipping.fetchqueue import awaits_fetch
from vedette.shipping.refs import RefInput, set_refs
from vedette.shipping.sender import Sender
from vedette.tasks.models import Work
from vedette.tasks.names import FETCH_COMMITS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.django_db(transaction=True)  # commits are set under a lock, which others have to see


@pytest.fixture
def web(db):
    return a_project()


@pytest.fixture
def release(web):
    return a_release("1.0", web, date_added=NOON)


@pytest.fixture
def git(tmp_path):
    return GitRepository(tmp_path / "root" / "web")


@pytest.fixture
def fetch(tmp_path):
    """Run the job at a moment."""
    own = replace(settings.VEDETTE, git_roots=(tmp_path / "root",))
    return lambda now=NOON: fetch_due(own, now)


@pytest.fixture
def repository(web, git):
    return Repository.objects.create(
        organization=web.organization,
        name="acme/web",
        provider="git",
        external_id="1",
        config={"path": str(git.path)},
    )


def ship(release, *refs):
    set_refs(release, [RefInput(*ref) for ref in refs], fetch=True, user=None, now=NOON)


def deploy(release, web):
    return create_deploy(release, DeployInput("production"), [web], by=Sender(), now=NOON)


def keys(release):
    return list(ReleaseCommit.objects.filter(release=release).order_by("order").values_list("commit__key", flat=True))


def entries():
    return Activity.objects.filter(type=ActivityType.DEPLOY).count()


def test_the_commits_since_the_one_that_was_told_become_those_of_the_release(release, repository, git, fetch):
    base, first, last = git.commit(), git.commit("One"), git.commit("Two")
    ship(release, ("acme/web", last, base))

    assert fetch() == 1

    release.refresh_from_db()
    assert keys(release) == [last, first]
    assert release.commit_count == 2
    assert not awaits_fetch(release)
    assert fetch() == 0


def test_without_one_the_head_of_the_release_before_is_where_to_begin(web, release, repository, git, fetch):
    base, middle, last = git.commit(), git.commit(), git.commit()
    before = a_release("0.9", web, date_added=NOON - HOUR)
    set_refs(before, [RefInput("acme/web", base)], fetch=False, user=None, now=NOON)
    ship(release, ("acme/web", last))

    fetch()

    assert keys(release) == [last, middle]


def test_refs_of_several_repositories_come_together_and_one_that_fails_stops_no_other(
    web, release, repository, git, fetch, tmp_path
):
    other = GitRepository(tmp_path / "root" / "lib")
    rows = {"config": {"path": str(other.path)}, "organization": web.organization, "provider": "git"}
    Repository.objects.create(name="acme/lib", external_id="2", **rows)
    Repository.objects.create(name="acme/broken", external_id="3", **rows)
    base, last, old, new = git.commit(), git.commit(), other.commit(), other.commit()

    ship(release, ("acme/broken", "f" * 40), ("acme/web", last, base), ("acme/lib", new, old))
    fetch()

    assert set(keys(release)) == {last, new}
    assert not awaits_fetch(release)  # what is refused is not asked for again


def test_a_repository_without_a_provider_is_left_out_and_its_head_stays(web, release, fetch):
    Repository.objects.create(organization=web.organization, name="acme/plain")
    ship(release, ("acme/plain", "a" * 40))

    assert fetch() == 1

    assert keys(release) == []
    assert release.head_commits.get().commit.key == "a" * 40
    assert not awaits_fetch(release)


def test_a_repository_that_was_switched_off_meanwhile_is_left_out(release, repository, git, fetch):
    ship(release, ("acme/web", git.commit()))
    Repository.objects.update(status=1)

    fetch()

    assert keys(release) == []
    assert not awaits_fetch(release)


def test_a_provider_that_is_away_is_asked_again_five_times_five_minutes_apart(
    web, release, repository, git, fetch, tmp_path
):
    key = git.commit()
    git.path.rename(tmp_path / "elsewhere")
    ship(release, ("acme/web", key))
    deploy(release, web)

    for attempt in range(1, ATTEMPTS):
        now = NOON + (attempt - 1) * RETRY_AFTER
        assert fetch(now) == 1
        work = Work.objects.get()
        assert (work.attempts, work.due_at) == (attempt, now + RETRY_AFTER)
        assert work.error == "acme/web: there is no git repository at the repository's path"
        assert fetch(now + timedelta(minutes=4)) == 0
        assert entries() == 0

    assert fetch(NOON + ATTEMPTS * RETRY_AFTER) == 1
    assert not awaits_fetch(release)
    assert entries() == 1  # the deploy waits no longer


def test_a_provider_that_comes_back_in_time_is_heard(release, repository, git, fetch, tmp_path):
    key = git.commit()
    git.path.rename(tmp_path / "elsewhere")
    ship(release, ("acme/web", key))
    fetch()
    (tmp_path / "elsewhere").rename(git.path)

    fetch(NOON + 2 * RETRY_AFTER)

    assert keys(release) == [key]
    assert not awaits_fetch(release)


def test_work_that_killed_whoever_did_it_each_time_is_given_up(web, release, repository, git, fetch, monkeypatch):
    ship(release, ("acme/web", git.commit()))
    deploy(release, web)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fetching, "provider_of", killed)
        for attempt in range(ATTEMPTS):
            with pytest.raises(KeyboardInterrupt):
                fetch(NOON + attempt * 2 * LEASE)

    assert awaits_fetch(release)
    fetch(NOON + ATTEMPTS * 2 * LEASE)
    assert not awaits_fetch(release)
    assert keys(release) == []
    assert entries() == 1


def test_deploys_that_waited_are_told_when_the_commits_are_there(web, release, repository, git, fetch):
    key = git.commit()
    ship(release, ("acme/web", key))
    made = deploy(release, web)
    assert entries() == 0

    fetch()

    assert entries() == 1
    assert Deploy.objects.get(pk=made.pk).notified
    row = LatestRelease.objects.get()
    assert (row.release, row.deploy, row.commit.key) == (release, made, key)


def test_refs_that_came_after_the_deploy_say_what_runs_there(web, release, repository, git, fetch):
    made = deploy(release, web)
    key = git.commit()
    ship(release, ("acme/web", key))

    fetch()

    assert entries() == 1
    assert LatestRelease.objects.get().deploy == made


def test_somebody_who_sets_commits_at_the_moment_is_not_disturbed(web, release, repository, git, fetch, monkeypatch):
    ship(release, ("acme/web", git.commit()))
    deploy(release, web)
    monkeypatch.setattr(setting_commits, "WAIT_SECONDS", 0)

    with held(setting_commits._lock(release), 60):
        fetch()

    assert keys(release) == []
    assert not awaits_fetch(release)
    assert entries() == 1


def test_what_was_fetched_for_older_refs_is_not_used(release, repository, git, fetch, monkeypatch):
    first, second = git.commit(), git.commit()
    ship(release, ("acme/web", first))
    provider_of = fetching.provider_of

    def meanwhile(*arguments):
        monkeypatch.setattr(fetching, "provider_of", provider_of)
        ship(release, ("acme/web", second, first))
        return provider_of(*arguments)

    monkeypatch.setattr(fetching, "provider_of", meanwhile)

    assert fetch() == 2

    assert keys(release) == [second]


def test_a_release_that_is_gone_takes_its_work_along(release, repository, git, fetch):
    ship(release, ("acme/web", git.commit()))
    Release.objects.all().delete()

    assert fetch() == 1

    assert not Work.objects.exists()


def test_repositories_that_take_too_long_together_are_asked_later(release, repository, git, fetch, monkeypatch):
    ship(release, ("acme/web", git.commit()))
    monkeypatch.setattr(fetching, "BUDGET_SECONDS", -1.0)

    fetch()

    assert Work.objects.get().error == "acme/web: the other repositories took too long"


def test_an_organization_with_slow_hosts_does_not_keep_the_others_waiting(web, git, fetch, monkeypatch):
    order = []

    class Slow:
        def commits(self, repository, start, end):
            order.append(repository.name)
            return []

    other = a_project(an_organization("other"))
    for number, (project, name) in enumerate([(web, "slow"), (web, "slow"), (other, "quick"), (web, "slow")]):
        Repository.objects.get_or_create(organization=project.organization, name=name)
        ship(a_release(f"1.{number}", project), (name, "a" * 40))
    monkeypatch.setattr(fetching, "provider_of", lambda *_: Slow())
    monkeypatch.setattr(fetching, "SHARE_SECONDS", -1.0)

    assert fetch() == 4

    assert order == ["slow", "quick", "slow", "slow"]


@pytest.mark.parametrize("trouble", [ValueError("a defect"), UnknownRelease()], ids=["defect", "deleted"])
def test_what_one_release_raises_costs_no_other(web, release, repository, git, fetch, monkeypatch, trouble):
    key = git.commit()
    ship(release, ("acme/web", key))
    ship(other := a_release("0.9", web, date_added=NOON - HOUR), ("acme/web", key))

    def fragile(which, *arguments, **more):
        if which == release:
            raise trouble
        set_commits(which, *arguments, **more)

    monkeypatch.setattr(fetching, "set_commits", fragile)

    assert fetch() == 2

    assert keys(other) == [key]
    assert awaits_fetch(release) == isinstance(trouble, ValueError)


def test_the_schedule_fetches():
    assert FETCH_COMMITS in {job.name for job in JOBS}
