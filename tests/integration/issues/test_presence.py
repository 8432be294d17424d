"""The rows of an issue per environment and release: 14.16 and 14.17 of the ingest specification, letter by letter."""

from datetime import timedelta

import pytest

from tests.support.factories import NOON, an_event
from vedette.issues import presence
from vedette.issues.models import Group, GroupEnvironment, GroupRelease
from vedette.projects.models import Environment, EnvironmentProject
from vedette.releases.models import Release, ReleaseEnvironment, ReleaseProject, ReleaseProjectEnvironment

pytestmark = pytest.mark.django_db
RELEASE = {"release": "shop@1.0.0", "environment": "live"}


def after(project, seconds, title="ValueError: bad", **fields):
    return an_event(project, title, timestamp=NOON + timedelta(seconds=seconds), **{**RELEASE, **fields})


def span(model):
    row = model.objects.get()
    return (row.first_seen - NOON).total_seconds(), (row.last_seen - NOON).total_seconds()


def test_14_16_an_environment_is_made_and_linked_once_and_nameless_without_a_name(project, take):
    take(after(project, 0), after(project, 1, environment=""), after(project, 2))
    take(after(project, 3))

    assert sorted(Environment.objects.values_list("name", flat=True)) == ["", "live"]
    assert EnvironmentProject.objects.count() == 2


def test_14_17_a_an_issue_is_new_in_an_environment_once_with_the_release_of_that_event(project, take):
    take(after(project, 0))
    take(after(project, 1, release="shop@2.0.0"))
    take(after(project, 2, environment="qa", release="shop@2.0.0"))

    rows = dict(GroupEnvironment.objects.values_list("environment__name", "first_release__version"))
    assert rows == {"live": "shop@1.0.0", "qa": "shop@2.0.0"}


@pytest.mark.parametrize(
    ("model", "letter"),
    [
        pytest.param(ReleaseEnvironment, "b", id="14.17 b release and environment"),
        pytest.param(ReleaseProjectEnvironment, "c", id="14.17 c release, project and environment"),
        pytest.param(GroupRelease, "e", id="14.17 e issue, release and environment"),
    ],
)
def test_a_row_is_bumped_in_steps_of_more_than_a_minute_and_lowered_at_once(project, take, model, letter):
    take(after(project, 0))
    assert span(model) == (0, 0)

    take(after(project, 60))
    assert span(model) == (0, 0)
    take(after(project, 61))
    assert span(model) == (0, 61)
    take(after(project, -1))
    assert span(model) == (-1, 61)


def test_14_17_d_new_issues_are_counted_by_release_and_by_environment(project, take):
    take(after(project, 0), after(project, 1), after(project, 2, "Other: one"))
    take(after(project, 3), after(project, 4, environment="qa"), after(project, 5, "Third: one", release=""))

    link = ReleaseProject.objects.get()
    counts = ReleaseProjectEnvironment.objects.values_list("environment__name", "new_issues_count")
    assert link.new_groups == 2
    assert dict(counts) == {"live": 2, "qa": 1}


def test_what_another_node_made_first_is_not_counted_again(project, take, monkeypatch):
    take(after(project, 0))
    monkeypatch.setattr(presence, "_present", lambda wanted: {})

    take(after(project, -5))

    assert GroupEnvironment.objects.get().first_seen == NOON - timedelta(seconds=5)
    assert ReleaseProjectEnvironment.objects.get().new_issues_count == 1


def test_without_a_release_only_the_environment_is_kept(project, take):
    take(after(project, 0, release=""))

    assert Group.objects.get().first_release is None
    assert GroupEnvironment.objects.count() == 1
    for model in (Release, ReleaseEnvironment, ReleaseProjectEnvironment, GroupRelease):
        assert not model.objects.exists()
