"""Terms of a search for releases as conditions on their rows.

Source: the release specification, 14.3 with its [V]; the search specification, 8.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, reduce
from operator import or_
from typing import Any, TypeVar

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from vedette.core.among import Among
from vedette.core.errors import RuleBroken
from vedette.projects.models import Environment, Project
from vedette.releases import search
from vedette.releases.adoption import Stage
from vedette.releases.latest import latest_versions
from vedette.releases.models import Release, ReleaseProject, ReleaseProjectEnvironment
from vedette.releases.search import LATEST, Term

Row = TypeVar("Row", ReleaseProject, ReleaseProjectEnvironment)

NEAREST = 1000  # so many versions a search of issues sends to the event store
FEW_LINKS = 1000
SAMPLE, ENOUGH = 1_000, 20  # releases that tell whether a pattern is common, and how many of them have to hold
FEW = 5_000  # so many releases are named where a look through all others would find them last
SEMVER = ("major", "minor", "patch", "revision", "prerelease_key")
_LOOKUPS = {"=": "", ">": "__gt", ">=": "__gte", "<": "__lt", "<=": "__lte"}
_WITH_BUILD = re.compile(r"(?P<version>\S.*) \((?P<build>.+)\)")
_NOTHING = Q(pk__in=[])


@dataclass(frozen=True)
class Scope:
    """What is looked at: projects of one organization, in these environments or in all of them. For one request: it
    remembers what it looked up."""

    organization_id: int
    projects: tuple[int, ...]
    environments: tuple[str, ...] = ()

    def releases(self) -> QuerySet[Release]:
        """The releases of the projects, wherever they were seen.

        A condition on each row: the organization's rows can then be read in the order of an index, and soon enough of
        them are in the scope. Where few are, they are named: a look through all others would find them last.
        """
        rows = Release.objects.filter(organization_id=self.organization_id)
        links = ReleaseProject.objects.filter(project__in=self.projects).order_by()
        few = list(links.values_list("release_id", flat=True)[: FEW_LINKS + 1])
        if len(few) <= FEW_LINKS:
            return rows.filter(Among("pk", set(few)))
        return rows.filter(Exists(self.within(ReleaseProject.objects.filter(release=OuterRef("pk")))))

    def sightings(self) -> QuerySet[ReleaseProjectEnvironment]:
        """Where the projects saw the release of the outer query."""
        rows = self.within(ReleaseProjectEnvironment.objects.filter(release=OuterRef("pk")))
        return rows.filter(environment__in=self.environment_ids) if self.environments else rows

    def within(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Those of `rows` that are about the projects of the scope. All are about releases of the organization: where
        every project of it is in the scope, nothing needs a look."""
        return rows if self._is_whole else rows.filter(project__in=self.projects)

    @cached_property
    def _is_whole(self) -> bool:
        projects = Project.objects.filter(organization_id=self.organization_id)
        return not projects.exclude(pk__in=self.projects).exists()

    @cached_property
    def environment_ids(self) -> tuple[int, ...]:
        """The ids of the environments: none for all, one that nothing has if nothing is called so."""
        if not self.environments:
            return ()
        rows = Environment.objects.filter(organization_id=self.organization_id, name__in=self.environments)
        return tuple(rows.order_by("pk").values_list("pk", flat=True)) or (0,)


def matching(terms: Sequence[Term], scope: Scope) -> Q:
    """The releases for which every term holds. Raises `RuleBroken` for a stage without a single environment."""
    found = Q()
    latest = cache(lambda: latest_versions(scope.organization_id, scope.projects, scope.environments))
    texts = Q()
    for each in terms:
        condition = _condition(each.condition, scope, latest)
        if not each.negated and _is_pattern(each.condition):
            texts &= condition
        else:
            found &= ~condition if each.negated else condition
    return found & _named(texts, scope) if texts else found


def _is_pattern(condition: search.Condition) -> bool:
    """Whether every version has to be looked at to know those that it means."""
    match condition:
        case search.FreeText():
            return True
        case search.Names(values):
            return any("*" in value for value in values)
        case _:
            return False


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions that a term stands for; or, if that were too many, those that it leaves out."""

    names: tuple[str, ...]
    are_left_out: bool = False


def versions_of(term: Term, scope: Scope) -> Versions:
    """The versions of the scope that a term means: at most 1000, those nearest to its bound."""
    rows = scope.releases()
    condition = matching([term], scope)
    found = list(_nearest(rows.filter(condition), term).values_list("version", flat=True)[: NEAREST + 1])
    if len(found) <= NEAREST:
        return Versions(tuple(found))
    others = list(rows.filter(~condition).order_by().values_list("version", flat=True)[: NEAREST + 1])
    if len(others) <= NEAREST:
        return Versions(tuple(sorted(others)), are_left_out=True)
    return Versions(tuple(found[:NEAREST]))


def _nearest(rows: QuerySet[Release], term: Term) -> QuerySet[Release]:
    condition = term.condition
    if not isinstance(condition, search.VersionBound):
        return rows.order_by("-sort_date", "-pk")
    upwards = condition.operator.startswith(">") != term.negated
    orders = [F(name).asc(nulls_last=True) if upwards else F(name).desc(nulls_last=True) for name in SEMVER]
    return rows.order_by(*orders, "-sort_date", "-pk")


def _condition(condition: search.Condition, scope: Scope, latest: Callable[[], Sequence[str]]) -> Q:
    match condition:
        case search.FreeText(text):
            return _text(text)
        case search.Names(values):
            return _names(values, latest)
        case search.VersionBound():
            return _version(condition)
        case search.Packages(values):
            return Q(package__in=values)
        case search.Builds(values):
            return reduce(or_, (_build(value) for value in values))
        case search.Stages(values):
            return _stages(values, scope)
        case search.Finalized(is_it):
            return Q(date_released__isnull=not is_it)
        case search.Created(since, before):
            return _created(since, before)


def _text(text: str) -> Q:
    """Lists show a build code in parentheses: what was copied from there is found as well."""
    found = Q(version__icontains=text)
    if match := _WITH_BUILD.fullmatch(text):
        found |= Q(version__icontains=f"{match['version']}+{match['build']}")
    return found


def _named(condition: Q, scope: Scope) -> Q:
    """The condition, about versions alone, as the releases for which it holds, if these are few: an index has all
    versions side by side, and lists are in another order. Where enough of the newest hold, lists find theirs soon."""
    rows = Release.objects.filter(organization_id=scope.organization_id)
    newest = rows.order_by("-sort_date", "-pk").values("pk")[:SAMPLE]
    if rows.filter(condition, pk__in=newest)[:ENOUGH].count() >= ENOUGH:
        return condition
    ids = tuple(rows.filter(condition).order_by().values_list("pk", flat=True)[: FEW + 1])
    return Q(Among("pk", ids)) if len(ids) <= FEW else condition


def _names(values: Sequence[str], latest: Callable[[], Sequence[str]]) -> Q:
    exact: set[str] = set()
    found = _NOTHING
    for value in values:
        if value == LATEST:
            exact.update(latest())
        elif "*" in value:
            found |= _pattern(value)
        else:
            exact.add(value)
    return found | Q(version__in=sorted(exact))


def _pattern(value: str) -> Q:
    starts, ends = not value.startswith("*"), not value.endswith("*")
    lookup = "istartswith" if starts else "iendswith" if ends else "icontains"
    return Q(**{f"version__{lookup}": value.removeprefix("*").removesuffix("*")})


def _version(bound: search.VersionBound) -> Q:
    package = Q(package=bound.package) if bound.package is not None else Q()
    if bound.prerelease is None:
        return Q(major__isnull=False, **dict(zip(SEMVER, bound.numbers, strict=False))) & package
    values = (*bound.numbers, bound.prerelease)
    if bound.operator == "=":
        return Q(**dict(zip(SEMVER, values, strict=True))) & package
    return _beyond(SEMVER, values, bound.operator) & package


def _beyond(columns: Sequence[str], values: Sequence[Any], operator: search.Operator) -> Q:
    """The rows whose columns, taken as one tuple, compare so with the values."""
    strict = _LOOKUPS[operator.removesuffix("=")]
    found = Q(**{f"{columns[-1]}{_LOOKUPS[operator]}": values[-1]})
    for column, value in reversed(list(zip(columns[:-1], values[:-1], strict=True))):
        found = Q(**{f"{column}{strict}": value}) | (Q(**{column: value}) & found)
    return found


def _build(build: search.Build) -> Q:
    if build.number is not None:
        return Q(**{f"build_number{_LOOKUPS[build.operator]}": build.number})
    if not build.text:
        return Q(build_code__isnull=False)
    if build.text.endswith("*"):
        return Q(build_code__istartswith=build.text[:-1])
    return Q(build_code=build.text)


def _stages(stages: Sequence[Stage], scope: Scope) -> Q:
    if len(scope.environments) != 1:
        raise RuleBroken("Choose a single environment to filter by release stage.")
    wanted = reduce(or_, (_STAGES[stage] for stage in stages))
    return Q(Exists(scope.sightings().filter(wanted)))


def _created(since: datetime | None, before: datetime | None) -> Q:
    found = Q(date_added__gte=since) if since else Q()
    return found & Q(date_added__lt=before) if before else found


_STAGES = {
    Stage.ADOPTED: Q(adopted__isnull=False, unadopted__isnull=True),
    Stage.REPLACED: Q(adopted__isnull=False, unadopted__isnull=False),
    Stage.LOW_ADOPTION: Q(adopted__isnull=True, unadopted__isnull=True),
}
