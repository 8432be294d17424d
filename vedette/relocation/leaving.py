"""What goes when somebody goes: preserved rows of the region that are nothing without a user.

Rows of the control silo go by their foreign key. The region's have a plain id, so they are deleted here.
"""

from typing import Any

from vedette.accounts.models import User
from vedette.relocation.models import PreservedRegionRow


def on_deleted_user(instance: User, **_: Any) -> None:
    """Delete what was kept for this user; in the transaction that deletes the account, where there is one."""
    PreservedRegionRow.objects.filter(user_id=instance.pk).delete()
