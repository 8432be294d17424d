"""Where a model lives and how it travels: declared once, on the model.

Exports, imports, comparisons and the documentation read the declaration. Source: the relocation specification, 2.1
and 5.1.
"""

from dataclasses import dataclass
from enum import StrEnum


class Silo(StrEnum):
    """Control data is about people and installations, region data about what organizations own.

    A region model refers to a control model by plain id, without a database constraint, so that the two can be
    kept in different databases later.
    """

    CONTROL = "Control"
    REGION = "Region"


class RelocationScope(StrEnum):
    """What an export must hold to carry a model."""

    EXCLUDED = "Excluded"
    USER = "User"
    ORGANIZATION = "Organization"
    CONFIG = "Config"
    GLOBAL = "Global"


@dataclass(frozen=True, slots=True)
class Relocation:
    """`model` is the wire name in an export file; `scopes` has several entries where each row decides."""

    model: str
    silo: Silo
    scopes: tuple[RelocationScope, ...]
