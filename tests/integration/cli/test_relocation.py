"""The commands on a real database, called in this process: what they write, print, and how they end."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings

from tests.support.factories import a_member, a_project, an_organization
from tests.support.factors import an_app
from vedette.accounts.factors import renew_recovery
from vedette.accounts.models import Authenticator, User
from vedette.accounts.users import create_user
from vedette.cli import migrate
from vedette.cli.jobs import MAILS
from vedette.cli.main import cli
from vedette.core import clock
from vedette.core.errors import RuleBroken
from vedette.mail.models import Mail
from vedette.mail.sending import send_due
from vedette.orgs.models import Organization

pytestmark = pytest.mark.django_db
DATA = Path(__file__).parents[2] / "data" / "relocation"
FRESH, TWINS = DATA / "fresh-install.json", DATA / "duplicate-username-and-organization-slug.json"
Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def empty_scratch():
    """Nothing of other tests lies in the commands' scratch directory."""
    shutil.rmtree(settings.VEDETTE.data_dir / "relocation", ignore_errors=True)


@pytest.fixture
def run(monkeypatch, tmp_path) -> Run:
    """The command in this process and on its database, which is up to date."""
    monkeypatch.setattr(migrate, "ensure_migrated", lambda **_: [])
    monkeypatch.chdir(tmp_path)

    def _run(group: str, *arguments: Any, status: int = 0, stdin: bytes | str | None = None) -> Result:
        done = CliRunner().invoke(cli, [group, *(str(one) for one in arguments)], input=stdin)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == status, done.output
        return done

    return _run


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> tuple[Path, Path]:
    """A private key and its public half."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    directory = tmp_path_factory.mktemp("keys")
    private, public = directory / "private.pem", directory / "public.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def acme(db):
    organization = an_organization("acme")
    a_member(organization, "ann@example.com", "owner")
    a_project(organization, "web")
    return organization


def left_behind() -> list[str]:
    """What lies in the commands' scratch directory."""
    directory = settings.VEDETTE.data_dir / "relocation"
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


class TestExport:
    def test_it_goes_to_standard_output_without_a_word(self, run, acme):
        done = run("export", "organizations")

        rows = json.loads(done.stdout)
        assert {"sentry.organization", "sentry.project", "sentry.user"} <= {row["model"] for row in rows}

    def test_a_file_is_the_owners_alone_and_the_rows_are_counted(self, run, acme, tmp_path):
        done = run("export", "organizations", "acme.json")

        assert (tmp_path / "acme.json").stat().st_mode & 0o777 == 0o600
        assert "sentry.project" in done.stdout
        assert left_behind() == []

    def test_silence_is_silent_and_json_is_one_object(self, run, acme, tmp_path):
        assert run("export", "global", "a.json", "--silent").output == ""
        told = json.loads(run("export", "global", "b.json", "--json").stdout)

        assert told["rows"] == len(json.loads((tmp_path / "b.json").read_text()))

    @pytest.mark.parametrize(
        ("arguments", "slugs"),
        [
            (["--filter-org-slugs", " acme ,other"], {"acme", "other"}),
            (["--filter-org-slugs", "acme"], {"acme"}),
            (["--filter-org-slugs-file", "slugs"], {"other"}),
            (["--filter-org-slugs", ""], set()),
        ],
    )
    def test_organizations_are_chosen_by_slug(self, run, acme, tmp_path, arguments, slugs):
        an_organization("other")
        (tmp_path / "slugs").write_text("other\n")

        rows = json.loads(run("export", "organizations", *arguments, "--silent").stdout)

        assert {row["fields"]["slug"] for row in rows if row["model"] == "sentry.organization"} == slugs

    def test_a_filter_that_names_nothing_is_told(self, run, acme):
        assert (
            "lets nothing" in run("export", "users", "--filter-usernames", "").stderr
            or "nothing passes" in run("export", "users", "--filter-usernames", "").stderr
        )

    def test_the_findings_file_is_empty_when_all_is_well(self, run, acme, tmp_path):
        run("export", "config", "out.json", "--findings-file", "f.json", "--silent")

        assert json.loads((tmp_path / "f.json").read_text()) == []

    def test_an_unknown_slug_is_a_finding(self, run, acme, tmp_path):
        run("export", "organizations", "--filter-org-slugs", "nobody", "--findings-file", "f.json", "--silent")

        assert "nobody" in (tmp_path / "f.json").read_text()


class TestImport:
    def test_the_plan_is_printed_and_the_renames(self, run, acme):
        an_organization("testing")

        done = run("import", "organizations", FRESH)

        assert "What was done" in done.stdout
        assert "renamed organization testing to testing-" in done.stdout
        assert Organization.objects.filter(slug__startswith="testing-").count() == 1
        assert left_behind() == []

    def test_a_dry_run_prints_it_and_changes_nothing(self, run, acme):
        told = json.loads(run("import", "organizations", FRESH, "--dry-run", "--json").stdout)

        assert told["dryRun"] is True
        assert told["plan"]["sentry.user"]["inserted"] == 3
        assert (User.objects.count(), Organization.objects.count()) == (1, 1)

    def test_new_names_can_be_given_on_the_way_in(self, run, acme):
        run(
            "import",
            "organizations",
            FRESH,
            "--rename-org",
            "testing=moved",
            "--map-user",
            "admin@example.com=ann@example.com",
        )

        moved = Organization.objects.get(slug="moved")
        assert moved.members.filter(user_id=User.objects.get(username="ann@example.com").pk).exists()
        assert not User.objects.filter(username="admin@example.com").exists()

    def test_twins_become_two_or_one(self, run):
        run("import", "users", TWINS, "--merge-users", "--silent")
        assert User.objects.count() == 1
        run("import", "users", TWINS, "--silent")
        assert User.objects.count() == 3

    def test_people_are_told_how_to_claim_their_accounts(self, run, mailbox):
        told = json.loads(run("import", "users", FRESH, "--json").stdout)

        assert told["mails"] == 3
        assert {mail.user.username for mail in Mail.objects.all()} == {
            "admin@example.com",
            "member@example.com",
            "superadmin@example.com",
        }

    @pytest.mark.parametrize("arguments", [["--no-mail"], ["--dry-run"]])
    def test_or_nobody_is(self, run, mailbox, arguments):
        run("import", "users", FRESH, "--silent", *arguments)

        assert not Mail.objects.exists()

    def test_standard_input_is_read_plain_and_sealed(self, run, keys):
        private, public = keys
        run("import", "users", "-", "--silent", stdin=FRESH.read_bytes())
        run("backup", "encrypt", "s.tar", "--src", FRESH, "--encrypt-with", public)
        run("import", "users", "-", "--decrypt-with", private, "--silent", stdin=Path("s.tar").read_bytes())

        assert User.objects.count() == 6

    BAD = {
        "cut off": b'[{"model": "sentry.user"',
        "a bad name": b'[{"model": "sentry.user", "pk": 1, "fields": {"username": ""}}]',
        "no UTF-8": b"[\xff]",
    }

    @pytest.mark.parametrize("content", BAD.values(), ids=BAD)
    def test_a_bad_file_is_one_sentence_a_finding_and_status_1(self, run, tmp_path, content):
        (tmp_path / "bad.json").write_bytes(content)

        done = run("import", "organizations", "bad.json", "--findings-file", "f.json", "--silent", status=1)

        assert done.stderr.startswith("vedette: ")
        assert len(done.stderr.splitlines()) == 1
        (finding,) = json.loads((tmp_path / "f.json").read_text())
        assert finding["finding"] == "RpcImportError"
        assert not User.objects.exists()
        assert left_behind() == []

    def test_a_strict_import_drops_nothing(self, run, tmp_path):
        rows = [{"model": "sentry.team", "pk": 1, "fields": {"organization": 9, "slug": "a", "name": "A"}}]
        (tmp_path / "lost.json").write_text(json.dumps(rows))

        told = json.loads(run("import", "organizations", "lost.json", "--json").stdout)
        assert told["plan"]["sentry.team"]["dropped"] == 1
        run("import", "organizations", "lost.json", "--strict", "--silent", status=1)

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [(["--resume"], "no import was cut off"), (["--resume", "--import-uuid", "a" * 32], "no import aaaa")],
    )
    def test_there_must_be_an_import_to_go_on_with(self, run, arguments, says):
        assert says in run("import", "users", FRESH, *arguments, status=1).stderr

    def test_the_same_uuid_imports_once(self, run):
        for _ in range(2):
            run("import", "users", FRESH, "--import-uuid", "b" * 32, "--in-batches", "--silent")

        assert User.objects.count() == 3


class TestRestore:
    def test_an_empty_installation_is_restored_when_somebody_says_yes(self, run):
        done = run("import", "global", FRESH, stdin="y\n")

        assert "This installation is empty." in done.stderr
        assert User.objects.get(username="admin@example.com").is_superuser

    def test_no_cancels_and_is_no_failure(self, run):
        done = run("import", "global", FRESH, stdin="n\n")

        assert "Import cancelled." in done.stdout
        assert not User.objects.exists()

    def test_one_in_use_refuses_unless_told(self, run, acme):
        done = run("import", "global", FRESH, "--no-prompt", status=1)

        assert "--wipe" in done.stderr
        assert Organization.objects.get().slug == "acme"

    def test_no_prompt_asks_nothing_but_silence_does(self, run):
        assert "privileges" not in run("import", "global", FRESH, "--no-prompt").stderr
        User.objects.all().delete()
        Organization.objects.all().delete()
        assert "privileges" in run("import", "global", FRESH, "--silent", stdin="n\n").stderr


class TestBackup:
    def test_what_is_encrypted_comes_back(self, run, keys, tmp_path):
        private, public = keys
        run("backup", "encrypt", "s.tar", "--src", FRESH, "--encrypt-with", public)
        run("backup", "decrypt", "plain.json", "--src", "s.tar", "--decrypt-with", private)

        assert json.loads((tmp_path / "plain.json").read_text()) == json.loads(FRESH.read_text())
        assert run("backup", "compare", "s.tar", FRESH, "--decrypt-left-with", private).stdout == "0 differences\n"

    def test_the_wrong_key_is_status_1_and_leaves_no_file(self, run, keys, tmp_path):
        _, public = keys
        run("backup", "encrypt", "s.tar", "--src", FRESH, "--encrypt-with", public)
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        (tmp_path / "other.pem").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

        run("backup", "decrypt", "plain.json", "--src", "s.tar", "--decrypt-with", "other.pem", status=1)
        run("backup", "encrypt", "t.tar", "--src", FRESH, "--encrypt-with", "other.pem", status=1)

        assert {path.name for path in tmp_path.iterdir()} == {"s.tar", "other.pem"}

    def test_a_sealed_file_needs_a_key_and_a_plain_one_none(self, run, keys):
        private, public = keys
        run("backup", "encrypt", "s.tar", "--src", FRESH, "--encrypt-with", public)

        assert "encrypted" in run("import", "users", "s.tar", status=1).stderr
        assert "not encrypted" in run("import", "users", FRESH, "--decrypt-with", private, status=1).stderr

    @pytest.mark.parametrize(("arguments", "status"), [([], 1), (["--exit-zero"], 0)])
    def test_differences_are_counted_and_decide_the_status(self, run, tmp_path, arguments, status):
        rows = json.loads(FRESH.read_text())
        next(row for row in rows if row["model"] == "sentry.team")["fields"]["name"] = "Another"
        (tmp_path / "changed.json").write_text(json.dumps(rows))

        done = run("backup", "compare", FRESH, "changed.json", "--findings-file", "f.json", *arguments, status=status)

        assert done.stdout == "1 difference\n"
        assert "UnequalJSON" in done.stderr
        assert [one["kind"] for one in json.loads((tmp_path / "f.json").read_text())] == ["UnequalJSON"]

    def test_differences_can_be_read_as_a_page(self, run, tmp_path):
        run("backup", "compare", FRESH, TWINS, "--html", "report.html", "--exit-zero", "--silent")

        report = (tmp_path / "report.html").read_text()
        assert report.startswith("<!doctype html>")
        assert "UnequalCounts" in report
        assert "<script" not in report

    def test_a_sanitised_file_tells_nothing_and_is_the_same_for_the_same_seed(self, run, tmp_path):
        run("backup", "sanitize", "a.json", "--src", FRESH, "--seed", "1", "--silent")
        run("backup", "sanitize", "b.json", "--src", FRESH, "--seed", "1", "--silent")

        told = (tmp_path / "a.json").read_text()
        assert told == (tmp_path / "b.json").read_text()
        assert "superadmin" not in told

    def test_json_that_is_none_is_not_encrypted(self, run, keys, tmp_path):
        (tmp_path / "bad.json").write_text("{}")

        run("backup", "encrypt", "s.tar", "--src", "bad.json", "--encrypt-with", keys[1], status=1)

        assert not (tmp_path / "s.tar").exists()


class TestFactors:
    def test_an_app_is_shown_and_removed(self, run):
        ann = a_member(an_organization("acme"))
        an_app(ann)

        renew_recovery(ann, clock.now())

        shown = run("factors", "list", "ANN@example.com").stdout
        assert "authenticator app, since 20" in shown
        assert "10 recovery codes left" in shown
        assert "is removed" in run("factors", "remove", "ann@example.com").stdout
        assert not Authenticator.objects.exists()
        assert "no authenticator app" in run("factors", "list", "ann@example.com").stdout

    @pytest.mark.parametrize(
        ("name", "says"), [("nobody", "no account 'nobody'"), ("ann@example.com", "has no authenticator app")]
    )
    def test_what_cannot_be_removed_is_said(self, run, name, says):
        a_member(an_organization("acme"))

        with pytest.raises(RuleBroken, match=says):
            run("factors", "remove", name)

    def test_whoever_has_the_account_is_told_by_mail(self, run, mailbox):
        ann = create_user("ann@example.com", None, verified=True)
        an_app(ann)

        run("factors", "remove", "ann@example.com")
        send_due(MAILS, clock.now())

        assert [one.message["Subject"] for one in mailbox.delivered] == ["Your authenticator app was removed"]
        assert "by whoever runs the server" in mailbox.delivered[0].part("plain")


class TestPasswordLinks:
    def test_a_link_gives_a_new_password(self, run, client):
        ann = create_user("ann@example.com", "a long enough password")

        link = run("password", "link", "ANN@example.com").stdout.strip()
        client.post(link[link.index("/account/") :], {"password": "quite another password"})

        ann.refresh_from_db()
        assert ann.check_password("quite another password")

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"is_unclaimed": True}, "use vedette claims link"),
            ({"is_active": False}, "nobody signs in"),
            ({"is_sentry_app": True}, "nobody signs in"),
            ({"username": "x", "email": "x@example.com"}, "no account 'ann@example.com'"),
        ],
    )
    def test_who_needs_none_gets_none(self, run, fields, says):
        create_user("ann@example.com", "a long enough password")
        User.objects.update(**fields)

        with pytest.raises(RuleBroken, match=says):
            run("password", "link", "ann@example.com")

    def test_of_several_who_share_an_address_one_has_to_be_named(self, run):
        for name in ("ann@example.com", "second@example.com"):
            create_user(name, None)
        User.objects.update(email="shared@example.com")

        with pytest.raises(RuleBroken, match="several accounts share"):
            run("password", "link", "shared@example.com")


class TestClaims:
    @pytest.fixture
    def waiting(self, run):
        run("import", "users", FRESH, "--silent", "--no-mail")

    def test_who_waits_is_listed(self, run, waiting):
        assert "admin@example.com" in run("claims", "list").stdout
        assert len(json.loads(run("claims", "list", "--json").stdout)) == 3

    def test_a_link_opens_the_account_s_page(self, run, waiting, client):
        link = run("claims", "link", "ADMIN@example.com").stdout.strip()

        assert client.get(link[link.index("/account/") :]).status_code == 200

    def test_mail_is_sent_again_to_those_who_are_named_or_to_all(self, run, waiting, mailbox):
        assert "1 mail on the way" in run("claims", "send", "admin@example.com").stdout
        assert "2 mails on the way" in run("claims", "send", "--all").stdout  # who got one just now gets no second

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["link", "nobody"], "no account 'nobody'"),
            (["send"], "name accounts"),
            (["send", "admin@example.com"], "sends no mail"),
        ],
    )
    def test_what_cannot_be_done_is_said(self, run, waiting, arguments, says):
        with pytest.raises(RuleBroken, match=says):
            run("claims", *arguments)
