"""Making room for a Global import: what the file replaces is deleted, and what hangs on that; nothing else.

Source: the relocation specification, 4.3 and 9 (#10).
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.db import connections, models, router
from django.db.models.deletion import SET_NULL

from vedette.accounts.models import User
from vedette.core.relocation import Silo
from vedette.events.client import StoreUnavailable
from vedette.events.connection import event_store
from vedette.events.deletion import delete_project
from vedette.orgs import reservations
from vedette.orgs.models import Organization
from vedette.projects.models import Project
from vedette.relocation.importing import silos
from vedette.relocation.importing.plans import Plan
from vedette.relocation.models import ExtraFields

_PLAIN_KEYS: dict[type[models.Model], str] = {Organization: "organization_id", Project: "project_id"}


def is_empty() -> bool:
    """Whether this instance has neither accounts nor organizations."""
    users = User.objects.using(silos.alias(Silo.CONTROL))
    organizations = Organization.objects.using(silos.alias(Silo.REGION))
    return not users.exists() and not organizations.exists()


def wipe(plans: Iterable[Plan]) -> list[int]:
    """Delete all rows of these models and what hangs on them; the ids of projects that are gone.

    Inside of a transaction: for a while keys lead nowhere, which the databases look at when it ends.
    """
    organizations = _organizations()
    before = set(Project.objects.using(silos.alias(Silo.REGION)).values_list("pk", flat=True))
    for plan in reversed(list(plans)):
        using = silos.alias(plan.declaration)
        if plan.declaration.table is None:
            kept: Any = silos.preserved_table(plan.wire.silo)
            kept.objects.using(using).filter(model=plan.model)._raw_delete(using)
        else:
            ExtraFields.objects.using(using).filter(model=plan.model)._raw_delete(using)
            _empty(plan.declaration.table, using)
    reservations.give_back(organizations - _organizations())  # where they are not in the same database
    return sorted(before - set(Project.objects.using(silos.alias(Silo.REGION)).values_list("pk", flat=True)))


def _organizations() -> set[int]:
    return set(Organization.objects.using(silos.alias(Silo.REGION)).values_list("pk", flat=True))


def forget_events(projects: Iterable[int]) -> bool:
    """Delete the events of projects that are gone; False where the event store does not answer."""
    try:
        store = event_store()
        for pk in projects:
            delete_project(store, pk)
    except StoreUnavailable:
        return False
    return True


def _empty(table: type[models.Model], using: str) -> None:
    """In statements for whole tables: a delete through the ORM would have every issue in memory."""
    connection = connections[using]
    quote = connection.ops.quote_name
    waiting = deque([table])
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {quote(table._meta.db_table)}")  # noqa: S608
        while waiting:
            gone = waiting.popleft()
            there = f"SELECT {quote(str(gone._meta.pk.column))} FROM {quote(gone._meta.db_table)}"  # noqa: S608
            for child, column, nulls in _children(gone):
                if router.db_for_write(child) != using:
                    continue  # a key across databases: what it is in is wiped by itself, if the file replaces it
                name, key = quote(child._meta.db_table), quote(column)
                what = f"UPDATE {name} SET {key} = NULL" if nulls else f"DELETE FROM {name}"  # noqa: S608
                cursor.execute(f"{what} WHERE {key} IS NOT NULL AND {key} NOT IN ({there})")
                if cursor.rowcount and not nulls and child is not gone:
                    waiting.append(child)


def _children(parent: type[models.Model]) -> Iterator[tuple[type[models.Model], str, bool]]:
    """(table, column, whether it is nulled) of everything that refers to rows of `parent`."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            remote = field.remote_field
            if remote is None:
                if field.attname == _PLAIN_KEYS.get(parent):
                    yield model, str(field.column), False
            elif remote.model is parent:
                yield model, str(field.column), remote.on_delete is SET_NULL
