"""Ids that hide in text, in JSON and in plain integers, told by the row that they lead to.

The same reference has another number in another installation. So that two files can be compared, each id that is known
for one is replaced by the model and the ordinal of its row; one that leads to no row of its file stays a number.
Source: the relocation specification, 5.6.
"""

from collections.abc import Callable
from typing import Any

from vedette.relocation.references import references_of, with_references

Fields = dict[str, Any]
OrdinalOf = Callable[[str, int], int | None]


def by_ordinal(model: str, fields: Fields, ordinal_of: OrdinalOf) -> Fields:
    """The fields of a whole row with its hidden references resolved; the same object where it has none."""
    found = [(reference, ordinal_of(reference.target, reference.pk)) for reference in references_of(model, fields)]
    led = [(one, f"{one.target} #{ordinal}") for one, ordinal in found if ordinal is not None]
    return with_references(fields, led) if led else fields
