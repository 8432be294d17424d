"""Releases: how long people and scripts wait for lists where an organization has made very many.

The releases are put into the database of a stopped server in bulk: `python -m bench.releases ORGANIZATION COUNT` does
it, in a process of its own with that server's settings.
"""

import json
import math
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from urllib.parse import quote

from bench.server import Result, cpu_seconds, measured_server
from tests.support.http import Client
from tests.support.server import ROOT, LiveServer

COUNT = 100_000
PROJECTS = ("web", "api", "shop", "mobile", "worker")
ENVIRONMENTS = ("production", "staging", "dev")
WITH_SESSIONS = 3_000
COMMITS, AUTHORS = 2_000, 100
GOAL_MS = 150
PASSWORD = "correct horse battery 9"
TIMES = 20
ROUNDS = 3

SORTS = ("date", "semver", "build", "adoption")
HEALTH_SORTS = ("sessions", "users_24h", "crash_free_sessions", "crash_free_users")
FILTERS = (
    "environment=production",
    "project=api",
    "status=archived",
    "query=1.7",
    "query=nothing-is-called-so",
    "query=release:web@1.*",
    "query=release.version:>=3.5",
    "query=release.version:1.2.*",
    "query=release.package:api",
    "query=release.build:>500",
    "query=release.build:77",
    "query=release.stage:adopted&environment=production",
    "query=!release.stage:replaced&environment=staging",
    "query=release:latest",
    "query=finalized:false",
    "query=release.created:-30d",
    "statsPeriod=90d",
)


def releases(count: int = COUNT) -> Iterator[Result]:
    """Lists of `count` releases in five projects and three environments: each sort with each filter, the first page and
    a deep one; versions with dates by the thousand; the page of releases. Goals are for p95."""
    with measured_server() as server:
        shop = server.bootstrap(password=PASSWORD)
        server.stop()
        began = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "bench.releases", shop["organization"], str(count)],
            env=server.environment,
            cwd=ROOT,
            check=True,
        )
        server.start()
        yield {"name": "fill", "releases": count, "seconds": round(time.monotonic() - began, 1)}
        _send_sessions(server, shop["dsn"], min(WITH_SESSIONS, count // 30))
        api, person = server.api(shop["auth_token"]), server.visitor(shop["email"], PASSWORD)
        base = f"/api/0/organizations/{shop['organization']}/releases/"
        for name, client, path in _looks(base, shop["organization"], api, person, count):
            yield {"name": name, **_timed(server, client, path), "goal_p95_ms": GOAL_MS}
        yield _followed(api, f"{base}stats/?per_page=1000", count)


def _looks(
    base: str, organization: str, api: Client, person: Client, count: int
) -> Iterator[tuple[str, Client, Callable[[int], str]]]:
    deep = max(count // 100 * 9 // 10 - 20, 0)  # pages of 100 before it; archived releases are left out
    for sort in SORTS:
        for where in ("", *FILTERS):
            yield f"{sort} {where}".strip(), api, _paged(f"{base}?sort={sort}&{where}", 100, 0)
        yield f"{sort}, deep", api, _paged(f"{base}?sort={sort}", 100, deep // 2 if sort == "build" else deep)
        yield f"{sort}, deep, flatten", api, _paged(f"{base}?sort={sort}&flatten=1", 100, deep // 2)
        yield f"{sort}, deep, production", api, _paged(f"{base}?sort={sort}&environment=production", 100, deep // 4)
    for sort in HEALTH_SORTS:
        yield f"{sort}", api, _paged(f"{base}?sort={sort}&flatten=1", 100, 0)
        yield f"{sort}, deep", api, _paged(f"{base}?sort={sort}&flatten=1", 100, deep)
        yield f"{sort} production", api, _paged(f"{base}?sort={sort}&flatten=1&environment=production", 100, 0)
    yield "date, with health and stages", api, _paged(f"{base}?health=1&adoptionStages=1", 100, 0)
    yield "versions and dates, 1000", api, _paged(f"{base}stats/?per_page=1000", 1000, 0)
    for sort in SORTS:
        for where in FILTERS:
            address = f"{base}stats/?per_page=1000&sort={sort}&{where}"
            yield f"versions and dates, 1000, {sort} {where}", api, _paged(address, 1000, 0)
        pages = max(count // 1000 * 9 // 10 - TIMES, 0) // (2 if sort == "build" else 1)
        yield (
            f"versions and dates, 1000, {sort}, deep",
            api,
            _paged(f"{base}stats/?per_page=1000&sort={sort}", 1000, pages),
        )
    yield "of a project", api, _paged(f"/api/0/projects/{organization}/api/releases/?", 100, 0)
    yield "of a project, deep", api, _paged(f"/api/0/projects/{organization}/api/releases/?", 100, deep // 8)
    one = f"{base}{quote(_version(count // 2), safe='')}/?project=web"
    yield "one and what is beside it", api, lambda _: one
    page = f"/organizations/{organization}/releases/"
    yield "page", person, lambda _: page
    yield "page, deep", person, lambda n: f"{page}?page={count // 100 + n}"
    yield "page, least healthy first", person, lambda _: f"{page}?sort=crash_free_sessions"


def _paged(path: str, size: int, number: int) -> Callable[[int], str]:
    address = re.sub(r"query=([^&]*)", lambda match: f"query={quote(match[1], safe='')}", path)
    return lambda n: f"{address}&cursor={size}:{number + n if number else 0}:0"


def _timed(server: LiveServer, client: Client, path: Callable[[int], str]) -> Result:
    """The best of three rounds, by p95, or the first that meets the goal: others may use the machine meanwhile, so the
    processor time that the server took for one request stands beside it. The first request of a deep page is that of
    somebody who jumps there (`jump_ms`), the others follow from page to page."""
    rounds: list[Result] = []
    for _ in range(ROUNDS):
        taken, sizes = [], []
        before = sum(cpu_seconds(server).values())
        for number in range(TIMES + 1):
            began = time.perf_counter()
            answer = client.get(path(number))
            taken.append((time.perf_counter() - began) * 1000)
            sizes.append(len(answer.body))
            if answer.status != 200:
                return {"failed": answer.status, "path": path(number), "body": answer.text[:200]}
        warm = sorted(taken[1:])
        rounds.append(
            {
                "p50_ms": round(median(warm), 1),
                "p95_ms": round(_p95(warm), 1),
                "jump_ms": round(taken[0], 1),
                "cpu_ms": round((sum(cpu_seconds(server).values()) - before) * 1000 / (TIMES + 1), 1),
                "kilobytes": round(median(sizes) / 1000, 1),
            }
        )
        if rounds[-1]["p95_ms"] <= GOAL_MS:
            break
    return {**min(rounds, key=lambda one: one["p95_ms"]), "jump_ms": min(one["jump_ms"] for one in rounds)}


def _p95(ordered: list[float]) -> float:
    return ordered[math.ceil(len(ordered) * 0.95) - 1]


def _followed(api: Client, path: str, count: int) -> Result:
    """Every page of a list by its links, from the first to the last."""
    taken: list[float] = []
    versions: set[str] = set()
    cursor = ""
    while True:
        began = time.perf_counter()
        answer = api.get(f"{path}&cursor={cursor}")
        taken.append((time.perf_counter() - began) * 1000)
        versions.update(one["version"] for one in answer.json())
        following = re.search(r'rel="next"; results="true"; cursor="([^"]+)"', answer.headers["link"])
        if not following:
            break
        cursor = following[1]
    if len(versions) != count:
        raise AssertionError(f"{len(versions)} versions of {count}")
    taken.sort()
    return {
        "name": "all versions and dates by their links",
        "pages": len(taken),
        "p50_ms": round(median(taken), 1),
        "p95_ms": round(_p95(taken), 1),
        "goal_p95_ms": GOAL_MS,
    }


def _send_sessions(server: LiveServer, dsn: str, releases: int) -> None:
    """Sessions of the last ten days: of every thirtieth release or so, some of which crash."""
    match = re.fullmatch(r"(https?://)([^@]+)@([^/]+)/(\d+)", dsn)
    assert match, dsn
    client = Client(f"{match[1]}{match[3]}", {"X-Sentry-Auth": f"Sentry sentry_key={match[2]}, sentry_version=7"})
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for number in range(releases):
        started = now - timedelta(hours=number % 240)
        aggregate = {"started": started.isoformat(), "exited": 100 + number % 900, "crashed": number % 17}
        item = {
            "attrs": {"release": _version(number * 30), "environment": ENVIRONMENTS[number % 3]},
            "aggregates": [aggregate],
        }
        lines = ({"sent_at": now.isoformat()}, {"type": "sessions"}, item)
        body = "".join(json.dumps(line) + "\n" for line in lines)
        answer = client.request("POST", f"/api/{match[4]}/envelope/", body.encode())
        assert answer.status == 200, answer.text
    server.flush(60)


def _version(number: int) -> str:
    """Most are of a package, with builds and release candidates; every tenth is the name of a commit."""
    if number % 10 == 7:
        return f"{number * 2654435761 % 2**160:040x}"
    package = PROJECTS[number % len(PROJECTS)]
    candidate = f"-rc.{number % 30}" if number % 3 == 1 else ""
    return f"{package}@{number // 25_000}.{number // 250 % 100}.{number % 250}{candidate}+{number}"


def fill(slug: str, count: int) -> None:
    """Put `count` releases, their links, environments, commits and authors into the organization."""
    from django.db import connection, transaction

    from vedette.orgs.models import Organization
    from vedette.projects.models import Environment, EnvironmentProject, Project
    from vedette.releases.models import (
        Commit,
        CommitAuthor,
        Release,
        ReleaseProject,
        ReleaseProjectEnvironment,
        Repository,
    )
    from vedette.releases.versions import semver_columns

    chance = random.Random(1)
    organization = Organization.objects.get(slug=slug)
    now = datetime.now(UTC)
    with transaction.atomic():
        for name in PROJECTS:
            Project.objects.get_or_create(organization=organization, slug=name, defaults={"name": name.title()})
        projects = list(Project.objects.filter(organization=organization).order_by("pk").values_list("pk", flat=True))
        environments = []
        for name in ENVIRONMENTS:
            environment = Environment.objects.create(organization_id=organization.pk, name=name)
            environments.append(environment)
            EnvironmentProject.objects.bulk_create(
                EnvironmentProject(project_id=project, environment=environment) for project in projects
            )
        repository = Repository.objects.create(organization=organization, name="acme/shop")
        authors = CommitAuthor.objects.bulk_create(
            CommitAuthor(organization=organization, email=f"author-{n}@example.com", name=f"Author {n}")
            for n in range(AUTHORS)
        )
        commits = Commit.objects.bulk_create(
            Commit(
                organization=organization,
                repository=repository,
                key=f"{n:040x}",
                message=f"Change number {n}",
                author=authors[n % AUTHORS],
            )
            for n in range(COMMITS)
        )
        for start in range(0, count, 5_000):
            rows = []
            for number in range(start, min(start + 5_000, count)):
                added = now - timedelta(minutes=10 * (count - number) + chance.randrange(600))
                version = _version(number)
                rows.append(
                    Release(
                        organization=organization,
                        version=version,
                        status=1 if number % 20 == 3 else 0,
                        date_added=added,
                        date_released=added + timedelta(hours=chance.randrange(48)) if number % 2 else None,
                        commit_count=3,
                        last_commit_id=commits[number % COMMITS].pk,
                        authors=[str(authors[(number + n) % AUTHORS].pk) for n in range(3)],
                        user_agent="sentry-cli/3.6.0",
                        **semver_columns(version),
                    )
                )
            Release.objects.bulk_create(rows)
            links, seen = [], []
            for offset, release in enumerate(rows):
                number = start + offset
                for project in {projects[number % len(projects)], projects[number // 7 % len(projects)]}:
                    links.append(ReleaseProject(project_id=project, release=release, new_groups=number % 5))
                    for place in environments[: 1 + number % 3]:
                        last = release.date_added + timedelta(hours=chance.randrange(1, 400))
                        adopted = release.date_added + timedelta(minutes=chance.randrange(60)) if number % 4 else None
                        seen.append(
                            ReleaseProjectEnvironment(
                                project_id=project,
                                release=release,
                                environment=place,
                                first_seen=release.date_added,
                                last_seen=last,
                                adopted=adopted,
                                unadopted=last if adopted and number % 4 > 1 else None,
                            )
                        )
            ReleaseProject.objects.bulk_create(links)
            ReleaseProjectEnvironment.objects.bulk_create(seen)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def main() -> None:
    """Fill the database that the settings name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vedette.settings")
    import django

    django.setup()
    fill(sys.argv[1], int(sys.argv[2]))


if __name__ == "__main__":
    main()
