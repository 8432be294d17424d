"""Commits asked of GitHub and GitLab: a stand-in on loopback behaves as their documentation says."""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from tests.support.standin import Reply, StandIn
from vedette.core.outgoing import Outgoing
from vedette.releases.models import Repository
from vedette.shipping.commits import FileChange
from vedette.shipping.providers import github, gitlab
from vedette.shipping.providers.base import DEFAULT_COMMITS, MAX_COMMITS, ProviderAway, ProviderRefused
from vedette.shipping.providers.github import GitHub, api_root
from vedette.shipping.providers.gitlab import GitLab
from vedette.shipping.providers.hosts import Found
from vedette.shipping.providers.rest import LONGEST_WORD, moment_at

LOOPBACK = Outgoing(allow=("127.0.0.1",), timeout_seconds=5)
TOKEN = "not-a-secret"
DATE = "2026-03-01T10:00:00Z"


def sha(number):
    return f"{number:040x}"


class Hub:
    """GitHub's answers about acme/web, whose commits are numbered from 1."""

    def __init__(self, newest):
        self.newest = newest
        self.files = {}

    def __call__(self, asked):
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(401, {"message": "Bad credentials"})
        path = unquote(asked.path).removeprefix("/api/v3/repos/acme/web")
        page, size = int(asked.query.get("page", 1)), int(asked.query.get("per_page", 30))
        if path == "":
            return Reply(200, {"id": 7, "html_url": "https://ghe.example/acme/web"})
        if path == "/commits":
            return Reply(200, [self.commit(number) for number in range(self.newest, 0, -1)][:size])
        if path.startswith("/commits/"):
            return Reply(200, {**self.commit(int(path[9:], 16)), "files": self.files.get(int(path[9:], 16), [])})
        start, end = path.removeprefix("/compare/").split("...")
        numbers = range(int(start, 16) + 1, int(end, 16) + 1)
        if int(start, 16) > self.newest:
            return Reply(404, {"message": "Not Found"})
        shown = [self.commit(number) for number in numbers][(page - 1) * size : page * size]
        return Reply(200, {"total_commits": len(numbers), "commits": shown})

    def commit(self, number):
        person = {"name": "Ann", "email": "ann@example.com", "date": DATE}
        return {"sha": sha(number), "commit": {"message": f"Change {number}", "author": person, "committer": person}}


class Lab:
    """GitLab's answers about acme/tools/web."""

    def __init__(self, newest):
        self.newest = newest
        self.files = {}

    def __call__(self, asked):
        if asked.headers.get("private-token") != TOKEN:
            return Reply(401, {"message": "401 Unauthorized"})
        path = asked.path.removeprefix("/api/v4/projects/acme%2Ftools%2Fweb")
        page, size = int(asked.query.get("page", 1)), int(asked.query.get("per_page", 20))
        if path == "":
            return Reply(200, {"id": 12, "web_url": "https://lab.example/acme/tools/web"})
        if path.endswith("/diff"):
            number = int(path.removeprefix("/repository/commits/").removesuffix("/diff"), 16)
            return Reply(200, self.files.get(number, [])[(page - 1) * size : page * size])
        start, dots, end = asked.query["ref_name"].partition("..")
        first = int(start, 16) + 1 if dots else 1
        numbers = range(int(end or start, 16), first - 1, -1)
        return Reply(200, [self.commit(number) for number in numbers][(page - 1) * size : page * size])

    def commit(self, number):
        return {
            "id": sha(number),
            "title": f"Change {number}",
            "message": f"Change {number}\n\nFixes WEB-1\n",
            "author_name": "Ann",
            "author_email": "ann@example.com",
            "committed_date": "2026-03-01T12:00:00.000+02:00",
        }


@pytest.fixture
def stand_in():
    with StandIn(lambda asked: Reply(404, {"message": "Not Found"})) as server:
        yield server


@pytest.fixture
def at_hub(stand_in, monkeypatch):
    """The repository acme/web at GitHub, with so many commits."""

    def _at_hub(newest, token=TOKEN):
        monkeypatch.setattr(github, "MAX_DETAILED", 0)
        stand_in.answer = Hub(newest)
        config = {"slug": "acme/web", "host_url": stand_in.url}
        repository = Repository(name="web", provider="integrations:github_enterprise", config=config)
        return GitHub(LOOPBACK, token), repository

    return _at_hub


@pytest.fixture
def at_lab(stand_in, monkeypatch):
    def _at_lab(newest, token=TOKEN):
        monkeypatch.setattr(gitlab, "MAX_DETAILED", 0)
        stand_in.answer = Lab(newest)
        config = {"slug": "acme/tools/web", "host_url": stand_in.url}
        return GitLab(LOOPBACK, token), Repository(name="web", provider="integrations:gitlab", config=config)

    return _at_lab


@pytest.fixture(params=["github", "gitlab"])
def host(request, at_hub, at_lab):
    return {"github": at_hub, "gitlab": at_lab}[request.param]


def numbers(commits):
    return [int(commit.key, 16) for commit in commits]


def test_the_commits_between_two_come_newest_first(host):
    provider, repository = host(9)

    commits = provider.commits(repository, sha(5), sha(8))

    assert numbers(commits) == [8, 7, 6]
    assert commits[0].message.startswith("Change 8")
    assert (commits[0].repository, commits[0].author_name, commits[0].author_email) == ("web", "Ann", "ann@example.com")
    assert commits[0].timestamp == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_without_a_start_the_twenty_newest_come(host):
    provider, repository = host(30)

    assert numbers(provider.commits(repository, None, sha(30))) == list(range(30, 30 - DEFAULT_COMMITS, -1))


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-03-01", "soon", 7])
def test_what_is_no_moment_of_the_calendar_is_none(date):
    assert moment_at({"date": date}, "date") is None


def test_names_and_paths_are_cut_before_they_are_kept():
    long = "x" * 10_000
    hub = github._commit({"sha": sha(1), "commit": {"author": {"name": long, "email": long}}}, "web")
    lab = gitlab._commit({"id": sha(1), "author_name": long, "author_email": long}, "web")
    files = [*github._files([{"filename": long}]), *gitlab._changes({"old_path": long, "new_path": long})]

    assert {len(text) for one in (hub, lab) for text in (one.author_name, one.author_email)} == {LONGEST_WORD}
    assert {len(one.path) for one in files} == {LONGEST_WORD}


@pytest.mark.parametrize("count", [0, 1, 100, 101, 250])
def test_a_long_list_comes_whole_whatever_its_pages(host, count):
    provider, repository = host(300)

    assert numbers(provider.commits(repository, sha(1), sha(1 + count))) == list(range(1 + count, 1, -1))


def test_of_too_many_commits_the_newest_come(host):
    provider, repository = host(2150)

    assert numbers(provider.commits(repository, sha(1), sha(2150))) == list(range(2150, 2150 - MAX_COMMITS, -1))


def test_github_tells_what_each_commit_changed(at_hub, stand_in, monkeypatch):
    provider, repository = at_hub(3)
    monkeypatch.setattr(github, "MAX_DETAILED", 1)
    stand_in.answer.files[3] = [
        {"filename": "new.py", "status": "added"},
        {"filename": "gone.py", "status": "removed"},
        {"filename": "same.py", "status": "modified"},
        {"filename": "after.py", "previous_filename": "before.py", "status": "renamed"},
        {"filename": "copy.py", "previous_filename": "same.py", "status": "copied"},
        {"status": "modified"},
    ]

    newest, older = provider.commits(repository, sha(1), sha(3))

    assert [(one.type, one.path) for one in newest.patch_set] == [
        ("A", "new.py"),
        ("D", "gone.py"),
        ("M", "same.py"),
        ("D", "before.py"),
        ("A", "after.py"),
        ("A", "copy.py"),
    ]
    assert older.patch_set == ()


def test_gitlab_tells_what_each_commit_changed(at_lab, stand_in, monkeypatch):
    provider, repository = at_lab(3)
    monkeypatch.setattr(gitlab, "MAX_DETAILED", 1)
    change = {"old_path": "a.py", "new_path": "a.py", "new_file": False, "renamed_file": False, "deleted_file": False}
    stand_in.answer.files[3] = [
        change,
        {**change, "new_file": True},
        {**change, "deleted_file": True},
        {**change, "new_path": "b.py", "renamed_file": True},
        {},
        *[change] * 100,
    ]

    newest, _ = provider.commits(repository, sha(1), sha(3))

    assert newest.patch_set[:5] == [
        FileChange("a.py", "M"),
        FileChange("a.py", "A"),
        FileChange("a.py", "D"),
        FileChange("a.py", "D"),
        FileChange("b.py", "A"),
    ]
    assert len(newest.patch_set) == 105


def test_files_that_a_host_does_not_give_cost_no_commits(host, stand_in, monkeypatch):
    provider, repository = host(3)
    monkeypatch.setattr(github, "MAX_DETAILED", 9)
    monkeypatch.setattr(gitlab, "MAX_DETAILED", 9)
    whole = stand_in.answer
    stand_in.answer = lambda asked: (
        Reply(429, {"message": "slow down"}) if f"commits/{sha(3)}" in asked.path else whole(asked)
    )

    commits = provider.commits(repository, sha(1), sha(3))

    assert [(commit.key, commit.patch_set) for commit in commits] == [(sha(3), ()), (sha(2), ())]


def test_a_wrong_token_is_refused_in_the_words_of_the_host(at_hub, at_lab, stand_in):
    hub, repository = at_hub(3, token="wrong")
    with pytest.raises(ProviderRefused, match="GitHub: 401 Bad credentials"):
        hub.commits(repository, None, sha(3))

    lab, repository = at_lab(3, token=None)
    with pytest.raises(ProviderRefused, match="GitLab: 401 401 Unauthorized"):
        lab.commits(repository, None, sha(3))
    assert "private-token" not in stand_in.asked[-1].headers


def test_a_start_that_is_gone_is_refused(at_hub):
    provider, repository = at_hub(3)

    with pytest.raises(ProviderRefused, match="404 Not Found"):
        provider.commits(repository, sha(9), sha(3))


@pytest.mark.parametrize(
    ("reply", "least", "most"),
    [
        (Reply(429, {"message": "slow down"}, {"Retry-After": "90"}), 90, 90),
        (Reply(403, {"message": "API rate limit exceeded"}), 0, 0),
        (Reply(403, {"message": "no"}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "{soon}"}), 590, 600),
        (Reply(429, {}, {"RateLimit-Reset": "{soon}"}), 590, 600),
        (Reply(429, b"", {"X-RateLimit-Reset": "99999999999"}), 7200, 7200),
        (Reply(429, b"", {"Retry-After": "soon"}), 0, 0),
        (Reply(429, b"", {"Retry-After": "nan"}), 0, 0),
    ],
    ids=["retry-after", "words", "github", "gitlab", "far", "nonsense", "no number"],
)
def test_a_host_whose_limit_is_used_up_is_away_until_it_says(host, stand_in, reply, least, most):
    provider, repository = host(3)
    soon = str(int(datetime.now(UTC).timestamp()) + 600)
    headers = {name: value.replace("{soon}", soon) for name, value in reply.headers.items()}
    stand_in.answer = lambda asked: replace(reply, headers=headers)

    with pytest.raises(ProviderAway, match="limit of requests is used up") as caught:
        provider.commits(repository, None, sha(3))

    assert least - 1 <= caught.value.again_after_seconds <= most


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(502, b"<html>"), ProviderAway),
        (Reply(200, b"<html>"), ProviderAway),
        (Reply(403, {"message": "Resource not accessible"}), ProviderRefused),
        (Reply(422, {"error": "no\nsuch\x1b[0m thing"}), ProviderRefused),
        (Reply(302, headers={"Location": "http://169.254.169.254/"}), ProviderRefused),
        (Reply(302), ProviderRefused),
    ],
    ids=["busy", "no json", "forbidden", "unknown", "elsewhere", "nowhere"],
)
def test_other_answers_mean_later_or_never(host, stand_in, reply, kind):
    provider, repository = host(3)
    stand_in.answer = lambda asked: reply

    with pytest.raises(kind) as caught:
        provider.commits(repository, None, sha(3))

    assert str(caught.value).isprintable()


def test_a_host_that_is_not_reached_is_away_and_one_in_our_own_network_is_refused(at_hub):
    provider, repository = at_hub(3)
    repository.config = {**repository.config, "host_url": "http://127.0.0.1:1"}

    with pytest.raises(ProviderAway):
        provider.commits(repository, None, sha(3))
    with pytest.raises(ProviderRefused, match="VEDETTE_OUTGOING_ALLOW"):
        GitHub(Outgoing(), TOKEN).commits(repository, None, sha(3))


@pytest.mark.parametrize("body", [{}, [], [1, None], {"commits": 3, "total_commits": "x"}, [{"sha": 3}], "text", None])
def test_an_answer_of_another_shape_holds_no_commits(host, stand_in, body):
    provider, repository = host(3)
    stand_in.answer = lambda asked: Reply(200, body)

    assert provider.commits(repository, None, sha(3)) == []
    assert provider.commits(repository, sha(1), sha(3)) == []


@pytest.mark.parametrize("ref", ["", "-x", "a..b", "a b", "../../user", "a?b=c", "a\n", "a" * 256, "main/"])
def test_only_what_can_be_a_commit_is_asked_for(host, stand_in, ref):
    provider, repository = host(3)

    with pytest.raises(ProviderRefused, match="no name of a commit"):
        provider.commits(repository, None, ref)

    assert stand_in.asked == []


def test_a_host_says_which_repository_it_has(at_hub, at_lab):
    hub, repository = at_hub(1)
    assert hub.look(repository) == Found("7", "https://ghe.example/acme/web")

    lab, repository = at_lab(1)
    assert lab.look(repository) == Found("12", "https://lab.example/acme/tools/web")


def test_a_renamed_repository_is_followed_to_where_it_is_now(at_hub, stand_in):
    provider, repository = at_hub(2)
    whole = stand_in.answer
    repository.config = {**repository.config, "slug": "acme/old"}
    stand_in.answer = lambda asked: (
        Reply(301, headers={"Location": asked.target.replace("/old", "/web")}) if "/old" in asked.path else whole(asked)
    )

    assert numbers(provider.commits(repository, None, sha(2))) == [2, 1]


@pytest.mark.parametrize(
    ("host_url", "root"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://api.acme.ghe.com", "https://api.acme.ghe.com"),
        ("https://git.example.org", "https://git.example.org/api/v3"),
    ],
)
def test_the_api_of_a_host_is_where_its_kind_has_it(host_url, root):
    assert api_root(host_url) == root
