"""What users chose about themselves: settings that hold in all of their organizations.

Source: the issue workflow specification, 5.2, and the relocation specification, for the form of the values.
"""

from collections.abc import Collection

from vedette.accounts.models import User, UserOption
from vedette.core.pieces import pieces

SELF_ASSIGN_ISSUE = "self_assign_issue"  # what they resolve becomes theirs, if it is nobody's
ON, OFF = "1", "0"


def set_option(user: User, key: str, value: str) -> None:
    """Keep what the user chose; of two who write at once the last one stays."""
    UserOption.objects.update_or_create(
        user=user, organization_id=None, project_id=None, key=key, defaults={"value": value}
    )


def who_has_on(key: str, user_ids: Collection[int]) -> set[int]:
    """Those of these users who have switched `key` on."""
    found: set[int] = set()
    for some in pieces(set(user_ids)):
        rows = UserOption.objects.filter(user_id__in=some, organization_id=None, project_id=None, key=key, value=ON)
        found |= set(rows.values_list("user_id", flat=True))
    return found
