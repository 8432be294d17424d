"""Organizations, their teams and their members on their way in.

An organization in a file is always another one than those that are here, so it gets a slug that nobody has; what its
slug became is told. The region finds a slug that is free as far as it can see, and the reservation at the end, which
is the other silo's, settles it. Source: the relocation specification, 4.6, 5.5 and 9 (the renaming is reported).
"""

from collections.abc import Collection, Sequence
from typing import ClassVar

from vedette.core.pieces import pieces
from vedette.core.suffixes import free_names
from vedette.orgs import reservations
from vedette.orgs.models import Organization, OrganizationMember, OrganizationStatus
from vedette.orgs.slugs import ORGANIZATION_LENGTH, RESERVED_ON_ARRIVAL, TEAM_LENGTH, slug_on_arrival
from vedette.relocation.files.findings import FindingKind
from vedette.relocation.files.reader import Row
from vedette.relocation.importing.rules.base import Context, Incoming, Rule, Written
from vedette.relocation.importing.rules.taking import distinct_slugs, insert_new
from vedette.relocation.models import RegionImportChunk

MODEL = "sentry.organization"


class Organizations(Rule):
    """New organizations, with the ids that they had where those are free."""

    adjusts: ClassVar = ("slug",)

    def normalise(self, incoming: Incoming, context: Context) -> bool:
        """Make the slug one, and hide the organization if that is wanted."""
        wish = str(incoming.values.get("slug") or "")
        wish = context.options.rename_orgs.get(wish, wish)
        incoming.values["slug"] = slug_on_arrival(wish, ORGANIZATION_LENGTH, "org")
        if context.options.hide_organizations:
            incoming.values["status"] = int(OrganizationStatus.RELOCATION_PENDING_APPROVAL)
        return True

    def write(self, batch: Sequence[Incoming], context: Context) -> list[Written | None]:
        """Insert them under slugs that are free."""

        def taken(slugs: Collection[str]) -> set[str]:
            return _slugs_here(slugs, context.using) | reservations.taken_of(slugs) | (RESERVED_ON_ARRIVAL & {*slugs})

        def give_names(rows: Sequence[Incoming]) -> None:
            wishes = [str(incoming.values["slug"]) for incoming in rows]
            for incoming, wish, slug in zip(rows, wishes, free_names(wishes, taken, ORGANIZATION_LENGTH), strict=True):
                incoming.values["slug"] = slug
                if slug != wish and incoming.row.fields.get("slug") in context.options.rename_orgs:
                    context.refuse(incoming, f"it is to be renamed to {wish!r}, which is taken or reserved", "slug")

        return insert_new(batch, context, give_names)

    def finish(self, context: Context) -> None:
        """Reserve the slugs over all regions; of two imports that found one free at once, the later is renamed."""
        chunks = RegionImportChunk.objects.using(context.using).filter(import_uuid=context.import_uuid, model=MODEL)
        for inserted in chunks.values_list("inserted_map", flat=True):
            was = {new: int(old) for old, new in inserted.items()}
            for pks in pieces(was):
                _reserve(pks, was, context)


class Teams(Rule):
    """Teams keep their ids where those are free: settings name them in text and in plain numbers."""

    adjusts: ClassVar = ("slug",)

    def normalise(self, incoming: Incoming, context: Context) -> bool:
        """Make the slug one."""
        incoming.values["slug"] = slug_on_arrival(str(incoming.values.get("slug") or ""), TEAM_LENGTH, "team")
        return True

    def write(self, batch: Sequence[Incoming], context: Context) -> list[Written | None]:
        """Insert them."""
        return insert_new(batch, context, lambda rows: distinct_slugs(rows, TEAM_LENGTH, context))


class Members(Rule):
    """Memberships and invitations. Without its user a membership would be an invitation for nobody, so it goes; who
    invited somebody may be forgotten."""

    keeps: ClassVar = ("user_id",)
    quietly_nulled: ClassVar = ("inviter_id",)

    def write(self, batch: Sequence[Incoming], context: Context) -> list[Written | None]:
        """Insert them; an invitation whose token is another one's has none. One that cannot come is looked at again:
        another import may have brought its token just now."""
        _take_tokens(batch, context)
        pks = context.try_insert(batch)
        excluded = [place for place, pk in enumerate(pks) if pk is None]
        results: list[Written | None] = [None if pk is None else Written(pk) for pk in pks]
        rows = [batch[place] for place in excluded]
        _take_tokens(rows, context, but_of={incoming.values["organization"] for incoming in rows})
        for place, written in zip(excluded, context.insert(rows), strict=True):
            results[place] = written
        _refuse_strangers(batch, results, context)
        return results


def _take_tokens(batch: Sequence[Incoming], context: Context, but_of: Collection[int] = ()) -> None:
    """Leave each token to the row that has it already, here (in organizations `but_of` these) or in the batch."""
    tokens = {incoming.values["token"] for incoming in batch if incoming.values.get("token")}
    used: set[str] = set()
    for some in pieces(tokens):
        rows = OrganizationMember.objects.using(context.using).filter(token__in=some)
        rows = rows.exclude(organization__in=but_of)
        used.update(token for token in rows.values_list("token", flat=True) if token)
    for incoming in batch:
        token = incoming.values.get("token")
        if not token or token in used:
            incoming.values |= {"token": None, "token_expires_at": None} if token else {"token": None}
        else:
            used.add(token)


def _refuse_strangers(batch: Sequence[Incoming], results: Sequence[Written | None], context: Context) -> None:
    """A membership may stand for an incoming one of the same organization only: teams hang on it."""
    met = {each.pk: incoming for each, incoming in zip(results, batch, strict=True) if each and each.kind != "inserted"}
    for some in pieces(met):
        rows = OrganizationMember.objects.using(context.using).filter(pk__in=some)
        for pk, organization in rows.values_list("pk", "organization_id"):
            if organization != met[pk].values["organization"]:
                reason = "somebody took its token just now: import the file again"
                context.refuse(met[pk], reason, "token", FindingKind.INTEGRITY_ERROR)


def _slugs_here(slugs: Collection[str], using: str) -> set[str]:
    found: set[str] = set()
    for some in pieces(slugs):
        found.update(Organization.objects.using(using).filter(slug__in=some).values_list("slug", flat=True))
    return found


def _reserve(pks: list[int], was: dict[int, int], context: Context) -> None:
    rows = Organization.objects.using(context.using).filter(pk__in=pks)
    wishes = dict(rows.values_list("pk", "slug"))
    for pk, slug in reservations.reserve(wishes).items():
        if slug != wishes[pk]:
            rows.filter(pk=pk).update(slug=slug)
            context.renamed(Incoming(Row(0, 0, MODEL, was[pk], {}), {}), wishes[pk], slug)
