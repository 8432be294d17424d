"""Links that stop mail: what they hold, and that nobody else makes them."""

import pytest
from django.core.signing import Signer

from vedette.mail.preferences import DEPLOYS, FETCHES, PREFERENCES
from vedette.mail.unsubscribe import read_token, token_of, unsubscribe_url


@pytest.mark.parametrize("preference", PREFERENCES, ids=lambda one: one.kind)
def test_a_link_means_whom_and_what_it_was_made_for(preference):
    assert read_token(token_of(7, preference)) == (7, preference)
    assert unsubscribe_url(7, preference).endswith(f"/unsubscribe/{token_of(7, preference)}/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "7.deploys",
        "7.deploys.",
        token_of(7, DEPLOYS) + "A",
        token_of(7, DEPLOYS).replace("7", "8", 1),
        token_of(7, FETCHES).replace("fetches", "deploys"),
        Signer(sep=".").sign("7.deploys"),
        Signer(sep=".", salt="vedette.mail.unsubscribe").sign("7.weather"),
        Signer(sep=".", salt="vedette.mail.unsubscribe").sign("seven.deploys"),
    ],
)
def test_any_other_text_means_nothing(text):
    assert read_token(text) is None
