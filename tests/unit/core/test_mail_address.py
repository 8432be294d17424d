"""The address of the mail server."""

import pytest

from vedette.core.addresses import DEFAULT_SENDER, read_mail_url
from vedette.core.errors import Misconfigured


def test_without_one_no_mail_is_sent():
    assert read_mail_url("") == {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}


def test_all_of_it_reaches_django():
    found = read_mail_url("smtps://post%40acme:s%2Fcret@mail.acme.example?from=Vedette%20<v@acme.example>")

    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.acme.example", 465)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("post@acme", "s/cret")
    assert (found["EMAIL_USE_SSL"], found["EMAIL_USE_TLS"]) == (True, False)
    assert found["DEFAULT_FROM_EMAIL"] == "Vedette <v@acme.example>"


def test_a_plain_address_speaks_starttls_unless_it_says_otherwise():
    found, plain = read_mail_url("smtp://h"), read_mail_url("smtp://h?tls=false")

    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (587, True, False)
    assert found["DEFAULT_FROM_EMAIL"] == DEFAULT_SENDER
    assert not plain["EMAIL_USE_TLS"]


@pytest.mark.parametrize(
    "text",
    [
        "http://h",
        "smtp://",
        "smtp://h?tls=no",
        "smtp://h?from=nobody",
        "smtp://h?from=a@b.c%0ABcc:%20d@e.f",
        "smtp://h?cc=a@b.c",
        "smtp://u:s3cret@h:mail",
    ],
)
def test_what_makes_no_sense_is_refused_without_its_password(text):
    with pytest.raises(Misconfigured, match="VEDETTE_MAIL_URL") as refused:
        read_mail_url(text)

    assert "s3cret" not in str(refused.value) + refused.value.hint


def test_a_file_of_certificates_is_named_by_its_path(tmp_path):
    (tmp_path / "ca.pem").write_text("")

    assert read_mail_url(f"smtp://h?ca={tmp_path}/ca.pem")["EMAIL_CA_FILE"] == f"{tmp_path}/ca.pem"
    assert read_mail_url("smtp://h")["EMAIL_CA_FILE"] == ""


def test_one_that_is_not_there_is_refused_at_once(tmp_path):
    with pytest.raises(Misconfigured, match="no file of certificates"):
        read_mail_url(f"smtp://h?ca={tmp_path}/none.pem")
