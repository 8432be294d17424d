"""The legs of lists by health: what has data, by its score; then what has none, newest first.

Source: the release health specification, 6.4. The event store scores versions in projects, some thousands of them; only
those that a page shows, and the rows beside them, are looked up among the releases.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter

from django.db.models import QuerySet

from vedette.core.among import Among
from vedette.releases.conditions import Scope
from vedette.releases.health import Key as Scored
from vedette.releases.legs import NEWEST, Paired
from vedette.releases.models import Release, ReleaseProject
from vedette.releases.walking import Key, Leg, Rows, Without

_PIECE = 250  # scores that are looked up at once, and those that equal the last of them


def ranked_legs(rows: QuerySet[Release], scores: Mapping[Scored, float], scope: Scope) -> list[Leg]:
    """Every (release, project) of `rows` in the scope, the greatest of the `scores` first."""

    def known(keys: Sequence[Key]) -> set[Key]:
        named = Release.objects.filter(Among("pk", {key[-2] for key in keys})).order_by()
        versions = dict(named.values_list("pk", "version"))
        return {key for key in keys if (key[-1], versions.get(key[-2])) in scores}

    return [Ranked(rows, scores), Without(Paired(Rows(rows, NEWEST), scope), known)]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Releases in projects that have a score. The keys are the score, the date, the release and the project."""

    rows: QuerySet[Release]
    scores: Mapping[Scored, float]

    def take(self, after: Key | None, skip: int, limit: int) -> list[Key]:
        """See `Leg`."""
        keys = (key for some in self._pieces(after) for key in some if after is None or key < after)
        return list(islice(keys, skip, skip + limit))

    def count(self) -> int:
        """See `Leg`."""
        return sum(len(some) for some in self._pieces(None))

    def _pieces(self, after: Key | None) -> Iterator[list[Key]]:
        """All keys in order, or those with scores no greater than that of `after`, as they are asked for."""
        left = ((score, key) for key, score in self.scores.items() if after is None or score <= after[0])
        equals = groupby(sorted(left, key=itemgetter(0), reverse=True), itemgetter(0))
        piece: list[Scored] = []
        for _, some in equals:
            piece += [key for _, key in some]
            if len(piece) >= _PIECE:
                yield self._keys(piece)
                piece = []
        if piece:
            yield self._keys(piece)

    def _keys(self, some: Sequence[Scored]) -> list[Key]:
        named = self.rows.filter(Among("version", {version for _, version in some})).order_by()
        releases = {pk: (version, at) for pk, version, at in named.values_list("pk", "version", "sort_date")}
        links = ReleaseProject.objects.filter(Among("release_id", releases))
        wanted = set(some)
        keys = []
        for release, project in links.order_by().values_list("release_id", "project_id"):
            version, at = releases[release]
            if (project, version) in wanted:
                keys.append((self.scores[project, version], at, release, project))
        return sorted(keys, reverse=True)
