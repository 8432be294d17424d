"""What single models do besides the general rule when they leave. Source: relocation specification, 5.5 and 10.2."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from django.db.models import Q

from vedette.core.relocation import RelocationScope, Silo
from vedette.relocation.exporting.keys import ORGANIZATION, PROJECT, USER, Fields, Ledger
from vedette.relocation.exporting.options import ExportOptions
from vedette.relocation.exporting.pks import PkSet
from vedette.relocation.exporting.selection import FEW, Tell
from vedette.relocation.exporting.sources import Page, PreservedSource
from vedette.relocation.files.findings import FindingKind, note, warning
from vedette.relocation.models import PreservedRegionRow
from vedette.relocation.shapes import references_of

OWN_OPTIONS = "vedette:"  # what keys of options begin with that only Vedette knows
LONGEST_SLUG = 50  # that Sentry takes

_HEX = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Context:
    """What rules may look at: the options, what was chosen and exported so far, and where scratch files go."""

    options: ExportOptions
    chosen: dict[str, PkSet]
    ledger: Ledger
    work_dir: Path
    tell: Tell


class Rule:
    """The rule of models without one: every row leaves as it is. Made for one model of one export.

    `needs` are the fields that `keeps` reads; `narrows` says whether only some rows are asked for.
    """

    needs: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, context: Context, model: str) -> None:
        self.context = context
        self.model = model
        self.begin()

    def begin(self) -> None:
        """Prepare, before the first row is read."""

    @property
    def narrows(self) -> bool:
        """Whether rows of the model may stay because nobody asked for them."""
        return False

    def select(self, rows: Page) -> Page:
        """Those of a page that were asked for."""
        return rows

    def finish(self, pk: int, fields: Fields) -> None:
        """Amend a row that leaves."""

    def more(self) -> Iterator[Page]:
        """Rows that the tables lack, with pks beyond theirs."""
        return iter(())

    def close(self) -> None:
        """Sum up, and take scratch files away. Also called when the export failed."""


class OwnScope(Rule):
    """Rows that are bound to an installation where one of some fields is set, and travel further where none is."""

    bound_by: ClassVar[tuple[str, ...]]
    otherwise: ClassVar[RelocationScope]

    @property
    def narrows(self) -> bool:
        """Unless everything is exported."""
        return not self.context.options.is_global

    def select(self, rows: Page) -> Page:
        """Those whose own scope is exported (2.1)."""
        if self.context.options.is_global:
            return rows
        if self.otherwise not in self.context.options.allowed:
            return []
        return [row for row in rows if all(row[1].get(name) is None for name in self.bound_by)]


class ApiAuthorization(OwnScope):
    """Bound by its application."""

    needs = frozenset({"application"})
    bound_by = ("application",)
    otherwise = RelocationScope.CONFIG


class ApiToken(ApiAuthorization):
    """Only its hash is known here, so the file says nothing of the token itself: whoever reads the hash lets the old
    token in, and Sentry, which wants one, makes a new one up."""

    def begin(self) -> None:
        """Nobody counted yet."""
        self._without = 0

    def finish(self, pk: int, fields: Fields) -> None:
        """Leave an empty token out."""
        if not fields.get("token") and "token" in fields:
            del fields["token"]
            self._without += 1

    def close(self) -> None:
        """One finding for all of them."""
        if self._without:
            reason = f"of {self._without} tokens only hashes are kept, so the tokens themselves are not in the export"
            self.context.tell(note(FindingKind.UNKNOWN_SECRET, reason, model=self.model))


class NotificationAction(OwnScope):
    """Bound by its integration or its app."""

    needs = frozenset({"integration_id", "sentry_app_id"})
    bound_by = ("integration_id", "sentry_app_id")
    otherwise = RelocationScope.ORGANIZATION


class InstanceOption(Rule):
    """Settings of an installation; what identifies it or its workers stays, except in a full export."""

    needs = frozenset({"key"})
    staying = frozenset(
        f"sentry:{name}" for name in ("install-id", "latest_version", "last_worker_ping", "last_worker_version")
    )

    def select(self, rows: Page) -> Page:
        """Without those that stay."""
        if self.context.options.is_global:
            return rows
        return [row for row in rows if row[1].get("key") not in self.staying]


class OwnedOption(Rule):
    """Settings of a user, an organization or a project; some are Vedette's own."""

    needs = frozenset({"key"})

    def begin(self) -> None:
        """Nobody counted yet."""
        self._left_out = 0

    @property
    def narrows(self) -> bool:
        """Where only what Sentry knows may leave."""
        return self.context.options.only_known

    def select(self, rows: Page) -> Page:
        """All of them, or those that are Sentry's too."""
        if not self.context.options.only_known:
            return rows
        known = [row for row in rows if not str(row[1].get("key")).startswith(OWN_OPTIONS)]
        self._left_out += len(rows) - len(known)
        return known

    def close(self) -> None:
        """One finding for all of them."""
        if self._left_out:
            reason = f"{self._left_out} options are Vedette's own and were left out"
            self.context.tell(note(FindingKind.SKIPPED_ROW, reason, model=self.model))


class SavedSearch(Rule):
    """A search that everybody has is the installation's: no import takes it, unless it takes everything."""

    needs = frozenset({"is_global"})

    def begin(self) -> None:
        """Nobody counted yet."""
        self._left_out = 0

    def select(self, rows: Page) -> Page:
        """Without those of the installation."""
        if self.context.options.is_global:
            return rows
        owned = [row for row in rows if not row[1].get("is_global")]
        self._left_out += len(rows) - len(owned)
        return owned

    def close(self) -> None:
        """One finding for all of them."""
        if self._left_out:
            reason = f"{self._left_out} searches are of the whole installation and were left out"
            self.context.tell(note(FindingKind.SKIPPED_ROW, reason, model=self.model))


class SnubaQuery(Rule):
    """Has no owner of its own: it leaves with the alert rules and subscriptions of what was chosen.

    An owner counts only if it is exported itself: somebody who is a member of two organizations does not bring the
    queries of the other one along.
    """

    owners = (("sentry.alertrule", "organization", ORGANIZATION), ("sentry.querysubscription", "project", PROJECT))

    @property
    def narrows(self) -> bool:
        """Where organizations or projects were chosen."""
        return bool({ORGANIZATION, PROJECT} & self.context.chosen.keys())

    def begin(self) -> None:
        """Find out which ones leave."""
        self._wanted = PkSet(sorted(set(self._owned()))) if self.narrows else None

    def select(self, rows: Page) -> Page:
        """Those that somebody uses who leaves."""
        wanted = self._wanted
        return rows if wanted is None else [row for row in rows if row[0] in wanted]

    def _owned(self) -> Iterator[int]:
        exported = self.context.ledger.exported
        for model, key, target in self.owners:
            condition = preserved_condition(self.context, Silo.REGION)
            for page in PreservedSource(PreservedRegionRow, model).pages(condition):
                for _, fields in page:
                    query, owner = fields.get("snuba_query"), fields.get(key)
                    if query is not None and owner is not None and owner in exported.get(target, PkSet()):
                        yield query


class DataSource(Rule):
    """Names a subscription or a monitor in a text. Those leave with their project, and are written later: where
    projects were chosen, a source leaves only with a project that was."""

    @property
    def narrows(self) -> bool:
        """Where projects were chosen."""
        return PROJECT in self.context.chosen

    def select(self, rows: Page) -> Page:
        """Those whose project was chosen; and those that name nothing that is here, which an import tells of."""
        chosen = self.context.chosen.get(PROJECT)
        if chosen is None:
            return rows
        named = {pk: [found.pk for found in references_of(self.model, fields)] for pk, fields in rows}
        wanted = {target for targets in named.values() for target in targets}
        found = PreservedRegionRow.objects.filter(pk__in=wanted, project__isnull=False)
        project_of = dict(found.values_list("pk", "project_id"))
        others = {target for target, project in project_of.items() if project not in chosen}
        return [row for row in rows if others.isdisjoint(named[row[0]])]


class Slugged(Rule):
    """Sentry takes slugs of fifty characters; longer ones are told of, for it may refuse or cut them."""

    needs = frozenset({"slug"})

    def finish(self, pk: int, fields: Fields) -> None:
        """Tell of a slug that Sentry would not take."""
        slug = str(fields.get("slug"))
        if len(slug) > LONGEST_SLUG or slug.isdigit() or slug != slug.lower():
            reason = f"Sentry takes slugs of {LONGEST_SLUG} lower-case characters that are not all digits, not {slug!r}"
            where: dict[str, Any] = {"model": self.model, "left_pk": pk, "field": "slug"}
            self.context.tell(warning(FindingKind.VALIDATION_ERROR, reason, **where))


class ProjectKey(Rule):
    """Sentry's keys are 32 hexadecimal digits; others are told of."""

    def finish(self, pk: int, fields: Fields) -> None:
        """Tell of a key that Sentry would not take."""
        for name in ("public_key", "secret_key"):
            if not _HEX.fullmatch(str(fields.get(name))):
                reason = "Sentry's keys are 32 lower-case hexadecimal digits; its own checks may refuse this one"
                where: dict[str, Any] = {"model": self.model, "left_pk": pk, "field": name}
                self.context.tell(warning(FindingKind.VALIDATION_ERROR, reason, **where))


def preserved_condition(context: Context, silo: Silo) -> Q:
    """What narrows preserved rows in the query itself: they name the organization or the user that they belong to,
    if any."""
    owner, column = (ORGANIZATION, "organization_id") if silo is Silo.REGION else (USER, "user_id")
    chosen = context.chosen.get(owner)
    few = None if chosen is None else chosen.if_few(FEW)
    return Q() if few is None else Q(**{f"{column}__in": few}) | Q(**{column: None})
