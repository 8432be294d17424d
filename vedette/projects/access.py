"""Which projects a caller reaches. Every query about a project's data starts here."""

from django.db.models import QuerySet

from vedette.orgs.access import Access
from vedette.projects.models import ObjectStatus, Project


def reachable_projects(access: Access) -> QuerySet[Project]:
    """The active projects that the caller may read, in the caller's organization only."""
    active = Project.objects.filter(organization=access.organization, status=ObjectStatus.ACTIVE)
    if access.all_projects:
        return active
    return active.filter(teams__in=list(access.teams)).distinct()


def may(access: Access, project: Project, *scopes: str) -> bool:
    """Whether the caller holds one of `scopes` for `project`, by role or by team. One query, or none where the
    project's teams were fetched before."""
    if project.organization_id != access.organization.pk:
        return False
    team_ids = frozenset(team.pk for team in project.teams.all())
    if not access.all_projects and not team_ids & access.teams.keys():
        return False
    return access.has_any_for_teams(team_ids, *scopes)
