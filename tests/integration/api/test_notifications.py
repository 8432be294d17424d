"""What a person is told by mail, over the API."""

import pytest

from tests.integration.api.client import Api
from tests.support.factories import a_member
from vedette.mail.preferences import ALL, DEPLOYS, choices_of, choose
from vedette.orgs.tokens import create_org_token

PATH = "/users/me/notifications/"


def test_everybody_has_defaults_and_changes_what_they_name(api, owner):
    assert api.get(PATH).body == {"deployNotifications": "committed", "fetchNotifications": "always"}

    changed = api.put(PATH, {"deployNotifications": "never", "workflowNotifications": 1})

    assert changed.status == 200
    assert changed.body == {"deployNotifications": "never", "fetchNotifications": "always"}
    assert api.put(PATH, {"fetchNotifications": "never"}).body["deployNotifications"] == "never"


@pytest.mark.parametrize("value", ["loudly", "", 7, ["all"], None])
def test_a_choice_that_there_is_not_is_refused_or_means_nothing(api, owner, value):
    answer = api.put(PATH, {"deployNotifications": value})

    assert (answer.status, list(answer.body)) == (
        (200, ["deployNotifications", "fetchNotifications"]) if value is None else (400, ["deployNotifications"])
    )
    assert choices_of(owner.pk)["deploys"] == "committed"


def test_nobody_changes_what_others_are_told(acme, api, owner, token_of):
    member = a_member(acme, "member@example.com")
    choose(member.pk, DEPLOYS, ALL)

    api.put(PATH, {"deployNotifications": "never"})

    assert token_of(member).get(PATH).body["deployNotifications"] == "all"
    assert api.get(f"/users/{member.pk}/notifications/").status == 404


def test_a_token_of_nobody_is_told_nothing(acme):
    token = create_org_token(acme, "https://vedette.example.com", name="CI", by=None)[1]

    assert Api(token).get(PATH).status == 401
    assert Api(token).put(PATH, {"deployNotifications": "all"}).status == 401
    assert Api().get(PATH).status == 401
