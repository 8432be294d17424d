"""Conditions on releases: versions that other searches ask for, and many of them."""

from datetime import timedelta

import pytest

from tests.support.factories import NOON, a_project, a_release, an_organization
from vedette.releases import conditions
from vedette.releases.conditions import Scope, Versions, matching, versions_of
from vedette.releases.search import term_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def web():
    return a_project()


def meant(project, key, value):
    return versions_of(term_of(key, (value,)), Scope(project.organization_id, (project.pk,)))


def test_a_term_means_versions_of_its_projects(web):
    for version in ("a@1.0", "a@2.0", "junk"):
        a_release(version, web, date_added=NOON)
    a_release("a@3.0", a_project(web.organization, "shop"), date_added=NOON)
    a_release("a@4.0", a_project(an_organization("other")), date_added=NOON)

    assert meant(web, "release.version", ">1.0") == Versions(("a@2.0",))
    assert meant(web, "release.package", "b") == Versions(())


def test_however_often_a_search_says_latest_it_is_looked_up_once(web, monkeypatch):
    asked = []
    monkeypatch.setattr(conditions, "latest_versions", lambda *arguments: asked.append(arguments) or ["a@1.0"])

    many = [term_of("release", ("latest", "latest", f"a@{number}")) for number in range(60)]
    matching(many, Scope(web.organization_id, (web.pk,)))

    assert len(asked) == 1


def test_of_too_many_versions_those_that_are_left_out_are_told(web, monkeypatch):
    monkeypatch.setattr(conditions, "NEAREST", 3)
    for number in range(6):
        a_release(f"a@{number}.0", web, date_added=NOON + timedelta(minutes=number))

    assert meant(web, "release.version", ">1.0") == Versions(("a@0.0", "a@1.0"), are_left_out=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (">=1.0", ("a@1.0", "a@2.0", "a@3.0")),
        ("<7.0", ("a@6.0", "a@5.0", "a@4.0")),
    ],
)
def test_if_those_are_too_many_as_well_the_nearest_to_the_bound_are_told(web, monkeypatch, value, expected):
    monkeypatch.setattr(conditions, "NEAREST", 3)
    for number in range(8):
        a_release(f"a@{number}.0", web, date_added=NOON)
    for number in range(4):
        a_release(f"junk{number}", web, date_added=NOON)

    assert meant(web, "release.version", value) == Versions(expected)
