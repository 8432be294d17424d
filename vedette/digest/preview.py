"""What other grouping rules would do to the events that a project has: which issues would merge, split, or begin anew.

The events are grouped twice, by the rules in force and by the changed ones. Those whose hashes differ are followed,
oldest first, to where they would go: to an issue that knows one of their hashes, else to one that an earlier event of
the sample would make. Nothing is written. Pure: which hashes lead to which issues is asked of the caller.

Source: the grouping specification, section 9: a change of rules takes hold for new events only.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from vedette.digest.regroup import regroup
from vedette.grouping.group import Recipe


@dataclass(frozen=True, slots=True)
class Sample:
    """A stored event and the issue that it is in."""

    group_id: int
    title: str
    tags: Mapping[str, str]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Target:
    """Where events would go: to an issue there is, or to the new one with this number. `title` is for the new one."""

    group_id: int | None
    number: int = 0
    title: str = ""


@dataclass(frozen=True, slots=True)
class Merge:
    """Issues whose events would come together. `sources` are (issue, events)."""

    target: Target
    sources: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Split:
    """An issue whose events would part. `parts` are (where to, events), most first; the issue itself may be one."""

    group_id: int
    parts: tuple[tuple[Target, int], ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What the change comes to among `examined` events; `unreadable` ones were left out.

    `renewed` are issues that would go on as a new issue, alone and whole: (issue, events).
    """

    examined: int
    unreadable: int
    changed: int
    merges: tuple[Merge, ...]
    splits: tuple[Split, ...]
    renewed: tuple[tuple[int, int], ...]

    @property
    def group_ids(self) -> set[int]:
        """Every issue that the preview speaks of."""
        found = {group for group, _ in self.renewed} | {split.group_id for split in self.splits}
        targets = [target for split in self.splits for target, _ in split.parts] + [one.target for one in self.merges]
        found |= {target.group_id for target in targets if target.group_id is not None}
        return found | {group for merge in self.merges for group, _ in merge.sources}


@dataclass(frozen=True, slots=True)
class _Changed:
    group_id: int
    title: str
    hashes: tuple[str, ...]


class Comparison:
    """Takes the events one by one, so that their payloads need not be held at once."""

    def __init__(self, before: Recipe, after: Recipe) -> None:
        self._before, self._after = before, after
        self._staying: Counter[int] = Counter()
        self._changed: list[_Changed] = []
        self._unreadable = 0

    def add(self, sample: Sample) -> None:
        """Group one event both ways."""
        before = regroup(sample.payload, sample.tags, self._before)
        after = regroup(sample.payload, sample.tags, self._after)
        if before is None or after is None:
            self._unreadable += 1
        elif before.hashes == after.hashes:
            self._staying[sample.group_id] += 1
        else:
            self._changed.append(_Changed(sample.group_id, after.title or sample.title, after.hashes))

    def result(self, issues_of: Callable[[Iterable[str]], Mapping[str, int]]) -> Preview:
        """What came of it. The events were added oldest first; `issues_of` says which hashes lead to which issues."""
        wanted = {value for one in self._changed for value in one.hashes}
        leads_to = {value: Target(group) for value, group in issues_of(wanted).items()}
        moves: dict[int, Counter[Target]] = {group: Counter({Target(group): n}) for group, n in self._staying.items()}
        made = 0
        for event in self._changed:
            target = next((leads_to[value] for value in event.hashes if value in leads_to), None)
            if target is None and self._before.config is not self._after.config:
                target = Target(event.group_id)  # the transition finds it by the hashes of before
            if target is None:
                made += 1
                target = Target(None, made, event.title)
            for value in event.hashes:
                leads_to.setdefault(value, target)
            moves.setdefault(event.group_id, Counter())[target] += 1
        examined = self._unreadable + self._staying.total() + len(self._changed)
        return Preview(examined, self._unreadable, len(self._changed), *_sorted_out(moves))


def _sorted_out(
    moves: Mapping[int, Counter[Target]],
) -> tuple[tuple[Merge, ...], tuple[Split, ...], tuple[tuple[int, int], ...]]:
    sources: dict[Target, dict[int, int]] = {}
    for group, targets in moves.items():
        for target, count in targets.items():
            sources.setdefault(target, {})[group] = count
    merges = tuple(
        Merge(target, tuple(sorted(of.items(), key=lambda pair: -pair[1])))
        for target, of in sources.items()
        if len(of.keys() | ({target.group_id} - {None})) > 1
    )
    splits = tuple(Split(group, tuple(targets.most_common())) for group, targets in moves.items() if len(targets) > 1)
    renewed = tuple(
        (group, count)
        for group, targets in moves.items()
        for target, count in targets.items()
        if len(targets) == 1 and target.group_id is None and len(sources[target]) == 1
    )
    return (
        tuple(sorted(merges, key=lambda merge: -sum(count for _, count in merge.sources))),
        tuple(sorted(splits, key=lambda split: -sum(count for _, count in split.parts))),
        tuple(sorted(renewed, key=lambda pair: -pair[1])),
    )
