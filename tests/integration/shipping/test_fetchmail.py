"""The mail about commits that could not be fetched."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from tests.support.factories import a_member, a_project, a_release
from tests.support.gitrepository import GitRepository
from vedette.accounts.models import User
from vedette.cli.jobs import MAILS
from vedette.mail.models import Mail, MailState
from vedette.mail.preferences import FETCHES, NEVER, choose
from vedette.mail.sending import send_due
from vedette.orgs.models import OrganizationMember
from vedette.releases.models import ReleaseCommit, Repository
from vedette.shipping import fetching
from vedette.shipping.fetching import ATTEMPTS, LEASE, RETRY_AFTER, fetch_due
from vedette.shipping.refs import RefInput, set_refs

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db(transaction=True)  # commits are set under a lock, which others have to see


@pytest.fixture
def web(mailbox, db):
    return a_project()


@pytest.fixture
def ann(web):
    return a_member(web.organization, verified=True)


@pytest.fixture
def git(tmp_path):
    return GitRepository(tmp_path / "root" / "web")


@pytest.fixture
def release(web, git):
    Repository.objects.create(
        organization=web.organization, name="acme/web", provider="git", config={"path": str(git.path)}
    )
    return a_release("1.0", web, date_added=NOON)


@pytest.fixture
def fetch(tmp_path):
    """Run the job at a moment."""
    return lambda now=NOON: fetch_due(replace(settings.VEDETTE, git_roots=(tmp_path / "root",)), now)


def ship(release, user, commit="f" * 40):
    set_refs(release, [RefInput("acme/web", commit)], fetch=True, user=user, now=NOON)


def send(at=NOON):
    return send_due(MAILS, at + MINUTE)


def test_whoever_asked_is_told_at_once_what_the_provider_said(mailbox, release, ann, fetch):
    ship(release, ann)
    fetch()
    send()

    (arrived,) = mailbox.delivered
    assert arrived.recipients == ["ann@example.com"]
    assert arrived.message["Subject"] == "Unable to Fetch Commits"
    for part in ("plain", "html"):
        said = arrived.part(part)
        assert "acme/web" in said
        assert "git: fatal" in said
        assert "https://vedette.example.com/organizations/acme/releases/1.0/" in said
    assert "/unsubscribe/" in arrived.message["List-Unsubscribe"]


def test_nobody_is_told_while_it_is_tried_again(mailbox, release, ann, fetch, git, tmp_path):
    key = git.commit()
    git.path.rename(tmp_path / "elsewhere")
    ship(release, ann, key)
    for attempt in range(ATTEMPTS - 1):
        fetch(NOON + attempt * RETRY_AFTER)
    assert not Mail.objects.exists()

    fetch(NOON + ATTEMPTS * RETRY_AFTER)
    send(NOON + ATTEMPTS * RETRY_AFTER)

    assert "acme/web: there is no git repository at the repository's path" in mailbox.delivered[0].part("plain")


def test_a_defect_is_told_as_one_and_costs_other_repositories_nothing(mailbox, release, ann, fetch, git, monkeypatch):
    other = GitRepository(git.path.parent / "lib")
    Repository.objects.create(
        organization=release.organization,
        name="acme/lib",
        provider="git",
        external_id="2",
        config={"path": str(other.path)},
    )
    key = other.commit()
    refs = [RefInput("acme/web", "f" * 40), RefInput("acme/lib", key)]
    set_refs(release, refs, fetch=True, user=ann, now=NOON)
    provider_of = fetching.provider_of

    def broken(repository, *rest):
        if repository.name == "acme/web":
            raise ZeroDivisionError("secret=1")
        return provider_of(repository, *rest)

    monkeypatch.setattr(fetching, "provider_of", broken)
    for attempt in range(ATTEMPTS):
        fetch(NOON + attempt * 2 * RETRY_AFTER)
    send(NOON + ATTEMPTS * 2 * RETRY_AFTER)

    assert ReleaseCommit.objects.get(release=release).commit.key == key
    assert "acme/web: An internal system error occurred." in mailbox.delivered[0].part("plain")
    assert "secret" not in mailbox.delivered[0].part("plain")


def test_work_that_killed_whoever_did_it_is_told_as_a_defect(mailbox, release, ann, fetch, monkeypatch):
    ship(release, ann)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fetching, "provider_of", killed)
        for attempt in range(ATTEMPTS):
            with pytest.raises(KeyboardInterrupt):
                fetch(NOON + attempt * 2 * LEASE)
    fetch(NOON + ATTEMPTS * 2 * LEASE)
    send(NOON + ATTEMPTS * 2 * LEASE)

    assert "acme/web: An internal system error occurred." in mailbox.delivered[0].part("plain")


def test_what_went_well_is_told_to_nobody(release, ann, fetch, git):
    ship(release, ann, git.commit())
    fetch()

    assert not Mail.objects.exists()


def test_a_credential_of_nobody_tells_nobody(release, ann, fetch):
    ship(release, None)
    fetch()

    assert not Mail.objects.exists()


def test_what_an_application_asked_for_is_told_to_the_owners(mailbox, release, ann, fetch):
    a_member(release.organization, "owner@example.com", "owner", verified=True)
    a_member(release.organization, "manager@example.com", "manager", verified=True)
    User.objects.filter(pk=ann.pk).update(is_sentry_app=True)
    ship(release, ann)
    fetch()
    send()

    assert [one.recipients for one in mailbox.delivered] == [["owner@example.com"]]


def test_whoever_does_not_want_to_know_is_not_told(release, ann, fetch):
    choose(ann.pk, FETCHES, NEVER)
    ship(release, ann)
    fetch()

    assert not Mail.objects.exists()


@pytest.mark.parametrize(
    "happens",
    [
        lambda release, ann: release.delete(),
        lambda release, ann: OrganizationMember.objects.all().delete(),
        lambda release, ann: choose(ann.pk, FETCHES, NEVER),
    ],
    ids=["release-gone", "left", "unsubscribed"],
)
def test_what_happens_until_it_is_sent_counts(mailbox, release, ann, fetch, happens):
    ship(release, ann)
    fetch()
    happens(release, ann)
    send()

    assert mailbox.delivered == []
    assert Mail.objects.get().state == MailState.DROPPED


def test_a_user_who_is_gone_keeps_no_commits_from_being_fetched(release, ann, fetch, git):
    ship(release, ann, git.commit())
    ann.delete()

    fetch()

    assert ReleaseCommit.objects.filter(release=release).count() == 1
