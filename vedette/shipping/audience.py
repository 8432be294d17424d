"""Whom a deploy concerns: members who wrote a commit of the release, and members who want to hear of every deploy.

Nobody hears of what they do not reach: whoever reaches none of the release's projects is not told, and whoever reaches
some is told of those. Source: the release specification, 11.3.
"""

from collections.abc import Collection

from vedette.accounts.models import UserEmail
from vedette.core.pieces import pieces
from vedette.mail.preferences import ALL, DEPLOYS, NEVER, who_chose
from vedette.orgs.addresses import members_by_address
from vedette.orgs.models import (
    InviteStatus,
    Organization,
    OrganizationFlags,
    OrganizationMember,
    OrganizationMemberTeam,
    OrganizationStatus,
)
from vedette.orgs.roles import role
from vedette.projects.models import ObjectStatus, Project, ProjectTeam
from vedette.releases.models import CommitAuthor, Release, ReleaseCommit


def audience(release: Release, only: int | None = None) -> dict[int, frozenset[int]]:
    """Who is to be told of deploys of `release`, and of which projects: ids by ids of users. With `only`, as if that
    user were the only one."""
    organization = release.organization
    links = release.project_links.filter(project__status=ObjectStatus.ACTIVE)
    projects = frozenset(links.values_list("project_id", flat=True))
    if organization.status != OrganizationStatus.ACTIVE or not projects:
        return {}
    among = None if only is None else {only}
    committers = _committers(release)
    wanted = _verified(who_chose(DEPLOYS, ALL, among)) | (committers if among is None else committers & among)
    wanted -= who_chose(DEPLOYS, NEVER, wanted)
    return reach_of(organization, wanted, projects)


def reach_of(
    organization: Organization, user_ids: Collection[int], projects: frozenset[int]
) -> dict[int, frozenset[int]]:
    """Which of `projects`, which are the organization's, each of these users reaches as its member; who reaches none is
    left out."""
    found: dict[int, frozenset[int]] = {}
    for some in pieces(user_ids):
        members = OrganizationMember.objects.filter(
            organization=organization, invite_status=InviteStatus.APPROVED, user_id__in=some
        )
        of_teams: dict[int, int] = {}
        for pk, user, role_name in members.values_list("pk", "user_id", "role"):
            if user is None:
                continue
            if organization.has_flag(OrganizationFlags.ALLOW_JOINLEAVE) or role(role_name).is_global:
                found[user] = projects
            else:
                of_teams[pk] = user
        found |= _through_teams(of_teams, projects)
    return found


def _committers(release: Release) -> set[int]:
    """The members who wrote a commit of the release, by their verified addresses."""
    authors = ReleaseCommit.objects.filter(release=release).values("commit__author_id")
    emails = set(CommitAuthor.objects.filter(pk__in=authors).values_list("email", flat=True))
    found = members_by_address(release.organization_id, emails)
    return {user for users in found.values() for user in users}


def _verified(user_ids: Collection[int]) -> set[int]:
    """Those of them who may sign in and have a verified address."""
    found: set[int] = set()
    for some in pieces(user_ids):
        rows = UserEmail.objects.filter(user_id__in=some, is_verified=True, user__is_active=True)
        found |= set(rows.values_list("user_id", flat=True))
    return found


def _through_teams(members: dict[int, int], projects: frozenset[int]) -> dict[int, frozenset[int]]:
    """The same for members of closed organizations, by the id of their membership: what their teams work on."""
    if not members:
        return {}
    memberships = OrganizationMemberTeam.objects.filter(
        organizationmember__in=list(members), is_active=True, team__status=0
    )
    pairs = list(memberships.values_list("organizationmember_id", "team_id"))
    of_team: dict[int, set[int]] = {}
    links = ProjectTeam.objects.filter(team__in={team for _, team in pairs}, project__in=projects)
    for team, project in links.values_list("team_id", "project_id"):
        of_team.setdefault(team, set()).add(project)
    found: dict[int, set[int]] = {}
    for member, team in pairs:
        if team in of_team:
            found.setdefault(members[member], set()).update(of_team[team])
    return {user: frozenset(reached) for user, reached in found.items()}


def projects_named(project_ids: Collection[int]) -> str:
    """The slugs of projects, for a sentence."""
    return ", ".join(Project.objects.filter(pk__in=list(project_ids)).order_by("slug").values_list("slug", flat=True))
