import threading

import pytest
from django.db import connection, connections

from vedette.orgs.models import Organization, OrganizationStatus
from vedette.orgs.services import create_organization
from vedette.projects.keys import KeyFacts, KeysUnavailable, load_key
from vedette.projects.models import ObjectStatus, Project, ProjectKey
from vedette.projects.options import ALLOWED_DOMAINS, set_option
from vedette.projects.services import create_project, default_key


@pytest.fixture
def key(db):
    return default_key(create_project(create_organization("Acme", "acme"), "Web", "web"))


def test_a_key_says_where_it_belongs_and_what_it_may(key):
    assert load_key(key.public_key) == KeyFacts(
        organization_id=key.project.organization_id,
        project_id=key.project_id,
        key_id=key.pk,
        public_key=key.public_key,
        active=True,
        project_active=True,
        allowed_domains=("*",),
        rate_limit=None,
    )


def test_an_unknown_key_is_none(db):
    assert load_key("0" * 32) is None


def test_limits_and_domains_are_read(key):
    ProjectKey.objects.update(rate_limit_count=10, rate_limit_window=60)
    set_option(key.project, ALLOWED_DOMAINS, "example.com\n*.example.org")

    facts = load_key(key.public_key)

    assert facts.rate_limit == (10, 60)
    assert facts.allowed_domains == ("example.com", "*.example.org")


def test_a_disabled_key_project_or_organization_shows(key):
    ProjectKey.objects.update(status=ObjectStatus.DISABLED)
    assert not load_key(key.public_key).active

    Project.objects.update(status=ObjectStatus.PENDING_DELETION)
    assert not load_key(key.public_key).project_active

    Project.objects.update(status=ObjectStatus.ACTIVE)
    Organization.objects.update(status=OrganizationStatus.PENDING_DELETION)
    assert not load_key(key.public_key).project_active


@pytest.mark.django_db(transaction=True)
def test_a_thread_keeps_its_connection_and_replaces_a_broken_one():
    key = default_key(create_project(create_organization("Acme", "acme"), "Web", "web"))
    seen = []

    def work():
        for _ in range(2):
            seen.append(load_key(key.public_key) is not None)
            seen.append(connection.connection)
        connection.connection.close()  # as a server that went away would leave it
        try:
            load_key(key.public_key)
        except KeysUnavailable:
            seen.append("unavailable")
        seen.append(load_key(key.public_key) is not None)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(timeout=30)

    assert (seen[0], seen[2]) == (True, True)
    assert seen[1] is seen[3]
    assert seen[-1] is True
