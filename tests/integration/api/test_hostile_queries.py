"""Requests that are wrong on purpose are answered with a sentence, never with an error of ours."""

import pytest

from vedette.core.errors import RuleBroken
from vedette.issues.assignees import parse_assignee

DIGITS = "9" * 5000
WORDS = "+".join(["a"] * 1200)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/organizations/acme/issues/{DIGITS}/", 404),
        (f"/organizations/acme/issues/?limit={DIGITS}", 400),
        (f"/organizations/acme/issues/?group={DIGITS}", 200),
        (f"/organizations/acme/issues/?cursor={DIGITS}:0:0", 400),
        (f"/organizations/acme/projects/?per_page={DIGITS}", 400),
        (f"/organizations/acme/projects/?query=id:{DIGITS}", 400),
        (f"/organizations/{DIGITS}/", 404),
        (f"/organizations/acme/projects/?query={WORDS}", 400),
        (f"/organizations/acme/members/?query={WORDS}", 400),
        (f"/organizations/acme/releases/?query={WORDS}", 400),
        (f"/organizations/acme/teams/?query={'a' * 60_000}", 400),
        ("/organizations/acme/issues/?query=issue.id:²", 400),
        ("/organizations/acme/issues/?query=project.id:²", 400),
        ("/organizations/acme/issues/?query=" + "is:new+" * 500, 400),
        ("/organizations/acme/issues/?query=issue:[" + ",".join(["A-1"] * 1000) + "]", 400),
        ("/organizations/acme/issues/?query=assigned:user:²", 200),
    ],
)
def test_what_no_number_and_no_search_can_be_is_refused(path, status, api, web, events):
    assert api.get(path).status == status


def test_an_endless_id_selects_nothing(api, web):
    assert api.put(f"/organizations/acme/issues/?id={DIGITS}", {"status": "resolved"}).status == 204


@pytest.mark.parametrize("text", ["²", "user:²", "team:²", DIGITS, f"user:{DIGITS}"])
def test_nobody_has_an_odd_number(text, acme):
    with pytest.raises(RuleBroken):
        parse_assignee(text, acme)
