"""Trying the mail server: real TLS on loopback, and a sentence for everything that can go wrong."""

from dataclasses import replace

import pytest

from tests.support.certificates import DAY, an_authority
from tests.support.smtp import Behaviour, mail_server
from vedette.core import clock
from vedette.core.addresses import read_mail_url
from vedette.core.errors import Misconfigured
from vedette.mail.proof import NotSent, send_proof
from vedette.mail.status import reach_server

ANN = "ann@example.com"
FROM = "from=vedette@example.com"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return an_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def use(settings):
    """Send through what a VEDETTE_MAIL_URL names."""

    def _use(url):
        settings.VEDETTE = replace(settings.VEDETTE, sends_mail=True, url="https://vedette.example.com")
        for name, value in read_mail_url(url).items():
            setattr(settings, name, value)

    return _use


def refusal():
    """The sentence and the hint."""
    with pytest.raises(NotSent) as refused:
        send_proof(ANN)
    return str(refused.value), refused.value.hint


class TestAMessage:
    def test_it_arrives_from_the_sender_and_names_the_server(self, mailbox):
        took = send_proof(ANN)

        (arrived,) = mailbox.delivered
        assert took == f"127.0.0.1:{mailbox.port}"
        assert (arrived.sender, arrived.recipients) == ("vedette@example.com", [ANN])
        assert "https://vedette.example.com" in arrived.part("plain")
        assert arrived.message["Message-ID"].endswith("@vedette.example.com>")

    def test_without_a_mail_server_the_operator_is_told_which_setting_names_one(self, settings):
        with pytest.raises(Misconfigured, match="sends no mail") as refused:
            send_proof(ANN)

        assert "VEDETTE_MAIL_URL" in refused.value.hint


class TestTLS:
    @pytest.mark.parametrize(("scheme", "at_once"), [("smtp", False), ("smtps", True)])
    def test_the_certificate_of_an_own_authority_is_trusted_where_its_file_is_named(
        self, authority, use, scheme, at_once
    ):
        with mail_server(authority.server(), from_first_byte=at_once) as server:
            server.behaviour = Behaviour(password=("post", "s3cret"))
            use(f"{scheme}://post:s3cret@127.0.0.1:{server.port}?{FROM}&ca={authority.path}")

            send_proof(ANN)

            assert [one.recipients for one in server.delivered] == [[ANN]]
            assert reach_server() == ""

    @pytest.mark.parametrize(("scheme", "at_once"), [("smtp", False), ("smtps", True)])
    def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_password_is_told(
        self, authority, use, scheme, at_once
    ):
        with mail_server(authority.server(), from_first_byte=at_once) as server:
            use(f"{scheme}://post:s3cret@127.0.0.1:{server.port}?{FROM}")

            said, hint = refusal()

            assert "is not trusted: unable to get local issuer certificate" in said
            assert "ca=FILE" in hint
            assert server.delivered == []

    def test_another_authority_does_not_vouch_for_it(self, authority, use, tmp_path):
        with mail_server(authority.server()) as server:
            use(f"smtp://127.0.0.1:{server.port}?{FROM}&ca={an_authority(tmp_path, 'other').path}")

            assert "is not trusted" in refusal()[0]

    def test_a_certificate_for_another_name_is_refused(self, authority, use):
        with mail_server(authority.server("127.0.0.2")) as server:
            use(f"smtp://127.0.0.1:{server.port}?{FROM}&ca={authority.path}")

            assert "IP address mismatch" in refusal()[0]

    def test_one_that_is_over_is_refused(self, authority, use):
        with mail_server(authority.server(until=clock.now() - DAY)) as server:
            use(f"smtp://127.0.0.1:{server.port}?{FROM}&ca={authority.path}")

            assert "certificate has expired" in refusal()[0]

    def test_a_server_without_starttls_gets_nothing(self, mailbox, use):
        use(f"smtp://post:s3cret@127.0.0.1:{mailbox.port}?{FROM}")

        said, hint = refusal()

        assert said == f"127.0.0.1:{mailbox.port} offers no STARTTLS"
        assert "tls=false" in hint

    def test_a_server_that_speaks_no_tls_at_first_is_told_from_one_with_a_bad_certificate(self, mailbox, use):
        use(f"smtps://127.0.0.1:{mailbox.port}?{FROM}")

        said, hint = refusal()

        assert "does not speak TLS from the first byte" in said
        assert "smtp://" in hint

    def test_a_file_that_holds_no_certificates_is_named(self, authority, use, tmp_path):
        empty = tmp_path / "empty.pem"
        empty.write_text("nothing\n")
        with mail_server(authority.server()) as server:
            use(f"smtp://127.0.0.1:{server.port}?{FROM}&ca={empty}")

            assert f"{empty} cannot be read as certificates" in refusal()[0]


class TestRefusals:
    def test_nothing_listens(self, mailbox, settings):
        settings.EMAIL_PORT = 1

        said, hint = refusal()

        assert said == "nothing listens at 127.0.0.1:1"
        assert "firewall" in hint

    def test_the_name_is_unknown(self, mailbox, settings):
        settings.EMAIL_HOST = "mail.invalid"

        assert refusal()[0] == "the name mail.invalid leads to no address"

    def test_the_password_is_wrong_and_never_told(self, mailbox, use):
        mailbox.behaviour = Behaviour(password=("post", "s3cret"))
        use(f"smtp://post:wr0ng@127.0.0.1:{mailbox.port}?tls=false&{FROM}")

        said, hint = refusal()

        assert "refused the user name or the password: 535 5.7.8 who are you" in said
        assert "wr0ng" not in said + hint

    @pytest.mark.parametrize(
        ("replies", "says"),
        [
            ({"CONNECT": ["554 no service"]}, "did not let us in: 554 no service"),
            ({"MAIL": ["550 not from here"]}, "refused the sender vedette@example.com: 550 not from here"),
            ({"RCPT": ["550 no such user"]}, "refused the recipient ann@example.com: 550 no such user"),
            ({"DATA": ["554 spam"]}, "refused the message: 554 spam"),
            ({"MAIL": [None]}, "hung up"),
        ],
        ids=["welcome", "sender", "recipient", "message", "hangs up"],
    )
    def test_what_the_server_says_is_told(self, mailbox, replies, says):
        mailbox.behaviour.replies.update(replies)

        assert says in refusal()[0]

    def test_a_server_that_says_nothing_is_waited_for_so_long(self, mailbox, settings):
        mailbox.behaviour.replies["CONNECT"] = [""]  # an empty line is no answer, and no more comes
        settings.EMAIL_TIMEOUT = 0.05

        said, _ = refusal()

        assert said.startswith(f"127.0.0.1:{mailbox.port}")
