"""`vedette mail test`: the command, its exit status and its line."""

import pytest
from click.testing import CliRunner

from vedette.cli.main import cli
from vedette.core.errors import RuleBroken
from vedette.mail.proof import NotSent


def run(address):
    return CliRunner().invoke(cli, ["mail", "test", address], catch_exceptions=False)


def test_it_says_who_took_the_message(mailbox):
    done = run("ann@example.com")

    assert done.exit_code == 0
    assert done.stdout == f"127.0.0.1:{mailbox.port} took a message for ann@example.com, from vedette@example.com\n"
    assert done.stderr == ""
    assert mailbox.delivered[0].recipients == ["ann@example.com"]


def test_a_sender_that_nobody_set_is_pointed_out(mailbox, settings):
    settings.DEFAULT_FROM_EMAIL = "vedette@localhost"

    assert "counts as spam" in run("ann@example.com").stderr


def test_what_is_no_address_is_refused(mailbox):
    with pytest.raises(RuleBroken, match="address"):
        run("ann")

    assert mailbox.connections == 0


def test_a_refusal_is_an_error_that_ends_with_1(mailbox):
    mailbox.behaviour.replies["RCPT"] = ["550 no such user"]

    with pytest.raises(NotSent, match="550 no such user"):
        run("ann@example.com")
