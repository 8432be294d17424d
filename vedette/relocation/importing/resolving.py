"""Between reading and writing: which rows stay, as the filters and the foreign keys have it.

Done in the scratch database, a statement for each key of each model, in canonical order: a row that needs one that is
left out is left out as well, and one that needs a row which is not there is lost, with a finding. Source: the
relocation specification, 2.3, 4.2 (step 4), 4.5 and 9 (#3, #21).
"""

from collections.abc import Callable, Iterable, Iterator

from vedette.relocation.files.findings import Finding, FindingKind, Origin, Severity
from vedette.relocation.importing.options import ImportOptions
from vedette.relocation.importing.plans import ORGANIZATION, PROJECT, USER, Plan, Plans
from vedette.relocation.importing.reading import EMAIL
from vedette.relocation.importing.stage import Stage, State

MEMBER = "sentry.organizationmember"
# What belongs to nobody and stays with those that use it: who they are, by which key they use it, and which of their
# keys leads to an owner that comes before it in canonical order.
QUERY, SNAPSHOT = "sentry.snubaquery", "sentry.timeseriessnapshot"
_USED_BY = {
    QUERY: (
        ("sentry.alertrule", "snuba_query", "organization", ORGANIZATION),
        ("sentry.querysubscription", "snuba_query", "project", PROJECT),
    ),
    SNAPSHOT: (("sentry.incidentsnapshot", "event_stats_snapshot", "incident", "sentry.incident"),),
}


class Resolving:
    """Settles the state of every row. `tell` takes the findings."""

    def __init__(self, stage: Stage, plans: Plans, options: ImportOptions, tell: Callable[[Finding], None]) -> None:
        self._stage = stage
        self._plans = plans
        self._options = options
        self._tell = tell
        self._met = {plan.model: plan for plan in plans if stage.has_rows(plan.position)}

    def run(self) -> None:
        """Set `state` and `why` of all rows, and tell of those that are lost."""
        with self._stage.at_once():
            self._filter_by_name(ORGANIZATION, self._options.org_slugs)
            self._filter_by_name(USER, self._options.usernames)
            if self._options.project_slugs is not None:
                self._filter_projects(self._options.project_slugs)
            for plan in self._met.values():
                if plan.model == USER and self._options.org_slugs is not None:
                    self._filter_users_by_membership(plan)
                if plan.model == EMAIL and (self._options.org_slugs is not None or self._options.usernames is not None):
                    self._filter_addresses(plan)
                if plan.model == QUERY and (self._options.org_slugs, self._options.project_slugs) != (None, None):
                    self._filter_by_use(plan)
                if plan.model == SNAPSHOT and not self._options.is_global:
                    self._filter_by_use(plan)
                self._settle(plan)
        for plan in self._met.values():
            self._tell_lost(plan)

    # ------------------------------------------------------------ filters

    def _filter_by_name(self, model: str, names: Iterable[str] | None) -> None:
        if names is None or model not in self._met:
            return
        self._fill("wanted", names)
        self._stage.run(
            f"UPDATE rows_{self._met[model].position} SET state = {State.OUT:d} WHERE pk NOT IN "  # noqa: S608
            "(SELECT owner FROM named WHERE place = ? AND name IN (SELECT name FROM temp.wanted))",
            [model],
        )

    def _filter_projects(self, slugs: Iterable[str]) -> None:
        """A slug, or `organization/project` where several organizations have a project of that name."""
        project = self._met.get(PROJECT)
        if project is None:
            return
        self._fill("wanted", slugs)
        organization = f"k{project.key_places['organization']}"
        self._stage.run(
            f"UPDATE rows_{project.position} AS p SET state = {State.OUT:d} WHERE NOT EXISTS ("  # noqa: S608
            "SELECT 1 FROM named n WHERE n.place = ? AND n.owner = p.pk AND (n.name IN (SELECT name FROM temp.wanted) "
            f"OR EXISTS (SELECT 1 FROM named o WHERE o.place = ? AND o.owner = p.{organization} "
            "AND o.name || '/' || n.name IN (SELECT name FROM temp.wanted))))",
            [PROJECT, ORGANIZATION],
        )

    def _filter_users_by_membership(self, user: Plan) -> None:
        """Who is a member of an organization that stays. Its rows were settled: it comes before users."""
        member, organization = self._met.get(MEMBER), self._met.get(ORGANIZATION)
        stay = "SELECT NULL WHERE 0"
        if member is not None and organization is not None:
            of, who = member.key_places["organization"], member.key_places["user_id"]
            stay = (
                f"SELECT m.k{who} FROM rows_{member.position} m JOIN rows_{organization.position} o "  # noqa: S608
                f"ON o.pk = m.k{of} WHERE o.state = 0 AND m.state = 0 AND m.k{who} IS NOT NULL"
            )
        self._stage.run(f"UPDATE rows_{user.position} SET state = {State.OUT:d} WHERE pk NOT IN ({stay})")  # noqa: S608

    def _filter_addresses(self, email: Plan) -> None:
        """Addresses of users who stay: their own and those of their `useremail` rows."""
        user = self._met.get(USER)
        stay = f"SELECT pk FROM rows_{user.position} WHERE state = 0" if user else "SELECT NULL WHERE 0"  # noqa: S608
        self._stage.run(
            f"UPDATE rows_{email.position} SET state = {State.OUT:d} WHERE pk NOT IN ("  # noqa: S608
            "SELECT owner FROM named WHERE place = ? AND name IN "
            f"(SELECT name FROM named WHERE place = 'address' AND owner IN ({stay})))",
            [EMAIL],
        )

    def _filter_by_use(self, used: Plan) -> None:
        """Rows that something uses whose owner stays."""
        stay = ["SELECT NULL WHERE 0"]
        for model, using_key, owner_key, owner in _USED_BY[used.model]:
            if model in self._met and owner in self._met:
                user, of = self._met[model], self._met[owner]
                uses, owned = user.key_places[using_key], user.key_places[owner_key]
                stay.append(
                    f"SELECT u.k{uses} FROM rows_{user.position} u JOIN rows_{of.position} o "  # noqa: S608
                    f"ON o.pk = u.k{owned} WHERE o.state = 0 AND u.k{uses} IS NOT NULL"
                )
        self._stage.run(
            f"UPDATE rows_{used.position} SET state = {State.OUT:d} "  # noqa: S608
            f"WHERE state = 0 AND pk NOT IN ({' UNION '.join(stay)})"
        )

    def _fill(self, table: str, names: Iterable[str]) -> None:
        self._stage.run(f"DROP TABLE IF EXISTS temp.{table}")
        self._stage.run(f"CREATE TABLE temp.{table} (name TEXT PRIMARY KEY)")
        self._stage.many(f"INSERT OR IGNORE INTO temp.{table} VALUES (?)", ([name] for name in names))  # noqa: S608

    # ------------------------------------------------------------ keys

    def _settle(self, plan: Plan) -> None:
        """First what is left out on request, through any key that the row cannot do without; then what is lost."""
        for place, key in enumerate(plan.keys):
            target = self._met.get(key.target)
            if key.required and target is not None and self._stage.leaves_out(target.position):
                self._stage.run(
                    f"UPDATE rows_{plan.position} AS r SET state = {State.OUT:d} WHERE r.state = 0 "  # noqa: S608
                    f"AND r.k{place} IN (SELECT pk FROM rows_{target.position} WHERE state = {State.OUT:d})"
                )
        if plan.is_unknown and self._is_filtered:
            self._stage.run(
                f"UPDATE rows_{plan.position} SET state = {State.OUT:d} WHERE state = 0 AND "  # noqa: S608
                + " AND ".join(f"k{place} IS NULL" for place in range(len(plan.keys)))
            )
        missing = {
            place: self._missing(place, key.target, key.name not in plan.may_be_null)
            for place, key in enumerate(plan.keys)
            if key.required
        }
        if missing:  # in one walk over the rows
            reasons = " ".join(f"WHEN {test} THEN {place}" for place, test in missing.items())
            self._stage.run(
                f"UPDATE rows_{plan.position} AS r SET state = {State.LOST:d}, why = CASE {reasons} END "  # noqa: S608
                f"WHERE r.state = 0 AND ({' OR '.join(missing.values())})"
            )

    def _missing(self, place: int, model: str, null_is_missing: bool) -> str:
        target = self._met.get(model)
        found = "0"
        if target is not None:
            found = f"EXISTS (SELECT 1 FROM rows_{target.position} t WHERE t.pk = r.k{place} AND t.state = 0)"  # noqa: S608
        return f"NOT {found}" if null_is_missing else f"r.k{place} IS NOT NULL AND NOT {found}"

    @property
    def _is_filtered(self) -> bool:
        options = self._options
        return not (options.org_slugs is None and options.usernames is None and options.project_slugs is None)

    def _tell_lost(self, plan: Plan) -> None:
        for row in self._lost(plan):
            self._tell(row)

    def _lost(self, plan: Plan) -> Iterator[Finding]:
        columns = "".join(f", k{place}" for place in range(len(plan.keys)))
        after = -1
        while found := self._stage.all(
            f"SELECT pk, number, line, why{columns} FROM rows_{plan.position} "  # noqa: S608
            f"WHERE state = {State.LOST:d} AND pk > ? ORDER BY pk LIMIT 1000",
            [after],
        ):
            for pk, number, line, why, *keys in found:
                key = plan.keys[why]
                yield dropped(plan.model, pk, number, line, key.name, key.target, keys[why])
            after = found[-1][0]


def dropped(model: str, pk: int, number: int, line: int, field: str, target: str, value: int | None) -> Finding:
    """That a row is lost because a key leads nowhere."""
    reason = f"there is no {target} {value} to go with" if value is not None else f"it names no {target}"
    return Finding(
        Origin.NOTE,
        FindingKind.DROPPED_ROW,
        model,
        left_pk=pk,
        reason=f"the row is left out: {reason}",
        field=field,
        line=line,
        row=number,
        severity=Severity.WARNING,
    )
