"""The legs of lists by adoption: what was taken up, the last one first; then what never was, newest first.

Source: the release specification, 14.1. A release is told once: by the last of the environments in view that took it
up. What they took up is read in the order of its index, each project by itself, and held against the search some
hundreds at a time: most searches find a page among the first thousands. Where little is found there, what took up the
releases of the search is sorted instead; the index by release tells when, without a look at the rows.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Subquery

from vedette.core.among import Among
from vedette.releases.conditions import FEW, Scope
from vedette.releases.legs import NEWEST, Paired, adopted_in
from vedette.releases.models import Release, ReleaseProject, ReleaseProjectEnvironment
from vedette.releases.walking import Key, Leg, Rows, beyond, read_keys

MOST_STREAMS = 40  # projects that are read one by one; of more, all their rows are sorted
TOLD = 250  # rows that tell how many more a page takes
MOST_READ = 6_000  # rows that a page may take before the releases of its search are looked for
MOST_OF_EACH = 4  # rows that one of a page may take in any case: most before it are skipped, then


def adoption_legs(rows: QuerySet[Release], scope: Scope, *, paired: bool) -> list[Leg]:
    """The releases `rows`, or if `paired` each of them with each of its projects in the scope."""
    environments = scope.environment_ids
    found = Found(rows)

    def never(rows: QuerySet[Release]) -> Leg:
        if not paired:
            took_up = scope.within(adopted_in(environments).filter(release=OuterRef("pk")))
            return Rows(rows.filter(~Exists(took_up)), NEWEST)
        theirs = adopted_in(environments).filter(release=OuterRef("release_id"), project=OuterRef("project_id"))
        left = scope.within(ReleaseProject.objects.filter(~Exists(theirs), release=OuterRef("pk")))
        return Paired(Rows(rows.filter(Exists(left)), NEWEST), scope, environments)

    return [Adopted(found, scope, paired), Deferred(found, never)]


class Found:
    """The releases that a search finds; by their names as soon as somebody asked for these.

    `is_named`: the search itself names those that it may find.
    """

    def __init__(self, rows: QuerySet[Release]) -> None:
        self._rows = rows
        self.is_named = any(isinstance(each, Among) for each in rows.query.where.children)

    @cached_property
    def few(self) -> tuple[int, ...] | None:
        """Their ids; None if they are too many."""
        ids = tuple(self._rows.order_by().values_list("pk", flat=True)[: FEW + 1])
        return ids if len(ids) <= FEW else None

    def rows(self) -> QuerySet[Release]:
        """A query for them."""
        named: tuple[int, ...] | None = self.__dict__.get("few")
        return self._rows if named is None else Release.objects.filter(Among("pk", named))


@dataclass(frozen=True, slots=True)
class Deferred:
    """What `leg` makes of the releases at the time that it is needed."""

    found: Found
    leg: Callable[[QuerySet[Release]], Leg]

    def take(self, after: Key | None, skip: int, limit: int) -> list[Key]:
        """See `Leg`."""
        return self.leg(self.found.rows()).take(after, skip, limit)

    def count(self) -> int:
        """See `Leg`."""
        return self.leg(self.found.rows()).count()


@dataclass(frozen=True, slots=True)
class Adopted:
    """Releases, or if `paired` releases in projects, by when they were last taken up: one row for each.

    The keys are the moment, the release and, if `paired`, the project.
    """

    found: Found
    scope: Scope
    paired: bool

    def take(self, after: Key | None, skip: int, limit: int) -> list[Key]:
        """See `Leg`."""
        wanted = skip + limit
        keys: list[Key] = []
        read, size = 0, max(TOLD, wanted)
        rows = wanted  # that the page takes, as far as those tell that were read
        while not self.found.is_named and rows <= max(MOST_READ, MOST_OF_EACH * wanted):
            some = list(islice(self._side_by_side(after, size), size))
            keys += self._held(some)
            if len(keys) >= wanted or len(some) < size:
                return keys[skip:wanted]
            after = some[-1]
            read += size
            rows = read * wanted // (len(keys) or 1)
            size = max(TOLD, (rows - read) * 6 // 5)
        keys += self._searched(after, wanted - len(keys))
        return keys[skip:wanted]

    def count(self) -> int:
        """See `Leg`."""
        rows = self._rows(self.scope.projects).filter(release__in=self.found.rows().order_by())
        return int(rows.values(*self._columns[1:]).distinct().count())

    @property
    def _columns(self) -> tuple[str, ...]:
        return ("adopted", "release_id", "project_id")[: 3 if self.paired else 2]

    def _held(self, keys: Sequence[Key]) -> list[Key]:
        """Those of the `keys` whose release the search finds."""
        rows = self.found.rows().filter(Among("pk", {key[1] for key in keys}))
        ids = set(rows.order_by().values_list("pk", flat=True))
        return [key for key in keys if key[1] in ids]

    def _searched(self, after: Key | None, limit: int) -> list[Key]:
        """The first `limit` keys of all that the search finds, or of those after one."""
        named = self.found.few
        rows = self.scope.within(adopted_in(self.scope.environment_ids))
        if named is None:
            rows = rows.filter(release__in=self.found.rows().order_by().values("pk"))
        else:
            rows = rows.filter(Among("release_id", named))
        names = self._columns[1:]
        last = rows.values(*names).annotate(last=Max("adopted"))
        if after is not None:
            last = last.filter(_before(dict(zip(("last", *names), after, strict=True))))
        return list(last.order_by("-last", *(f"-{name}" for name in names)).values_list("last", *names)[:limit])

    def _side_by_side(self, after: Key | None, first: int) -> Iterator[Key]:
        """All that was taken up, in order, whatever the search. Of the `first` rows no project has much more than its
        share, mostly."""
        projects = self.scope.projects
        if len(projects) > MOST_STREAMS:
            streams = [self._stream(self._rows(projects), after, first)]
        else:
            share = first * 9 // (8 * max(len(projects), 1)) + 10
            streams = [self._stream(self._rows((one,)), after, share) for one in projects]
        for key, _ in groupby(heapq.merge(*streams, reverse=True)):  # several may have taken it up at that moment
            yield key

    def _stream(self, rows: QuerySet[ReleaseProjectEnvironment], after: Key | None, piece: int) -> Iterator[Key]:
        columns = self._columns
        theirs = adopted_in(self.scope.environment_ids).filter(**{name: OuterRef(name) for name in columns[1:]})
        last = Subquery(self.scope.within(theirs).order_by("-adopted").values("adopted")[:1])
        every = rows.filter(adopted=last).order_by(*(f"-{name}" for name in columns)).values_list(*columns)
        while True:
            some = read_keys((every if after is None else beyond(every, columns, after))[:piece])
            yield from some
            if len(some) < piece:
                return
            after = some[-1]

    def _rows(self, projects: Sequence[int]) -> QuerySet[ReleaseProjectEnvironment]:
        return adopted_in(self.scope.environment_ids).filter(project__in=projects).order_by()


def _before(key: dict[str, Any]) -> Q:
    """What has smaller values than these, compared one after the other."""
    (name, value), *others = key.items()
    smaller = Q(**{f"{name}__lt": value})
    return smaller | (Q(**{name: value}) & _before(dict(others))) if others else smaller
