"""The teams that a project belongs to."""

from django.db import transaction

from vedette.accounts.models import User
from vedette.core.errors import RuleBroken
from vedette.orgs.audit import AuditEvent, record
from vedette.orgs.models import Team
from vedette.projects.models import Project, ProjectTeam


@transaction.atomic
def add_team(project: Project, team: Team, *, by: User | None = None, ip_address: str | None = None) -> bool:
    """Let the team have the project; False if it had. Raises `RuleBroken` for another organization's team."""
    if team.organization_id != project.organization_id:
        raise RuleBroken({"team": ["Invalid team"]})
    _, created = ProjectTeam.objects.get_or_create(project=project, team=team)
    if created:
        _record(project, f"now of the team {team.slug}", by, ip_address)
    return created


@transaction.atomic
def remove_team(project: Project, team: Team, *, by: User | None = None, ip_address: str | None = None) -> bool:
    """Take the project away from the team; False if it did not have it."""
    gone, _ = ProjectTeam.objects.filter(project=project, team=team).delete()
    if gone:
        _record(project, f"not of the team {team.slug} any more", by, ip_address)
    return bool(gone)


def _record(project: Project, change: str, by: User | None, ip_address: str | None) -> None:
    data = {"slug": project.slug, "changed": change}
    record(AuditEvent.PROJECT_EDIT, project.organization, by=by, target=project.pk, data=data, ip_address=ip_address)
