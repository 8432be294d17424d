"""What single models that Vedette only keeps do on their way in.

Source: the relocation specification, 2.1 and 5.5. Where a nullable key narrows what a row does (a snooze for one
person, a search of one organization, a grant for one application) the row goes with its target: without it, it would
do more than anybody wanted.
"""

import secrets
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from vedette.core.relocation import RelocationScope
from vedette.relocation.importing.options import ImportOptions
from vedette.relocation.importing.rules.base import Context, Incoming, Rule
from vedette.relocation.importing.rules.tokens import scope_by_application


class Narrowed(Rule):
    """Rows that say something else without these keys."""

    def __init__(self, *keys: str) -> None:
        self.keeps: Collection[str] = keys  # type: ignore[misc]  # this rule has one instance for each model


class NewUuid(Rule):
    """Rows whose UUID names them on one instance: another one here, where the file has one."""

    def __init__(self, field: str, *, always: bool = False) -> None:
        self._field, self._always = field, always

    def normalise(self, incoming: Incoming, context: Context) -> bool:
        """Draw it."""
        if self._always or incoming.values.get(self._field):
            incoming.values[self._field] = str(uuid.uuid4())
        return True


class Incidents(NewUuid):
    """Until 2024 incidents moved with their organization; since they know subscriptions, only with everything."""

    def __init__(self) -> None:
        super().__init__("detection_uuid")

    def scope_of(self, fields: Mapping[str, Any], scopes: tuple[RelocationScope, ...]) -> RelocationScope | None:
        """The scope of this row; what hangs on it follows."""
        return RelocationScope.GLOBAL if "subscription" in fields else RelocationScope.ORGANIZATION


class Granted(Narrowed):
    """Grants and authorizations of applications: bound to this instance where an application has them."""

    def __init__(self) -> None:
        super().__init__("application", "organization_id")

    def scope_of(self, fields: Mapping[str, Any], scopes: tuple[RelocationScope, ...]) -> RelocationScope | None:
        """The scope of this row."""
        return scope_by_application(fields, scopes) if len(scopes) > 1 else None


class NotificationActions(Narrowed):
    """Actions by an integration or an app are bound to this instance, the others to their organization."""

    def __init__(self) -> None:
        super().__init__("integration_id", "sentry_app_id")

    def scope_of(self, fields: Mapping[str, Any], scopes: tuple[RelocationScope, ...]) -> RelocationScope | None:
        """The scope of this action."""
        is_bound = fields.get("integration_id") is not None or fields.get("sentry_app_id") is not None
        return RelocationScope.GLOBAL if is_bound else RelocationScope.ORGANIZATION


class SavedSearches(Narrowed):
    """Searches for everybody on an instance come along with the instance only."""

    def __init__(self) -> None:
        super().__init__("organization", "owner_id")

    def is_wanted(self, fields: Mapping[str, Any], options: ImportOptions) -> bool:
        """Whether it is one of an organization, or everything is imported."""
        return options.is_global or not fields.get("is_global")


class QuerySubscriptions(Rule):
    """A subscription is one of this instance's stream: another id, in the form that ids have."""

    def normalise(self, incoming: Incoming, context: Context) -> bool:
        """Keep the number before the slash, which says what kind of stream it is."""
        if before := incoming.values.get("subscription_id"):
            number, _, _ = str(before).partition("/")
            number = number if number.isascii() and number.isdigit() else "0"
            incoming.values["subscription_id"] = f"{number}/{secrets.token_hex(16)}"
        return True
