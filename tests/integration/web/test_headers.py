"""The headers that every answer carries."""

import pytest

from tests.support.html import harm_in

pytestmark = pytest.mark.django_db


def test_a_page_allows_no_inline_script_and_no_frame_around_it(visit, ann):
    answer = visit().get("/auth/login/")

    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Cache-Control"].startswith(("private", "max-age=0"))
    assert harm_in(answer.text) == []


@pytest.mark.parametrize("path", ["/nothing/", "/organizations/acme/issues/"])
def test_a_missing_page_is_one_of_ours(path, visit, stranger):
    answer = visit(stranger).get(path)

    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.text
    assert harm_in(answer.text) == []


def test_an_answer_of_the_api_allows_nothing(client, ann):
    answer = client.get("/api/0/organizations/")

    assert answer["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_form_without_its_token_is_refused_with_a_page_that_says_why(visit, ann):
    answer = visit(ann, enforce_csrf_checks=True).post("/theme/", {"theme": "dark"})

    assert answer.status_code == 403
    assert "The form has expired" in answer.text


def test_a_defect_of_ours_shows_a_page_without_details(visit, ann, monkeypatch):
    monkeypatch.setattr("vedette.web.views.entrance.organizations_of", lambda _: 1 / 0)

    answer = visit(ann, raise_request_exception=False).get("/")

    assert answer.status_code == 500
    assert "Something broke" in answer.text
    assert "ZeroDivisionError" not in answer.text
