"""Secrets that are kept to be told to somebody later."""

import pytest

from vedette.core.sealing import seal, unseal

SECRET = "ghp_not really ✓"


def test_a_sealed_secret_opens_for_its_purpose_and_shows_nothing():
    sealed = seal(SECRET, "token")

    assert unseal(sealed, "token") == SECRET
    assert SECRET not in sealed
    assert seal(SECRET, "token") != sealed


def test_nothing_stays_nothing():
    assert seal("", "token") == ""
    assert unseal("", "token") is None


def test_it_opens_for_no_other_purpose_and_under_no_other_key(settings):
    sealed = seal(SECRET, "token")

    assert unseal(sealed, "hook") is None
    settings.SECRET_KEY = "another"
    assert unseal(sealed, "token") is None


@pytest.mark.parametrize("text", ["plain", "1:", "1:!!!!", "1:AAAA", "2:AAAA"])
def test_what_was_not_sealed_does_not_open(text):
    assert unseal(text, "token") is None


def test_what_was_changed_does_not_open():
    sealed = seal(SECRET, "token")

    assert unseal(sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:], "token") is None
