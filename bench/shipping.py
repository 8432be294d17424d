"""Shipping: how long a pipeline waits that tells of a release: with a hundred commits, with very many, and where they
fix thousands of issues.

The issues are put into the database of a stopped server: `python -m bench.shipping PROJECT COUNT` does it, in a process
of its own with that server's settings.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.server import Result, measured_server
from tests.support.http import Client
from tests.support.server import ROOT
from vedette.core.ids import short_id

COMMITS = 10_000
ISSUES = 5_000
RELEASES = 30
FILES = 5
AUTHORS = 200
PATIENCE_SECONDS = 120.0


def shipping() -> Iterator[Result]:
    """A new release with 100 commits; one whose commits fix 5,000 issues, told twice."""
    with measured_server() as server:
        shop = server.bootstrap()
        server.stop()
        subprocess.run(
            [sys.executable, "-m", "bench.shipping", shop["project"], str(ISSUES)],
            env=server.environment,
            cwd=ROOT,
            check=True,
        )
        server.start()
        api = server.api(shop["auth_token"])
        api.timeout_seconds = PATIENCE_SECONDS
        base = f"/api/0/organizations/{shop['organization']}/releases/"
        yield _releases(api, base, shop["project"])
        api.post_json(base, {"version": "fixes@1.0", "projects": [shop["project"]]})
        fixes = [_commit(number, fixes=short_id(shop["project"], number + 1)) for number in range(ISSUES)]
        for name in ("first", "again"):
            seconds = _put(api, f"{base}fixes@1.0/", {"commits": fixes}, ISSUES)
            yield {"name": f"resolve by a release, {name}", "issues": ISSUES, "seconds": seconds, "goal_seconds": 10}
        for number in (1, ISSUES):
            name = short_id(shop["project"], number)
            issue = api.get(f"/api/0/organizations/{shop['organization']}/shortids/{name}/").json()["group"]
            if (issue["status"], issue["statusDetails"].get("inRelease")) != ("resolved", "fixes@1.0"):
                raise AssertionError(f"{name}: {issue['status']}, {issue['statusDetails']}")


def _releases(api: Client, base: str, project: str) -> Result:
    """New releases, each with a hundred commits of its own."""
    took = []
    for number in range(RELEASES):
        told = [_commit(1_000_000 + number * 100 + each) for each in range(100)]
        body = {"version": f"shop@1.{number}", "projects": [project], "commits": told}
        began = time.monotonic()
        answer = api.post_json(base, body)
        took.append(time.monotonic() - began)
        if answer.status != 201:
            raise AssertionError(f"status {answer.status}: {answer.text[:300]}")
    took.sort()
    return {
        "name": "create a release with 100 commits",
        "p50_ms": round(took[len(took) // 2] * 1000),
        "p95_ms": round(took[int(len(took) * 0.95)] * 1000),
    }


def commits() -> Iterator[Result]:
    """10,000 commits with their changed files in one request: for the first time, again, and of the next release."""
    with measured_server() as server:
        shop = server.bootstrap()
        api = server.api(shop["auth_token"])
        api.timeout_seconds = PATIENCE_SECONDS
        base = f"/api/0/organizations/{shop['organization']}/releases/"
        for version in ("shop@1.0", "shop@2.0"):
            api.post_json(base, {"version": version, "projects": [shop["project"]]})
        told = {"commits": [_commit(number) for number in range(COMMITS)]}
        for name, version in (("first", "shop@1.0"), ("again", "shop@1.0"), ("next release", "shop@2.0")):
            seconds = _put(api, f"{base}{version}/", told, COMMITS)
            yield {"name": f"set commits, {name}", "commits": COMMITS, "seconds": seconds, "goal_seconds": 10}


def _put(api: Client, path: str, told: dict[str, Any], count: int) -> float:
    """How many seconds it takes to say it."""
    began = time.monotonic()
    answer = api.post_json(path, told, method="PUT")
    seconds = time.monotonic() - began
    if answer.status != 200 or answer.json()["commitCount"] != count:
        raise AssertionError(f"status {answer.status}: {answer.text[:300]}")
    return round(seconds, 2)


def _commit(number: int, fixes: str = "") -> dict[str, object]:
    made_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    author = number % AUTHORS
    return {
        "id": f"{number:040x}",
        "repository": "acme/shop",
        "message": f"Change number {number}\n\nBecause somebody asked for it. Fixes {fixes or f'SHOP-{number:X}'}",
        "author_name": f"Author {author}",
        "author_email": f"author-{author}@example.com",
        "timestamp": made_at.isoformat(),
        "patch_set": [{"path": f"src/{number % 97}/file{number}_{n}.py", "type": "AMD"[n % 3]} for n in range(FILES)],
    }


def fill(slug: str, count: int) -> None:
    """Issues that wait to be looked at, in the database of this process's settings."""
    from vedette.core import clock
    from vedette.issues.models import Group, GroupInbox
    from vedette.projects.models import Project

    project, now = Project.objects.get(slug=slug), clock.now()
    groups = Group.objects.bulk_create(
        Group(project=project, short_id=number, title=f"Error {number}", first_seen=now, last_seen=now)
        for number in range(1, count + 1)
    )
    GroupInbox.objects.bulk_create(
        GroupInbox(organization_id=project.organization_id, project=project, group=group) for group in groups
    )


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vedette.settings")
    django.setup()
    fill(sys.argv[1], int(sys.argv[2]))
