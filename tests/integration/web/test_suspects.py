"""Suspect commits on the issue page, and whom the choice of assignees suggests because of them."""

from io import BytesIO

import pytest
from PIL import Image

from tests.support.factories import NOON, a_member
from vedette.accounts.avatars import ident_of, set_user_avatar
from vedette.accounts.models import AvatarType
from vedette.events.client import StoreUnavailable
from vedette.issues.actions import assign
from vedette.issues.assignees import of_user
from vedette.issues.models import GroupAssignee
from vedette.releases.models import Release, Repository
from vedette.shipping.commits import CommitInput, FileChange, set_commits

ISSUE = "/organizations/acme/issues/WEB-1/"
MENU = "/organizations/acme/issues/assign/"


@pytest.fixture
def browser(visit, ann):
    return visit(ann)


@pytest.fixture
def bob(organization):
    return a_member(organization, "bob@example.com", verified=True, name="Bob <b>")


@pytest.fixture
def broken(organization, project, report, an_error, bob):
    """WEB-1, which began in a release with a commit of Bob's that changed the file."""
    Repository.objects.create(
        organization=organization, name="acme/web", provider="integrations:github", url="https://github.example.com/a/w"
    )
    report(project, an_error(release="web@1.0"))
    commit = CommitInput(
        "abc123def4567" + "0" * 27,
        repository="acme/web",
        message="Guard <i>carts</i>\n\nAt last",
        author_name="Bob",
        author_email="bob@example.com",
        timestamp=NOON,
        patch_set=[FileChange("src/shop/checkout.py", "M")],
    )
    set_commits(Release.objects.get(), [commit], now=NOON)
    return project.groups.get()


def test_the_page_names_the_commit_its_author_and_the_release(browser, broken):
    page = browser.get(ISSUE).text

    panel = page[page.index("Suspect commit</h2>") :].partition("</section>")[0]
    assert "Guard &lt;i&gt;carts&lt;/i&gt;" in panel
    assert "At last" not in panel
    assert "Bob &lt;b&gt;" in panel
    assert 'href="https://github.example.com/a/w/commit/abc123def4567' in panel
    assert 'href="/organizations/acme/releases/web@1.0/"' in panel
    assert "<code>src/shop/checkout.py</code>" in panel


def test_the_issue_is_assigned_to_the_author_by_one_button(browser, broken, bob):
    page = browser.get(ISSUE).text
    assert f'value="user:{bob.pk}">Assign to Bob' in page

    browser.post(
        "/organizations/acme/issues/update/",
        {"do": "assign", "issue": broken.pk, "place": "page", "next": ISSUE, "assignee": f"user:{bob.pk}"},
    )

    assert GroupAssignee.objects.get().user_id == bob.pk
    page = browser.get(ISSUE).text
    assert "The issue is assigned to Bob" in page
    assert "Assign to Bob" not in page


def test_the_choice_of_assignees_suggests_the_author_first_and_once(browser, broken, bob, ann):
    menu = browser.get(f"{MENU}?issue={broken.pk}").text

    assert menu.count(f'value="user:{bob.pk}"') == 1
    assert "suggested: wrote a suspect commit" in menu


def test_for_several_issues_nobody_is_suggested(browser, broken, project, report, an_error):
    report(project, an_error(kind="KeyError", release="web@1.0"))
    several = "&".join(f"issue={pk}" for pk in project.groups.values_list("pk", flat=True))

    assert "suggested:" not in browser.get(f"{MENU}?{several}").text


def test_without_the_event_store_nobody_is_suggested_and_all_can_be_chosen(browser, broken, bob, monkeypatch):
    def away(*_, **__):
        raise StoreUnavailable("away")

    monkeypatch.setattr("vedette.events.queries.edge_event", away)
    menu = browser.get(f"{MENU}?issue={broken.pk}").text

    assert "suggested:" not in menu
    assert f'value="user:{bob.pk}"' in menu


def test_a_release_without_commits_shows_no_panel(browser, project, report, an_error):
    report(project, an_error(release="web@1.0"))

    assert "Suspect commit" not in browser.get(ISSUE).text


def test_an_author_who_is_no_member_cannot_be_assigned(browser, broken, bob):
    bob.emails.update(is_verified=False)

    page = browser.get(ISSUE).text

    assert "Suspect commit</h2>" in page
    assert "Assign to" not in page


def test_people_of_an_issue_are_shown_with_their_pictures(browser, broken, bob, ann):
    picture = BytesIO()
    Image.new("RGB", (300, 300), "red").save(picture, "PNG")
    set_user_avatar(bob, AvatarType.UPLOAD, picture.getvalue())
    assign([broken], of_user(bob), ann)

    page = browser.get(ISSUE).text

    shown = f'src="/avatar/{ident_of(bob)}/?s=48"'
    suspects = page[page.index("Suspect commit</h2>") :].partition("</section>")[0]
    activity = page[page.index("Activity</h2>") :].partition("</section>")[0]
    button = page[page.index('<a class="button" data-key="a"') :].partition("</a>")[0]
    assert (suspects.count(shown), button.count(shown), activity.count(shown)) == (1, 1, 0)
    assert "Assigned to </span>Bob &lt;b&gt;" in button
    assert activity.count('class="face ') == 1
