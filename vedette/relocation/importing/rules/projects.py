"""Projects and their keys on their way in, so that what reports to the old DSNs goes on reporting.

A project keeps its id where that is free, in every scope, and otherwise the id becomes an alias of it; of its keys
all stay. Source: the relocation specification, 5.5, and 9 (#4, #5).
"""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from vedette.core.ids import new_hex
from vedette.core.pieces import pieces
from vedette.orgs.slugs import PROJECT_LENGTH, slug_on_arrival
from vedette.projects.models import ProjectAlias, ProjectKey, ProjectOption
from vedette.relocation.files.findings import FindingKind
from vedette.relocation.importing.rules.base import Context, Incoming, Rule, Written
from vedette.relocation.importing.rules.taking import distinct_slugs, insert_all, insert_new, upsert

_KEY = re.compile(r"[0-9a-f]{32}")
_HALVES = ("public_key", "secret_key")


class Projects(Rule):
    """New projects, with the ids that they had where those are free."""

    adjusts: ClassVar = ("slug",)

    def normalise(self, incoming: Incoming, context: Context) -> bool:
        """Make the slug one."""
        incoming.values["slug"] = slug_on_arrival(str(incoming.values.get("slug") or ""), PROJECT_LENGTH, "project")
        return True

    def write(self, batch: Sequence[Incoming], context: Context) -> list[Written | None]:
        """Insert them, and an alias for every id that changed."""
        results = insert_new(batch, context, lambda rows: distinct_slugs(rows, PROJECT_LENGTH, context))
        aliases = []
        for incoming, written in zip(batch, results, strict=True):
            if written is not None and written.pk != incoming.row.pk:
                aliases.append(ProjectAlias(old_id=incoming.row.pk, project_id=written.pk))
                reason = f"its id is taken here, so it has the id {written.pk}; its old DSNs go on working"
                context.tell(incoming, FindingKind.ALIASED_PROJECT, reason, right_pk=written.pk)
        ProjectAlias.objects.using(context.using).bulk_create(aliases, batch_size=500, ignore_conflicts=True)
        return results


class ProjectKeys(Rule):
    """Every key of a project comes along; a half that another key here has, or that is none, is made anew."""

    adjusts: ClassVar = (*_HALVES, "label")

    def normalise(self, incoming: Incoming, context: Context) -> bool:
        """Keys without a label have an empty one."""
        incoming.values["label"] = str(incoming.values.get("label") or "")[:64]
        return True

    def write(self, batch: Sequence[Incoming], context: Context) -> list[Written | None]:
        """Insert them."""
        return [Written(pk) for pk in insert_all(batch, context, lambda rows: _make_halves(rows, context))]


class ProjectOptions(Rule):
    """Of two values for one option the latter stays."""

    def write(self, batch: Sequence[Incoming], context: Context) -> list[Written | None]:
        """Insert or overwrite."""
        names = ("project_id", "key", "value")
        rows = [(each.values["project"], each.values.get("key") or "", each.values.get("value")) for each in batch]
        conflict = '"project_id", "key"'
        pks = upsert(ProjectOption, names, rows, conflict=conflict, identity=lambda row: row[:2], using=context.using)
        return [Written(pk) for pk in pks]


def _make_halves(batch: Sequence[Incoming], context: Context) -> None:
    for half in _HALVES:
        used = _used(half, batch, context)
        for incoming in batch:
            value = str(incoming.values.get(half) or "")
            if not _KEY.fullmatch(value) or value in used:
                incoming.values[half] = new_hex(16)
                _tell(incoming, half, value, context)
            used.add(incoming.values[half])


def _used(half: str, batch: Sequence[Incoming], context: Context) -> set[Any]:
    wanted = {str(incoming.values[half]) for incoming in batch if incoming.values.get(half)}
    found: set[Any] = set()
    for some in pieces(wanted):
        rows = ProjectKey.objects.using(context.using).filter(**{f"{half}__in": some})
        found.update(rows.values_list(half, flat=True))
    return found


def _tell(incoming: Incoming, half: str, before: str, context: Context) -> None:
    if not before:
        reason = "the key had none, and got one"
    elif not _KEY.fullmatch(before):
        reason = "it is not 32 lower-case hex digits, so the key got another one"
    else:
        reason = "another key here has it, so the key got another one"
        reason += ": what sends to the old DSN reports to the project of that other key" if half == "public_key" else ""
    context.tell(incoming, FindingKind.MINTED_TOKEN, reason, field=half)
