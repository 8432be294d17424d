"""Releases and their health: the list, and one release."""

from datetime import timedelta

import pytest
from django.conf import settings

from tests.support.factories import a_project
from tests.support.sessions import a_session, hours_ago, some_sessions
from vedette.core import clock
from vedette.core.files import FileStore
from vedette.digest.batch import sort_out
from vedette.digest.models import DigestBatch
from vedette.digest.relate import relate
from vedette.digest.store import store
from vedette.orgs.models import Organization, OrganizationMember
from vedette.releases.adoption import note_adoption
from vedette.releases.models import Release, ReleaseProject
from vedette.web.releasefilters import crash_free, judged
from vedette.web.templatetags.releases import adopted, seconds

LIST = "/organizations/acme/releases/"


@pytest.fixture
def browser(visit, ann):
    return visit(ann)


@pytest.fixture
def seen(events, project):
    """A healthy release, a bad one and an old one."""
    values = (
        some_sessions(project, hours_ago(1), exited=990, errored=8, crashed=2, release="shop@1.0"),
        a_session(project, hours_ago(1), did="ann", status="exited", duration=90, release="shop@1.0"),
        some_sessions(project, hours_ago(1), exited=9, crashed=1, did="bob", release="shop@2.0", environment="dev"),
        some_sessions(project, hours_ago(24 * 20), exited=5, release="shop@0.9"),
    )
    mark = DigestBatch.objects.create(stream="s", first_position=1, last_position=1)
    batch = sort_out(values)
    old = Release.objects.create(organization=project.organization, version="shop@0.9")
    ReleaseProject.objects.create(project=project, release=old)
    store(events, mark, batch, relate(mark, batch, [], {}, FileStore(settings.VEDETTE.files_dir)), [], pytest.fail)


def order(page, *versions):
    assert all(version in page for version in versions), page
    return sorted(versions, key=lambda version: page.index(f'title="{version}"'))


def test_the_list_shows_the_health_of_releases_that_only_sessions_know(browser, project, seen, events):
    note_adoption(events, clock.now())

    page = browser.get(LIST).text

    assert "shop@1.0" in page
    assert ">99.8%<" in page  # 2 of 1,001 crashed: 99.8002
    assert 'class="rate poor">90%<' in page
    assert ">50%<" in page  # one of two users has it
    assert "adopted</span>" in page
    assert "1,001 sessions in 14 days" in page
    assert 'aria-current="true">14d' in page


def test_the_period_and_the_environment_bound_the_list(browser, project, seen):
    browser.get(LIST + "?statsPeriod=30d")

    month = browser.get(LIST + "?statsPeriod=30d&query=0.9").text
    dev = browser.get(LIST + "?environment=dev").text

    assert "5 sessions in 30 days" in month
    assert "shop@1.0" not in month
    assert "shop@2.0" in dev
    assert "shop@1.0" not in dev


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("date", ["shop@2.0", "shop@1.0", "shop@0.9"]),
        ("sessions", ["shop@1.0", "shop@2.0", "shop@0.9"]),
        ("crash_free_sessions", ["shop@2.0", "shop@1.0", "shop@0.9"]),
        ("nonsense", ["shop@2.0", "shop@1.0", "shop@0.9"]),
    ],
)
def test_the_list_is_ordered_as_asked(browser, project, seen, sort, expected):
    browser.get(LIST)
    ages = {"shop@2.0": 1, "shop@1.0": 2, "shop@0.9": 3}
    for version, days in ages.items():
        Release.objects.filter(version=version).update(date_added=clock.now() - timedelta(days=days))

    assert order(browser.get(f"{LIST}?sort={sort}").text, *ages) == expected


def test_long_lists_have_pages(browser, organization, project, events):
    for number in range(27):
        release = Release.objects.create(
            organization=organization, version=f"v{number:02}", date_added=clock.now() - timedelta(hours=number)
        )
        ReleaseProject.objects.create(project=project, release=release)

    first, second = browser.get(LIST).text, browser.get(f"{LIST}?page=2").text

    assert 'title="v24"' in first
    assert 'title="v25"' not in first
    assert 'href="?page=2"' in first
    assert 'title="v26"' in second
    assert "Next" not in second


def test_without_the_event_store_the_list_is_still_there(browser, organization, project):
    release = Release.objects.create(organization=organization, version="shop@1.0")
    ReleaseProject.objects.create(project=project, release=release)

    page = browser.get(LIST).text

    assert "The event store is restarting" in page
    assert "shop@1.0" in page
    assert "The event store is restarting" in browser.get(f"{LIST}shop@1.0/health/").text
    ReleaseProject.objects.create(project=a_project(organization, "a-second"), release=release)
    assert "In <b>a-second</b>" in browser.get(f"{LIST}shop@1.0/health/").text


def test_empty_lists_say_what_to_do(browser, organization, project, events):
    assert "No releases yet" in browser.get(LIST).text
    assert "No release matches" in browser.get(LIST + "?query=nothing").text


def test_one_release_is_told_in_full(browser, project, seen):
    browser.get(LIST)

    page = browser.get(f"{LIST}shop@1.0/health/").text

    assert ">99.8%<" in page
    assert "2 crashed" in page
    assert "2 min" in page  # the only length that anybody told
    assert "<td>errored</td>" in page
    assert "prod" in page
    assert "Since its first session" in page


def test_health_opens_in_the_project_that_has_sessions(browser, organization, project, seen):
    browser.get(LIST)
    first = a_project(organization, "a-silent-one")
    ReleaseProject.objects.create(project=first, release=Release.objects.get(version="shop@1.0"))

    page = browser.get(f"{LIST}shop@1.0/health/").text

    assert "In <b>web</b>" in page
    assert ">99.8%<" in page
    assert "No sessions" in browser.get(f"{LIST}shop@1.0/health/?project=a-silent-one").text


def test_a_release_without_sessions_says_so(browser, organization, project, events):
    release = Release.objects.create(organization=organization, version="quiet@1")
    ReleaseProject.objects.create(project=project, release=release)

    assert "No sessions" in browser.get(f"{LIST}quiet@1/health/").text


def test_versions_of_strangers_are_shown_as_text(browser, organization, project, events):
    version = '<script>"x"'
    release = Release.objects.create(organization=organization, version=version)
    ReleaseProject.objects.create(project=project, release=release)

    page = browser.get(LIST).text

    assert "<script>&quot;" not in page
    assert "&lt;script&gt;&quot;x&quot;" in page
    assert browser.get(f"{LIST}%3Cscript%3E%22x%22/health/").status_code == 200


def test_releases_of_other_projects_and_organizations_are_not_there(
    visit, stranger, browser, organization, project, seen
):
    hidden = Release.objects.create(organization=organization, version="hidden@1")
    other = a_project(stranger_organization(stranger), "theirs")
    ReleaseProject.objects.create(project=other, release=hidden)

    assert "hidden@1" not in browser.get(LIST).text
    assert browser.get(f"{LIST}hidden@1/health/").status_code == 404
    assert browser.get(f"{LIST}shop@1.0/health/?project=theirs").status_code == 404
    eve = visit(stranger)
    assert eve.get(LIST).status_code == 404
    assert eve.get(f"{LIST}shop@1.0/health/").status_code == 404
    assert "shop@" not in eve.get("/organizations/other/releases/").text


def stranger_organization(user):
    return Organization.objects.get(pk=OrganizationMember.objects.get(user_id=user.pk).organization_id)


@pytest.mark.parametrize(
    ("rate", "text", "judgement"),
    [
        (None, "—", ""),
        (100.0, "100%", "good"),
        (99.999, "99.99%", "good"),
        (99.5, "99.5%", "good"),
        (99.3, "99.3%", "fair"),
        (98.0, "98%", "fair"),
        (97.99, "97.9%", "poor"),
        (0.0, "0%", "poor"),
    ],
)
def test_a_crash_free_rate_is_never_rounded_up(rate, text, judgement):
    assert (crash_free(rate), judged(rate)) == (text, judgement)


def test_adoption_and_lengths_are_told_briefly():
    assert [adopted(rate) for rate in (None, 0.0, 0.4, 33.3, 100.0)] == ["—", "0%", "<1%", "33%", "100%"]
    told = [seconds(value) for value in (None, 0.42, 59.0, 600, 9000)]
    assert told == ["—", "0.4 s", "59 s", "10 min", "2.5 h"]
