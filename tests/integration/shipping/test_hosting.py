"""Setting up repositories that others host, and what is done with their secrets."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from tests.support.factories import a_project, a_release, an_organization
from tests.support.standin import Reply, StandIn
from vedette.core.errors import RuleBroken
from vedette.core.sealing import unseal
from vedette.issues.models import GroupLink, LinkedType, LinkRelationship
from vedette.orgs.models import AuditLogEntry
from vedette.releases.models import (
    Commit,
    PullRequest,
    Release,
    ReleaseCommit,
    ReleaseHeadCommit,
    Repository,
    RepositorySecret,
    RepositoryStatus,
)
from vedette.shipping.commits import CommitInput, set_commits
from vedette.shipping.fetching import fetch_due
from vedette.shipping.fetchqueue import awaits_fetch
from vedette.shipping.hosting import (
    HostedWish,
    change_hosted,
    give_up,
    hook_secret_of,
    look,
    new_hook_secret,
    set_in_use,
    set_up_by_hand,
    set_up_hosted,
)
from vedette.shipping.providers import TOKEN_PURPOSE, hosted, provider_of
from vedette.shipping.refs import RefInput, set_refs
from vedette.shipping.repositorydeletion import delete_given_up_repositories
from vedette.shipping.sender import Sender

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OWN = replace(settings.VEDETTE, outgoing_allow=("127.0.0.1",))
TOKEN = "not-a-secret"

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    return an_organization("acme")


@pytest.fixture
def set_up(acme):
    def _set_up(kind="github", slug="acme/web", **fields):
        return set_up_hosted(acme, HostedWish(kind, slug, **fields), OWN, by=Sender(), now=NOON)[0]

    return _set_up


def token_of(repository):
    row = RepositorySecret.objects.filter(repository=repository).first()
    return row and unseal(row.token, TOKEN_PURPOSE)


@pytest.mark.parametrize(
    ("wish", "provider", "url"),
    [
        (HostedWish("github", "acme/web"), "integrations:github", "https://github.com/acme/web"),
        (
            HostedWish("github", "/acme/web/", host_url="https://github.com/"),
            "integrations:github",
            "https://github.com/acme/web",
        ),
        (
            HostedWish("github", "acme/web", host_url="https://ghe.example.org/"),
            "integrations:github_enterprise",
            "https://ghe.example.org/acme/web",
        ),
        (HostedWish("gitlab", "acme/tools/web"), "integrations:gitlab", "https://gitlab.com/acme/tools/web"),
        (
            HostedWish("gitlab", "acme/web", host_url="https://git.example.org:8443"),
            "integrations:gitlab",
            "https://git.example.org:8443/acme/web",
        ),
    ],
)
def test_a_repository_is_known_by_its_host_and_its_name_there(acme, wish, provider, url):
    row, is_new = set_up_hosted(acme, wish, OWN, by=Sender(), now=NOON)

    row.refresh_from_db()
    assert is_new
    assert (row.provider, row.name, row.url) == (provider, wish.slug.strip("/"), url)


def test_the_token_is_sealed_and_shown_to_the_host_alone(acme, set_up, caplog):
    caplog.set_level(logging.DEBUG)
    row = set_up(token=TOKEN)

    assert token_of(row) == TOKEN
    assert hosted(row, OWN).token == TOKEN
    kept = [str(one) for model in (Repository, RepositorySecret, AuditLogEntry) for one in model.objects.values()]
    assert TOKEN not in "".join(kept) + caplog.text


def test_a_repository_that_commits_have_named_is_the_same_from_then_on(acme, set_up):
    named = Repository.objects.create(organization=acme, name="acme/web")

    assert set_up().pk == named.pk
    assert Repository.objects.get().provider == "integrations:github"


def test_setting_up_again_changes_the_row_and_keeps_the_token(set_up):
    first = set_up(token=TOKEN)

    second = set_up(slug="acme/moved", name="acme/web")

    assert second.pk == first.pk
    assert second.config["slug"] == "acme/moved"
    assert token_of(second) == TOKEN


@pytest.mark.parametrize(
    "wish",
    [HostedWish("github", "acme/web", host_url="https://git.example.org"), HostedWish("gitlab", "acme/web")],
    ids=["address", "kind"],
)
def test_whoever_read_a_repository_before_it_moved_tells_its_new_token_to_nobody(set_up, wish):
    stale = set_up(token="before")
    set_up_again = Repository.objects.get(pk=stale.pk)

    change_hosted(set_up_again, replace(wish, token=TOKEN), OWN, by=Sender(), now=NOON)

    assert hosted(stale, OWN).token is None
    assert hosted(set_up_again, OWN).token == TOKEN


def test_changing_a_repository_that_somebody_gives_up_does_not_bring_it_back(set_up):
    stale = set_up(token=TOKEN)
    give_up(Repository.objects.get(pk=stale.pk), by=Sender())

    change_hosted(stale, HostedWish("github", "acme/web", name="shop"), OWN, by=Sender(), now=NOON)

    stale.refresh_from_db()
    assert (stale.status, stale.name) == (RepositoryStatus.PENDING_DELETION, "shop")


def test_whoever_moves_a_repository_to_another_host_does_not_take_the_token_along(set_up):
    row = set_up(token=TOKEN, host_url="https://git.example.org")

    change_hosted(row, HostedWish("github", "acme/web", host_url="https://evil.example"), OWN, by=Sender(), now=NOON)

    assert token_of(row) is None
    change_hosted(
        row, HostedWish("gitlab", "acme/web", host_url="https://evil.example", token="new"), OWN, by=Sender(), now=NOON
    )
    assert token_of(row) == "new"
    change_hosted(
        row, HostedWish("gitlab", "acme/web", host_url="https://evil.example", token=""), OWN, by=Sender(), now=NOON
    )
    assert token_of(row) is None


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (HostedWish("svn", "acme/web"), "provider"),
        (HostedWish("github", "acme"), "identifier"),
        (HostedWish("github", "acme/web/more"), "identifier"),
        (HostedWish("github", "acme/.."), "identifier"),
        (HostedWish("github", "../user"), "identifier"),
        (HostedWish("gitlab", "acme/web?x=1"), "identifier"),
        (HostedWish("gitlab", "acme/" + "w" * 200), "identifier"),
        (HostedWish("github", "acme/web", name="n" * 201), "name"),
        (HostedWish("github", "acme/web", name="a\nb"), "name"),
        (HostedWish("github", "acme/web", host_url="git.example.org"), "hostUrl"),
        (HostedWish("github", "acme/web", host_url="https://u:p@git.example.org"), "hostUrl"),
        (HostedWish("github", "acme/web", host_url="https://10.0.0.1"), "hostUrl"),
        (HostedWish("github", "acme/web", host_url="https://git.example.org/?a=b"), "hostUrl"),
        (HostedWish("github", "acme/web", token="a\r\nX: y"), "token"),
        (HostedWish("github", "acme/web", token="t" * 1001), "token"),
    ],
)
def test_what_does_not_do_is_refused_by_its_field(acme, wish, field):
    with pytest.raises(RuleBroken) as caught:
        set_up_hosted(acme, wish, OWN, by=Sender(), now=NOON)

    assert list(caught.value.errors) == [field]
    assert not Repository.objects.exists()


def test_a_name_that_another_repository_has_is_not_taken(acme, set_up):
    set_up()
    other = set_up(slug="acme/api")

    with pytest.raises(RuleBroken, match="already"):
        change_hosted(other, HostedWish("github", "acme/api", "acme/web"), OWN, by=Sender(), now=NOON)


def test_one_that_is_set_up_by_hand_has_nobody_to_ask(acme):
    bare, _ = set_up_by_hand(acme, "acme/web", "", by=Sender())
    shown, is_new = set_up_by_hand(acme, "acme/api", "https://git.example.org/acme/api", by=Sender())

    assert (bare.provider, shown.provider, is_new) == (None, "git", True)
    assert provider_of(bare, OWN) is provider_of(shown, OWN) is None
    assert set_up_by_hand(acme, "acme/web", "", by=Sender()) == (bare, False)
    with pytest.raises(RuleBroken, match="https://"):
        set_up_by_hand(acme, "acme/app", "javascript:alert(1)", by=Sender())


def test_looking_at_a_repository_notes_its_number(acme, set_up):
    with StandIn(lambda asked: Reply(200, {"id": 7, "html_url": "x"})) as host:
        row = set_up(host_url=host.url, token=TOKEN)
        looked = look(row, OWN)

    row.refresh_from_db()
    assert looked.is_there
    assert row.external_id == "127.0.0.1:7"


def test_looking_tells_what_the_host_says(set_up):
    with StandIn(lambda asked: Reply(401, {"message": "Bad credentials"})) as host:
        looked = look(set_up(host_url=host.url), OWN)

    assert (looked.is_there, looked.sentence) == (False, "GitHub: 401 Bad credentials")


def test_one_repository_of_a_host_is_one_row(acme, set_up):
    with StandIn(lambda asked: Reply(200, {"id": 7})) as host:
        look(set_up(host_url=host.url), OWN)
        looked = look(set_up(slug="acme/renamed", host_url=host.url), OWN)

    assert not looked.is_there
    assert "the same one" in looked.sentence


def test_a_new_hook_secret_makes_the_one_before_void(set_up):
    row = set_up()
    assert hook_secret_of(row) is None

    first, second = (new_hook_secret(row, by=Sender(), now=NOON) for _ in range(2))

    assert first != second
    assert hook_secret_of(row) == second


def test_a_repository_that_is_not_in_use_comes_back_unless_its_name_is_taken(acme):
    row, _ = set_up_by_hand(acme, "acme/web", "", by=Sender())
    set_in_use(row, False, by=Sender())
    assert Repository.objects.get().status == RepositoryStatus.DISABLED
    set_up_by_hand(acme, "acme/web", "", by=Sender())

    with pytest.raises(RuleBroken, match="in use"):
        set_in_use(row, True, by=Sender())


@pytest.mark.django_db(transaction=True)
def test_what_is_given_up_goes_with_all_that_was_told_of_it():
    web = a_project()
    release = a_release("1.0", web, date_added=NOON)
    group = web.groups.create(short_id=1, title="ValueError: bad")
    told = [CommitInput("a" * 40, "gone", "one", timestamp=NOON), CommitInput("b" * 40, "stays", "two", timestamp=NOON)]
    set_commits(release, told, now=NOON)
    gone = Repository.objects.get(name="gone")
    request = PullRequest.objects.create(organization=web.organization, repository=gone, key="1")
    for kind, pk in ((LinkedType.COMMIT, gone.commits.get().pk), (LinkedType.PULL_REQUEST, request.pk)):
        GroupLink.objects.create(
            project=web, group=group, linked_type=kind, linked_id=pk, relationship=LinkRelationship.RESOLVES
        )
    new_hook_secret(gone, by=Sender(), now=NOON)

    give_up(gone, by=Sender())

    assert not RepositorySecret.objects.exists()
    assert (delete_given_up_repositories(), delete_given_up_repositories()) == (1, 0)
    assert [row.name for row in Repository.objects.all()] == ["stays"]
    assert not GroupLink.objects.exists()
    assert ReleaseCommit.objects.count() == ReleaseHeadCommit.objects.count() == 1
    left = Release.objects.get()
    assert (left.commit_count, left.last_commit_id) == (1, Commit.objects.get().pk)


@pytest.mark.django_db(transaction=True)
def test_commits_of_a_release_are_fetched_from_the_host_when_it_answers_again():
    web = a_project()
    release = a_release("1.0", web, date_added=NOON)
    commit = {"id": "a" * 40, "message": "Guard the cart", "committed_date": "2026-03-01T10:00:00Z"}
    with StandIn(lambda asked: Reply(429, {}, {"Retry-After": "1800"})) as host:
        wish = HostedWish("gitlab", "acme/web", host_url=host.url, token=TOKEN)
        set_up_hosted(web.organization, wish, OWN, by=Sender(), now=NOON)
        set_refs(release, [RefInput("acme/web", "a" * 40)], fetch=True, user=None, now=NOON)

        fetch_due(OWN, NOON)
        assert fetch_due(OWN, NOON + timedelta(minutes=29)) == 0
        host.answer = lambda asked: Reply(200, [] if asked.path.endswith("/diff") else [commit])
        fetch_due(OWN, NOON + timedelta(minutes=31))

    assert [asked.headers["private-token"] for asked in host.asked] == [TOKEN] * len(host.asked)
    assert ReleaseCommit.objects.get(release=release).commit.message == "Guard the cart"
    assert not awaits_fetch(release)
