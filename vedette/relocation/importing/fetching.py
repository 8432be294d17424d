"""Rows out of the scratch database, batch by batch, with the keys of ours that belong in them.

Keys are looked up where the map lies, by a join: neither the map nor a part of it is in memory. Source: the relocation
specification, 4.5 and 9 (#14).
"""

from collections.abc import Sequence
from typing import Any

from vedette.relocation.importing.plans import ORGANIZATION, PROJECT, USER, Plan, Plans
from vedette.relocation.importing.stage import Stage

# A staged row: its pk, its number and line in the file, its fields as JSON; then, in the order of the plan's keys, the
# pks of the file, ours, and how those were written; then the organization, the project and the user it goes with.
Fetched = tuple[Any, ...]
PK, NUMBER, LINE, PACKED, KEYS = range(5)
OWNERS = slice(-3, None)


class Fetching:
    """The wanted rows of one model, in ascending order of their pks."""

    def __init__(self, stage: Stage, plans: Plans, plan: Plan) -> None:
        self._stage = stage
        stage.prepare_map(plan.position)
        for key in plan.keys:
            if key.target in plans:
                stage.prepare_map(plans[key.target].position)
        self._statement = _statement(plans, plan)
        self._after = -1

    def next(self, count: int) -> list[Fetched]:
        """The next rows, `count` at most; none at the end."""
        found = self._stage.all(self._statement, [self._after, count])
        if found:
            self._after = found[-1][PK]
        return found


def _statement(plans: Plans, plan: Plan) -> str:
    places = range(len(plan.keys))
    known = [key.target in plans for key in plan.keys]
    columns = ["r.pk", "r.number", "r.line", "r.fields"]
    columns += [f"r.k{place}" for place in places]
    columns += [f"m{place}.new" if known[place] else "NULL" for place in places]
    columns += [f"m{place}.kind" if known[place] else "NULL" for place in places]
    columns += [_owner(plan, known, owner) for owner in (ORGANIZATION, PROJECT, USER)]
    joins = "".join(
        f" LEFT JOIN map.map_{plans[key.target].position} m{place} ON m{place}.old = r.k{place}"
        for place, key in enumerate(plan.keys)
        if known[place]
    )
    return (
        f"SELECT {', '.join(columns)} FROM rows_{plan.position} r{joins} "  # noqa: S608
        "WHERE r.pk > ? AND r.state = 0 ORDER BY r.pk LIMIT ?"
    )


def _owner(plan: Plan, known: Sequence[bool], owner: str) -> str:
    """What a row goes with: what a key of its own leads to, else what the rows go with that its keys lead to.

    With a user only by keys that are never null: an alert rule stays when the person who owns it goes.
    """
    column = owner.partition(".")[2]
    usable = [
        (place, key)
        for place, key in enumerate(plan.keys)
        if known[place] and (owner != USER or key.name not in plan.may_be_null)
    ]
    direct = [f"m{place}.new" for place, key in usable if key.target == owner]
    through = [f"m{place}.{column}" for place, key in usable if key.target != owner]
    choices = [*direct, *through]
    return f"COALESCE({', '.join(choices)}, NULL)" if choices else "NULL"
