"""The legs of lists by adoption: what was taken up, the last one first; then what never was, newest first.

Source: the release specification, 14.1. A release is told once: by the last of the environments in view that took it
up. What they took up is read in the order of its index, each project by itself, and held against the search some
hundreds at a time: most searches find a page among the first thousands. Where little is found there, the releases of
the search are named, if they are few, and only what took those up is read.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from django.db.models import Exists, Max, OuterRef, QuerySet

from vedette.core.among import Among
from vedette.projects.models import Environment
from vedette.releases.conditions import Scope
from vedette.releases.legs import NEWEST, Paired, adopted_in
from vedette.releases.models import Release, ReleaseProject, ReleaseProjectEnvironment
from vedette.releases.walking import Key, Leg, Rows, beyond

FEW = 5_000  # so many releases are named
MOST_STREAMS = 40  # projects that are read one by one; of more, all their rows are sorted
TOLD = 500  # rows that tell how many more a page takes
MOST_READ = 8_000  # rows that a page may take before the releases of its search are named
MOST_HELD = 40_000  # and before each row is searched for, where these are many
MOST_OF_EACH = 4  # rows that one of a page may take in any case: most before it are skipped, then
_PIECE = 2_000  # pieces do not grow beyond: most of the last is not needed


def adoption_legs(rows: QuerySet[Release], scope: Scope, *, paired: bool) -> list[Leg]:
    """The releases `rows`, or if `paired` each of them with each of its projects in the scope."""
    environments = _environment_ids(scope)
    found = Found(rows)

    def never(rows: QuerySet[Release]) -> Leg:
        if not paired:
            took_up = adopted_in(environments).filter(release=OuterRef("pk"), project__in=scope.projects)
            return Rows(rows.filter(~Exists(took_up)), NEWEST)
        theirs = adopted_in(environments).filter(release=OuterRef("release_id"), project=OuterRef("project_id"))
        left = ReleaseProject.objects.filter(~Exists(theirs), release=OuterRef("pk"), project__in=scope.projects)
        return Paired(Rows(rows.filter(Exists(left)), NEWEST), scope, environments)

    return [Adopted(found, scope.projects, environments, paired), Deferred(found, never)]


class Found:
    """The releases that a search finds; by their names as soon as somebody asked for these."""

    def __init__(self, rows: QuerySet[Release]) -> None:
        self._rows = rows

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
    projects: tuple[int, ...]
    environments: tuple[int, ...]
    paired: bool

    def take(self, after: Key | None, skip: int, limit: int) -> list[Key]:
        """See `Leg`."""
        wanted = skip + limit
        size = max(TOLD, 2 * wanted)
        keys: list[Key] = []
        seen: set[Key] = set()
        read = 0
        found: QuerySet[Release] | None = self.found.rows()
        stream = self._side_by_side(after, size)
        while some := list(islice(stream, size)):
            keys += self._kept(some, seen, after, found)
            if len(keys) >= wanted:
                break
            if found is None:
                continue
            read += len(some)
            rows = read * wanted // (len(keys) or 1)  # that the page takes, as far as these tell
            if self._is_better_searched(rows, MOST_OF_EACH * wanted):
                found, size = None, 4 * wanted
                stream = self._of_the_search(some[-1], size)
            else:
                size = max(TOLD, (rows - read) * 9 // 8)
        return keys[skip:wanted]

    def count(self) -> int:
        """See `Leg`."""
        rows = self._rows(self.projects).filter(Exists(self.found.rows().filter(pk=OuterRef("release_id"))))
        return int(rows.values(*self._columns[1:]).distinct().count())

    @property
    def _columns(self) -> tuple[str, ...]:
        return ("adopted", "release_id", "project_id")[: 3 if self.paired else 2]

    def _kept(
        self, keys: Sequence[Key], seen: set[Key], after: Key | None, found: QuerySet[Release] | None
    ) -> list[Key]:
        """Those of the `keys`, the next in order, whose release is among `found` (all are, if None), and that are the
        first of their kind: nothing before `after` and none of what was `seen` is about the same release."""
        first = []
        for key in keys:
            if key[1:] not in seen:
                seen.add(key[1:])
                first.append(key)
        if found is not None:
            held = found.filter(Among("pk", {key[1] for key in first}))
            ids = set(held.order_by().values_list("pk", flat=True))
            first = [key for key in first if key[1] in ids]
        if after is None:
            return first
        rows = self._rows(self.projects).filter(Among("release_id", {key[1] for key in first}))
        names = self._columns[1:]
        last = set(rows.values(*names).annotate(last=Max("adopted")).values_list("last", *names))
        return [key for key in first if key in last]

    def _side_by_side(self, after: Key | None, first: int) -> Iterator[Key]:
        """All that was taken up, in order, whatever the search. Of the `first` rows no project has much more than its
        share, mostly."""
        if len(self.projects) > MOST_STREAMS:
            return self._stream(self._rows(self.projects), after, first)
        share = first * 3 // (2 * max(len(self.projects), 1)) + 1
        streams = [self._stream(self._rows((one,)), after, share) for one in self.projects]
        return heapq.merge(*streams, reverse=True)

    def _is_better_searched(self, rows: int, far: int) -> bool:
        """Whether a search takes less than holding so many `rows` against it."""
        if rows <= max(MOST_READ, far):
            return False
        return self.found.few is not None or rows > max(MOST_HELD, far)

    def _of_the_search(self, after: Key, piece: int) -> Iterator[Key]:
        """What took up the releases of the search, in order."""
        named = self.found.few
        rows = self._rows(self.projects)
        if named is None:
            rows = rows.filter(Exists(self.found.rows().filter(pk=OuterRef("release_id"))))
        else:
            rows = rows.filter(Among("release_id", named))
        return self._stream(rows, after, piece)

    def _stream(self, rows: QuerySet[ReleaseProjectEnvironment], after: Key | None, piece: int) -> Iterator[Key]:
        columns = self._columns
        every = rows.order_by(*(f"-{name}" for name in columns)).values_list(*columns)
        while True:
            some: list[Key] = list((every if after is None else beyond(every, columns, after))[:piece])
            yield from some
            if len(some) < piece:
                return
            after, piece = some[-1], max(piece, min(2 * piece, _PIECE))

    def _rows(self, projects: Sequence[int]) -> QuerySet[ReleaseProjectEnvironment]:
        return adopted_in(self.environments).filter(project__in=projects).order_by()


def _environment_ids(scope: Scope) -> tuple[int, ...]:
    """The ids of the environments that are looked at; none for all of them."""
    if not scope.environments:
        return ()
    rows = Environment.objects.filter(organization_id=scope.organization_id, name__in=scope.environments)
    return tuple(rows.order_by("pk").values_list("pk", flat=True)) or (0,)
