"""Events of many platforms, well-formed and not, harmless and not: all accepted, all shown, nothing unescaped.

`VEDETTE_SAMPLES=DIRECTORY` adds every `*.json` (events) and `*.envelope` below a directory of your own.
"""

import json
import os
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import Shop
from tests.support.html import harm_in

OWN = Path(__file__).parent / "samples"
GIVEN = Path(os.environ["VEDETTE_SAMPLES"]) if os.environ.get("VEDETTE_SAMPLES") else None
EVENTS = sorted(OWN.glob("*.json")) + (sorted(GIVEN.rglob("*.json")) if GIVEN else [])
ENVELOPES = sorted(GIVEN.rglob("*.envelope")) if GIVEN else []


@pytest.fixture(scope="module")
def shop(open_shop) -> Shop:
    """One project for all of them."""
    made: Shop = open_shop("samples")
    return made


def _credentials(shop: Shop) -> dict[str, str]:
    key = urlsplit(shop.dsn).username
    return {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_client=test/1.0, sentry_key={key}"}


def _send(shop: Shop, event: dict[str, Any]) -> str:
    """Through the older door, which takes a bare event; its id."""
    event = {**event, "event_id": uuid.uuid4().hex}
    if event.get("type") == "transaction":
        now = time.time()
        event = {"start_timestamp": now - 1, "timestamp": now, **event}
    answer = shop.server.client.post_json(f"/api/{shop.project_id}/store/", event, headers=_credentials(shop))
    assert answer.status == 200, answer.text
    assert answer.json()["id"] == event["event_id"]
    return str(event["event_id"])


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_an_event_is_accepted_and_shown(shop: Shop, path: Path):
    event = json.loads(path.read_text())

    event_id = _send(shop, event)
    shop.server.flush()

    if event.get("type") == "transaction":
        return
    answer = shop.api.get(f"/api/0/projects/acme/{shop.slug}/events/{event_id}/")
    assert answer.status == 200, answer.text
    issue = {"id": answer.json()["groupID"]}
    assert answer.json()["title"]
    _assert_shown(shop, issue, event_id)


def _assert_shown(shop: Shop, issue: dict[str, Any], event_id: str) -> None:
    for page in (
        f"/organizations/acme/issues/?project={shop.project_id}",
        f"/organizations/acme/issues/{issue['id']}/",
        f"/organizations/acme/issues/{issue['id']}/events/{event_id}/",
    ):
        answer = shop.pages.get(page)
        assert answer.status == 200, f"{page} answered {answer.status}: {answer.text[:1000]}"
        assert not harm_in(answer.text), page
        assert "VEDETTE-SECRET" not in answer.text, page
    raw = shop.api.get(f"/api/0/projects/acme/{shop.slug}/events/{event_id}/json/")
    assert raw.status == 200
    assert "VEDETTE-SECRET" not in raw.text


@pytest.mark.parametrize("path", ENVELOPES, ids=lambda path: path.stem)
def test_an_envelope_of_the_given_directory_never_breaks_the_server(shop: Shop, path: Path):
    answer = shop.server.client.request(
        "POST",
        f"/api/{shop.project_id}/envelope/",
        path.read_bytes(),
        {"Content-Type": "application/x-sentry-envelope", **_credentials(shop)},
    )

    assert answer.status < 500
    assert isinstance(answer.json(), dict)
    shop.server.flush()
