"""Refs: the heads of a release, the release before it, and that their commits are asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.factories import a_member, a_project, a_release, an_organization
from vedette.core.errors import RuleBroken
from vedette.releases.models import Commit, Release, ReleaseHeadCommit, Repository, RepositoryStatus
from vedette.shipping.fetchqueue import FetchRef, FetchWish, awaits_fetch
from vedette.shipping.refs import MAX_REFS, RefInput, previous_release, set_refs
from vedette.tasks.models import Work

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def web(db):
    return a_project()


@pytest.fixture
def release(web):
    return a_release("1.0", web, date_added=NOON)


@pytest.fixture
def repository(web):
    return Repository.objects.create(organization=web.organization, name="acme/web")


def heads(release):
    rows = ReleaseHeadCommit.objects.filter(release=release).order_by("repository__name")
    return list(rows.values_list("repository__name", "commit__key"))


def asked():
    return FetchWish.of(Work.objects.get().payload)


def test_a_ref_makes_its_commit_the_head(release, repository):
    set_refs(release, [RefInput("acme/web", "b" * 40)], fetch=False, user=None, now=NOON)

    assert heads(release) == [("acme/web", "b" * 40)]
    commit = Commit.objects.get()
    assert (commit.message, commit.author, commit.date_added) == (None, None, NOON)
    assert not awaits_fetch(release)


def test_a_new_ref_replaces_the_head_and_keeps_the_commit_that_is_known(release, repository):
    known = Commit.objects.create(
        organization=release.organization, repository=repository, key="c" * 40, message="Fix it"
    )
    set_refs(release, [RefInput("acme/web", "b" * 40)], fetch=False, user=None, now=NOON)
    set_refs(release, [RefInput("acme/web", "c" * 40)], fetch=False, user=None, now=NOON)

    assert heads(release) == [("acme/web", "c" * 40)]
    known.refresh_from_db()
    assert known.message == "Fix it"
    assert Commit.objects.count() == 2


def test_of_two_refs_of_a_repository_the_last_one_counts(release, repository):
    refs = [RefInput("acme/web", "b" * 40), RefInput("acme/web", "a" * 40)]

    set_refs(release, refs, fetch=False, user=None, now=NOON)

    assert heads(release) == [("acme/web", "a" * 40)]


def test_a_range_says_where_to_begin_whatever_else_was_said(release, repository):
    set_refs(release, [RefInput("acme/web", "a" * 40 + ".." + "b" * 40, "c" * 40)], fetch=True, user=None, now=NOON)

    assert heads(release) == [("acme/web", "b" * 40)]
    assert asked().refs == (FetchRef("acme/web", "b" * 40, "a" * 40),)


def test_fetching_is_asked_for_with_the_release_before_and_whoever_asks(web, release, repository):
    before = a_release("0.9", web, date_added=NOON - HOUR)
    ann = a_member(web.organization)

    set_refs(release, [RefInput("acme/web", "b" * 40, "")], fetch=True, user=ann, now=NOON)

    assert asked() == FetchWish((FetchRef("acme/web", "b" * 40, None),), before.pk, ann.pk)
    assert awaits_fetch(release)
    work = Work.objects.get()
    assert (work.subject, work.organization_id, work.due_at) == (release.pk, web.organization_id, NOON)


def test_names_of_no_repository_are_refused_together_and_nothing_is_written(release, repository):
    Repository.objects.create(organization=an_organization("other"), name="acme/theirs")
    Repository.objects.create(organization=release.organization, name="acme/off", status=RepositoryStatus.DISABLED)
    refs = [RefInput(name, "b" * 40) for name in ("acme/web", "acme/theirs", "acme/off", "acme/none")]

    with pytest.raises(RuleBroken) as caught:
        set_refs(release, refs, fetch=True, user=None, now=NOON)

    assert caught.value.errors == {"refs": ["Invalid repository names: acme/none,acme/off,acme/theirs"]}
    assert not Commit.objects.exists()
    assert not Work.objects.exists()


def test_too_many_refs_are_refused(release, repository):
    with pytest.raises(RuleBroken, match="no more than 200 elements"):
        set_refs(release, [RefInput("acme/web", "b" * 40)] * (MAX_REFS + 1), fetch=False, user=None, now=NOON)


def test_of_repositories_with_one_name_the_newest_counts(web, release, repository):
    newer = Repository.objects.create(organization=web.organization, name="acme/web", provider="git", external_id="1")

    set_refs(release, [RefInput("acme/web", "b" * 40)], fetch=False, user=None, now=NOON)

    assert ReleaseHeadCommit.objects.get().repository == newer


def test_the_release_before_shares_a_project_and_is_not_newer(web, release):
    other = a_project(web.organization, "other")
    older = a_release("0.8", web, date_added=NOON - 2 * HOUR)
    a_release("0.9", other, date_added=NOON - HOUR)
    a_release("1.1", web, date_added=NOON + HOUR)
    a_release("0.7", web, date_added=NOON - 9 * HOUR, date_released=NOON + 2 * HOUR)
    Release.objects.create(organization=web.organization, version="0.1", date_added=NOON - HOUR)

    assert previous_release(release) == older


def test_the_first_release_has_none_before_it(release):
    assert previous_release(release) is None
