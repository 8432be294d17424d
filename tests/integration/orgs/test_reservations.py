"""Slugs of organizations, reserved over all regions."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.racing import at_once
from vedette.orgs import reservations
from vedette.orgs.models import OrganizationSlugReservation
from vedette.orgs.slugs import RESERVED_ON_ARRIVAL, SlugTaken, slug_on_arrival


@pytest.mark.django_db
def test_a_free_slug_is_reserved_as_it_is_wished():
    assert reservations.reserve({1: "acme", 2: "beta"}, user_id=7) == {1: "acme", 2: "beta"}

    assert OrganizationSlugReservation.objects.get(slug="acme").organization_id == 1
    assert OrganizationSlugReservation.objects.get(slug="beta").user_id == 7


@pytest.mark.django_db
def test_a_taken_slug_and_one_wished_twice_get_random_characters():
    reservations.claim("acme", 1)

    got = reservations.reserve({2: "acme", 3: "beta", 4: "beta"})

    assert re.fullmatch(r"acme-[a-z0-79]{2}", got[2])
    assert got[3] == "beta"
    assert re.fullmatch(r"beta-[a-z0-79]{2}", got[4])
    assert reservations.organization_with(got[4]) == 4


@pytest.mark.django_db
def test_what_is_to_be_avoided_is_not_given_to_anybody():
    got = reservations.reserve({1: "admin", 2: "sentry"}, avoid=RESERVED_ON_ARRIVAL)

    assert got[1].startswith("admin-")
    assert got[2] == "sentry"


@pytest.mark.django_db
def test_whoever_asks_again_gets_the_same_answer():
    reservations.claim("acme", 1)
    first = reservations.reserve({2: "acme", 3: "beta"})

    assert reservations.reserve({2: "acme", 3: "other"}) == first


@pytest.mark.django_db
def test_a_thousand_slugs_take_a_few_statements():
    wishes = {number: f"org{number}" for number in range(1000)}

    with CaptureQueriesContext(connection) as queries:
        got = reservations.reserve(wishes)

    assert got == wishes
    assert len(queries) < 20


@pytest.mark.django_db
def test_a_slug_that_is_given_back_is_free():
    reservations.reserve({1: "acme"})

    assert reservations.give_back([1]) == 1

    assert not reservations.is_taken("acme")


@pytest.mark.django_db
def test_a_renamed_organization_keeps_its_slugs_from_before():
    reservations.reserve({1: "acme", 2: "beta"})

    reservations.rename(1, "acme", "apex")

    assert reservations.organization_with("acme") == reservations.organization_with("apex") == 1
    with pytest.raises(SlugTaken):
        reservations.rename(2, "beta", "acme")


@pytest.mark.django_db(transaction=True)
def test_of_many_who_wish_for_a_slug_at_once_each_gets_another():
    got: list[dict[int, str]] = []
    works = [lambda pk=pk: got.append(reservations.reserve({pk: "acme"})) for pk in range(1, 5)]

    assert at_once(*works) == [None] * 4

    slugs = [slug for each in got for slug in each.values()]
    assert len(set(slugs)) == 4
    assert "acme" in slugs


@pytest.mark.parametrize(
    ("text", "slug"),
    [("acme", "acme"), ("a_b", "a_b"), ("x", "x"), ("ACME Corp", "acme-corp"), ("a" * 60, "a" * 50), ("é à", "e-a")],
)
def test_what_can_be_a_slug_stays_and_the_rest_becomes_one(text, slug):
    assert slug_on_arrival(text, 50, "org") == slug


@pytest.mark.parametrize("text", ["", "1234", "日本"])
def test_what_nothing_can_be_made_of_becomes_a_slug_of_its_own(text):
    assert re.fullmatch(r"org-[0-9a-f]{6}", slug_on_arrival(text, 50, "org"))
