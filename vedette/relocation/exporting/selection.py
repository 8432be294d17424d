"""Which users, organizations and projects were asked for. Source: the relocation specification, 2.3 and 6.2."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet

from vedette.accounts.models import User
from vedette.core.pieces import pieces
from vedette.core.relocation import RelocationScope
from vedette.orgs.models import Organization, OrganizationMember
from vedette.projects.models import Project
from vedette.relocation.exporting.keys import ORGANIZATION, PROJECT, USER
from vedette.relocation.exporting.options import ExportOptions
from vedette.relocation.exporting.pks import PkSet
from vedette.relocation.files.findings import Finding, FindingKind, warning
from vedette.relocation.models import PreservedControlRow

FEW = 500  # pks that a query may name; of more, all rows are read and looked up
_POWERS = ("sentry.userpermission", "sentry.userroleuser")

Tell = Callable[[Finding], None]


def choose(options: ExportOptions, tell: Tell) -> dict[str, PkSet]:
    """The pks that may leave, for each model that the options filter; no entry for the others.

    A name that matches nothing is told of. An organization brings its members, and nobody else, along.
    """
    chosen: dict[str, PkSet] = {}
    if options.scope == RelocationScope.CONFIG:
        chosen[USER] = _privileged_users()
    if options.usernames is not None:
        chosen[USER] = _named(User, "username", options.usernames, USER, tell)
    if options.org_slugs is not None:
        chosen[ORGANIZATION] = _named(Organization, "slug", options.org_slugs, ORGANIZATION, tell)
    if options.project_slugs is not None:
        chosen[PROJECT], organizations = _projects(options.project_slugs, chosen.get(ORGANIZATION), tell)
        chosen.setdefault(ORGANIZATION, organizations)
    if ORGANIZATION in chosen:
        chosen[USER] = _members(chosen[ORGANIZATION])
    return chosen


def _named(table: Any, column: str, names: frozenset[str], model: str, tell: Tell) -> PkSet:
    found: dict[int, str] = {}
    for some in pieces(sorted(names)):
        found.update(table._base_manager.filter(**{f"{column}__in": some}).values_list("pk", column))
    for name in sorted(names - {*found.values()}):
        tell(warning(FindingKind.UNMATCHED_FILTER, f"there is none with the {column} {name!r}", model=model))
    return PkSet(sorted(found))


def _projects(names: frozenset[str], among: PkSet | None, tell: Tell) -> tuple[PkSet, PkSet]:
    """The projects of these names and their organizations."""
    found: dict[int, int] = {}
    matched: set[str] = set()
    slugs = sorted({name.rpartition("/")[2] for name in names})
    for some in pieces(slugs):
        rows = Project._base_manager.filter(slug__in=some)
        for pk, organization_id, slug, owner in rows.values_list("pk", "organization_id", "slug", "organization__slug"):
            meant = names & {slug, f"{owner}/{slug}"}
            if meant and (among is None or organization_id in among):
                found[pk] = organization_id
                matched |= meant
    for name in sorted(names - matched):
        tell(warning(FindingKind.UNMATCHED_FILTER, f"there is none with the slug {name!r}", model=PROJECT))
    return PkSet(sorted(found)), PkSet(sorted({*found.values()}))


def _privileged_users() -> PkSet:
    """Those with power over the whole installation."""
    rows = User._base_manager.filter(Q(is_staff=True) | Q(is_superuser=True))
    pks = {*rows.values_list("pk", flat=True)}
    powers = PreservedControlRow.objects.filter(model__in=_POWERS).values_list("fields__user", flat=True)
    pks |= {pk for pk in powers if isinstance(pk, int)}
    return PkSet(sorted(pks))


def _members(organizations: PkSet) -> PkSet:
    """The users of these organizations."""
    rows: QuerySet[OrganizationMember] = OrganizationMember._base_manager.filter(user_id__isnull=False)
    few = organizations.if_few(FEW)
    if few is not None:
        rows = rows.filter(organization_id__in=few)
    members = PkSet()
    last = None
    for user_id, organization_id in rows.order_by("user_id").values_list("user_id", "organization_id").iterator():
        if user_id is not None and user_id != last and organization_id in organizations:
            members.add(user_id)
            last = user_id
    return members
