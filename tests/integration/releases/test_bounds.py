"""How many environments and releases telemetry makes, and what becomes of what is beyond."""

import pytest
from django.db.models.signals import post_init

from tests.support.factories import NOON, a_project, an_organization
from vedette.projects.models import Environment, EnvironmentProject
from vedette.releases import bounds
from vedette.releases.models import (
    Distribution,
    Release,
    ReleaseEnvironment,
    ReleaseProject,
    ReleaseProjectEnvironment,
)
from vedette.releases.sightings import Sighting, record

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(bounds, "MAX_ENVIRONMENTS", 3)
    monkeypatch.setattr(bounds, "MAX_RELEASES", 3)


@pytest.fixture
def acme():
    return an_organization("acme")


@pytest.fixture
def web(acme):
    return a_project(acme, "web")


def seen(project, *names):
    """Record one sighting for each `release/environment`."""
    pairs = [name.partition("/")[::2] for name in names]
    return record([Sighting(project.organization_id, project.pk, version, "", env, NOON) for version, env in pairs])


def environments(project):
    links = EnvironmentProject.objects.filter(project=project)
    return sorted(links.values_list("environment__name", flat=True))


def test_an_environment_beyond_the_bound_is_none_given(acme, web):
    found = seen(web, "/a", "/b", "/c", "/d")
    later = seen(web, "/e", "/a")

    assert Environment.objects.filter(organization_id=acme.pk).count() == 4
    assert environments(web) == ["", "a", "b", "c"]
    none = Environment.objects.get(name="").pk
    assert found.environments[acme.pk, "d"] == later.environments[acme.pk, "e"] == none
    assert found.environments[acme.pk, "a"] == later.environments[acme.pk, "a"] != none


def test_a_release_beyond_the_bound_is_none(acme, web):
    found = seen(web, "1.0/", "1.1/", "1.2/", "1.3/")
    later = seen(web, "1.4/", "1.0/")

    assert sorted(Release.objects.values_list("version", flat=True)) == ["1.0", "1.1", "1.2"]
    assert (acme.pk, "1.3") not in found.releases
    assert (acme.pk, "1.4") not in later.releases
    assert (acme.pk, "1.0") in later.releases
    assert ReleaseProject.objects.filter(project=web).count() == 3


def test_the_other_projects_of_the_organization_have_room_of_their_own(acme, web):
    seen(web, "1.0/a", "1.1/b", "1.2/c", "1.3/d")

    found = seen(a_project(acme, "app"), "1.3/d")

    assert (acme.pk, "1.3") in found.releases
    assert found.environments[acme.pk, "d"] != Environment.objects.get(name="").pk


def test_what_is_known_asks_nothing_about_room(web, monkeypatch):
    seen(web, "1.0/a")
    monkeypatch.setattr(bounds, "admitted", lambda *_: pytest.fail("nothing is new"))

    seen(web, "1.0/a")


def test_a_dist_beyond_the_bound_of_its_release_is_a_tag_only(web, monkeypatch):
    monkeypatch.setattr(bounds, "MAX_DISTRIBUTIONS", 2)
    for dists in ("a", "bcd"):
        record([Sighting(web.organization_id, web.pk, "1.0", dist, "", NOON) for dist in dists])

    assert sorted(Distribution.objects.values_list("name", flat=True)) == ["a", "b"]


def test_of_releases_and_environments_only_the_pairs_that_are_named_are_read(web):
    names = [f"{release}/{environment}" for release in ("1.0", "1.1", "1.2") for environment in ("a", "b", "c")]
    seen(web, *names)
    made = []

    def note(instance, **_):
        made.append((instance.release_id, instance.environment_id))

    for model in (ReleaseEnvironment, ReleaseProjectEnvironment):
        post_init.connect(note, sender=model)
    try:
        seen(web, "1.0/a", "1.1/b", "1.2/c")
    finally:
        for model in (ReleaseEnvironment, ReleaseProjectEnvironment):
            post_init.disconnect(note, sender=model)

    assert len(made) == 2 * 3
