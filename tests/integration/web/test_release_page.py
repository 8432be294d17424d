"""One release: what it brought, fixed and broke, and whom to ask; two of them side by side."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from tests.support.factories import a_member, a_project, a_release, an_organization
from tests.support.html import harm_in
from vedette.core import clock
from vedette.issues.models import Group, GroupHistory, GroupRelease, GroupStatus, GroupSubStatus, HistoryStatus
from vedette.issues.resolve import InRelease, resolve
from vedette.orgs.models import AuditLogEntry, OrganizationMemberTeam
from vedette.projects.models import ProjectTeam
from vedette.releases.models import Release, ReleaseProject, ReleaseStatus
from vedette.shipping.commits import CommitInput, FileChange, set_commits
from vedette.shipping.deploys import DeployInput, create_deploy
from vedette.shipping.sender import Sender
from vedette.web import releasecommits
from vedette.web.doors import access_to
from vedette.web.releasepage import may_change
from vedette.web.views import releases

pytestmark = pytest.mark.django_db

LIST, COMPARE = "/organizations/acme/releases/", "/organizations/acme/compare-releases/"
HOSTILE = "<script>alert(1)<script>\"'#?%& \u202eevil" + "long" * 40


@pytest.fixture
def browser(visit, ann):
    return visit(ann)


def address(version, rest=""):
    return f"{LIST}{quote(version, safe='')}/{rest}"


def a_commit(key, message="Tidy up", author="Grace Hopper", **more):
    return CommitInput(
        key=key * 10,
        repository="acme/shop",
        message=message,
        author_name=author,
        author_email=f"{author.split()[0].lower()}@example.com",
        **more,
    )


def an_issue(project, number, title="ValueError: bad", **fields):
    kind, _, value = title.partition(": ")
    return Group.objects.create(
        project=project,
        short_id=number,
        status=fields.pop("status", GroupStatus.UNRESOLVED),
        substatus=fields.pop("substatus", GroupSubStatus.NEW),
        data={"title": title, "metadata": {"type": kind, "value": value}},
        first_seen=clock.now() - timedelta(hours=2),
        last_seen=clock.now() - timedelta(hours=1),
        **fields,
    )


@pytest.fixture
def shipped(project, ann):
    """1.0.0 and 1.1.0, which brought two commits, fixed an issue, has a new one, and one that came back."""
    now = clock.now()
    first = a_release("shop@1.0.0", project, date_added=now - timedelta(days=3))
    second = a_release("shop@1.1.0", project, date_added=now - timedelta(days=1))
    commits = [
        a_commit("a1b2", "Round prices\n\nBefore the discount.", patch_set=(FileChange("shop/prices.py", "A"),)),
        a_commit("c3d4", "Fix typo", "Ünal Öz", patch_set=(FileChange("README.md", "M"),)),
    ]
    set_commits(second, commits, merge=False, now=now)
    create_deploy(second, DeployInput("production", "night", "javascript:alert(1)"), [project], by=Sender(), now=now)
    fixed = an_issue(project, 1, "ValueError: fixed")
    resolve([fixed], ann, InRelease(second))
    an_issue(project, 2, "KeyError: fresh", first_release=second)
    back = an_issue(project, 3, "IndexError: back", substatus=GroupSubStatus.REGRESSED)
    GroupHistory.objects.create(
        organization_id=project.organization_id,
        project=project,
        group=back,
        release=second,
        status=HistoryStatus.REGRESSED,
    )
    for group, release in ((fixed, first), (back, first), (back, second)):
        GroupRelease.objects.create(
            project_id=project.pk, group=group, release=release, environment="", first_seen=now, last_seen=now
        )
    return first, second


def test_the_page_tells_what_it_brought_fixed_and_broke_and_whom_to_ask(browser, shipped, events):
    page = browser.get(address("shop@1.1.0")).text

    assert "2 commits</a>" in page
    assert "2 files in acme/shop" in page
    assert "1 issue</a>" in page
    assert "1 new</a>" in page
    assert "1 came back</a>" in page
    assert "Grace Hopper" in page
    assert ">ÜÖ</span>" in page
    assert "<b>production</b>" in page
    assert "Round prices" in page
    assert "shop/prices.py" in page
    assert f'href="{LIST}shop@1.0.0/" title="the release before' in page
    assert "resolved in it by Ann" in page
    assert "javascript:" not in page
    assert harm_in(page) == []


@pytest.mark.parametrize(
    ("kind", "shown", "hidden"),
    [
        ("new", "WEB-2", "WEB-3"),
        ("regressed", "WEB-3", "WEB-2"),
        ("resolved", "WEB-1", "WEB-2"),
        ("all", "WEB-3", "WEB-2"),
    ],
)
def test_its_issues_come_in_four_kinds(browser, shipped, events, kind, shown, hidden):
    page = browser.get(address("shop@1.1.0", f"?issues={kind}")).text
    table = page.partition('id="issues"')[2].partition("</section>")[0]

    assert f"issues/{shown}/" in table
    assert f"issues/{hidden}/" not in table


def test_commits_have_a_page_by_repository(browser, shipped):
    page = browser.get(address("shop@1.1.0", "commits/")).text

    assert "Before the discount." in page
    assert "a1b2a1b" in page
    assert '<span class="sign added"' in page
    assert "None here" in browser.get(address("shop@1.1.0", "commits/?repository=other")).text


def test_without_the_event_store_the_page_is_still_there(browser, shipped):
    page = browser.get(address("shop@1.1.0")).text

    assert "The event store is restarting" in page
    assert "2 commits</a>" in page


def test_a_release_is_archived_and_restored(browser, shipped, ann):
    browser.post(address("shop@1.1.0", "change/"), {"do": "archive"})
    assert Release.objects.get(version="shop@1.1.0").status == ReleaseStatus.ARCHIVED
    assert "Restore</button>" in browser.get(address("shop@1.1.0")).text
    assert "shop@1.1.0" not in browser.get(LIST).text
    assert "shop@1.1.0" in browser.get(f"{LIST}?status=archived").text

    browser.post(address("shop@1.1.0", "change/"), {"do": "restore"})

    assert Release.objects.get(version="shop@1.1.0").status == ReleaseStatus.OPEN
    assert AuditLogEntry.objects.filter(actor_id=ann.pk).count() == 2
    assert browser.post(address("shop@1.1.0", "change/"), {"do": "burn"}).status_code == 404


def test_commits_without_a_repository_are_in_none_that_has_a_name(browser, organization, shipped):
    release = Release.objects.get(version="shop@1.1.0")
    set_commits(
        release, [CommitInput(key="e" * 40, message="Tidy up", author_email="grace@example.com")], now=clock.now()
    )

    for place in ("", "commits/"):
        page = browser.get(address("shop@1.1.0", place)).text
        assert "no named repository" in page
        assert f"organization-{organization.pk}<" not in page


def test_a_release_of_many_projects_asks_no_more_often_who_may_change_it(
    ann, organization, project, shipped, django_assert_max_num_queries
):
    release = Release.objects.get(version="shop@1.1.0")
    for number in range(10):
        ReleaseProject.objects.create(project=a_project(organization, f"part-{number}"), release=release)
    access = access_to(ann, "acme")

    with django_assert_max_num_queries(2):
        assert may_change(access, release)


def test_who_does_not_reach_every_project_of_a_release_may_not_archive_it(visit, organization, project, shipped, team):
    organization.flags = 0
    organization.save()
    bob = a_member(organization, "bob@example.com", "member")
    member = organization.members.get(user_id=bob.pk)
    OrganizationMemberTeam.objects.create(organizationmember=member, team=team, is_active=True)
    other = a_project(organization, "undercover")
    ReleaseProject.objects.create(project=other, release=shipped[1])

    page = visit(bob).get(address("shop@1.1.0"))

    assert page.status_code == 200
    assert "undercover" not in page.text
    assert "Archive</button>" not in page.text
    assert visit(bob).post(address("shop@1.1.0", "change/"), {"do": "archive"}).status_code == 403


@pytest.mark.parametrize("rest", ["", "commits/", "health/"])
def test_a_hostile_version_is_text_and_its_links_work(browser, organization, project, events, rest):
    a_release(HOSTILE, project)

    answer = browser.get(address(HOSTILE, rest))

    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "\u202e" not in answer.text
    assert harm_in(answer.text) == []
    assert f'href="{LIST}%3Cscript%3Ealert(1)%3Cscript%3E%22&#x27;%23%3F%25&amp;%20%E2%80%AE' in answer.text
    listed = browser.get(LIST).text
    assert harm_in(listed) == []
    assert f'href="{LIST}%3Cscript%3Ealert(1)' in listed


def test_two_releases_stand_side_by_side(browser, shipped, events):
    page = browser.get(f"{COMPARE}?a=shop@1.0.0&b=shop@1.1.0").text

    only_first, both, only_second = page.partition('class="thirds"')[2].split("<section")[1:4]
    assert "WEB-1" in only_first
    assert "WEB-3" in both
    assert "None." in only_second
    assert "Commits after shop@1.0.0, up to shop@1.1.0" in page
    assert "Round prices" in page
    assert "shop/prices.py" in page
    assert harm_in(page) == []


def test_the_order_of_the_two_does_not_matter_for_what_lies_between(browser, shipped, events):
    page = browser.get(f"{COMPARE}?a=shop@1.1.0&b=shop@1.0.0").text

    assert "Commits after shop@1.0.0, up to shop@1.1.0" in page
    assert "Round prices" in page


def test_comparing_asks_for_two_and_names_the_one_that_is_not_there(browser, shipped):
    assert "Choose two releases" in browser.get(COMPARE).text
    missing = browser.get(f"{COMPARE}?a=shop@1.0.0&b=%3Cb%3E")
    assert missing.status_code == 404
    assert "There is no release <code>&lt;b&gt;</code>" in missing.text


def test_a_release_of_nobodys_projects_is_there_for_owners_alone(visit, browser, organization, project, events):
    organization.flags = 0
    organization.save()
    Release.objects.create(organization=organization, version="orphan")
    bob = a_member(organization, "bob@example.com", "member")

    assert browser.get(address("orphan")).status_code == 200
    assert visit(bob).get(address("orphan")).status_code == 404


def test_releases_of_others_are_not_there(visit, browser, organization, project, stranger, shipped):
    organization.flags = 0
    organization.save()
    theirs = a_project(an_organization("third"), "theirs")
    a_release("theirs@1", theirs)
    hidden = a_project(organization, "hidden")
    a_release("hidden@1", hidden)
    bob = a_member(organization, "bob@example.com", "member")
    ProjectTeam.objects.filter(project=hidden).delete()

    eve = visit(stranger)
    for rest in ("", "commits/", "health/"):
        assert eve.get(address("shop@1.1.0", rest)).status_code == 404
        assert browser.get(address("theirs@1", rest)).status_code == 404
        assert visit(bob).get(address("hidden@1", rest)).status_code == 404
    assert eve.post(address("shop@1.1.0", "change/"), {"do": "archive"}).status_code == 404
    assert browser.post(address("theirs@1", "change/"), {"do": "archive"}).status_code == 404
    assert visit(bob).post(address("hidden@1", "change/"), {"do": "archive"}).status_code == 404
    assert browser.get(f"{COMPARE}?a=shop@1.0.0&b=theirs@1").status_code == 404
    assert eve.get("/organizations/other/compare-releases/?a=shop@1.0.0&b=shop@1.1.0").status_code == 404
    assert "hidden@1" not in visit(bob).get(COMPARE).text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("release.version:>1.0.0", ["shop@1.1.0"]),
        ("release.package:shop 1.0.0", ["shop@1.0.0"]),
        ("!release:shop@1.0.0", ["shop@1.1.0"]),
    ],
)
def test_the_list_is_searched_in_the_language_of_releases(browser, shipped, events, query, found):
    page = browser.get(LIST, {"query": query}).text

    assert [version for version in ("shop@1.0.0", "shop@1.1.0") if f'title="{version}"' in page] == found


def test_a_search_that_makes_no_sense_is_told(browser, shipped, events):
    answer = browser.get(LIST, {"query": "colour:<b>"})

    assert answer.status_code == 400
    assert "Invalid key for this search: colour" in answer.text


def test_the_list_tells_commits_people_and_deploys(browser, shipped, events):
    page = browser.get(LIST).text

    assert ">GH</span>" in page
    assert "<b>production</b>" in page
    assert 'title="2 commits"' in page


def test_an_empty_list_shows_the_two_commands(browser, project, events):
    page = browser.get(LIST).text

    assert "sentry-cli --url http://testserver releases -o acme -p web new" in page
    assert "set-commits" in page


def test_a_project_says_how_its_releases_are_ordered_right_now(browser, shipped):
    page = browser.get("/organizations/acme/projects/web/releases/").text

    assert "Right now that is <b>by version</b>" in page
    assert 'type="radio" name="releaseOrdering" value="auto"' in page
    assert f'<a href="{LIST}shop@1.1.0/">shop@1.1.0</a>' in page


def test_of_a_message_as_long_as_a_request_only_the_beginning_is_looked_at(browser, project, monkeypatch):
    looked_at = []
    monkeypatch.setattr(releasecommits, "visible", lambda text: looked_at.append(len(text)) or text)
    release = a_release("shop@1.0.0", project)
    set_commits(release, [a_commit("a1b2", "Title\n\n" + "long " * 100_000)], merge=False, now=clock.now())

    page = browser.get(address("shop@1.0.0", "commits/")).content.decode()

    assert "Title" in page
    assert len(page) < 50_000
    assert max(looked_at) <= 8000


def changing(key, *paths, kind="M"):
    return a_commit(key, patch_set=[FileChange(path, kind) for path in paths])


def test_a_page_of_commits_tells_the_files_that_those_changed(browser, project, monkeypatch):
    monkeypatch.setattr(releases, "ROWS_PER_PAGE", 2)
    release = a_release("shop@1.0.0", project)
    told = [changing("a1b2", "both.py", "new.py"), changing("b2c3", "both.py"), changing("c3d4", "old.py", kind="D")]
    set_commits(release, told, now=clock.now())

    first = browser.get(address("shop@1.0.0", "commits/")).text
    second = browser.get(address("shop@1.0.0", "commits/?page=2")).text

    shown = [[name for name in ("both.py", "new.py", "old.py") if name in page] for page in (first, second)]
    assert shown == [["both.py", "new.py"], ["old.py"]]
    assert "2 commits</span></li>" in first
    assert "by the commits here, of 3" in first
    assert 'title="deleted"' in second


def test_a_commit_of_two_releases_changes_a_file_once(project):
    both = [a_release("shop@1.0.0", project), a_release("shop@1.1.0", project)]
    for release in both:
        set_commits(release, [changing("a1b2", "a.py"), changing("b2c3", "a.py", "b.py", kind="A")], now=clock.now())

    found = releasecommits.files_of([release.pk for release in both], 10)

    assert [(one.name, one.what, one.commits) for one in found] == [("a.py", "modified", 2), ("b.py", "added", 1)]
