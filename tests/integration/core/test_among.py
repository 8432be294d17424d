"""Many values as one parameter, on both databases."""

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef
from django.test.utils import CaptureQueriesContext

from tests.support.factories import an_organization
from vedette.core.among import Among
from vedette.orgs.models import Organization
from vedette.projects.models import Environment

pytestmark = pytest.mark.django_db
NAMES = ["a", "'); DROP TABLE projects_environment; --", "%s", "{a,b}", 'NULL","', "\\", "ü", ""]


@pytest.fixture
def acme():
    organization = an_organization("acme")
    for name in (*NAMES, "other"):
        Environment.objects.create(organization_id=organization.pk, name=name)
    return organization


def names_of(rows):
    return sorted(rows.values_list("name", flat=True))


def test_texts_are_values_whatever_they_say(acme):
    assert names_of(Environment.objects.filter(Among("name", [*NAMES, "nobody"]))) == sorted(NAMES)


def test_so_are_numbers_small_and_great(acme):
    ids = Environment.objects.exclude(name="other").values_list("pk", flat=True)

    assert names_of(Environment.objects.filter(Among("pk", [*ids, 2**62]))) == sorted(NAMES)
    assert Environment.objects.filter(Among("organization_id", [acme.pk])).count() == len(NAMES) + 1


def test_nothing_is_among_no_values_and_everything_is_not(acme):
    assert not Environment.objects.filter(Among("pk", [])).exists()
    assert Environment.objects.filter(~Among("pk", [])).count() == len(NAMES) + 1


def test_it_stands_in_a_query_within_another(acme):
    theirs = Environment.objects.filter(Among("name", ["a"]), organization_id=OuterRef("pk"))
    none = Environment.objects.filter(Among("name", ["z"]), organization_id=OuterRef("pk"))

    assert list(Organization.objects.filter(Exists(theirs))) == [acme]
    assert not Organization.objects.filter(Exists(none)).exists()


def test_thousands_are_one_statement(acme):
    with CaptureQueriesContext(connection) as asked:
        assert len(Environment.objects.filter(Among("pk", range(-40_000, 2**20)))) == len(NAMES) + 1
    assert len(asked) == 1
