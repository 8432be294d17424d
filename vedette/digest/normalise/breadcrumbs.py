"""Defaults of breadcrumbs.

Source: the ingest specification, 7.1.
"""

from vedette.digest.draft import Draft
from vedette.digest.normalise.fields import LEVELS


def settle_breadcrumbs(draft: Draft) -> Draft:
    """Every breadcrumb with a type (old clients call it `ty`) and a level."""
    if draft.event.breadcrumbs is None:
        return draft
    for index, crumb in enumerate(draft.event.breadcrumbs.values):
        if crumb.ty is not None:
            crumb.type, crumb.ty = crumb.type or crumb.ty, None
        if not crumb.type:
            crumb.type = "default"
        level = crumb.level
        crumb.level = "info" if level is None else LEVELS.get(level, "")
        if not crumb.level:
            path = ("breadcrumbs", "values", str(index), "level")
            draft.notes.error("invalid_data", path, reason="expected a level")
            crumb.level = "info"
    return draft
