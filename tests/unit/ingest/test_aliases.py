"""A project that was moved here is still reached under the number it had where it came from."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.ingest.test_handler import Exchange
from vedette.ingest.handler import IngestApp
from vedette.ingest.keys import KeyDirectory, KeyInfo
from vedette.ingest.settings import IngestSettings
from vedette.ingest.stats import IngestStats
from vedette.wire.envelope import write_envelope

KEY, OTHER = "a" * 32, "b" * 32
OURS, OLD, NEIGHBOUR = 4_508_000_000_000_001, 7, 8
KEYS = {KEY: KeyInfo(1, OURS, 70, KEY, aliases=frozenset({OLD})), OTHER: KeyInfo(1, NEIGHBOUR, 80, OTHER)}
EVENT_ID = "3b1f0c7cf0a94b6b9dd5b2f6c1a8e701"
CSP = json.dumps({"csp-report": {"violated-directive": "img-src"}}).encode()
FORM = "multipart/form-data; boundary=b"


def part(name: str, content: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="%b"; filename="f"\r\n\r\n%b\r\n--b--\r\n' % (
        name.encode(),
        content,
    )


def dsn(project: int, key: str = KEY) -> str:
    return f"https://{key}@errors.example.org/{project}"


REQUESTS: dict[str, tuple[str, str, bytes, str]] = {
    "envelope": ("POST", "/api/{}/envelope/", write_envelope({"event_id": EVENT_ID}, [({"type": "event"}, b"{}")]), ""),
    "store": ("POST", "/api/{}/store/", b'{"message": "hello"}', "application/json"),
    "security": ("POST", "/api/{}/security/", CSP, "application/csp-report"),
    "csp-report": ("POST", "/api/{}/csp-report/", CSP, "application/csp-report"),
    "nel": ("POST", "/api/{}/nel/", b"[{}]", "application/reports+json"),
    "minidump": ("POST", "/api/{}/minidump/", part("upload_file_minidump", b"MDMP" + bytes(100)), FORM),
    "attachments": ("POST", f"/api/{{}}/events/{EVENT_ID}/attachments/", part("log", b"text"), FORM),
    "cron": ("POST", "/api/{}/cron/nightly/", b'{"status": "ok"}', "application/json"),
}


def send(*requests: tuple[str, str, str, bytes, dict[str, str]]) -> list[tuple[int, int | None]]:
    """Of each request (method, path, query, body, headers) the status, and the project it was spooled for."""
    kept: list[int] = []

    class Spool:
        async def append(self, receipt: Any, body: bytes, **_: Any) -> None:
            if receipt.kind != "outcomes":
                kept.append(receipt.project_id)

    async def run() -> list[tuple[int, int | None]]:
        keys, answers = KeyDirectory(KEYS.get), list[tuple[int, int | None]]()
        door = IngestApp(IngestSettings(), keys, Spool(), IngestStats())  # type: ignore[arg-type]
        for method, path, query, body, headers in requests:
            exchange = Exchange(body)
            scope = SimpleNamespace(
                method=method, path=path, query_string=query, client="127.0.0.1:1", headers=headers, authority=""
            )
            await door(scope, exchange)
            answers.append((exchange.status, kept.pop() if kept else None))
        await door.stop()
        return answers

    return asyncio.run(run())


@pytest.mark.parametrize("endpoint", REQUESTS)
def test_every_endpoint_takes_the_old_number_as_its_own_and_no_other(endpoint):
    method, path, body, content_type = REQUESTS[endpoint]
    headers = {"x-sentry-auth": f"Sentry sentry_key={KEY}", "content-type": content_type}

    own, old, foreign = send(*((method, path.format(number), "", body, headers) for number in (OURS, OLD, NEIGHBOUR)))

    assert own[0] in (200, 201, 202)
    assert own[1] == OURS
    assert old == own
    assert foreign == (403, None)


def test_a_number_is_the_alias_of_one_project_and_not_of_its_neighbours():
    method, path, body, _ = REQUESTS["envelope"]

    assert send((method, path.format(OLD), "", body, {"x-sentry-auth": f"Sentry sentry_key={OTHER}"})) == [(403, None)]


@pytest.mark.parametrize(
    ("said", "addressed", "status"),
    [(OLD, OLD, 200), (OLD, OURS, 200), (OURS, OLD, 200), (NEIGHBOUR, OLD, 400), (NEIGHBOUR, OURS, 400)],
)
def test_the_dsn_inside_an_envelope_may_be_the_old_one(said, addressed, status):
    body = write_envelope({"dsn": dsn(said)}, [({"type": "event"}, b"{}")])
    headers = {"x-sentry-auth": f"Sentry sentry_key={KEY}"}

    assert send(("POST", f"/api/{addressed}/envelope/", "", body, headers))[0][0] == status


def test_an_envelope_alone_may_say_the_old_dsn():
    body = write_envelope({"dsn": dsn(OLD)}, [({"type": "event"}, b"{}")])

    assert send(("POST", f"/api/{OLD}/envelope/", "", body, {})) == [(200, OURS)]


@pytest.mark.parametrize(("project", "status"), [(OURS, 200), (OLD, 200), (NEIGHBOUR, 404)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_crash_report_dialog_takes_the_old_dsn(method, project, status):
    query = f"eventId={EVENT_ID}&dsn={dsn(project)}"
    said = b"name=A&email=a%40example.org&comments=broken"

    assert send((method, "/api/embed/error-page/", query, said, {}))[0][0] == status
