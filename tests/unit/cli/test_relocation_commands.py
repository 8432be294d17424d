"""The command line of exports, imports and backups is spelt as Sentry spells it (relocation specification, 3)."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from vedette.cli import relocating, relocationoptions
from vedette.cli.backup import command as backup
from vedette.cli.export import command as export
from vedette.cli.import_ import command as import_
from vedette.cli.main import cli
from vedette.cli.relocating import Failed, reporting
from vedette.core.errors import TryAgain
from vedette.relocation.files.findings import FindingKind, Origin, refuse, warning

ENCRYPT = {"--encrypt-with", "--encrypt-with-gcp-kms"}
DECRYPT = {"--decrypt-with", "--decrypt-with-gcp-kms"}
USERNAMES = {"--filter-usernames", "--filter-usernames-file"}
SIDES = {f"--decrypt-{side}-with{kms}" for side in ("left", "right") for kms in ("", "-gcp-kms")}
MODES = {"--findings-file", "--no-prompt", "--silent"}

SPELT = {  # 3.1 to 3.3
    ("export", "users"): ENCRYPT | USERNAMES | MODES | {"--indent"},
    ("export", "organizations"): ENCRYPT | MODES | {"--indent", "--filter-org-slugs"},
    ("export", "config"): ENCRYPT | MODES | {"--indent"},
    ("export", "global"): ENCRYPT | MODES | {"--indent"},
    ("import", "users"): DECRYPT | USERNAMES | MODES | {"--merge-users"},
    ("import", "organizations"): DECRYPT | MODES | {"--filter-org-slugs", "--merge-users"},
    ("import", "config"): DECRYPT | MODES | {"--merge-users", "--overwrite-configs"},
    ("import", "global"): DECRYPT | MODES,
    ("backup", "compare"): SIDES | {"--findings-file"},
    ("backup", "decrypt"): DECRYPT | {"--src"},
    ("backup", "encrypt"): ENCRYPT | {"--src"},
    ("backup", "sanitize"): ENCRYPT | DECRYPT | {"--src", "--days-offset"},
}
OURS = {  # what each has beyond them
    ("export", "users"): {"--target", "--only-known", "--json"},
    ("export", "organizations"): {
        "--target",
        "--only-known",
        "--json",
        "--filter-org-slugs-file",
        "--filter-projects",
        "--full",
        "--with-events",
    },
    ("export", "config"): {"--target", "--only-known", "--json"},
    ("export", "global"): {"--target", "--only-known", "--json", "--full", "--with-events"},
    ("backup", "compare"): {"--silent", "--json", "--html", "--exit-zero"},
    ("backup", "sanitize"): {"--silent", "--json", "--findings-file", "--seed"},
}
IMPORTING = {
    "--dry-run",
    "--strict",
    "--map-user",
    "--rename-org",
    "--in-batches",
    "--import-uuid",
    "--resume",
    "--secrets-file",
    "--no-mail",
    "--json",
}
GROUPS = {"export": export, "import": import_, "backup": backup}


def options_of(group: str, name: str) -> dict[str, click.Parameter]:
    command = GROUPS[group].commands[name]
    return {spelling: one for one in command.params if isinstance(one, click.Option) for spelling in one.opts}


@pytest.mark.parametrize(("group", "name"), SPELT)
def test_every_option_is_spelt_as_sentry_spells_it(group, name):
    assert set(options_of(group, name)) >= SPELT[group, name]


@pytest.mark.parametrize(("group", "name"), OURS)
def test_what_is_beyond_it_is_ours(group, name):
    assert set(options_of(group, name)) == SPELT[group, name] | OURS[group, name]


@pytest.mark.parametrize("name", ["users", "organizations", "config", "global"])
def test_every_import_can_be_tried_renamed_and_gone_on_with(name):
    more = {
        "organizations": {"--filter-org-slugs-file", "--filter-projects"},
        "global": {"--wipe", "--no-safety-export"},
    }

    assert set(options_of("import", name)) == SPELT["import", name] | IMPORTING | more.get(name, set())


@pytest.mark.parametrize("name", ["users", "organizations", "config", "global"])
def test_defaults_are_those_of_sentry(name):
    options = options_of("export", name)
    context = click.Context(export.commands[name])
    dest = next(one for one in export.commands[name].params if isinstance(one, click.Argument))

    assert (options["--indent"].get_default(context), dest.get_default(context)) == (2, "-")
    assert not any(options[flag].get_default(context) for flag in ("--silent", "--no-prompt", "--json"))


USAGE = {
    "two public keys": (export, ["users", "-", "--encrypt-with", "FILE", "--encrypt-with-gcp-kms", "FILE"]),
    "two private keys": (import_, ["users", "FILE", "--decrypt-with", "FILE", "--decrypt-with-gcp-kms", "FILE"]),
    "two lists of users": (export, ["users", "--filter-usernames", "a", "--filter-usernames-file", "FILE"]),
    "two lists of organizations": (
        import_,
        ["organizations", "FILE", "--filter-org-slugs", "a", "--filter-org-slugs-file", "FILE"],
    ),
    "a file that is not there": (import_, ["global", "nowhere.json"]),
    "a key that is not there": (export, ["config", "--encrypt-with", "nowhere.pem"]),
    "an unknown target": (export, ["config", "--target", "2019"]),
    "events in Sentry's format": (export, ["organizations", "--with-events"]),
    "a negative indent": (export, ["config", "--indent", "-1"]),
    "no uuid": (import_, ["users", "FILE", "--import-uuid", "mine"]),
    "a pair without a sign": (import_, ["users", "FILE", "--map-user", "ann"]),
    "a pair without a name": (import_, ["users", "FILE", "--rename-org", "=b"]),
    "one name for two": (import_, ["users", "FILE", "--map-user", "a=b", "--map-user", "a=c"]),
    "a question to standard input": (import_, ["global", "-"]),
    "encrypting without a key": (backup, ["encrypt", "out", "--src", "FILE"]),
    "decrypting without a key": (backup, ["decrypt", "out", "--src", "FILE"]),
    "encrypting nothing": (backup, ["encrypt", "out", "--encrypt-with", "FILE"]),
    "standard input twice": (backup, ["compare", "-", "-"]),
    "verifying in no scope": (backup, ["verify", "FILE", "--scope", "all"]),
}


@pytest.mark.parametrize(("group", "arguments"), USAGE.values(), ids=USAGE)
def test_a_wrong_command_line_exits_with_2(group, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("[]")

    answer = CliRunner().invoke(cli, [group.name, *arguments])

    assert answer.exit_code == 2, answer.output
    assert "Traceback" not in answer.output
    assert list(tmp_path.iterdir()) == [tmp_path / "FILE"]


@pytest.mark.parametrize(
    ("text", "found"),
    [(None, None), ("", set()), (" , ", set()), ("a", {"a"}), (" a, b\n,c \n", {"a", "b", "c"})],
)
def test_names_are_trimmed_and_an_empty_list_lets_nothing_through(text, found, tmp_path):
    assert relocationoptions.names(text, None, "filter-usernames") == found
    if text is not None:
        path = tmp_path / "names"
        path.write_text(f"\ufeff{text}\n", encoding="utf-8")
        assert relocationoptions.names(None, path, "filter-usernames") == found


def test_names_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "names").write_bytes(b"\xff\xfe")

    with pytest.raises(click.UsageError):
        relocationoptions.names(None, tmp_path / "names", "filter-usernames")


class TestOutput:
    def test_it_replaces_its_file_when_it_is_whole_for_the_owner_alone(self, tmp_path):
        path = tmp_path / "out.json"
        path.write_text("old")
        path.chmod(0o644)

        with relocating.replacing(str(path)) as stream:
            stream.write(b"new")
            assert path.read_text() == "old"

        assert path.read_text() == "new"
        assert path.stat().st_mode & 0o777 == 0o600
        assert list(tmp_path.iterdir()) == [path]

    def test_what_fails_leaves_the_old_file_and_nothing_else(self, tmp_path):
        path = tmp_path / "out.json"
        path.write_text("old")

        def fail() -> None:
            with relocating.replacing(str(path)) as stream:
                stream.write(b"half")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()

        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_link_goes_on_leading_to_its_file(self, tmp_path):
        (tmp_path / "real").mkdir()
        target, link = tmp_path / "real" / "out.json", tmp_path / "link"
        target.write_text("old")
        link.symlink_to(target)

        with relocating.replacing(str(link)) as stream:
            stream.write(b"new")

        assert link.is_symlink()
        assert target.read_text() == "new"

    @pytest.mark.parametrize("dest", ["nowhere/out.json", "."])
    def test_a_place_that_is_no_file_is_a_wrong_command_line(self, tmp_path, monkeypatch, dest):
        monkeypatch.chdir(tmp_path)

        with pytest.raises(click.UsageError), relocating.replacing(dest):
            pass

    def test_a_device_is_written_to(self):
        with relocating.replacing("/dev/null") as stream:
            stream.write(b"gone")

        assert Path("/dev/null").is_char_device()


class TestFindings:
    BAD = refuse(FindingKind.BAD_VALUE, "it is no number", model="sentry.user", left_pk=7, field="flags", line=12)
    CASES = {
        "a known way": (BAD, Failed, "BadValue"),
        "a full disk": (OSError(28, "No space left on device", "/x"), Failed, "Unknown"),
        "a store that is away": (TryAgain("the database is away"), TryAgain, "DatabaseError"),
        "a bug": (ZeroDivisionError("x"), ZeroDivisionError, "Unknown"),
    }

    def read(self, path: Path) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(path.read_text())
        return found

    def test_the_file_is_empty_when_there_is_nothing_to_tell(self, tmp_path):
        with reporting(tmp_path / "f.json", Origin.IMPORT):
            pass

        assert self.read(tmp_path / "f.json") == []

    @pytest.mark.parametrize(("raised", "seen", "kind"), CASES.values(), ids=CASES)
    def test_the_file_is_written_however_it_fails(self, tmp_path, raised, seen, kind):
        def fail() -> None:
            with reporting(tmp_path / "f.json", Origin.IMPORT) as report:
                report.findings = [warning(FindingKind.UNKNOWN_FIELD, "kept aside", model="sentry.user")]
                raise raised

        with pytest.raises(seen):
            fail()

        kept = self.read(tmp_path / "f.json")
        assert [one["kind"] for one in kept] == ["UnknownField", kind]
        assert kept[-1]["finding"] == "RpcImportError"

    def test_a_known_failure_is_one_sentence_and_exit_status_1(self, tmp_path, capsys):
        with pytest.raises(Failed) as failed, reporting(None, Origin.IMPORT):
            raise self.BAD

        failed.value.show()
        assert failed.value.exit_code == 1
        assert capsys.readouterr().err == "vedette: sentry.user 7.flags (line 12): it is no number\n"

    def test_a_wrong_command_line_writes_none(self, tmp_path):
        with pytest.raises(click.UsageError), reporting(tmp_path / "f.json", Origin.IMPORT):
            raise click.UsageError("no")

        assert not (tmp_path / "f.json").exists()

    def test_findings_that_cannot_be_written_do_not_hide_the_failure(self, tmp_path, capsys):
        with pytest.raises(Failed, match="no number"), reporting(tmp_path / "no" / "f.json", Origin.IMPORT):
            raise self.BAD

        assert "the findings cannot be written" in capsys.readouterr().err
