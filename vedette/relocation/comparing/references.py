"""Ids that hide in text, in JSON and in plain integers, told by the row that they lead to.

The same reference has another number in another installation. So that two files can be compared, each of them is
replaced by the model and the ordinal of its row. One that leads to no row of its file becomes what an import makes of
it: both lead nowhere. Source: the relocation specification, 5.6.
"""

from collections.abc import Callable
from typing import Any

from vedette.relocation.references import with_references
from vedette.relocation.shapes import references_of

OrdinalOf = Callable[[str, int], int | None]


def by_ordinal(model: str, fields: dict[str, Any], ordinal_of: OrdinalOf) -> dict[str, Any]:
    """The fields with their hidden references resolved; the same object where they have none."""
    found = references_of(model, fields)
    if not found:
        return fields
    ordinals = ((reference, ordinal_of(reference.target, reference.pk)) for reference in found)
    return with_references(
        fields,
        [(reference, None if ordinal is None else f"{reference.target} #{ordinal}") for reference, ordinal in ordinals],
    )
