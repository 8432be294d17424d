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


@pytest.mark.parametrize(("few", "enough"), [(5000, 20), (0, 20), (5000, 1)], ids=["named", "too many", "common"])
@pytest.mark.parametrize(
    ("patterns", "expected"),
    [(("a@*",), ["a@1.0", "a@1.1"]), (("a@*", "*.1"), ["a@1.1"]), (("z*",), []), (("*1*", "b*"), ["b@1.1"])],
)
def test_patterns_find_the_same_few_or_many_with_two_more_statements_at_most(
    web, monkeypatch, django_assert_max_num_queries, few, enough, patterns, expected
):
    for version in ("a@1.0", "a@1.1", "b@1.1"):
        a_release(version, web, date_added=NOON)
    a_release("a@1.1", a_project(an_organization("other")), date_added=NOON)
    monkeypatch.setattr(conditions, "FEW", few)
    monkeypatch.setattr(conditions, "ENOUGH", enough)
    scope = Scope(web.organization_id, (web.pk,))
    terms = [term_of("release", (pattern,)) for pattern in patterns]

    with django_assert_max_num_queries(4):
        found = scope.releases().filter(matching(terms, scope))
        assert sorted(found.values_list("version", flat=True)) == expected


@pytest.mark.parametrize("links", [1000, 0], ids=["few in view", "many in view"])
def test_a_scope_of_every_project_sees_its_organization_and_of_fewer_only_these(web, monkeypatch, links):
    monkeypatch.setattr(conditions, "FEW_LINKS", links)
    shop, theirs = a_project(web.organization, "shop"), a_project(an_organization("other"))
    for version, project in (("web@1", web), ("shop@1", shop), ("theirs@1", theirs)):
        a_release(version, project, date_added=NOON)

    def seen(*projects):
        scope = Scope(web.organization_id, tuple(project.pk for project in projects))
        return sorted(scope.releases().values_list("version", flat=True))

    assert seen(web, shop) == ["shop@1", "web@1"]
    assert (seen(web), seen(shop), seen(), seen(theirs)) == (["web@1"], ["shop@1"], [], [])


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
