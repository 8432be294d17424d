"""The page of a project about what happens to new issues by itself."""

import pytest

from tests.support.factories import a_member
from vedette.projects import options

pytestmark = pytest.mark.django_db
PAGE = "/organizations/acme/projects/web/new-issues/"


def said(project):
    found = options.options_of([project.pk])[project.pk]
    return found["autoAssignment"], found["escalateNewIssues"]


def test_a_project_says_who_gets_new_issues_and_which_escalate(visit, ann, project):
    assert said(project) == ("Turn off Auto-Assignment", False)
    assert "Let new issues escalate that come fast" in visit(ann).get(PAGE).text

    answer = visit(ann).post(PAGE, {"autoAssignment": "Auto Assign to Suspect Commits", "escalateNewIssues": "on"})

    assert answer.status_code == 302
    assert said(project) == ("Auto Assign to Suspect Commits", True)
    assert 'value="Auto Assign to Suspect Commits" selected' in visit(ann).get(PAGE).text


def test_a_choice_that_is_none_changes_nothing(visit, ann, project):
    assert visit(ann).post(PAGE, {"autoAssignment": "everybody", "escalateNewIssues": "on"}).status_code == 400

    assert said(project) == ("Turn off Auto-Assignment", False)


def test_a_member_looks_at_it_and_changes_nothing(visit, organization, project):
    bob = a_member(organization, "bob@example.com")

    assert visit(bob).get(PAGE).status_code == 200
    assert visit(bob).post(PAGE, {"autoAssignment": "Auto Assign to Suspect Commits"}).status_code == 403

    assert said(project) == ("Turn off Auto-Assignment", False)
