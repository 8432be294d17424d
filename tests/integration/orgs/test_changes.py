"""Settings of organizations that are changed by several at once."""

import threading

import pytest
from django.db import connection

from vedette.orgs.audit import AuditEvent
from vedette.orgs.changes import change_organization
from vedette.orgs.models import AuditLogEntry, Organization, OrganizationSlugReservation
from vedette.orgs.services import create_organization
from vedette.orgs.slugs import SlugTaken


def at_once(*works):
    """Run all of them at once; what each gave, or raised."""
    start, results = threading.Barrier(len(works)), {}

    def run(number, work):
        try:
            start.wait(timeout=30)
            results[number] = work()
        except Exception as error:  # noqa: BLE001 (the test says which there may be)
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return [results[number] for number in range(len(works))]


@pytest.mark.django_db(transaction=True)
def test_of_two_organizations_that_want_a_slug_one_gets_it():
    slugs = [create_organization(slug, slug) for slug in ("one", "two")]

    results = at_once(*(lambda one=one: change_organization(one, {"slug": "wanted", "name": "New"}) for one in slugs))

    assert sorted(type(result).__name__ for result in results) == ["SlugTaken", "dict"]
    assert isinstance(next(result for result in results if not isinstance(result, dict)), SlugTaken)
    assert Organization.objects.filter(slug="wanted", name="New").count() == 1
    assert Organization.objects.filter(name="New").count() == 1
    winner = Organization.objects.get(slug="wanted")
    assert OrganizationSlugReservation.objects.get(slug="wanted").organization_id == winner.pk


@pytest.mark.django_db(transaction=True)
def test_two_who_change_different_settings_lose_none_of_them():
    acme = create_organization("Acme", "acme")
    copies = [Organization.objects.get(pk=acme.pk) for _ in range(3)]
    changes = [{"openMembership": False}, {"name": "New"}, {"dataScrubber": True}]

    results = at_once(
        *(
            lambda copy=copy, change=change: change_organization(copy, change)
            for copy, change in zip(copies, changes, strict=True)
        )
    )

    assert results == [{"allow_joinleave": "to False"}, {"name": "from Acme to New"}, {"dataScrubber": "to True"}]
    row = Organization.objects.get()
    assert (row.name, row.flags & 1) == ("New", 0)
    assert AuditLogEntry.objects.filter(event=AuditEvent.ORG_EDIT).count() == 3
