"""A house move as somebody would try it: two servers, one archive, an application that knows only the old address."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.apps import running_app
from tests.support.http import Client
from tests.support.server import LiveServer

APPS = Path(__file__).parent / "apps"
EMAIL, PASSWORD = "owner@example.com", "correct horse battery 9"
VERSION = "shop@1.4.0"
TITLE = "OutOfStock: lamp: 3 wanted, 0 left"
COMMIT = "a" * 40


class House:
    """A server, and its organization seen by its owner."""

    def __init__(self, server: LiveServer, organization: str, token: str) -> None:
        self.server, self.organization = server, organization
        self.api: Client = server.api(token)

    def get(self, path: str) -> Any:
        """What the API answers about the organization."""
        answer = self.api.get(f"/api/0/organizations/{self.organization}/{path}")
        assert answer.status == 200, answer.text
        return answer.json()

    def send(self, path: str, body: Any) -> Any:
        """Post something about the organization."""
        answer = self.api.post_json(f"/api/0/organizations/{self.organization}/{path}", body)
        assert answer.status in (200, 201), answer.text
        return answer.json()

    def issue(self) -> dict[str, Any]:
        """The one issue, with everything that came."""
        self.server.flush()
        (issue,) = self.get("issues/?query=")
        found: dict[str, Any] = issue
        return found

    def sessions(self) -> dict[str, int]:
        """How many sessions there were, by how they ended."""
        told = self.get("sessions/?field=sum(session)&groupBy=session.status&statsPeriod=1d&interval=1h&project=-1")
        return {group["by"]["session.status"]: group["totals"]["sum(session)"] for group in told["groups"]}


def report(server: LiveServer, dsn: str, times: int = 1) -> None:
    """Run the shop until it has failed and told so."""
    with running_app(server, [sys.executable, "flask_app.py"], {"SENTRY_DSN": dsn}, APPS) as app:
        for _ in range(times):
            assert app.get("/order/lamp").status == 500
        assert app.get("/flush").status == 200


def at_home(dsn: str, server: LiveServer) -> str:
    """The DSN as it was handed out, with another server's address."""
    parts = urlsplit(dsn)
    user = parts.netloc.rpartition("@")[0]
    return parts._replace(netloc=f"{user}@{urlsplit(server.url).netloc}").geturl()


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """A pair of keys in PEM files: "public" and "private"."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "private.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(public)
    return {name: str(tmp_path / f"{name}.pem") for name in ("public", "private")}


def command(server: LiveServer, *arguments: str) -> Any:
    """Run a command that prints JSON."""
    done = server.command(*arguments, "--json", timeout_seconds=120)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout) if done.stdout.strip() else {}


@pytest.fixture
def old(own_server: LiveServer) -> tuple[House, str]:
    """A house that is lived in: an issue with a history, a release with commits and a deploy."""
    made = own_server.bootstrap(email=EMAIL, password=PASSWORD)
    house = House(own_server, made["organization"], made["auth_token"])
    commit = {"id": COMMIT, "repository": "acme/shop", "message": "Sell lamps", "author_email": EMAIL}
    house.send("releases/", {"version": VERSION, "projects": ["web"], "commits": [commit]})
    house.send(f"releases/{quote(VERSION, safe='')}/deploys/", {"environment": "staging", "projects": ["web"]})
    report(own_server, made["dsn"], 2)
    issue = house.issue()
    house.send(f"issues/{issue['id']}/comments/", {"text": "the lamps are gone"})
    return house, made["dsn"]


def test_an_issue_moves_with_its_history_and_its_application_goes_on_reporting_into_it(
    old: tuple[House, str], start_server: Callable[..., LiveServer], keys: dict[str, str], tmp_path: Path
) -> None:
    house, dsn = old
    left, health = house.issue(), house.sessions()
    assert health["crashed"] == 2
    archive = str(tmp_path / "house.vedette")
    command(
        house.server, "export", "organizations", "--full", "--with-events", "--encrypt-with", keys["public"], archive
    )
    new_server = start_server()
    mine = new_server.bootstrap(org="mine", project="other", email=EMAIL, password=PASSWORD)
    how = ("import", "organizations", archive, "--decrypt-with", keys["private"], "--merge-users", "--no-mail")

    planned = command(new_server, *how, "--dry-run")
    new = House(new_server, house.organization, mine["auth_token"])
    assert new.api.get("/api/0/organizations/acme/").status == 404
    assert planned["plan"]["issues.group"]["inserted"] == 1
    assert planned["plan"]["events.errors"]["inserted"] == 2

    command(new_server, *how)
    moved = new.issue()
    for same in ("shortId", "title", "culprit", "count", "firstSeen", "lastSeen", "level", "status"):
        assert moved[same] == left[same], same
    assert moved["project"]["slug"] == "web"
    assert new.sessions() == health

    _has_its_history(new, moved)
    _has_its_stack_trace(new, moved)
    _has_its_release(new)
    _is_on_its_page(new_server, moved)

    report(new_server, at_home(dsn, new_server))
    again = new.issue()
    assert (again["id"], again["shortId"], again["count"]) == (moved["id"], left["shortId"], "3")

    repeated = command(new_server, *how)
    assert new.issue()["count"] == "3"
    assert {done["inserted"] for name, done in repeated["plan"].items() if name.startswith(("issues.", "events."))} == {
        0
    }
    assert len(new.get("projects/")) == 1


def _has_its_history(new: House, issue: dict[str, Any]) -> None:
    entries = new.get(f"issues/{issue['id']}/activities/")["activity"]
    notes = [entry for entry in entries if entry["type"] == "note"]
    assert [note["data"]["text"] for note in notes] == ["the lamps are gone"]
    assert notes[0]["user"]["email"] == EMAIL
    assert entries[-1]["type"] == "first_seen"


def _has_its_stack_trace(new: House, issue: dict[str, Any]) -> None:
    event = new.get(f"issues/{issue['id']}/events/latest/")
    (exceptions,) = [entry["data"] for entry in event["entries"] if entry["type"] == "exception"]
    frame = exceptions["values"][-1]["stacktrace"]["frames"][-1]
    assert (frame["function"], frame["filename"]) == ("reserve", "flask_app.py")
    assert frame["vars"]["wanted"] == "3"
    assert {tag["key"]: tag["value"] for tag in event["tags"]}["warehouse"] == "north"
    assert event["release"]["version"] == VERSION


def _has_its_release(new: House) -> None:
    path = f"releases/{quote(VERSION, safe='')}"
    release = new.get(f"{path}/")
    assert (release["commitCount"], release["newGroups"]) == (1, 1)
    assert release["lastDeploy"]["environment"] == "staging"
    assert [commit["id"] for commit in new.get(f"{path}/commits/")] == [COMMIT]


def _is_on_its_page(server: LiveServer, issue: dict[str, Any]) -> None:
    pages = server.visitor(EMAIL, PASSWORD)
    page = pages.get(f"/organizations/acme/issues/{issue['id']}/")
    assert page.status == 200, page.text[:2000]
    for shown in ("OutOfStock", "flask_app.py", "reserve", "the lamps are gone", VERSION):
        assert shown in page.text, shown


def test_a_house_moves_while_neither_server_runs(
    old: tuple[House, str], start_server: Callable[..., LiveServer], tmp_path: Path
) -> None:
    house, _ = old
    archive = str(tmp_path / "house.vedette")
    house.server.stop()
    command(house.server, "export", "organizations", "--full", "--with-events", archive)
    new_server = start_server()
    new_server.stop()

    command(new_server, "import", "organizations", archive, "--no-mail")

    new_server.start()
    made = new_server.bootstrap(email=EMAIL)
    new = House(new_server, made["organization"], made["auth_token"])
    issue = new.issue()
    assert issue["count"] == "2"
    _has_its_history(new, issue)
    _has_its_stack_trace(new, issue)
