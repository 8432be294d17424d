"""Files of releases: added, listed, read, renamed and deleted by the API, and gone with what they belong to."""

import os
import time
from datetime import timedelta

import pytest

from tests.integration.api.client import Api
from tests.support.factories import a_member, a_release
from tests.support.parts import a_part, send, sha1
from vedette.api import releasefiles
from vedette.core import clock
from vedette.core.files import FileStore
from vedette.issues.files import forget_orphans
from vedette.orgs.tokens import create_org_token
from vedette.releases import files as files_module
from vedette.releases.files import forget_rows, put_chunk
from vedette.releases.models import ArtifactBundle, Distribution, FileChunk, ReleaseFile

FILES = "/organizations/acme/releases/web@1.0/files/"
IN_PROJECT = "/projects/acme/web/releases/web@1.0/files/"
CODE = b"go()"


@pytest.fixture(autouse=True)
def files(monkeypatch, tmp_path):
    store = FileStore(tmp_path / "files")
    monkeypatch.setattr(releasefiles, "own_files", lambda: store)
    return store


@pytest.fixture
def release(web):
    return a_release("web@1.0", web)


def add(api, path=FILES, name="~/a.js", content=CODE, **fields):
    return send(api, path, file=a_part("a.js", content, "text/javascript"), name=name, **fields)


@pytest.mark.parametrize("path", [FILES, IN_PROJECT])
def test_a_file_is_added_and_listed(api, release, path):
    status, body = add(api, path, dist="7", header=["Sourcemap: a.js.map", "x:y"])

    assert status == 201
    assert body == api.get(f"{path}{body['id']}/").body == api.get(path).body[0]
    assert {**body, "id": "", "dateCreated": ""} == {
        "id": "",
        "name": "~/a.js",
        "dist": "7",
        "headers": {"Content-Type": "text/javascript", "Sourcemap": "a.js.map", "x": "y"},
        "size": 4,
        "sha1": sha1(CODE),
        "dateCreated": "",
    }
    assert Distribution.objects.get().name == "7"
    assert api.get("/organizations/acme/releases/web@1.0/meta/").body["releaseFileCount"] == 1


def test_its_bytes_are_something_to_keep_and_not_to_look_at(api, release):
    number = add(api, name="~/static/<b>.html", content=b"<script>")[1]["id"]

    answer = api.get(f"{FILES}{number}/?download=1")

    assert answer.raw == b"<script>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%3Cb%3E.html"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_bytes_are_for_the_role_that_the_organization_wants(acme, api, release, team, token_of):
    number = add(api)[1]["id"]
    member = token_of(a_member(acme, "member@example.com", "member"))

    assert member.get(f"{FILES}{number}/").status == 200
    assert member.get(f"{FILES}{number}/?download=1").status == 403


def test_a_file_whose_bytes_are_gone_is_not_there(api, files, release):
    number = add(api)[1]["id"]
    files.remove(sha1(CODE))

    assert api.get(f"{FILES}{number}/?download=1").status == 404


def test_a_name_is_there_once_for_each_dist(api, release):
    assert [add(api, **fields)[0] for fields in ({}, {}, {"dist": "7"}, {"dist": "7"}, {"name": "b"})] == [
        201,
        409,
        201,
        409,
        201,
    ]


def test_a_file_is_renamed_unless_another_has_the_name(api, release):
    first, second = add(api)[1]["id"], add(api, name="b")[1]["id"]

    assert api.put(f"{FILES}{first}/", {"name": "c"}).body["name"] == "c"
    assert api.put(f"{FILES}{second}/", {"name": "c"}).status == 409
    assert api.put(f"{FILES}{second}/", {"name": ""}).status == 400
    assert [file["name"] for file in api.get(FILES).body] == ["b", "c"]


def test_a_list_is_narrowed_by_text_and_checksum(api, release):
    add(api)
    add(api, name="~/b.css", content=b"b")

    assert [file["name"] for file in api.get(f"{FILES}?query=CSS").body] == ["~/b.css"]
    assert [file["name"] for file in api.get(f"{FILES}?checksum={sha1(CODE)}").body] == ["~/a.js"]


WRONG = {
    "no file": ({"name": "a"}, "Missing uploaded file"),
    "no name": ({"name": "file"}, "File name must be specified"),
    "a name with a line end": ({"name": "a\nb"}, "File name must not contain special whitespace characters"),
    "a long name": ({"name": "a" * 1001}, "File name must not be longer than 1000 characters"),
    "a header without a colon": ({"header": "x"}, "header value was not formatted correctly"),
    "a header of two lines": ({"header": "x: y\nz"}, "header value must not contain special whitespace"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_makes_no_file_is_refused_in_a_sentence(api, release, case):
    fields, sentence = WRONG[case]
    given = fields if case == "no file" else {"file": a_part("a.js", CODE), **fields}

    status, body = send(api, FILES, **given)

    assert (status, body["detail"][: len(sentence)]) == (400, sentence)
    assert not ReleaseFile.objects.exists()


def test_a_type_that_no_database_keeps_is_none(api, release):
    status, body = send(api, FILES, file=a_part("a.js", CODE, "text/\0javascript"), name="~/a.js")

    assert (status, body["headers"]) == (201, {"Content-Type": "application/octet-stream"})


def test_limits_are_held(api, release, monkeypatch):
    assert add(api, dist="d" * 65)[0] == 400
    monkeypatch.setattr(files_module, "MOST_FILES", 1)
    assert [add(api)[0], add(api, name="b")[0]] == [201, 400]
    monkeypatch.setattr(releasefiles, "MOST_BYTES", 3)
    assert add(api, name="c")[0] == 413
    monkeypatch.setattr(FileStore, "has_room", lambda self: False)
    monkeypatch.setattr(files_module, "MOST_FILES", 9)
    assert add(api, name="d", content=b"d")[0] == 503


def test_whoever_does_not_reach_every_project_writes_nothing(acme, api, release, shop, token_of):
    number = add(api)[1]["id"]
    release.project_links.create(project=shop)
    acme.flags = 0
    acme.save()
    outsider = token_of(a_member(acme, "outsider@example.com", "member"))

    assert add(outsider, name="b")[0] == 404
    assert outsider.delete(f"{FILES}{number}/").status == 404
    assert outsider.get(f"{FILES}{number}/").status == 404


def test_a_file_of_another_release_is_not_there(api, release, web):
    number = add(api)[1]["id"]
    a_release("web@2.0", web)

    for method in ("GET", "DELETE"):
        assert api.ask(method, f"/organizations/acme/releases/web@2.0/files/{number}/", None, {}).status == 404


def test_a_pipeline_needs_no_more_than_an_organization_token(acme, release):
    token = create_org_token(acme, "https://vedette.example.com", name="CI", by=None)[1]

    assert add(Api(token))[0] == 201
    number = ReleaseFile.objects.get().pk
    assert Api(token).get(f"{FILES}{number}/?download=1").status == 403
    assert Api(token).delete(f"{FILES}{number}/").status == 403


def settle(files, *contents):
    for content in contents:
        os.utime(files.path(sha1(content)), (time.time() - 86_400,) * 2)


def test_bytes_go_with_the_last_row_that_names_them(api, files, release):
    first, second = add(api)[1]["id"], add(api, name="b")[1]["id"]
    settle(files, CODE)

    assert api.delete(f"{FILES}{first}/").status == 204
    assert forget_orphans(files) == 0
    api.delete(f"{FILES}{second}/")
    assert forget_orphans(files) == 1
    assert not files.path(sha1(CODE)).exists()


def test_files_go_with_their_release(api, files, release):
    add(api)
    settle(files, CODE)

    assert api.delete("/organizations/acme/releases/web@1.0/?force=1").status == 204

    assert not ReleaseFile.objects.exists()
    assert forget_orphans(files) == 1


def test_pieces_count_for_a_day_and_bundles_as_long_as_they_have_a_project(acme, files):
    now = clock.now()
    put_chunk(files, acme.pk, b"old", now - timedelta(hours=25))
    put_chunk(files, acme.pk, b"new", now)
    bundle = {"organization": acme, "size": 1, "file_count": 1, "date_uploaded": now - timedelta(hours=2)}
    ArtifactBundle.objects.create(**bundle, bundle_id="1" * 32, sha1=files.put(b"bundle"))
    settle(files, b"old", b"new", b"bundle")

    assert forget_orphans(files, dry_run=True) == 1
    assert forget_rows(now) == 2

    assert forget_orphans(files) == 2
    assert FileChunk.objects.get().sha1 == sha1(b"new")
    assert files.path(sha1(b"new")).exists()
