"""Resolving in releases and by commits, archiving for a while, reviewing: what the pages offer, do and say."""

import re
from datetime import timedelta

import pytest

from tests.support.factories import a_member, a_project, a_release, an_organization
from tests.support.html import harm_in
from vedette.core import clock
from vedette.issues import inbox
from vedette.issues.models import (
    Group,
    GroupInbox,
    GroupLink,
    GroupResolution,
    GroupSnooze,
    GroupStatus,
    GroupSubStatus,
    InboxReason,
    ResolutionType,
)
from vedette.issues.resolve import InReleases, resolve
from vedette.releases.models import Commit, Repository
from vedette.shipping.commits import CommitInput, set_commits

pytestmark = pytest.mark.django_db

STREAM = "/organizations/acme/issues/"
UPDATE, RESOLVE, ARCHIVE = (f"{STREAM}{end}/" for end in ("update", "resolve", "archive"))
ISSUE = f"{STREAM}WEB-1/"
HTMX = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)<script>\"'#?%&"


@pytest.fixture
def browser(visit, ann):
    return visit(ann)


def an_issue(project, number=1, **fields):
    now = clock.now()
    return Group.objects.create(
        project=project,
        short_id=number,
        status=fields.pop("status", GroupStatus.UNRESOLVED),
        substatus=fields.pop("substatus", GroupSubStatus.NEW),
        data={"title": "ValueError: bad", "metadata": {"type": "ValueError", "value": "bad"}},
        first_seen=now - timedelta(hours=2),
        last_seen=now - timedelta(hours=1),
        **fields,
    )


@pytest.fixture
def group(project):
    made = an_issue(project)
    inbox.add([(project.organization_id, project.pk, made.pk)], InboxReason.NEW, clock.now())
    return made


@pytest.fixture
def releases(project):
    now = clock.now()
    return [
        a_release(f"shop@1.{number}.0", project, date_added=now - timedelta(days=3 - number)) for number in range(3)
    ]


@pytest.fixture
def commit(releases):
    set_commits(releases[1], [CommitInput("c0ffee" * 6, "acme/shop", "Mend the price")], now=clock.now())
    return Commit.objects.get()


def press(browser, value, **more):
    return browser.post(UPDATE, {"one": value, "place": "page", **more}, headers=HTMX).text


def test_the_menu_names_the_current_release(browser, group, releases):
    page = browser.get(ISSUE).text

    assert "what comes after shop@1.2.0" in page
    assert f'value="resolve.current:{group.pk}"' in page


def test_without_releases_the_menu_says_so(browser, group):
    page = browser.get(ISSUE).text

    assert "web has no release yet" in page
    assert "has no release yet" in press(browser, f"resolve.next:{group.pk}")
    assert "has no release yet" in press(browser, f"resolve.current:{group.pk}")
    group.refresh_from_db()
    assert group.status == GroupStatus.UNRESOLVED


def test_resolved_in_the_next_release(browser, group, releases):
    said = press(browser, f"resolve.next:{group.pk}")

    assert "Resolved WEB-1 in the next release." in said
    assert "Fixed in what comes after" in said
    row = GroupResolution.objects.get()
    assert (row.release.version, row.current_release_version) == ("shop@1.2.0", "shop@1.2.0")
    assert "An event of a version greater than shop@1.2.0 brings it back." in browser.get(ISSUE).text


def test_by_date_the_next_release_is_one_that_is_not_there_yet(browser, group, project):
    a_release("blue", project)

    press(browser, f"resolve.next:{group.pk}")

    assert GroupResolution.objects.get().type == ResolutionType.IN_NEXT_RELEASE
    page = browser.get(ISSUE).text
    assert "Fixed in the release after" in page
    assert "An event of a release that came after blue brings it back." in page


def test_resolved_in_the_current_release(browser, group, releases):
    said = press(browser, f"resolve.current:{group.pk}")

    assert "Resolved WEB-1 in shop@1.2.0." in said
    assert 'Fixed in <a href="/organizations/acme/releases/shop@1.2.0/">shop@1.2.0</a>' in said
    assert not GroupInbox.objects.exists()


def test_the_page_names_every_release_that_an_issue_is_fixed_in_and_which_decides(browser, group, releases, project):
    other = a_release("shop@2.0.1", project)
    resolve([group], None, InReleases((other, releases[2])))

    page = browser.get(ISSUE, {"check": "shop@1.1.9"}).text

    assert 'shop@2.0.1</a> and <a href="/organizations/acme/releases/shop@1.2.0/">shop@1.2.0</a>' in page
    assert "An event is measured by the one of these releases that is of its line" in page
    assert "It is measured by shop@1.2.0, of the releases in which the issue is fixed." in page
    assert "Resolved in shop@2.0.1 and shop@1.2.0" in re.sub("<[^>]+>", "", page)
    assert "WEB-1" in browser.get("/organizations/acme/releases/shop@1.2.0/").text


def test_resolved_in_a_release_of_ones_choice(browser, group, releases):
    chosen = browser.get(RESOLVE, {"issue": group.pk, "find": "1.1"}, headers=HTMX).text
    assert 'value="release:shop@1.1.0"' in chosen
    assert "shop@1.2.0" not in chosen

    browser.post(UPDATE, {"issue": group.pk, "fix": "release:shop@1.1.0"})

    page = browser.get(ISSUE).text
    assert 'Resolved in <a href="/organizations/acme/releases/shop@1.1.0/">shop@1.1.0</a>' in page
    assert "An event of shop@1.1.0, or of a greater version, brings it back." in page
    assert "comes back</span> with an event of <b>shop@1.2.0</b>" in page


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("shop@1.0.0", "stays resolved</span>"),
        ("shop@2.0.0", "comes back</span>"),
        ("", "An event that names no release"),
        ("a/b", "This cannot be the version"),
        (HOSTILE, "There is no such release yet"),
    ],
)
def test_one_may_ask_what_a_version_would_do(browser, group, releases, version, said):
    press(browser, f"resolve.current:{group.pk}")

    page = browser.get(ISSUE, {"check": version}).text
    answer = page.partition('role="status">')[2].partition("</section>")[0]

    assert said in answer
    assert harm_in(page) == []


def test_resolved_by_a_commit(browser, group, commit):
    chosen = browser.get(RESOLVE, {"issue": group.pk, "find": "price"}).text
    assert f'value="commit:{commit.pk}"' in chosen
    assert "Mend the price" in chosen
    assert f'value="commit:{commit.pk}"' in browser.get(RESOLVE, {"issue": group.pk, "find": "c0ffee"}).text

    said = browser.post(UPDATE, {"issue": group.pk, "fix": f"commit:{commit.pk}", "place": "page"}, headers=HTMX).text

    assert "Resolved WEB-1 by commit c0ffeec0ffee." in said
    assert "by commit <code>c0ffeec0ffee</code>" in said
    assert GroupLink.objects.get().linked_id == commit.pk
    assert '<a href="/organizations/acme/releases/shop@1.1.0/commits/">c0ffeec0ffee</a>' in browser.get(ISSUE).text


def test_a_commit_of_no_release_is_said_to_wait(browser, group, project):
    repository = Repository.objects.create(organization=project.organization, name="acme/shop")
    commit = Commit.objects.create(organization=project.organization, repository=repository, key="f00d" * 10)

    browser.post(UPDATE, {"issue": group.pk, "fix": f"commit:{commit.pk}"})

    page = browser.get(ISSUE).text
    assert "which is in no release yet" in page
    assert "Nothing brings it back before a release contains the commit." in page


@pytest.mark.parametrize(
    "fix", ["release:", "release:theirs@1", "commit:", "commit:0", "commit:x", "burn:it", "release"]
)
def test_what_cannot_be_chosen_is_refused(browser, group, releases, fix):
    theirs = a_project(an_organization("third"), "theirs")
    a_release("theirs@1", theirs)

    answer = browser.post(UPDATE, {"issue": group.pk, "fix": fix}, headers=HTMX)

    assert answer.status_code == 200
    group.refresh_from_db()
    assert group.status == GroupStatus.UNRESOLVED
    assert not GroupResolution.objects.exists()


def test_a_commit_of_another_organization_is_not_there(browser, group):
    other = an_organization("third")
    repository = Repository.objects.create(organization=other, name="theirs/secret")
    commit = Commit.objects.create(organization=other, repository=repository, key="f00d" * 10, message="price")

    assert "f00d" not in browser.get(RESOLVE, {"issue": group.pk, "find": "f00d"}).text.partition("<h3>Commits")[2]
    said = browser.post(UPDATE, {"issue": group.pk, "fix": f"commit:{commit.pk}"}, headers=HTMX).text
    assert "There is no such commit." in said


def test_issues_of_several_projects_share_no_release(browser, organization, group, releases):
    other = an_issue(a_project(organization, "api"))

    assert "several projects" in browser.get(RESOLVE, {"issue": [group.pk, other.pk]}).text
    said = browser.post(UPDATE, {"issue": [group.pk, other.pk], "fix": "release:shop@1.1.0"}, headers=HTMX).text
    assert "Issues of several projects cannot be resolved in one release." in said


def test_strangers_choose_nothing(visit, stranger, group, releases):
    eve = visit(stranger)

    assert eve.get(RESOLVE, {"issue": group.pk}).status_code == 404
    own = eve.get("/organizations/other/issues/resolve/", {"issue": group.pk}).text
    assert "Choose at least one issue first." in own
    assert "shop@" not in own
    eve.post("/organizations/other/issues/update/", {"issue": group.pk, "fix": "release:shop@1.1.0"})
    group.refresh_from_db()
    assert group.status == GroupStatus.UNRESOLVED


def test_who_may_only_read_is_offered_no_menu(visit, organization, group, releases, project):
    organization.flags = 0
    organization.save()
    bob = a_member(organization, "bob@example.com", "member")

    assert visit(bob).get(RESOLVE, {"issue": group.pk}).text.count("shop@") == 0


@pytest.mark.parametrize(
    ("fields", "said", "columns"),
    [
        ({"minutes": "60"}, "Archived WEB-1 for 1 hour.", {"count": None}),
        ({"count": "5"}, "Archived WEB-1 until 5 events from now on.", {"count": 5, "window": None}),
        ({"count": "5", "window": "60"}, "Archived WEB-1 until 5 events within an hour.", {"count": 5, "window": 60}),
        ({"window": "60", "minutes": "1440"}, "Archived WEB-1 for 1 day.", {"window": None}),
    ],
)
def test_archived_until_a_condition_is_met(browser, group, fields, said, columns):
    assert said in browser.post(UPDATE, {"issue": group.pk, "do": "archive.until", **fields}, headers=HTMX).text
    assert all(getattr(GroupSnooze.objects.get(), name) == value for name, value in columns.items())
    page = browser.get(ISSUE).text
    assert '<p class="standing">Archived until' in page


@pytest.mark.parametrize(
    "fields", [{}, {"minutes": "7"}, {"count": "0"}, {"count": "-1"}, {"count": "9" * 30}, {"users": "²"}]
)
def test_conditions_that_make_no_sense_archive_nothing(browser, group, fields):
    browser.post(UPDATE, {"issue": group.pk, "do": "archive.until", **fields}, headers=HTMX)

    group.refresh_from_db()
    assert group.status == GroupStatus.UNRESOLVED


def test_archived_until_it_escalates(browser, group, events):
    assert "Archived WEB-1 until it escalates." in press(browser, f"archive.escalating:{group.pk}")
    assert "Archived until it escalates" in browser.get(ISSUE).text


def test_the_dialog_of_conditions_names_the_issues(browser, group):
    assert "Archive WEB-1 until" in browser.get(ARCHIVE, {"issue": group.pk}, headers=HTMX).text


def test_what_waits_has_a_tab_and_is_marked_as_reviewed(browser, group, events):
    listed = browser.get(STREAM, {"query": "is:for_review", "statsPeriod": "90d"}).text
    assert "waits since" in listed
    assert "Mark reviewed" in listed
    assert "it is new" in browser.get(ISSUE).text

    assert "Reviewed WEB-1." in press(browser, f"review:{group.pk}")

    assert not GroupInbox.objects.exists()
    assert "Reviewed by Ann" in browser.get(ISSUE).text
    assert "Nothing waits for review" in browser.get(STREAM, {"query": "is:for_review"}).text
    assert "Nothing changed" in press(browser, f"review:{group.pk}")


def test_resolving_in_a_release_is_taken_back(browser, group, releases):
    browser.post(UPDATE, {"one": f"resolve.current:{group.pk}", "next": STREAM})
    page = browser.get(ISSUE).text
    note = page.partition('name="undo" value="')[2].partition('"')[0]

    browser.post(UPDATE, {"do": "undo", "undo": note})

    group.refresh_from_db()
    assert group.status == GroupStatus.UNRESOLVED
    assert not GroupResolution.objects.exists()


def test_hostile_versions_are_text_in_menus_and_history(browser, group, project):
    a_release(HOSTILE, project)
    press(browser, f"resolve.current:{group.pk}")

    for page in (browser.get(ISSUE).text, browser.get(RESOLVE, {"issue": group.pk}).text):
        assert "<script>alert" not in page
        assert harm_in(page) == []
    assert 'href="/organizations/acme/releases/%3Cscript%3Ealert(1)' in browser.get(ISSUE).text
