"""Slugs of organizations, reserved over all regions: the one door to `OrganizationSlugReservation`.

The table is control data. It may lie in another database than the organizations, so nothing here joins the two, and
nobody may think that a reservation and its organization are written in one transaction: whoever reserves for an
organization that is not made in the end gives the slug back. Races are settled by the unique constraint on the slug.

Source: the relocation specification, 4.6.
"""

from collections.abc import Collection, Mapping

from django.db import router, transaction
from django.db.models import QuerySet

from vedette.core.pieces import pieces
from vedette.core.suffixes import free_names
from vedette.orgs.models import OrganizationSlugReservation, ReservationType
from vedette.orgs.slugs import ORGANIZATION_LENGTH, SlugTaken

ROUNDS = 5


def organization_with(slug: str) -> int | None:
    """The id of the organization that has this slug, or had it before."""
    return _reservations().filter(slug=slug).values_list("organization_id", flat=True).first()


def is_taken(slug: str, *, but_by: int | None = None) -> bool:
    """Whether an organization (other than `but_by`) has this slug or had it."""
    rows = _reservations().filter(slug=slug)
    return (rows if but_by is None else rows.exclude(organization_id=but_by)).exists()


def taken_of(slugs: Collection[str]) -> set[str]:
    """Those of these slugs that an organization has or had."""
    found: set[str] = set()
    for some in pieces(slugs):
        found.update(_reservations().filter(slug__in=some).values_list("slug", flat=True))
    return found


def slugs_of(organization_ids: Collection[int]) -> dict[int, str]:
    """Today's slugs of these organizations, as far as they have one."""
    found: dict[int, str] = {}
    for some in pieces(organization_ids):
        rows = _reservations().filter(organization_id__in=some, reservation_type=ReservationType.PRIMARY)
        found.update(rows.values_list("organization_id", "slug"))
    return found


def claim(slug: str, organization_id: int, *, user_id: int | None = None) -> None:
    """Reserve exactly this slug for a new organization. Of two who race one gets it, and the other `IntegrityError`."""
    _reservations().create(slug=slug, organization_id=organization_id, user_id=user_id)


def reserve(wishes: Mapping[int, str], *, avoid: Collection[str] = (), user_id: int | None = None) -> dict[int, str]:
    """A primary slug for each new organization (id to the slug that it would like); where that is taken, or in `avoid`,
    one that resembles it. A few statements for any number of them.

    An organization that has a primary slug already keeps it: repeated after a lost answer, this answers the same.
    """
    own = slugs_of(wishes)
    open_wishes = {pk: wish for pk, wish in wishes.items() if pk not in own}
    refused = set(avoid)

    def taken(slugs: Collection[str]) -> set[str]:
        return taken_of(slugs) | refused.intersection(slugs)

    for _ in range(ROUNDS):
        if not open_wishes:
            return own
        names = free_names(
            list(open_wishes.values()), lambda some: taken_of(some) | (refused & set(some)), ORGANIZATION_LENGTH
        )
        _reservations().bulk_create(
            (
                OrganizationSlugReservation(slug=name, organization_id=pk, user_id=user_id)
                for pk, name in zip(open_wishes, names, strict=True)
            ),
            ignore_conflicts=True,
            batch_size=500,
        )
        own |= slugs_of(open_wishes)
        open_wishes = {pk: wish for pk, wish in open_wishes.items() if pk not in own}  # somebody was faster
    raise SlugTaken("An organization")


def rename(organization_id: int, before: str, after: str, *, user_id: int | None = None) -> None:
    """Make `after` the organization's primary slug; those before stay its aliases. Raises `SlugTaken`."""
    if is_taken(after, but_by=organization_id):
        raise SlugTaken("An organization")
    with transaction.atomic(using=_alias()):
        _reservations().filter(organization_id=organization_id).update(reservation_type=ReservationType.ALIAS)
        _reservations().update_or_create(
            slug=after,
            organization_id=organization_id,
            defaults={"reservation_type": ReservationType.PRIMARY, "user_id": user_id},
        )
        _reservations().get_or_create(
            slug=before, organization_id=organization_id, defaults={"reservation_type": ReservationType.ALIAS}
        )


def give_back(organization_ids: Collection[int]) -> int:
    """Free every slug of organizations that do not exist; how many there were."""
    return sum(_reservations().filter(organization_id__in=some).delete()[0] for some in pieces(organization_ids))


def _alias() -> str:
    return router.db_for_write(OrganizationSlugReservation)


def _reservations() -> QuerySet[OrganizationSlugReservation]:
    return OrganizationSlugReservation.objects.using(_alias())
