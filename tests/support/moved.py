"""What an import has written, told without the ids it happened to give: for comparing two imports of one file.

Rows are told under the pks that they have in the file, and so are their foreign keys and hidden references, through the
maps in the import's chunks. What is drawn at random is left out.
"""

from collections import Counter
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from vedette.core.relocation import Silo
from vedette.relocation.graph import Declaration, graph
from vedette.relocation.importing import silos
from vedette.relocation.importing.chunks import chunk_table, written_by
from vedette.relocation.models import ControlImportChunk, ControlImportChunkReplica, ExtraFields
from vedette.relocation.references import with_references
from vedette.relocation.shapes import references_of

Key = tuple[str, int]
RANDOM = {
    "sentry.user": {"password", "last_password_change"},
    "sentry.useremail": {"validation_hash", "date_hash_added"},
    "sentry.monitor": {"guid"},
    "sentry.incident": {"detection_uuid"},
    "sentry.incidentactivity": {"notification_uuid"},
    "sentry.querysubscription": {"subscription_id"},
}


def moved(import_uuid: str) -> dict[Key, dict[str, Any]]:
    """Every row that stands for one of the file, by model and pk in the file."""
    old: dict[Key, int] = {}
    order = graph()
    for silo in Silo:
        chunks = chunk_table(silo)._default_manager.using(silos.alias(silo)).filter(import_uuid=import_uuid)
        for chunk in chunks.exclude(model="(wiped)"):
            old.update({(chunk.model, row.pk): pk for pk, row in written_by(chunk).items()})
    found: dict[Key, dict[str, Any]] = {}
    for declaration in order:
        for pk, fields in _rows(declaration):
            if (declaration.wire.model, pk) in old:
                found[declaration.wire.model, old[declaration.wire.model, pk]] = _in_terms_of_the_file(
                    declaration, fields, old
                )
    return found


def strangers(import_uuid: str) -> Counter[str]:
    """How many rows of each model no chunk of this import knows: what was written twice, or by nobody."""
    known: set[Key] = set()
    for silo in Silo:
        chunks = chunk_table(silo)._default_manager.using(silos.alias(silo)).filter(import_uuid=import_uuid)
        for chunk in chunks:
            known |= {(chunk.model, row.pk) for row in written_by(chunk).values()}
    rows = ((declaration.wire.model, pk) for declaration in graph() for pk, _ in _rows(declaration))
    return Counter(model for model, pk in rows if (model, pk) not in known)


def unreplicated() -> int:
    """How many control chunks the region has no copy of."""
    here = ControlImportChunk.objects.using(silos.alias(Silo.CONTROL)).count()
    return here - ControlImportChunkReplica.objects.using(silos.alias(Silo.REGION)).count()


def _rows(declaration: Declaration) -> Any:
    using = silos.alias(declaration)
    if declaration.table is None:
        kept: Any = silos.preserved_table(declaration.wire.silo)
        yield from kept.objects.using(using).filter(model=declaration.wire.model).values_list("pk", "fields")
        return
    extras = dict(
        ExtraFields.objects.using(using).filter(model=declaration.wire.model).values_list("pk_of_row", "fields")
    )
    names = {str(declaration.column(name)): name for name in (*declaration.wire.fields, *declaration.wire.foreign_keys)}
    for values in declaration.table._base_manager.using(using).values():
        fields = {names[column]: value for column, value in values.items() if column in names}
        yield values[declaration.table._meta.pk.attname], fields | extras.get(values["id"], {})


def _in_terms_of_the_file(declaration: Declaration, fields: dict[str, Any], old: dict[Key, int]) -> dict[str, Any]:
    model, keys = declaration.wire.model, declaration.wire.foreign_keys
    if declaration.is_preserved:
        fields = with_references(
            fields, [(one, old.get((one.target, one.pk), one.pk)) for one in references_of(model, fields)]
        )
    told = {}
    for name, value in fields.items():
        if name in keys and value is not None:
            told[name] = old.get((keys[name].target, value), f"stranger {value}")
        elif name not in RANDOM.get(model, ()):
            told[name] = value if not hasattr(value, "isoformat") else DjangoJSONEncoder().default(value)
    return told
