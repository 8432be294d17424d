"""Reading the environment: what is understood, and what is refused by name."""

from pathlib import Path

import pytest

from vedette import settings
from vedette.core import environment
from vedette.core.addresses import read_database_url, read_mail_url
from vedette.core.errors import Misconfigured

DATA = Path("/data")


def read_everything():
    settings._read()
    read_database_url(environment.text("VEDETTE_DATABASE_URL"), DATA)
    read_mail_url(environment.text("VEDETTE_MAIL_URL"))
    settings._secret_key(DATA)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VEDETTE_BIND", "9000"),
        ("VEDETTE_BIND", "127.0.0.1:99999"),
        ("VEDETTE_URL", "example.com"),
        ("VEDETTE_URL", "https://example.com/vedette"),
        ("VEDETTE_URL", "http://[::1"),
        ("VEDETTE_DATABASE_URL", "mysql://u:s3cret@h/d"),
        ("VEDETTE_DATABASE_URL", "postgresql://u:s3cret@h:port/d"),
        ("VEDETTE_MAIL_URL", "smtp://u:s3cret@h:99999999"),
        ("VEDETTE_MAIL_URL", "smtp://h?form=a@b.c"),
        ("VEDETTE_TRUST_PROXY", "maybe"),
        ("VEDETTE_RETENTION_DAYS", "ninety"),
        ("VEDETTE_RETENTION_DAYS", "0"),
        ("VEDETTE_LOG_LEVEL", "LOUD"),
        ("VEDETTE_GIT_ROOTS", "srv/git"),
        ("VEDETTE_GIT_ROOTS", "/srv/git:/"),
        ("VEDETTE_OUTGOING_ALLOW", "git.internal, http://git.internal"),
        ("VEDETTE_OUTGOING_ALLOW", "10.0.0.0/99"),
        ("VEDETTE_SECRET_KEY_FILE", "/nowhere/at/all"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_variable(monkeypatch, name, value):
    monkeypatch.delenv("VEDETTE_SECRET_KEY", raising=False)
    monkeypatch.setenv(name, value)

    with pytest.raises(Misconfigured, match=name.removesuffix("_FILE")) as caught:
        read_everything()

    assert "s3cret" not in str(caught.value) + caught.value.hint


def test_a_secret_may_come_from_a_file_but_not_from_two_places(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("from a file\n")
    monkeypatch.setenv("VEDETTE_SECRET_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.delenv("VEDETTE_SECRET_KEY", raising=False)

    assert settings._secret_key(tmp_path) == "from a file"

    monkeypatch.setenv("VEDETTE_SECRET_KEY", "another")
    with pytest.raises(Misconfigured, match="both VEDETTE_SECRET_KEY and"):
        settings._secret_key(tmp_path)


def test_the_key_is_made_once_and_is_its_owners_alone(monkeypatch, tmp_path):
    monkeypatch.delenv("VEDETTE_SECRET_KEY", raising=False)

    first = settings._secret_key(tmp_path / "new")

    assert len(first) > 40
    assert settings._secret_key(tmp_path / "new") == first
    assert (tmp_path / "new" / "secret-key").stat().st_mode & 0o777 == 0o600
