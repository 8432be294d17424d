"""Uploading in pieces, and assembling the pieces to bundles of artifacts."""

import gzip
import os
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.api.client import Api
from tests.support.factories import a_member, a_project, a_release, an_organization
from tests.support.parts import BUNDLE, a_part, an_archive, send, sha1
from vedette.api import uploads
from vedette.core import clock
from vedette.core.files import FileStore
from vedette.core.locks import held
from vedette.issues.files import forget_orphans
from vedette.orgs.models import OrganizationMember, OrganizationMemberTeam, Team
from vedette.orgs.tokens import create_org_token
from vedette.releases.files import forget_rows
from vedette.releases.models import ArtifactBundle, ArtifactBundleProject, ArtifactBundleRelease, FileChunk

UPLOAD = "/organizations/acme/chunk-upload/"
ASSEMBLE = "/organizations/acme/artifactbundle/assemble/"
META = "/organizations/acme/releases/web@1.0/meta/"
ARCHIVE = an_archive(**{"a.js": b"go()"})
HALVES = [ARCHIVE[:100], ARCHIVE[100:]]


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    own = FileStore(tmp_path / "files")
    monkeypatch.setattr(uploads, "own_files", lambda: own)
    return own


def upload(api, *chunks, **named):
    parts = [a_part(sha1(chunk), chunk) for chunk in chunks]
    return send(api, UPLOAD, **({"file": parts} if parts else {}), **named)


def wish(content=ARCHIVE, chunks=HALVES, **more):
    """What a client asks to be assembled."""
    return {"checksum": sha1(content), "chunks": [sha1(chunk) for chunk in chunks], "projects": ["web"], **more}


def error(answer):
    assert answer.status == 400, answer.body
    return answer.body["error"]


def test_a_client_is_told_where_and_in_what_pieces(acme, api):
    told = api.get(UPLOAD).body

    assert told["url"] == "http://testserver/api/0/organizations/acme/chunk-upload/"
    assert told["chunkSize"].bit_count() == 1
    assert told["maxRequestSize"] >= told["chunkSize"]
    assert (told["hashAlgorithm"], told["compression"]) == ("sha1", ["gzip"])


def test_a_client_that_came_by_the_external_address_uploads_there_too(acme, api, settings):
    settings.VEDETTE = replace(settings.VEDETTE, url="https://testserver")  # a proxy that speaks TLS stands before it

    assert api.get(UPLOAD).body["url"] == "https://testserver/api/0/organizations/acme/chunk-upload/"


def test_a_bundle_is_assembled_of_what_was_missing(api, web, files):
    release = a_release("web@1.0", web)
    version = {"version": "web@1.0", "dist": "8"}
    names = [sha1(half) for half in HALVES]

    assert api.post(ASSEMBLE, wish(**version)).body == {"state": "not_found", "missingChunks": names, "detail": None}
    assert upload(api, HALVES[0]) == (200, None)
    assert api.post(ASSEMBLE, wish(**version)).body["missingChunks"] == names[1:]
    packed = a_part(names[1], gzip.compress(HALVES[1]))
    assert upload(api, file_gzip=packed) == (200, None)
    for _ in range(2):
        assert api.post(ASSEMBLE, wish(**version)).body == {"state": "ok", "missingChunks": [], "detail": None}

    bundle = ArtifactBundle.objects.get()
    assert (str(bundle.bundle_id), bundle.size, bundle.file_count) == (BUNDLE, len(ARCHIVE), 2)
    assert files.path(bundle.sha1).read_bytes() == ARCHIVE
    assert [link.project for link in bundle.project_links.all()] == [web]
    assert [(link.version, link.dist) for link in bundle.release_links.all()] == [("web@1.0", "8")]
    meta = api.get(META).body
    assert (meta["releaseFileCount"], meta["isArtifactBundle"]) == (2, True)
    assert release.files.count() == 0


def test_a_bundle_is_bound_to_more_and_the_dist_of_its_manifest_holds(api, web, shop):
    upload(api, *HALVES)
    for more in ({}, {"version": "web@1.0"}, {"version": "web@1.1", "dist": "8", "projects": ["web", shop.pk]}):
        assert api.post(ASSEMBLE, wish(**more)).body["state"] == "ok"

    bound = ArtifactBundleRelease.objects.order_by("pk").values_list("version", "dist")
    assert list(bound) == [("web@1.0", "7"), ("web@1.1", "8")]
    assert {link.project for link in ArtifactBundleProject.objects.all()} == {web, shop}
    assert ArtifactBundle.objects.count() == 1


def test_the_same_bundle_with_other_bytes_takes_its_place(api, web):
    other = an_archive(**{"a.js": b"stop()"})
    upload(api, ARCHIVE, other)

    assert api.post(ASSEMBLE, wish(ARCHIVE, [ARCHIVE])).body["state"] == "ok"
    assert api.post(ASSEMBLE, wish(other, [other])).body["state"] == "ok"

    assert ArtifactBundle.objects.get().sha1 == sha1(other)


def test_a_bundle_of_projects_out_of_reach_is_not_replaced(acme, api, web, shop, token_of):
    upload(api, ARCHIVE)
    api.post(ASSEMBLE, wish(ARCHIVE, [ARCHIVE], projects=["shop"]))
    own = a_project(acme, "own")
    acme.flags = 0
    acme.save()
    member = a_member(acme, "own@example.com", "admin")
    own.teams.add(_team_of(acme, member))
    outsider, other = token_of(member), an_archive(**{"evil.js": b"x"})
    upload(outsider, other)

    answer = outsider.post(ASSEMBLE, wish(other, [other], projects=["own"]))

    assert answer.body == {
        "state": "error",
        "missingChunks": [],
        "detail": "A bundle with this id is for projects that you do not reach.",
    }
    assert ArtifactBundle.objects.get().sha1 == sha1(ARCHIVE)
    assert error(outsider.post(ASSEMBLE, wish(ARCHIVE, [ARCHIVE]))) == "One or more projects are invalid"


def _team_of(organization, user):
    team = Team.objects.create(organization=organization, slug="own", name="Own")
    member = OrganizationMember.objects.get(user_id=user.pk)
    OrganizationMemberTeam.objects.create(team=team, organizationmember=member)
    return team


def test_a_bundle_that_another_request_assembles_is_waited_for(acme, api, web):
    upload(api, *HALVES)

    with held(f"assemble:{acme.pk}:{sha1(ARCHIVE)}", 60):
        assert api.post(ASSEMBLE, wish()).body["state"] == "assembling"
    assert api.post(ASSEMBLE, wish()).body["state"] == "ok"


def test_what_is_no_bundle_is_told_and_may_be_tried_again(api, web):
    upload(api, b"nothing", *HALVES)

    for content, chunks, detail in (
        (b"nothing", [b"nothing"], "The archive is damaged, or no zip archive."),
        (ARCHIVE, HALVES[::-1], "The checksum of the file is not the one that was announced."),
    ):
        answer = api.post(ASSEMBLE, wish(content, chunks)).body
        assert answer == {"state": "error", "missingChunks": [], "detail": detail}
    assert api.post(ASSEMBLE, wish()).body["state"] == "ok"
    assert api.post(ASSEMBLE, wish(b"no chunks", [])).body["state"] == "not_found"


def test_what_another_organization_sent_is_missing(api, web):
    rivals = an_organization("rivals")
    theirs = Api(create_org_token(rivals, "https://vedette.example.com", name="CI", by=None)[1])
    a_project(rivals, "web")
    upload(api, *HALVES)

    assert upload(theirs, ARCHIVE)[0] == 401
    answer = theirs.post(ASSEMBLE.replace("acme", "rivals"), wish())

    assert answer.body["missingChunks"] == [sha1(half) for half in HALVES]


def test_a_piece_that_grew_old_or_lost_its_bytes_is_missing(api, web, files):
    upload(api, *HALVES)
    FileChunk.objects.filter(sha1=sha1(HALVES[0])).update(date_added=web.date_added - timedelta(days=2))
    files.remove(sha1(HALVES[1]))

    assert len(api.post(ASSEMBLE, wish()).body["missingChunks"]) == 2
    upload(api, *HALVES)
    assert api.post(ASSEMBLE, wish()).body["state"] == "ok"


def test_a_release_takes_a_bundle_for_all_its_projects(api, web, shop):
    a_release("web@1.0", web, shop)
    upload(api, *HALVES)
    body = {name: wish()[name] for name in ("checksum", "chunks")}

    assert api.post("/organizations/acme/releases/web@1.0/assemble/", body).body["state"] == "ok"
    assert api.post("/organizations/acme/releases/web@2.0/assemble/", body).status == 404

    assert {link.project for link in ArtifactBundleProject.objects.all()} == {web, shop}


def test_a_bundle_goes_with_the_last_of_its_projects(api, web, files):
    upload(api, ARCHIVE)
    api.post(ASSEMBLE, wish(ARCHIVE, [ARCHIVE]))

    assert forget_orphans(files) == 0
    web.organization.delete()

    assert not ArtifactBundle.objects.exists()
    assert not FileChunk.objects.exists()


BAD = {
    "a hash that is none": ({"checksum": "a" * 39}, "A checksum is 40 lower-case hex digits"),
    "a chunk that is none": ({"chunks": ["../" * 13 + "a"]}, "A checksum is 40 lower-case hex digits"),
    "chunks that are a text": ({"chunks": "a" * 40}, "A checksum is 40 lower-case hex digits"),
    "too many chunks": ({"chunks": ["a" * 40] * 65}, "Too many chunks"),
    "a key that nobody knows": ({"more": 1}, "The body knows no more"),
    "a slash": ({"version": "a/b"}, "Invalid version: a version has no slash"),
    "a version that is a number": ({"version": 1}, "Invalid version: a text of at most 250 characters"),
    "no project": ({"projects": []}, "You need to specify at least one project"),
    "projects that are objects": ({"projects": [{}]}, "Invalid projects: a list of slugs or ids"),
    "an unknown project": ({"projects": ["nowhere"]}, "One or more projects are invalid"),
    "a dist alone": ({"dist": "7"}, "You need to specify a release together with a dist"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_wish_is_refused_in_a_sentence(api, web, case):
    more, sentence = BAD[case]

    assert error(api.post(ASSEMBLE, {**wish(), **more})) == sentence


@pytest.mark.parametrize("body", [[], {}, {"checksum": "a" * 40}])
def test_a_wish_has_to_be_whole(api, web, body):
    assert error(api.post(ASSEMBLE, body)) == "The body needs checksum, chunks, projects"


def test_chunks_are_held_to_their_limits(api, web, monkeypatch):
    monkeypatch.setattr(uploads, "CHUNK_BYTES", 1000)
    bomb = a_part(sha1(bytes(10**6)), gzip.compress(bytes(10**6)))

    assert upload(api, bytes(1000)) == (200, None)
    assert upload(api, bytes(1001)) == (400, {"error": "Chunk size too large"})
    assert upload(api, file_gzip=bomb) == (400, {"error": "Chunk size too large"})
    assert upload(api, file_gzip=a_part("a", b"no gzip"))[1] == {"error": "A chunk is damaged: it is no gzip"}
    assert send(api, UPLOAD, file=a_part("a" * 40, b"x"))[1] == {
        "error": "A chunk does not have the checksum that it is called by"
    }
    assert upload(api, *[b"x"] * 65) == (400, {"error": "Too many chunks"})
    monkeypatch.setattr(uploads, "MOST_REQUEST_BYTES", 5)
    assert upload(api, b"123", b"456") == (400, {"error": "Request too large"})
    assert FileChunk.objects.count() == 1


def test_a_chunk_that_gzip_makes_larger_is_as_large_as_it_is_plain(api, web, monkeypatch):
    content = os.urandom(1000)
    packed = gzip.compress(content)
    assert len(packed) > 1000
    monkeypatch.setattr(uploads, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(uploads, "MOST_REQUEST_BYTES", 1000)

    assert upload(api, file_gzip=a_part(sha1(content), packed)) == (200, None)
    assert upload(api, file_gzip=a_part("a", packed + bytes(20_000)))[1] == {"error": "Request too large"}


def test_no_chunks_are_fine_and_a_full_disk_is_told(api, web, monkeypatch):
    assert upload(api) == (200, None)
    monkeypatch.setattr(FileStore, "has_room", lambda self: False)

    assert upload(api, b"x")[0] == 503


def test_reading_is_no_right_to_upload(acme, api, web, token_of):
    reader = token_of(a_member(acme, "reader@example.com", "owner"), "project:read")

    assert reader.get(UPLOAD).status == 200
    assert upload(reader, b"x")[0] == 403
    assert reader.post(ASSEMBLE, wish()).status == 403


BUNDLES = "/projects/acme/web/files/artifact-bundles/"


def test_the_bundles_of_a_project_are_listed(api, web, shop):
    other = an_archive({"files": {}})
    upload(api, *HALVES, other)
    api.post(ASSEMBLE, wish(version="web@1.0"))
    api.post(ASSEMBLE, wish(other, [other], projects=["shop"], version="shop@1.0"))

    listed = api.get(BUNDLES).body

    assert [(one["bundleId"], one["fileCount"], one["associations"]) for one in listed] == [
        (BUNDLE, 2, [{"release": "web@1.0", "dist": "7"}])
    ]
    for query, count in (("WEB@", 1), (BUNDLE, 1), ("shop@", 0), ("0" * 32, 0)):
        assert len(api.get(f"{BUNDLES}?query={query}").body) == count


def test_a_bundle_that_is_deleted_in_its_last_project_goes(acme, api, web, shop, files, token_of):
    upload(api, *HALVES)
    api.post(ASSEMBLE, wish(projects=["web", "shop"]))
    one = f"{BUNDLES}?bundleId={BUNDLE}"

    assert token_of(a_member(acme, "ci@example.com", "owner"), "project:write").delete(one).status == 403
    assert api.delete(one).status == 204
    assert api.delete(one).status == 404
    assert api.delete(f"{BUNDLES}?bundleId=x").status == 404
    later = clock.now() + timedelta(hours=2)
    assert forget_bundles(later) == 0
    assert api.delete(one.replace("/web/", "/shop/")).status == 204
    assert forget_bundles(later) == 1


def test_all_artifacts_of_a_release_are_deleted_at_once(api, web):
    release, other = a_release("web@1.0", web), an_archive({"files": {}})
    a_release("web@1.1", web)
    release.files.create(name="~/a.js", ident="a" * 40, sha1="a" * 40, size=1)
    upload(api, *HALVES, other)
    for content, chunks, version in (
        (ARCHIVE, HALVES, "web@1.0"),
        (other, [other], "web@1.0"),
        (other, [other], "web@1.1"),
    ):
        api.post(ASSEMBLE, wish(content, chunks, version=version))
    everything = "/projects/acme/web/files/source-maps/?name="

    assert api.delete(f"{everything}web@2.0").status == 404
    assert api.delete(f"{everything}web@1.0").status == 204

    assert not release.files.exists()
    assert [bundle["bundleId"] == BUNDLE for bundle in api.get(BUNDLES).body] == [False]  # what others need stays


def forget_bundles(now):
    before = ArtifactBundle.objects.count()
    forget_rows(now)
    return before - ArtifactBundle.objects.count()


def test_debug_files_are_refused_in_a_sentence_that_clients_print(api, web):
    assert error(api.post("/projects/acme/web/files/difs/assemble/", {})) == "This server takes no debug files yet."
