"""The first visit: while there is no user, the only page is the one that makes the owner.

Two people who send it at the same moment make one owner: the check and the writing happen under one lock.
"""

from dataclasses import dataclass

from django.db import connection, transaction

from vedette.accounts.models import User
from vedette.accounts.users import create_user
from vedette.orgs.models import Organization, Team
from vedette.orgs.services import create_organization
from vedette.projects.models import Project
from vedette.projects.services import create_project

_LOCK = 0x7665_6474  # any number, the same in every process
_known_to_have_users = False


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What the set-up made."""

    owner: User
    organization: Organization
    project: Project


def needs_set_up() -> bool:
    """Whether there is no user yet. Once one is seen the answer stays no, without asking the database again."""
    global _known_to_have_users
    if _known_to_have_users:
        return False
    found = User.objects.exists()
    _known_to_have_users = found
    return not found


@transaction.atomic
def set_up(*, organization: str, email: str, password: str, project: str, platform: str) -> FirstRun | None:
    """Make the owner, the organization and its first project; None when somebody else was first.

    Raises `RuleBroken`, and has then written nothing.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    # SQLite: the transaction began IMMEDIATE, so this process is the only writer until it ends.
    if User.objects.exists():
        return None
    owner = create_user(email, password, superuser=True, verified=True)
    made = create_organization(organization, owner=owner)
    team = Team.objects.filter(organization=made).first()
    return FirstRun(owner, made, create_project(made, project, platform=platform or None, team=team, by=owner))
