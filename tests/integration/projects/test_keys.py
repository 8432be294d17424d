import threading

import pytest
from django.db import connection, connections

from vedette.orgs import options as org_options
from vedette.orgs.models import Organization, OrganizationStatus
from vedette.orgs.services import create_organization
from vedette.projects.keys import KeyFacts, KeysUnavailable, load_key
from vedette.projects.models import ObjectStatus, Project, ProjectAlias, ProjectKey
from vedette.projects.options import ALLOWED_DOMAINS, LIMITS, SPIKE_PROTECTION, set_option
from vedette.projects.services import create_project, default_key
from vedette.wire.items import RULES
from vedette.wire.outcomes import Category
from vedette.wire.quotas import ABUSE_DEFAULTS


@pytest.fixture
def key(db):
    return default_key(create_project(create_organization("Acme", "acme"), "Web", "web"))


def test_a_key_says_where_it_belongs_and_what_it_may(key):
    for group in ABUSE_DEFAULTS:
        set_option(key.project, LIMITS[group], 0)
    assert load_key(key.public_key) == KeyFacts(
        organization_id=key.project.organization_id,
        project_id=key.project_id,
        key_id=key.pk,
        public_key=key.public_key,
        active=True,
        project_active=True,
        allowed_domains=("*",),
        quotas=(),
        is_protected=False,
    )


def test_an_unknown_key_is_none(db):
    assert load_key("0" * 32) is None


def test_limits_and_domains_are_read(key):
    ProjectKey.objects.update(rate_limit_count=10, rate_limit_window=60)
    set_option(key.project, ALLOWED_DOMAINS, "example.com\n*.example.org")

    facts = load_key(key.public_key)

    limit = facts.quotas[0]
    assert (limit.scope, limit.limit, limit.seconds, limit.reason) == ("key", 10, 60, "key_quota")
    assert facts.allowed_domains == ("example.com", "*.example.org")


def test_limits_of_the_project_and_the_organization_are_the_keys_too(key):
    organization, project = key.project.organization, key.project
    org_options.set_option(organization, org_options.ACCOUNT_RATE_LIMIT, 1000)
    org_options.set_option(organization, org_options.PROJECT_RATE_LIMIT, 25)
    org_options.set_option(organization, org_options.LIMITS["transactions"], 50)
    set_option(project, LIMITS["errors"], 7)
    for group in ABUSE_DEFAULTS:
        set_option(project, LIMITS[group], 0)

    found = {one.reason: one for one in load_key(key.public_key).quotas}

    assert {reason: (one.scope, one.limit, one.seconds) for reason, one in found.items()} == {
        "project_abuse_limit": ("project", 70, 10),
        "org_abuse_limit": ("organization", 500, 10),
        "project_quota": ("project", 250, 60),
        "org_quota": ("organization", 1000, 60),
    }
    assert found["org_abuse_limit"].categories == (Category.TRANSACTION,)
    assert found["project_quota"].categories == (Category.DEFAULT, Category.ERROR, Category.SECURITY)


def test_without_a_word_files_and_user_reports_have_a_limit_and_the_largest_envelope_fits_into_it(key):
    found = {one.categories: one.limit for one in load_key(key.public_key).quotas}

    assert found == {
        (Category.ATTACHMENT_ITEM,): 1000,
        (Category.ATTACHMENT,): 250 * 2**20,
        (Category.FEEDBACK,): 100,
    }
    assert RULES["attachment"].budget.total_bytes < found[Category.ATTACHMENT,]


@pytest.mark.parametrize(
    ("own", "shared", "protected"),
    [(None, False, False), (None, True, True), ("on", False, True), ("off", True, False), ("inherit", True, True)],
)
def test_spike_protection_is_off_unless_the_project_or_else_the_organization_says_so(key, own, shared, protected):
    org_options.set_option(key.project.organization, org_options.SPIKE_PROTECTION, shared)
    if own:
        set_option(key.project, SPIKE_PROTECTION, own)

    assert load_key(key.public_key).is_protected is protected


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


def test_the_numbers_that_a_project_had_elsewhere_are_its_keys_too(key):
    project = key.project
    neighbour = create_project(project.organization, "Shop", "shop")
    ProjectAlias.objects.create(project=project, old_id=7)
    ProjectAlias.objects.create(project=project, old_id=9)
    ProjectAlias.objects.create(project=neighbour, old_id=7)  # two servers may have counted alike

    assert load_key(key.public_key).aliases == {7, 9}
    assert load_key(default_key(neighbour).public_key).aliases == {7}
