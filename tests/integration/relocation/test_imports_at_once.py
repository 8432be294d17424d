"""Imports that run at the same time: neither becomes a part of the other."""

import re
import threading
from threading import Event
from unittest.mock import patch

import pytest
from django.db import connection

from tests.integration.relocation.rows import (
    a_key,
    a_membership,
    a_project_row,
    a_user,
    an_organization_row,
)
from tests.support.racing import at_once
from vedette.accounts.models import User
from vedette.orgs.models import Organization, OrganizationMember
from vedette.projects.models import Project, ProjectAlias, ProjectKey
from vedette.relocation.importing.context import BatchContext
from vedette.relocation.importing.failures import ImportFailed
from vedette.relocation.importing.tables import Table


def a_small_company():
    """What every installation begins with: everything is number one."""
    return [
        a_user(1, "admin"),
        an_organization_row(1, "sentry"),
        a_membership(1, 1, 1, role="owner", token="t" * 32),
        a_project_row(1, 1, "internal"),
        a_key(1, 1, "a" * 32, "b" * 32),
    ]


only_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")


@pytest.mark.django_db(transaction=True)
def test_of_imports_of_one_file_at_once_each_makes_its_own_or_nothing(imports):
    works = [lambda: imports(a_small_company()) for _ in range(3)]

    raised = at_once(*works)

    assert all(error is None or isinstance(error, ImportFailed) for error in raised)
    came = raised.count(None)
    assert came == 3 or connection.vendor != "postgresql", raised
    assert came >= 1
    assert Organization.objects.count() == User.objects.count() == Project.objects.count() == came
    assert {one.members.count() for one in Organization.objects.all()} == {1}
    assert {one.projects.count() for one in Organization.objects.all()} == {1}
    assert {one.keys.count() for one in Project.objects.all()} == {1}


@only_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("merge_users", [False, True])
def test_what_another_import_took_meanwhile_is_as_if_it_had_been_there(imports, merge_users):
    """The second one has looked at what is free, and comes to write when the first one is done."""
    looked, written = Event(), Event()
    results = []

    def first():
        looked.wait(30)
        results.append(imports(a_small_company()))
        written.set()

    def second():
        with patch.object(BatchContext, "try_insert", autospec=True, side_effect=late):
            results.append(imports(a_small_company(), merge_users=merge_users))

    insert, waits = BatchContext.try_insert, iter([True])

    def late(context, batch, pks=()):
        if threading.current_thread() is thread and next(waits, False):
            looked.set()
            written.wait(30)
        return insert(context, batch, pks)

    thread = threading.current_thread()
    other = threading.Thread(target=lambda: (first(), connection.close()))
    other.start()
    second()
    other.join()

    earlier, later = results
    assert earlier.renames == []
    renamed = {one.model for one in later.renames}
    assert renamed == ({"sentry.organization"} if merge_users else {"sentry.organization", "sentry.user"})
    assert User.objects.count() == (1 if merge_users else 2)
    assert Organization.objects.count() == Project.objects.count() == ProjectKey.objects.count() == 2
    assert OrganizationMember.objects.filter(token="t" * 32).count() == 1


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_new_name_that_another_import_takes_meanwhile_is_refused_in_a_sentence(imports):
    works = [lambda: imports(a_small_company(), rename_orgs={"sentry": "acme"}) for _ in range(2)]

    raised = [error for error in at_once(*works) if error is not None]

    assert Organization.objects.filter(slug="acme").count() == 1
    assert Organization.objects.count() == 2 - len(raised)
    assert ["is to be renamed to 'acme', which is taken" in str(error) for error in raised] == [True]


@pytest.mark.django_db
def test_one_after_the_other_they_all_come(imports):
    for _ in range(3):
        imports(a_small_company())

    slugs = sorted(Organization.objects.values_list("slug", flat=True), key=len)
    assert slugs[0] == "sentry"
    assert all(re.fullmatch(r"sentry-[a-z0-79]{2,12}", slug) for slug in slugs[1:])
    assert ProjectAlias.objects.filter(old_id=1).count() == 2


@only_postgresql
@pytest.mark.django_db
def test_a_row_whose_pk_somebody_took_meanwhile_has_not_come():
    Organization.objects.create(pk=1, name="Theirs", slug="theirs")

    came = Table(Organization, "default").insert(
        [{"name": "Ours", "slug": "ours", "flags": 0}, {"name": "Other", "slug": "other", "flags": 0}], [1, 2]
    )

    assert came == [False, True]
