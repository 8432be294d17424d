"""Which password hashes of a file a sign-in could check here."""

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password
from django.test import override_settings

from vedette.accounts.models import User
from vedette.relocation.importing.rules.passwords import complaint_about_hash

REAL = override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.PBKDF2PasswordHasher"])
OLD = PBKDF2PasswordHasher().encode("correct horse", "salt", iterations=1000)


@pytest.mark.parametrize(
    "text",
    [
        OLD,
        "pbkdf2_sha256$150000$iEvdIknqYjTr$+QsGn0tfIJ1FZLxQI37mVU1gL2KbL/wqjMtG/dFhsMA=",
        "pbkdf2_sha1$10000$salt$hash",
        "",
        "!unusable",
    ],
)
def test_what_django_has_hashed_is_kept(text):
    assert complaint_about_hash(text) is None


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 2000)


@REAL
def test_what_this_server_hashes_itself_is_kept():
    assert complaint_about_hash(make_password("anything")) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA", "of the kind 'argon2'"),
        ("scrypt$1073741824$salt$8$1$hash", "of the kind 'scrypt'"),
        ("plain text", "of the kind 'plain text'"),
        ("pbkdf2_sha256$many$salt$hash", "malformed"),
        ("pbkdf2_sha256$1000$salt", "malformed"),
        ("pbkdf2_sha256$1000$salt$hash$more", "malformed"),
        ("pbkdf2_sha256$0$salt$hash", "too many"),
        ("pbkdf2_sha256$99999999$salt$hash", "too many"),
        ("pbkdf2_sha256$" + "9" * 5000 + "$salt$hash", "too many"),
    ],
    ids=lambda value: value[:24],
)
def test_what_no_sign_in_could_check_is_not(text, why):
    assert why in (complaint_about_hash(text) or "")


@REAL
def test_an_old_hash_is_checked_with_its_own_iterations_and_made_anew_at_the_first_sign_in():
    saved = []

    assert check_password("correct horse", OLD, saved.append)
    assert saved == ["correct horse"]
    assert not User(password=OLD).check_password("wrong")
