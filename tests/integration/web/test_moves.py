"""Owners export and import on pages; who runs the server approves; nobody else gets in."""

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.support.factories import a_member, a_project, an_organization
from vedette.accounts.models import User
from vedette.accounts.users import create_user
from vedette.cli.jobs import JOBS
from vedette.core import clock
from vedette.mail.models import Mail
from vedette.orgs.models import AuditLogEntry, Organization, OrganizationMember, OrganizationStatus
from vedette.relocation import hosted
from vedette.relocation.files.sealing import LocalPrivateKey, LocalPublicKey, seal, unseal
from vedette.relocation.hosting import clean_up, move_due
from vedette.relocation.models import Move, MoveState
from vedette.relocation.progress import ProgressFile

pytestmark = pytest.mark.django_db
DATA = Path(__file__).parents[2] / "data" / "relocation"
FRESH = (DATA / "fresh-install.json").read_bytes()
HOME = "/organizations/acme/settings/relocation/"


@pytest.fixture(autouse=True)
def nothing_left():
    """No directory of a move outlives its test."""
    yield
    for move in Move.objects.all():
        hosted.forget_files(move)


@pytest.fixture
def admin(db):
    """Who runs the server."""
    return create_user("root@example.com", None, superuser=True)


@pytest.fixture(scope="module")
def keys():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def owner(visit, ann):
    """Ann's browser."""
    return visit(ann)


def work():
    return move_due(None, clock.now())


def file(content, name="export.json"):
    return SimpleUploadedFile(name, content)


def upload(browser, content=FRESH, **more):
    answer = browser.post(f"{HOME}import/", {"file": file(content), **more})
    assert answer.status_code == 302, answer.text
    return Move.objects.latest("pk")


def export(browser, holds="export", **more):
    answer = browser.post(f"{HOME}export/", {"holds": holds, **more})
    assert answer.status_code == 302, answer.text
    return Move.objects.latest("pk")


def page_of(move):
    return f"{HOME}{move.uuid}/"


def do(browser, move, verb, home=HOME):
    return browser.post(f"{home}{move.uuid}/change/", {"do": verb})


def bytes_of(answer):
    return b"".join(answer.streaming_content)


def state(move):
    return Move.objects.get(pk=move.pk).state


class TestExport:
    def test_an_owner_asks_waits_and_downloads(self, owner, project):
        move = export(owner)
        assert "It waits for its turn." in owner.get(page_of(move)).text

        assert work() == 1

        answer = owner.get(page_of(move))
        assert "It can be downloaded." in answer.text
        assert "sentry.project" in answer.text
        download = owner.get(f"{page_of(move)}download/")
        rows = json.loads(bytes_of(download))
        assert {row["model"] for row in rows} >= {"sentry.organization", "sentry.project", "sentry.user"}
        assert 'filename="acme-' in download["Content-Disposition"]
        assert "no-store" in download["Cache-Control"]

    def test_nobodys_credentials_and_no_other_organization_are_in_it(self, owner, organization, stranger):
        bob = a_member(organization, "bob@example.com", "member")
        User.objects.filter(pk=bob.pk).update(password="pbkdf2$secret")
        move = export(owner)
        work()

        content = bytes_of(owner.get(f"{page_of(move)}download/"))

        assert b"pbkdf2$secret" not in content
        assert b"eve@example.com" not in content

    def test_it_can_be_sealed_for_one_reader(self, owner, keys):
        private, public = keys
        move = export(owner, public_key=file(public, "public.pem"))
        work()

        content = io.BytesIO(bytes_of(owner.get(f"{page_of(move)}download/")))

        with unseal(content, LocalPrivateKey(private)) as plain:
            assert json.loads(plain.read())

    def test_the_whole_is_an_archive(self, owner, project):
        move = export(owner, "full")
        work()

        assert bytes_of(owner.get(f"{page_of(move)}download/")).startswith(b"manifest.json\0")

    def test_a_key_that_is_none_is_told_by_its_field(self, owner):
        answer = owner.post(f"{HOME}export/", {"holds": "export", "public_key": file(b"nonsense")})

        assert answer.status_code == 400
        assert "no public key" in answer.text
        assert not Move.objects.exists()
        assert not list(hosted.root().glob("*"))

    def test_it_is_there_for_a_day_and_then_deleted(self, owner):
        move = export(owner)
        work()
        Move.objects.update(expires_at=clock.now() - timedelta(minutes=1))

        clean_up(clock.now())

        assert state(move) == MoveState.EXPIRED
        assert not hosted.directory_of(move).exists()
        assert owner.get(f"{page_of(move)}download/").status_code == 404

    def test_it_can_be_deleted_at_once(self, owner, django_capture_on_commit_callbacks):
        move = export(owner)
        work()

        with django_capture_on_commit_callbacks(execute=True):
            do(owner, move, "cancel")

        assert not hosted.directory_of(move).exists()
        assert owner.get(f"{page_of(move)}download/").status_code == 404

    def test_only_so_many_are_under_way_at_once(self, owner):
        for _ in range(hosted.MOST_OPEN):
            export(owner)

        answer = owner.post(f"{HOME}export/", {"holds": "export"})

        assert answer.status_code == 400
        assert "under way" in answer.text

    def test_the_page_shows_how_far_it_is(self, owner):
        move = export(owner)
        Move.objects.update(state=MoveState.RUNNING)
        with ProgressFile(hosted.directory_of(move) / hosted.PROGRESS) as progress:
            progress.start("exporting", 2000)
            progress.advance("sentry.user", 500)
            progress._tell_now()

            fragment = owner.get(page_of(move), headers={"HX-Request": "true"}).text

        assert "Exporting: 500 of 2,000 rows" in fragment
        assert 'hx-trigger="every 2s"' in fragment
        assert "<html" not in fragment


class TestImport:
    def test_the_plan_comes_first_and_nothing_is_done(self, owner):
        move = upload(owner)
        assert work() == 1

        answer = owner.get(page_of(move))

        assert "Nothing is done yet." in answer.text
        assert "sentry.projectkey" in answer.text
        assert Organization.objects.count() == 1
        assert state(move) == MoveState.PLANNED

    def test_confirmed_it_is_imported_and_hidden_from_everybody(self, owner, ann, mailbox):
        move = upload(owner)
        work()
        do(owner, move, "confirm")
        work()

        imported = Organization.objects.get(slug="testing")
        assert imported.status == OrganizationStatus.RELOCATION_PENDING_APPROVAL
        assert OrganizationMember.objects.get(organization=imported, user_id=ann.pk).role == "owner"
        assert owner.get("/organizations/testing/issues/").status_code == 404
        assert not User.objects.filter(username="admin@example.com", is_active=True).exists()
        assert not Mail.objects.exists()
        assert not (hosted.directory_of(move) / hosted.UPLOAD).exists()
        assert "hidden until whoever runs this server approves it" in owner.get(page_of(move)).text

    def test_approved_it_is_seen_and_people_are_told(self, owner, admin, visit, mailbox):
        move = self.imported(owner)

        answer = do(visit(admin), move, "approve")

        assert answer.status_code == 302
        assert state(move) == MoveState.APPROVED
        assert owner.get("/organizations/testing/issues/").status_code == 200
        assert User.objects.filter(username="admin@example.com", is_active=True, is_unclaimed=True).exists()
        assert Mail.objects.count() == 3

    def test_rejected_it_goes_with_the_accounts_that_came_with_it(self, owner, admin, visit):
        move = self.imported(owner)

        do(visit(admin), move, "reject")

        assert state(move) == MoveState.REJECTED
        assert Organization.objects.get(slug="testing").status == OrganizationStatus.PENDING_DELETION
        assert {user.username for user in User.objects.all()} == {"ann@example.com", "root@example.com"}

    def test_who_runs_the_server_sees_what_waits_in_any_organization(self, owner, admin, visit):
        self.imported(owner)
        an_organization("other")

        answer = visit(admin).get("/organizations/other/settings/relocation/")

        assert "Waiting for your approval" in answer.text
        assert "Testing" in answer.text
        assert "Waiting for your approval" not in owner.get(HOME).text

    def test_what_an_account_has_here_is_left_alone(self, owner):
        taken = create_user("admin@example.com", "a long enough password")
        before = User.objects.filter(pk=taken.pk).values().get()

        move = self.imported(owner)

        assert User.objects.filter(pk=taken.pk).values().get() == before
        assert not OrganizationMember.objects.filter(user_id=taken.pk).exists()
        assert "admin@example.com" not in owner.get(page_of(move)).text  # nobody learns whose name is taken
        assert "1 user name got a suffix" in owner.get(page_of(move)).text

    def test_a_sealed_file_needs_its_key(self, owner, keys):
        private, public = keys
        sealed = io.BytesIO()
        with seal(sealed, LocalPublicKey(public)) as stream:
            stream.write(FRESH)

        answer = owner.post(f"{HOME}import/", {"file": file(sealed.getvalue())})
        assert answer.status_code == 400
        assert "encrypted" in answer.text
        move = upload(owner, sealed.getvalue(), private_key=file(private, "k.pem"))
        work()

        assert state(move) == MoveState.PLANNED

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"[{", "ends"),
            (b"[]", "holds no organization"),
            (b'[{"model":"sentry.user","pk":1,"fields":{"username":""}}]', "1 to 128 characters"),
        ],
    )
    def test_a_file_that_cannot_be_imported_says_why(self, owner, content, says):
        move = upload(owner, content)
        work()

        assert state(move) == MoveState.FAILED
        assert says in owner.get(page_of(move)).text or says in Move.objects.get().error

    def test_what_was_found_can_be_looked_at_and_the_upload_is_gone(self, owner):
        move = upload(owner, b'[{"model":"sentry.user","pk":1,"fields":{"username":""}}]')
        work()
        clean_up(clock.now())

        (finding,) = json.loads(bytes_of(owner.get(f"{page_of(move)}findings/")))

        assert finding["kind"] == "ValidationError"
        assert not (hosted.directory_of(move) / hosted.UPLOAD).exists()
        clean_up(clock.now() + hosted.IMPORT_KEPT)
        assert not hosted.directory_of(move).exists()
        assert state(move) == MoveState.FAILED

    def test_a_node_without_the_files_says_so(self, owner):
        move = upload(owner)
        hosted.forget_files(move)

        work()

        assert "share the directory" in owner.get(page_of(move)).text

    def test_an_empty_file_is_refused_at_once(self, owner):
        assert owner.post(f"{HOME}import/", {"file": file(b"")}).status_code == 400
        assert not Move.objects.exists()

    def test_a_large_one_too(self, owner, monkeypatch):
        monkeypatch.setattr(hosted, "MOST_BYTES", 100)

        assert owner.post(f"{HOME}import/", {"file": file(FRESH)}).status_code == 400
        assert not Move.objects.exists()
        assert not list(hosted.root().glob("*"))

    def test_more_organizations_than_come_this_way_are_refused(self, owner, monkeypatch):
        monkeypatch.setattr("vedette.relocation.hosting.MOST_USERS", 2)
        move = upload(owner)
        work()

        assert state(move) == MoveState.FAILED
        assert "3 users" in Move.objects.get().error

    def test_a_job_that_died_is_done_again_and_once(self, owner, monkeypatch):
        move = upload(owner)
        work()
        do(owner, move, "confirm")
        ended = hosted.work.finish
        monkeypatch.setattr("vedette.relocation.hosting._end", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            work()
        monkeypatch.undo()
        assert hosted.work.finish is ended

        move_due(None, clock.now() + timedelta(hours=2))

        assert state(move) == MoveState.PENDING
        assert Organization.objects.filter(slug__startswith="testing").count() == 1
        assert OrganizationMember.objects.filter(organization__slug="testing", role="owner").count() == 2

    def test_every_step_is_in_the_audit_log(self, owner, admin, visit):
        move = self.imported(owner)
        do(visit(admin), move, "approve")

        acme, testing = (Organization.objects.get(slug=slug).pk for slug in ("acme", "testing"))
        entries = AuditLogEntry.objects.filter(event__gte=10040).order_by("pk")
        assert [entry.event for entry in entries.filter(organization_id=acme)] == [10042, 10043, 10045]
        assert [entry.event for entry in entries.filter(organization_id=testing)] == [10045]
        assert "approved the import of testing" in owner.get("/organizations/acme/settings/audit-log/").text

    def imported(self, owner):
        move = upload(owner)
        work()
        do(owner, move, "confirm")
        work()
        assert state(move) == MoveState.PENDING
        return move


class TestWhoMay:
    def roles(self, visit, organization, stranger):
        for name in ("member", "admin", "manager"):
            yield name, visit(a_member(organization, f"{name}@example.com", name)), 403
        yield "stranger", visit(stranger), 404
        yield "nobody", visit(), 302

    def test_nobody_but_owners(self, owner, visit, organization, stranger):
        move = export(owner)
        work()
        gets = ("", f"{move.uuid}/", f"{move.uuid}/download/", f"{move.uuid}/findings/")
        posts = ("export/", "import/", f"{move.uuid}/change/")

        for name, browser, status in self.roles(visit, organization, stranger):
            assert [browser.get(HOME + path).status_code for path in gets] == [status] * 4, name
            assert [browser.post(HOME + path).status_code for path in posts] == [status] * 3, name

        assert Move.objects.count() == 1

    def test_the_owner_of_another_organization_finds_none_of_its_moves(self, owner, visit, stranger):
        move = export(owner)
        work()
        theirs = f"/organizations/other/settings/relocation/{move.uuid}/"
        browser = visit(stranger)

        for path in ("", "download/", "findings/"):
            assert browser.get(theirs + path).status_code == 404
        assert do(browser, move, "cancel", "/organizations/other/settings/relocation/").status_code == 404
        assert state(move) == MoveState.READY
        assert move.uuid not in browser.get("/organizations/other/settings/relocation/").text

    @pytest.mark.parametrize("verb", ["approve", "reject", "", "delete"])
    def test_an_owner_does_not_decide_about_their_own_import(self, owner, verb):
        move = TestImport().imported(owner)

        assert do(owner, move, verb).status_code == 404
        assert state(move) == MoveState.PENDING
        assert "Approve" not in owner.get(page_of(move)).text

    @pytest.mark.parametrize("verb", ["confirm", "cancel", "approve", "reject"])
    def test_what_is_over_stays_as_it_is(self, owner, admin, visit, verb):
        move = TestImport().imported(owner)
        browser = visit(admin)
        do(browser, move, "approve")

        answer = browser.post(f"{page_of(move)}change/", {"do": verb}, follow=True)

        assert "too late" in answer.text
        assert state(move) == MoveState.APPROVED
        assert Organization.objects.get(slug="testing").status == OrganizationStatus.ACTIVE

    def test_accounts_of_a_hidden_import_cannot_be_claimed(self, owner, client, mailbox):
        TestImport().imported(owner)

        client.post("/account/claim/", {"username": "admin@example.com"})

        assert not Mail.objects.exists()


def test_what_is_left_of_a_deleted_organization_goes(owner, organization):
    pending, waiting = TestImport().imported(owner), upload(owner)
    Move.objects.update(organization=None)

    clean_up(clock.now())
    clean_up(clock.now())

    assert not Move.objects.exists()
    assert Organization.objects.get(slug="testing").status == OrganizationStatus.PENDING_DELETION
    assert not hosted.directory_of(pending).exists()
    assert not hosted.directory_of(waiting).exists()


def test_the_server_does_it_by_itself():
    assert "moves" in {job.name for job in JOBS}


def test_a_project_that_moved_takes_its_keys_along(owner, organization):
    project = a_project(organization, "web")
    move = export(owner)
    work()
    rows = json.loads(bytes_of(owner.get(f"{page_of(move)}download/")))

    assert {row["fields"]["public_key"] for row in rows if row["model"] == "sentry.projectkey"} == {
        key.public_key for key in project.keys.all()
    }
