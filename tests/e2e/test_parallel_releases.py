"""Fifty pipelines that make one release at once, each for its project and with its commit, while events name it too.

On PostgreSQL half of them ask a second node.
"""

import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from tests.e2e.conftest import EMAIL
from tests.support.databases import TEST_DATABASE_URL
from tests.support.http import Client
from tests.support.server import LiveServer

CREATORS = 50
PROJECTS = 10
VERSION = "crowd@1.0.0"
ALL_TOLD_SECONDS = 60.0  # the machine may be busy; what is held against the clock is elsewhere


@pytest.fixture(scope="module")
def addresses(shared_server):
    """Where pipelines ask: the server, and where databases can be shared also a second node."""
    if not TEST_DATABASE_URL:
        yield [shared_server.url]
        return
    database = {"VEDETTE_DATABASE_URL": shared_server.environment["VEDETTE_DATABASE_URL"]}
    with LiveServer(environment=database) as other:
        yield [shared_server.url, other.url]


@pytest.fixture(scope="module")
def crowd(shared_server, owner_pages):
    """An organization of ten projects: the server, its organization token, and the DSNs by the projects' slugs."""
    made = shared_server.bootstrap(org="crowd", project="p0", email=EMAIL)
    owner = shared_server.api(made["auth_token"])
    dsns = {"p0": made["dsn"]}
    for number in range(1, PROJECTS):
        slug = f"p{number}"
        answer = owner.post_json("/api/0/teams/crowd/crowd/projects/", {"name": slug, "slug": slug})
        assert answer.status == 201, answer.text
        dsns[slug] = owner.get(f"/api/0/projects/crowd/{slug}/keys/").json()[0]["dsn"]["public"]
    return shared_server, made["org_auth_token"], owner, dsns


def creator(number):
    """What pipeline `number` says: its project (each is named by five of them) and the commit of its repository."""
    return {
        "version": VERSION,
        "projects": [f"p{number % PROJECTS}"],
        "commits": [
            {
                "id": f"{number:040x}",
                "repository": f"crowd/repository-{number}",
                "author_name": f"Author {number % 7}",
                "author_email": f"author{number % 7}@example.com",
                "timestamp": f"2026-01-02T03:{number:02d}:00Z",
                "message": f"Change {number}",
            }
        ],
    }


def test_fifty_who_create_one_release_at_once_make_one_and_lose_nothing(crowd, addresses):
    server, token, owner, dsns = crowd
    said_at = [datetime.now(UTC).replace(microsecond=0) - timedelta(hours=hours) for hours in (5, 9, 3)]
    start, answers, raised = threading.Barrier(CREATORS + len(said_at)), [], []

    def pipeline(number):
        client = Client(addresses[number % len(addresses)], {"Authorization": f"Bearer {token}"}, timeout_seconds=60.0)
        start.wait(timeout=60)
        while True:
            answer = client.post_json("/api/0/organizations/crowd/releases/?merge=1", creator(number))
            answers.append(answer)
            if answer.status != 409:
                return
            # Another one sets commits: the release is made and linked, and only they are said again.
            time.sleep(0.05)

    def reporter(at):
        key, _, project = dsns["p0"].partition("//")[2].replace("@", "/").split("/")
        event = {"message": "an event", "timestamp": at.isoformat(), "release": VERSION}
        start.wait(timeout=60)
        answers.append(Client(server.url).post_json(f"/api/{project}/store/?sentry_key={key}", event))

    def run(work, argument):
        try:
            work(argument)
        except Exception as error:  # noqa: BLE001 (the test says that there may be none)
            raised.append(error)

    threads = [threading.Thread(target=run, args=(pipeline, number)) for number in range(CREATORS)]
    threads += [threading.Thread(target=run, args=(reporter, at)) for at in said_at]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=ALL_TOLD_SECONDS)
    server.flush()

    assert raised == []
    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) <= {200, 201, 208, 409}, [answer.text for answer in answers if answer.status >= 400]
    release = owner.get(f"/api/0/organizations/crowd/releases/{quote(VERSION, safe='')}/").json()
    assert sorted(project["slug"] for project in release["projects"]) == sorted(dsns)
    assert release["commitCount"] == CREATORS
    assert {author["email"] for author in release["authors"]} == {f"author{number}@example.com" for number in range(7)}
    assert datetime.fromisoformat(release["dateCreated"]) == min(said_at)

    commits = all_of(owner, f"/api/0/organizations/crowd/releases/{quote(VERSION, safe='')}/commits/")
    assert [commit["id"] for commit in commits] == [f"{number:040x}" for number in reversed(range(CREATORS))]
    assert len({commit["repository"]["name"] for commit in commits}) == CREATORS
    assert len(made_in(owner, VERSION)) == 1
    found = all_of(owner, "/api/0/organizations/crowd/releases/")
    assert Counter(one["version"] for one in found)[VERSION] == 1


def test_exactly_one_makes_the_release_and_one_each_of_its_links(crowd, addresses):
    _, token, owner, dsns = crowd
    start, statuses = threading.Barrier(CREATORS), []

    def pipeline(number):
        client = Client(addresses[number % len(addresses)], {"Authorization": f"Bearer {token}"}, timeout_seconds=60.0)
        body = {"version": "crowd@2.0.0", "projects": [f"p{number % PROJECTS}"], "dateReleased": "2026-01-02T03:04:05Z"}
        start.wait(timeout=60)
        statuses.append(client.post_json("/api/0/organizations/crowd/releases/", body).status)

    threads = [threading.Thread(target=pipeline, args=(number,)) for number in range(CREATORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=ALL_TOLD_SECONDS)

    assert Counter(statuses) == {201: PROJECTS, 208: CREATORS - PROJECTS}
    release = owner.get("/api/0/organizations/crowd/releases/crowd@2.0.0/").json()
    assert sorted(project["slug"] for project in release["projects"]) == sorted(dsns)
    (made,) = made_in(owner, "crowd@2.0.0")
    assert made["actor"]["name"]  # the token's name: it acts as nobody


def made_in(client, version):
    """The entries of the audit log that say that the release was made."""
    log = client.get("/api/0/organizations/crowd/audit-logs/?event=release.create").json()
    return [entry for entry in log["rows"] if entry["data"]["version"] == version]


def all_of(client, path):
    """Every row of a list, page by page."""
    rows, cursor = [], ""
    while True:
        answer = client.get(f"{path}?cursor={cursor}")
        rows += answer.json()
        last = answer.headers["link"].rpartition("rel=")[2]
        if 'results="true"' not in last:
            return rows
        cursor = last.rpartition('cursor="')[2].rstrip('"')
