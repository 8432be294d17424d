"""Moving data over the API: owners ask, confirm and fetch; who runs the server approves; files come in pieces."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings

from tests.support.factories import a_member
from vedette.accounts.users import create_user
from vedette.core import clock
from vedette.core.files import FileStore
from vedette.orgs.models import Organization, OrganizationStatus
from vedette.orgs.tokens import create_org_token
from vedette.releases.files import put_chunk
from vedette.releases.models import FileChunk
from vedette.relocation import hosted
from vedette.relocation.hosting import move_due
from vedette.relocation.models import Move, MoveState

pytestmark = pytest.mark.django_db
FRESH = (Path(__file__).parents[2] / "data" / "relocation" / "fresh-install.json").read_bytes()
MOVES = "/organizations/acme/relocations/"


@pytest.fixture(autouse=True)
def nothing_left():
    """No directory of a move outlives its test."""
    yield
    shutil.rmtree(hosted.root(), ignore_errors=True)


def sha1(content):
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def in_pieces(content, count=3):
    size = -(-len(content) // count)
    return [content[at : at + size] for at in range(0, len(content), size)]


def wish(content, **more):
    return {"kind": "import", "checksum": sha1(content), "chunks": [sha1(one) for one in in_pieces(content)], **more}


def send(api, content):
    """All pieces of a file."""
    organization = Organization.objects.get(slug="acme")
    for one in in_pieces(content):
        put_chunk(FileStore(settings.VEDETTE.files_dir), organization.pk, one, clock.now())


def begin(api, content=FRESH, **more):
    send(api, content)
    answer = api.post(MOVES, wish(content, **more))
    assert answer.status == 201, answer.body
    return answer.body["relocation"]


def change(api, uuid, action):
    return api.put(f"{MOVES}{uuid}/", {"action": action})


def work():
    return move_due(None, clock.now())


def test_a_file_is_sent_in_pieces_tried_confirmed_and_approved(api, acme, token_of):
    missing = api.post(MOVES, wish(FRESH)).body
    assert missing == {"relocation": None, "missingChunks": wish(FRESH)["chunks"]}
    begun = begin(api)
    assert (begun["state"], begun["kind"], begun["fileBytes"]) == ("waiting", "import", len(FRESH))
    assert not FileChunk.objects.exists()

    work()
    planned = api.get(f"{MOVES}{begun['uuid']}/").body
    assert (planned["state"], planned["plan"]["sentry.organization"]["inserted"]) == ("planned", 1)
    assert Organization.objects.count() == 1

    assert change(api, begun["uuid"], "confirm").body["state"] == "confirmed"
    work()
    pending = api.get(f"{MOVES}{begun['uuid']}/").body
    assert (pending["state"], len(pending["organizations"])) == ("pending", 1)

    root = token_of(create_user("root@example.com", None, superuser=True))
    assert change(root, begun["uuid"], "approve").body["state"] == "approved"
    assert set(Organization.objects.values_list("status", flat=True)) == {OrganizationStatus.ACTIVE}
    assert [one["uuid"] for one in api.get(MOVES).body] == [begun["uuid"]]


def test_an_export_is_asked_for_and_fetched(api, web):
    answer = api.post(MOVES, {"kind": "export"})
    assert (answer.status, answer.body["relocation"]["full"]) == (201, False)
    uuid = answer.body["relocation"]["uuid"]
    assert api.get(f"{MOVES}{uuid}/download/").status == 404

    work()

    rows = json.loads(api.get(f"{MOVES}{uuid}/download/").raw)
    assert {row["model"] for row in rows} >= {"sentry.organization", "sentry.project"}


def test_what_was_met_on_the_way_can_be_fetched(api, web):
    uuid = api.post(MOVES, {"kind": "export"}).body["relocation"]["uuid"]
    work()

    assert isinstance(json.loads(api.get(f"{MOVES}{uuid}/findings/").raw), list)


def test_an_export_is_given_up_with_its_file(api, web, django_capture_on_commit_callbacks):
    uuid = api.post(MOVES, {"kind": "export"}).body["relocation"]["uuid"]
    work()

    with django_capture_on_commit_callbacks(execute=True):
        assert change(api, uuid, "cancel").body["state"] == "cancelled"

    assert api.get(f"{MOVES}{uuid}/download/").status == api.get(f"{MOVES}{uuid}/findings/").status == 404


def test_only_who_runs_the_server_approves(api, acme):
    uuid = begin(api)["uuid"]
    Move.objects.update(state=MoveState.PENDING)

    assert change(api, uuid, "approve").status == change(api, uuid, "reject").status == 403
    assert Move.objects.get().state == MoveState.PENDING


def test_what_is_too_late_is_refused(api, acme):
    uuid = begin(api)["uuid"]
    change(api, uuid, "cancel")

    again = change(api, uuid, "confirm")

    assert again.status == 400
    assert change(api, uuid, "enlarge").status == 400


@pytest.mark.parametrize("role", ["member", "admin", "manager"])
def test_nobody_but_owners_moves_anything(acme, token_of, role):
    api = token_of(a_member(acme, "bob@example.com", role))

    assert api.get(MOVES).status == api.post(MOVES, {"kind": "export"}).status == 403


def test_a_credential_of_nobody_moves_nothing(api, acme):
    nobody = type(api)(create_org_token(acme, "https://vedette.example.com", name="ci", by=None)[1])

    assert nobody.get(MOVES).status == nobody.post(MOVES, {"kind": "export"}).status == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"checksum": "0" * 40}, "checksum"),
        ({"chunks": []}, "chunks"),
        ({"chunks": ["x"]}, "chunks"),
        ({"privateKey": "no key"}, "private_key"),
        ({"kind": "teleport"}, "kind"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_and_nothing_of_it_stays(api, acme, change, field):
    send(api, FRESH)

    answer = api.post(MOVES, wish(FRESH) | change)

    assert (answer.status, list(answer.body)) == (400, [field])
    assert not Move.objects.exists()
    assert not hosted.root().exists() or not list(hosted.root().iterdir())


def test_a_file_beyond_the_bound_is_refused(api, acme, monkeypatch):
    send(api, FRESH)
    monkeypatch.setattr(settings, "VEDETTE", replace(settings.VEDETTE, import_max_bytes=100))

    answer = api.post(MOVES, wish(FRESH))

    assert (answer.status, answer.body) == (400, {"file": ["The file is larger than 0 MB."]})


def test_pieces_that_go_while_a_file_is_put_together_are_asked_for_again(api, acme, monkeypatch):
    monkeypatch.setattr("vedette.api.relocations.missing_chunks", lambda *_: [])

    answer = api.post(MOVES, wish(b"[" * 1000))

    assert (answer.status, list(answer.body)) == (400, ["chunks"])
