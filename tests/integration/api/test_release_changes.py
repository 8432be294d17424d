"""Changing, archiving and deleting releases over the API (release specification, 8 and 16)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache

from tests.integration.api import factories
from tests.integration.api.client import Api
from tests.support.factories import a_member, a_project, an_organization
from tests.support.sessions import hours_ago, some_sessions
from vedette.core import clock, json
from vedette.core.locks import held
from vedette.issues.models import Activity, ActivityType, Group, GroupResolution, GroupStatus
from vedette.orgs.audit import AuditEvent
from vedette.orgs.models import AuditLogEntry, OrganizationMember, OrganizationMemberTeam
from vedette.orgs.tokens import create_org_token
from vedette.releases.adoption import note_adoption
from vedette.releases.models import (
    Commit,
    CommitFileChange,
    Release,
    ReleaseCommit,
    ReleaseHeadCommit,
    ReleaseProject,
    ReleaseProjectEnvironment,
    ReleaseTombstone,
)
from vedette.shipping import commits

URL = "/organizations/acme/releases/1.0/"
OF_WEB = "/projects/acme/web/releases/1.0/"
SPELLINGS = pytest.mark.parametrize("url", [URL, OF_WEB], ids=["organization", "project"])
NOT_THERE = "The requested resource does not exist"
HAS_ISSUES = "This release is referenced by active issues and cannot be removed."
HAS_HEALTH = "This release has health data and cannot be removed."
RELEASED = "2026-01-02T03:04:05Z"


@pytest.fixture
def release(acme, web):
    release = Release.objects.create(organization=acme, version="1.0", ref="main", url="https://example.com/1")
    ReleaseProject.objects.create(release=release, project=web)
    return release


@pytest.fixture
def ci(acme):
    return Api(create_org_token(acme, "https://vedette.example.com", name="CI", by=None)[1])


@pytest.fixture
def member(acme, team, token_of):
    """A plain member of the team where membership is closed."""
    acme.flags = 0
    acme.save()
    user = a_member(acme, "ann@example.com")
    membership = OrganizationMember.objects.get(organization=acme, user_id=user.pk)
    OrganizationMemberTeam.objects.create(team=team, organizationmember=membership)
    return token_of(user)


def a_commit(key="8f1d", **fields):
    return {"id": key, "repository": "acme/web", "timestamp": "2026-01-02T02:00:00Z", **fields}


@SPELLINGS
def test_what_is_said_is_stored_and_the_rest_stays(ci, release, url):
    answer = ci.put(url, {"url": "https://example.com/2", "version": "2.0", "projects": ["shop"]})

    assert (answer.status, answer.body["url"], answer.body["ref"]) == (200, "https://example.com/2", "main")
    assert answer.body["version"] == "1.0"


@SPELLINGS
def test_null_clears_and_an_empty_text_does_not(ci, release, url):
    ci.put(url, {"dateReleased": RELEASED})

    kept = ci.put(url, {"ref": "", "url": ""})
    cleared = ci.put(url, {"ref": None, "url": None, "dateReleased": None})

    names = ("ref", "url", "dateReleased")
    assert [kept.body[name] for name in names] == ["main", "https://example.com/1", RELEASED]
    assert [cleared.body[name] for name in names] == [None, None, None]


@SPELLINGS
def test_a_release_is_archived_and_opened_again(ci, release, url):
    archived = ci.put(url, {"status": "archived"})
    opened = ci.put(url, {"status": "open"})

    assert (archived.body["status"], opened.body["status"]) == ("archived", "open")
    assert list(AuditLogEntry.objects.order_by("pk").values_list("event", flat=True)) == [
        AuditEvent.RELEASE_ARCHIVE,
        AuditEvent.RELEASE_EDIT,
    ]


@SPELLINGS
def test_finalizing_is_told_once_in_the_history_of_each_project(ci, release, web, shop, url):
    ReleaseProject.objects.create(release=release, project=shop)

    ci.put(url, {"dateReleased": RELEASED})
    again = ci.put(url, {"dateReleased": "2026-02-02T03:04:05Z"})

    assert again.body["dateReleased"] == "2026-02-02T03:04:05Z"
    rows = Activity.objects.filter(type=ActivityType.RELEASE).order_by("project_id")
    assert [(row.project_id, row.ident, row.data, row.datetime) for row in rows] == [
        (project.pk, "1.0", {"version": "1.0"}, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) for project in (web, shop)
    ]


@SPELLINGS
def test_finalizing_leaves_the_age_of_a_release_alone(ci, release, url):
    ci.put(url, {"dateReleased": "2020-01-02T03:04:05Z"})

    found = Release.objects.get()
    assert found.date_added == release.date_added
    assert found.sort_date.year == 2020


@SPELLINGS
def test_saying_what_is_stored_already_leaves_no_trace(ci, release, url):
    ci.put(url, {"ref": "main", "status": "open"})

    assert not AuditLogEntry.objects.exists()


@SPELLINGS
@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"status": "gone"}, {"status": ["Invalid status gone"]}),
        ({"url": "x"}, {"url": ["Enter a valid URL."]}),
        ({"commits": None}, {"commits": ["This field may not be null."]}),
        ({"commits": [{"id": ""}]}, {"commits": {"id": ["This field may not be blank."]}}),
    ],
    ids=["status", "url", "commits", "commit"],
)
def test_a_wrong_body_changes_nothing(ci, release, url, body, errors):
    answer = ci.put(url, {"ref": "other", **body})

    assert (answer.status, answer.body) == (400, errors)
    assert Release.objects.get().ref == "main"


@SPELLINGS
def test_commits_replace_those_before_them(ci, release, url):
    ci.put(url, {"commits": [a_commit("a"), a_commit("b")]})

    answer = ci.put(url, {"commits": [a_commit("c", author_name="Ana", author_email="ana@example.org")]})

    assert (answer.status, answer.body["commitCount"], answer.body["lastCommit"]["id"]) == (200, 1, "c")
    assert answer.body["authors"] == [{"name": "Ana", "email": "ana@example.org"}]
    assert list(ReleaseCommit.objects.values_list("commit__key", flat=True)) == ["c"]
    assert Commit.objects.count() == 3


@SPELLINGS
def test_with_merge_commits_of_other_repositories_stay(ci, release, url):
    ci.put(url, {"commits": [a_commit("a")]})

    answer = ci.put(f"{url}?merge=1", {"commits": [a_commit("b", repository="acme/api")]})

    assert answer.body["commitCount"] == 2


@pytest.mark.django_db(transaction=True)
@SPELLINGS
def test_what_had_to_be_cut_is_said_in_a_header_and_never_refused(ci, release, url):
    files = [{"path": "p" * 600, "type": "M"}, *({"path": f"{kind}.py", "type": kind} for kind in "RCTA")]
    told = a_commit(repository="r" * 300, author_name="n" * 300, author_email="[bot]" + "e" * 300, patch_set=files)

    answer = ci.put(url, {"commits": [told, a_commit("2", author_name="n" * 200, author_email="x@example.com")]})

    assert (answer.status, answer.body["commitCount"]) == (200, 2)
    assert json.loads(answer.headers["X-Vedette-Warnings"]) == [
        "author_email was cut to 200 characters",
        "author_name was cut to 128 characters (2 times)",
        "patch_set path was cut to 510 characters",
        "patch_set type was taken for M (3 times)",
        "repository was cut to 200 characters",
    ]
    assert "warnings" not in str(answer.body).lower()
    assert set(CommitFileChange.objects.filter(type="M").values_list("filename", flat=True)) == {
        "p" * 510,
        "R.py",
        "C.py",
        "T.py",
    }
    assert "X-Vedette-Warnings" not in ci.put(url, {"commits": [a_commit()]}).headers


@SPELLINGS
def test_commits_that_are_being_set_by_another_request_are_a_conflict(ci, release, url, monkeypatch):
    monkeypatch.setattr(commits, "WAIT_SECONDS", 0)

    with held(f"releasecommits:{release.organization_id}:{release.pk}", 60):
        answer = ci.put(url, {"ref": "other", "commits": [a_commit()]})

    assert (answer.status, answer.detail) == (409, "Release commits are currently being processed")
    assert Release.objects.get().ref == "other"
    assert not ReleaseCommit.objects.exists()


def test_refs_become_head_commits(ci, release):
    ci.put(URL, {"commits": [a_commit("a")]})

    answer = ci.put(URL, {"refs": [{"repository": "acme/web", "commit": "a..b"}]})

    assert answer.status == 200
    assert ReleaseHeadCommit.objects.get().commit.key == "b"


@pytest.mark.parametrize("heads", [0, 1, 2])
def test_an_empty_list_of_refs_takes_the_commits_away(ci, release, heads):
    sent = [a_commit(f"c{number}", repository=f"acme/r{number}") for number in range(heads)]
    ci.put(URL, {"commits": sent})

    answer = ci.put(URL, {"refs": []})

    assert (answer.status, answer.body["commitCount"], answer.body["lastCommit"]) == (200, 0, None)
    assert answer.body["authors"] == []
    assert not ReleaseCommit.objects.exists()
    assert not ReleaseHeadCommit.objects.exists()
    assert Commit.objects.count() == heads


def test_refs_mean_nothing_to_the_project_form(ci, release):
    ci.put(OF_WEB, {"commits": [a_commit("a")]})

    answer = ci.put(OF_WEB, {"refs": []})

    assert (answer.status, answer.body["commitCount"]) == (200, 1)


@SPELLINGS
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_release_that_others_have_as_well_is_not_there_to_be_changed(member, release, acme, url, method, events):
    ReleaseProject.objects.create(release=release, project=a_project(acme, "secret"))

    answer = member.ask(method, url, {"ref": "mine"}, {})

    if url == OF_WEB and method == "DELETE":  # takes only the caller's own project out of it
        assert answer.status == 204
        assert ReleaseProject.objects.get().project.slug == "secret"
    else:
        assert (answer.status, answer.detail) == (404, NOT_THERE)
        assert ReleaseProject.objects.count() == 2
    assert Release.objects.get().ref == "main"


@SPELLINGS
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_release_of_another_organization_is_not_there(api, web, url, method):
    Release.objects.create(organization=an_organization("other"), version="1.0", ref="theirs")

    answer = api.ask(method, url, {"ref": "mine"}, {})

    assert (answer.status, answer.detail) == (404, NOT_THERE)
    assert Release.objects.get().ref == "theirs"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_release_of_another_project_is_not_this_project_s(api, release, shop, method):
    answer = api.ask(method, "/projects/acme/shop/releases/1.0/", {"ref": "x"} if method == "PUT" else None, {})

    assert (answer.status, answer.detail) == (404, NOT_THERE)


def test_a_release_is_read_by_way_of_its_project(ci, release, web, shop):
    ReleaseProject.objects.create(release=release, project=shop)

    answer = ci.get(OF_WEB)

    assert answer.status == 200
    assert [project["slug"] for project in answer.body["projects"]] == ["web"]


def test_the_releases_of_a_project_are_in_the_order_of_their_release(ci, release, web, shop, acme):
    for version, days in (("2.0", 1), ("3.0", 3)):
        row = Release.objects.create(
            organization=acme, version=version, date_released=clock.now() + timedelta(days=days)
        )
        ReleaseProject.objects.create(release=row, project=web)
    ReleaseProject.objects.create(release=Release.objects.create(organization=acme, version="9.0"), project=shop)

    answer = ci.get("/projects/acme/web/releases/")
    searched = ci.get("/projects/acme/web/releases/?query=2.")
    first = ci.get("/projects/acme/web/releases/?per_page=1")

    assert [one["version"] for one in answer.body] == ["3.0", "2.0", "1.0"]
    assert [one["version"] for one in searched.body] == ["2.0"]
    assert [one["version"] for one in first.body] == ["3.0"]
    assert 'rel="next"; results="true"' in first.headers["Link"]


def test_archived_releases_of_a_project_are_told_when_asked_for(ci, release):
    Release.objects.update(status=1)

    open_ones = ci.get("/projects/acme/web/releases/")
    archived = ci.get("/projects/acme/web/releases/?status=archived")
    refused = ci.get("/projects/acme/web/releases/?status=lost")

    assert (open_ones.body, [one["version"] for one in archived.body]) == ([], ["1.0"])
    assert (refused.status, refused.detail) == (400, "invalid value for status")


@SPELLINGS
def test_a_release_is_deleted(api, owner, release, events, url):
    api.put(url, {"commits": [a_commit()]})

    answer = api.delete(url)

    assert answer.status == 204
    assert not Release.objects.exists()
    assert Commit.objects.count() == 1
    entry = AuditLogEntry.objects.get(event=AuditEvent.RELEASE_DELETE)
    assert (entry.actor_id, entry.data) == (owner.pk, {"version": "1.0", "forced": False})
    assert api.delete(url).status == 404


@SPELLINGS
def test_a_release_in_which_an_issue_began_stays(api, release, web, events, url):
    issue = Group.objects.create(project=web, short_id=1, first_release=release, status=GroupStatus.RESOLVED)

    answer = api.delete(url)

    assert (answer.status, answer.detail) == (400, HAS_ISSUES)
    issue.status = GroupStatus.PENDING_DELETION
    issue.save()
    assert api.delete(url).status == 204


@SPELLINGS
def test_a_release_with_sessions_stays(api, release, web, digest, url):
    digest(some_sessions(web, hours_ago(30), exited=5, release="1.0"))

    answer = api.delete(url)

    assert (answer.status, answer.detail) == (400, HAS_HEALTH)
    assert Release.objects.exists()


@SPELLINGS
def test_by_force_it_goes_and_sessions_do_not_bring_it_back(api, release, web, digest, events, url):
    digest(some_sessions(web, hours_ago(1), exited=5, release="1.0", environment="prod"))
    issue = Group.objects.create(project=web, short_id=1, first_release=release)
    GroupResolution.objects.create(group=issue, release=release)

    answer = api.delete(f"{url}?force=1")
    cache.clear()
    listed = api.get("/organizations/acme/releases/?health=1")
    note_adoption(events, clock.now())

    assert answer.status == 204
    assert listed.body == []
    assert not Release.objects.exists()
    assert not GroupResolution.objects.exists()
    issue.refresh_from_db()
    assert issue.first_release is None


def test_events_bring_a_buried_release_back(api, release, web, digest):
    api.delete(f"{URL}?force=1")

    digest(factories.a_real_event(web, timestamp=clock.now(), release="1.0"))

    assert Release.objects.get().version == "1.0"


def test_after_ninety_days_sessions_may_bring_it_back(api, release, web, digest):
    api.delete(f"{URL}?force=1")
    ReleaseTombstone.objects.update(date_added=clock.now() - timedelta(days=91))
    digest(some_sessions(web, hours_ago(1), exited=5, release="1.0"))
    cache.clear()

    assert [one["version"] for one in api.get("/organizations/acme/releases/").body] == ["1.0"]


@SPELLINGS
def test_force_is_for_those_who_own_the_organization(owner, token_of, ci, release, url):
    for caller in (ci, token_of(owner, "project:admin", "project:releases")):
        answer = caller.delete(f"{url}?force=1")

        assert answer.status == 403
    assert Release.objects.exists()


def test_a_project_leaves_a_release_that_others_have_as_well(api, release, web, shop, events, acme):
    ReleaseProject.objects.create(release=release, project=shop)
    Group.objects.create(project=shop, short_id=1, first_release=release)

    answer = api.delete(OF_WEB)

    assert answer.status == 204
    assert [link.project for link in ReleaseProject.objects.all()] == [shop]
    assert not ReleaseProjectEnvironment.objects.filter(project=web).exists()
    assert api.delete(URL).status == 400


@pytest.mark.parametrize("scope", ["project:read", "project:write", "org:read"])
@SPELLINGS
def test_deleting_needs_more_than_writing(owner, token_of, release, scope, url):
    assert token_of(owner, scope).delete(url).status == 403
    assert Release.objects.exists()


@SPELLINGS
def test_a_pipeline_s_token_does_not_delete(ci, release, url):
    assert ci.delete(url).status == 403
    assert Release.objects.exists()
