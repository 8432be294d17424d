import sys

import click
import pytest
from click.testing import CliRunner

from vedette import __version__
from vedette.cli import main as entry
from vedette.core.errors import Misconfigured, RuleBroken, TryAgain


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["vedette", *arguments])
    monkeypatch.setattr(entry.os, "umask", lambda mask: None)
    with pytest.raises(SystemExit) as ended:
        entry.main()
    return ended.value.code


@pytest.mark.parametrize("name", entry.COMMANDS)
def test_every_command_has_help(name):
    result = CliRunner().invoke(entry.cli, [name, "--help"])

    assert result.exit_code == 0
    assert result.output.startswith("Usage:")


def test_the_list_of_commands_is_complete():
    output = CliRunner().invoke(entry.cli, ["--help"]).output

    assert all(f"  {name} " in output for name in entry.COMMANDS)


def test_version_prints_the_version(monkeypatch, capsys):
    assert run(monkeypatch, "version") == 0
    assert capsys.readouterr().out.strip() == __version__


def test_an_unknown_command_or_option_is_told_in_a_line(monkeypatch, capsys):
    assert run(monkeypatch, "fly") == 2
    assert run(monkeypatch, "version", "--fast") == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Misconfigured("the port is taken", "Choose another."), 2),
        (RuleBroken({"slug": ["An organization with this slug already exists."]}), 2),
        (TryAgain("the store is away"), 1),
    ],
    ids=["misconfigured", "rule broken", "try again"],
)
def test_errors_are_told_in_a_line_and_a_hint(monkeypatch, capsys, error, status):
    @click.command("version")
    def broken():
        raise error

    monkeypatch.setattr("vedette.cli.version.command", broken)

    assert run(monkeypatch, "version") == status
    told = capsys.readouterr().err
    assert told.startswith(f"vedette: {error}\n")
    assert ("hint: " in told) == bool(error.hint)
