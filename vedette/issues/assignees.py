"""Who may take care of an issue, and who does.

Source: the issue workflow specification, 3.2, 3.3 and 8.1.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from vedette.accounts.models import User
from vedette.core.errors import RuleBroken
from vedette.core.ids import as_id
from vedette.issues.models import Group, GroupAssignee
from vedette.orgs.models import (
    InviteStatus,
    Organization,
    OrganizationFlags,
    OrganizationMember,
    OrganizationMemberTeam,
    Team,
)
from vedette.projects.models import Project, ProjectTeam

LONGEST_NAME = 254  # of a user, a team, or an address; SQLite compares with no more than 50,000 bytes


@dataclass(frozen=True, slots=True)
class Assignee:
    """A user or a team. `email` is empty for teams; `user` is the row of a user, where it was at hand."""

    kind: str
    id: int
    name: str
    email: str = ""
    user: User | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> str:
        """`user:7` or `team:3`: the form that writes take."""
        return f"{self.kind}:{self.id}"


def of_user(user: User) -> Assignee:
    """`user` as an assignee."""
    return Assignee("user", user.pk, user.display_name, user.email, user)


def of_team(team: Team) -> Assignee:
    """`team` as an assignee."""
    return Assignee("team", team.pk, team.slug)


def assignees_of(groups: Iterable[Group]) -> dict[int, Assignee]:
    """The assignee of each group that has one, by the group's id: two queries, however many groups."""
    rows = list(GroupAssignee.objects.filter(group__in=[group.pk for group in groups]).select_related("team"))
    users = {user.pk: user for user in User.objects.filter(pk__in=[row.user_id for row in rows if row.user_id])}
    found = {}
    for row in rows:
        if row.team is not None:
            found[row.group_id] = of_team(row.team)
        elif row.user_id in users:
            found[row.group_id] = of_user(users[row.user_id])
    return found


def assignee_of(group: Group) -> Assignee | None:
    """Who takes care of `group`."""
    return assignees_of([group]).get(group.pk)


def assignable(project: Project) -> list[Assignee]:
    """Everybody who may take care of the project's issues: its teams, then the organization's members, by name."""
    teams = [of_team(team) for team in project.teams.filter(status=0).order_by("slug")]
    members = OrganizationMember.objects.filter(
        organization_id=project.organization_id, invite_status=InviteStatus.APPROVED, user_id__isnull=False
    )
    users = User.objects.active().filter(pk__in=members.values_list("user_id", flat=True))
    return teams + sorted((of_user(user) for user in users), key=lambda who: who.name.lower())


def parse_assignee(text: str | None, organization: Organization, viewer: User | None = None) -> Assignee | None:
    """The assignee that `text` names: a user's id, `user:ID`, name, address or `me`; `team:ID` or `#slug`.

    None for the empty text, which takes the assignment away. Raises `RuleBroken` for the field `assignedTo`.
    """
    text = (text or "").strip()
    if not text:
        return None
    if len(text) > LONGEST_NAME:
        raise _broken("User is not a member of this organization")
    if text == "me":
        if viewer is None:
            raise _broken("This credential belongs to no user.")
        return _member(organization, viewer)
    kind, _, rest = text.partition(":")
    number = as_id(rest)
    if kind == "team" and number is not None:
        return _team(organization, Team.objects.filter(pk=number).first())
    if text.startswith("#"):
        return _team(organization, Team.objects.filter(organization=organization, slug__iexact=text[1:]).first())
    if kind == "user" and number is not None:
        return _member(organization, User.objects.filter(pk=number).first())
    if (bare := as_id(text)) is not None:
        return _member(organization, User.objects.filter(pk=bare).first())
    if kind in ("user", "team") and rest:
        raise _broken("Could not parse actor. Format should be `type:id` where type is `team` or `user`.")
    return _member(organization, _by_name(organization, text))


def check_access(assignee: Assignee | None, projects: Iterable[Project]) -> None:
    """Where membership is closed, only those who reach a project take care of its issues. Raises `RuleBroken`."""
    if assignee is None:
        return
    for project in projects:
        if project.organization.has_flag(OrganizationFlags.ALLOW_JOINLEAVE):
            continue
        teams = set(ProjectTeam.objects.filter(project=project).values_list("team_id", flat=True))
        if assignee.kind == "team" and assignee.id not in teams:
            raise _broken("Cannot assign to a team without access to the project")
        if assignee.kind == "user" and not teams & _teams_of(assignee.id, project.organization_id):
            raise _broken("Cannot assign to non-team member")


def _by_name(organization: Organization, text: str) -> User | None:
    """The member with this name or address: only members are looked at, so that nobody learns who else exists."""
    ids = OrganizationMember.objects.filter(organization=organization, user_id__isnull=False).values("user_id")
    candidates = User.objects.filter(pk__in=ids)
    return candidates.filter(username__iexact=text).first() or candidates.filter(email__iexact=text).first()


def _member(organization: Organization, user: User | None) -> Assignee:
    member = user and OrganizationMember.objects.filter(
        organization=organization, user_id=user.pk, invite_status=InviteStatus.APPROVED
    )
    if user is None or not member:
        raise _broken("User is not a member of this organization")
    if not user.is_active:
        raise _broken("Cannot assign to a deactivated member")
    return of_user(user)


def _team(organization: Organization, team: Team | None) -> Assignee:
    if team is None or team.organization_id != organization.pk:
        raise _broken("Team is not a member of this organization")
    return of_team(team)


def _broken(sentence: str) -> RuleBroken:
    return RuleBroken({"assignedTo": [sentence]})


def teams_of(user: User, organization: Organization) -> frozenset[int]:
    """The ids of the user's teams in the organization."""
    return _teams_of(user.pk, organization.pk)


def _teams_of(user_id: int, organization_id: int) -> frozenset[int]:
    rows = OrganizationMemberTeam.objects.filter(
        organizationmember__organization_id=organization_id, organizationmember__user_id=user_id, is_active=True
    )
    return frozenset(rows.values_list("team_id", flat=True))
