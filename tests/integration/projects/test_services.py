import threading

import pytest
from django.db import connection

from vedette.accounts.users import create_user
from vedette.core.errors import RuleBroken
from vedette.orgs.models import AuditLogEntry, Team
from vedette.orgs.services import create_organization, create_team
from vedette.orgs.slugs import InvalidSlug, SlugTaken
from vedette.projects.models import Project, ProjectKey
from vedette.projects.services import create_key, create_project, default_key, delete_key, dsn_of, set_key_active
from vedette.wire.dsn import parse_dsn


@pytest.fixture
def acme(db):
    return create_organization("Acme", "acme")


def test_a_project_comes_with_a_key_a_team_and_its_history(acme):
    ann = create_user("ann@example.com", None)
    team = Team.objects.get(organization=acme)

    project = create_project(acme, "Web Shop", platform="python", team=team, by=ann)

    key = default_key(project)
    assert project.slug == "web-shop"
    assert list(project.teams.all()) == [team]
    assert key is not None
    dsn = parse_dsn(dsn_of(key, "https://errors.example.com"))
    assert (dsn.public_key, dsn.project_id, dsn.host) == (key.public_key, project.pk, "errors.example.com")
    entry = AuditLogEntry.objects.get(event=30)
    assert (entry.actor_id, entry.target_object) == (ann.pk, project.pk)


def test_a_slug_made_of_the_name_is_always_free(acme):
    slugs = {create_project(acme, "Web").slug for _ in range(3)}

    assert len(slugs) == 3


def test_a_slug_that_was_asked_for_is_taken_once_per_organization(acme):
    create_project(acme, "Web", "web")

    with pytest.raises(SlugTaken) as refusal:
        create_project(acme, "Other", "web")

    assert refusal.value.errors == {"slug": ["A project with this slug already exists."]}
    create_project(create_organization("Other", "other"), "Web", "web")


@pytest.mark.django_db(transaction=True)
def test_of_two_that_race_for_a_slug_one_gets_it():
    organization = create_organization("Acme", "acme")
    start = threading.Barrier(3)
    results = []

    def attempt():
        start.wait(timeout=10)
        try:
            create_project(organization, "Web", "web")
            results.append("made")
        except SlugTaken:
            results.append("taken")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(results) == ["made", "taken", "taken"]
    assert Project.objects.count() == ProjectKey.objects.count() == 1


@pytest.mark.parametrize("slug", ["Web", "1234", "a/b", "x" * 101])
def test_a_bad_slug_is_refused(acme, slug):
    with pytest.raises(InvalidSlug):
        create_project(acme, "Web", slug)


def test_a_bad_name_platform_or_team_is_refused(acme):
    foreign = create_team(create_organization("Other", "other"), "Ops")

    for arguments in ({"name": " "}, {"name": "W", "platform": "x" * 65}, {"name": "W", "team": foreign}):
        with pytest.raises(RuleBroken):
            create_project(acme, **arguments)
    assert not Project.objects.exists()


def test_keys_come_and_go_and_the_log_says_so(acme):
    project = create_project(acme, "Web", "web")
    first = default_key(project)

    second = create_key(project, "Mobile", rate_limit=(100, 60))
    assert set_key_active(first, False)
    assert not set_key_active(first, False)
    assert default_key(project) == second
    assert set_key_active(first, True)
    delete_key(second)

    assert list(project.keys.all()) == [first]
    assert list(AuditLogEntry.objects.filter(event__gte=50).order_by("id").values_list("event", flat=True)) == [
        50,
        54,
        53,
        52,
    ]
