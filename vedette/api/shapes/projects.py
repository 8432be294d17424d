"""Projects."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, TypedDict, cast

from django.db.models import OuterRef, Subquery

from vedette.api.shapes.base import LETTERS, Avatar, Moment, z
from vedette.api.shapes.teams import TeamName, team_name
from vedette.core.clock import as_z
from vedette.issues.models import UserReport
from vedette.orgs.access import Access
from vedette.orgs.models import Team
from vedette.projects.models import EnvironmentProject, ObjectStatus, Project, ProjectFlags, ProjectTeam
from vedette.projects.options import options_of
from vedette.releases.models import ReleaseProject

# Readable on light and on dark surfaces; a project's is picked by its slug.
_COLORS = ("#4a5bbf", "#bf4a7a", "#3f8f5f", "#b36b1e", "#7a52b3", "#2f86a6", "#a64b3c", "#5c7a2e")


class ReleaseName(TypedDict):
    """A release by version."""

    version: str


class ProjectName(TypedDict):
    """A project by name."""

    id: str
    slug: str
    name: str
    platform: str | None


class ProjectSummary(TypedDict):
    """A project, as lists show it."""

    id: str
    slug: str
    name: str
    platform: str | None
    dateCreated: Moment
    isBookmarked: bool
    isMember: bool
    hasAccess: bool
    features: list[str]
    firstEvent: Moment | None
    firstTransactionEvent: bool
    access: list[str]
    team: TeamName | None
    teams: list[TeamName]
    platforms: list[str]
    environments: list[str]
    latestRelease: ReleaseName | None
    hasProfiles: bool
    hasReplays: bool
    hasLogs: bool
    hasSessions: bool
    hasMonitors: bool
    hasFeedbacks: bool
    hasNewFeedbacks: bool
    hasUserReports: bool
    hasMinifiedStackTrace: bool
    hasFlags: bool
    isInternal: bool
    isPublic: bool
    avatar: Avatar
    color: str
    status: str


class OrganizationName(TypedDict):
    """The organization of a project."""

    id: str
    slug: str
    name: str


class OwnedProject(ProjectSummary):
    """A project with the organization that it belongs to."""

    organization: OrganizationName


class ProjectDetails(ProjectSummary):
    """A project with its settings. `organization` is the whole one unless `collapse=organization`."""

    organization: dict[str, Any]
    options: dict[str, Any]
    digestsMinDelay: int
    digestsMaxDelay: int
    resolveAge: int
    stormEventsPerMinute: int | None
    escalateNewIssues: bool
    autoAssignment: str
    processingIssues: int
    subjectPrefix: str
    subjectTemplate: str
    securityToken: str
    securityTokenHeader: str | None
    verifySSL: bool
    scrubIPAddresses: bool
    scrapeJavaScript: bool
    dataScrubber: bool
    dataScrubberDefaults: bool
    allowedDomains: list[str]
    safeFields: list[str]
    sensitiveFields: list[str]
    storeCrashReports: int | None
    fingerprintingRules: str
    groupingEnhancements: str
    groupingConfig: str
    secondaryGroupingConfig: str
    secondaryGroupingExpiry: int
    symbolSources: str
    builtinSymbolSources: list[str]
    relayPiiConfig: str | None
    defaultEnvironment: str | None
    highlightTags: list[str]
    highlightContext: dict[str, Any]
    enableAutoReleaseCreation: bool
    plugins: list[Any]


# The options that are shown by their own name; the rest are in `options`.
_NAMED = (
    "digestsMinDelay digestsMaxDelay resolveAge subjectPrefix subjectTemplate securityToken securityTokenHeader "
    "verifySSL scrubIPAddresses scrapeJavaScript dataScrubber dataScrubberDefaults allowedDomains safeFields "
    "sensitiveFields storeCrashReports fingerprintingRules groupingEnhancements relayPiiConfig defaultEnvironment "
    "groupingConfig secondaryGroupingConfig secondaryGroupingExpiry "
    "highlightTags highlightContext enableAutoReleaseCreation stormEventsPerMinute "
    "escalateNewIssues autoAssignment"
).split()


def project_name(project: Project) -> ProjectName:
    """A project by name."""
    return {"id": str(project.pk), "slug": project.slug, "name": project.name, "platform": project.platform}


def project_color(project: Project) -> str:
    """The project's colour: the one chosen for it, else one that stays the same."""
    if project.forced_color:
        return f"#{project.forced_color}"
    return _COLORS[sum(project.slug.encode()) % len(_COLORS)]


def project_summaries(projects: Collection[Project], access: Access) -> list[ProjectSummary]:
    """Projects for a list: four queries, however many they are."""
    ids = [project.pk for project in projects]
    teams = _teams(ids)
    environments = _environments(ids)
    latest = _latest_releases(ids)
    with_reports = set(UserReport.objects.filter(project__in=ids).values_list("project_id", flat=True).distinct())
    return [
        _summary(
            project,
            access,
            teams.get(project.pk, []),
            sorted(environments.get(project.pk, [])),
            latest.get(project.pk),
            project.pk in with_reports,
        )
        for project in projects
    ]


def project_summary(project: Project, access: Access) -> ProjectSummary:
    """One project as lists show it."""
    return project_summaries([project], access)[0]


def _summary(
    project: Project,
    access: Access,
    teams: list[Team],
    environments: list[str],
    latest: str | None,
    has_reports: bool,
) -> ProjectSummary:
    own = [access.teams[team.pk] for team in teams if team.pk in access.teams]
    flags = ProjectFlags(project.flags & sum(ProjectFlags))
    return {
        "id": str(project.pk),
        "slug": project.slug,
        "name": project.name,
        "platform": project.platform,
        "dateCreated": as_z(project.date_added),
        "isBookmarked": False,
        "isMember": bool(own),
        "hasAccess": access.all_projects or bool(own),
        "features": ["releases"] if ProjectFlags.HAS_RELEASES in flags else [],
        "firstEvent": z(project.first_event),
        "firstTransactionEvent": ProjectFlags.HAS_TRANSACTIONS in flags,
        "access": sorted(access.scopes.union(*own)),
        "team": team_name(teams[0]) if teams else None,
        "teams": [team_name(team) for team in teams],
        "platforms": [project.platform] if project.platform else [],
        "environments": environments,
        "latestRelease": {"version": latest} if latest else None,
        "hasProfiles": ProjectFlags.HAS_PROFILES in flags,
        "hasReplays": ProjectFlags.HAS_REPLAYS in flags,
        "hasLogs": False,
        "hasSessions": ProjectFlags.HAS_SESSIONS in flags,
        "hasMonitors": False,
        "hasFeedbacks": ProjectFlags.HAS_FEEDBACKS in flags,
        "hasNewFeedbacks": ProjectFlags.HAS_NEW_FEEDBACKS in flags,
        "hasUserReports": has_reports,
        "hasMinifiedStackTrace": False,
        "hasFlags": False,
        "isInternal": False,
        "isPublic": project.public,
        "avatar": LETTERS,
        "color": project_color(project),
        "status": "active" if project.status == ObjectStatus.ACTIVE else ObjectStatus(project.status).name.lower(),
    }


def _teams(ids: list[int]) -> dict[int, list[Team]]:
    found: dict[int, list[Team]] = defaultdict(list)
    links = ProjectTeam.objects.filter(project__in=ids, team__status=0).select_related("team").order_by("team__slug")
    for link in links:
        found[link.project_id].append(link.team)
    return found


def _environments(ids: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    rows = EnvironmentProject.objects.filter(project__in=ids).exclude(is_hidden=True).exclude(environment__name="")
    for project_id, name in rows.values_list("project_id", "environment__name"):
        found[project_id].append(name)
    return found


def _latest_releases(ids: Iterable[int]) -> dict[int, str]:
    """The version of each project's newest release by date."""
    links = ReleaseProject.objects.filter(project=OuterRef("pk")).order_by("-release__sort_date", "-release_id")
    rows = Project.objects.filter(pk__in=list(ids)).annotate(newest=Subquery(links.values("release__version")[:1]))
    return {project_id: version for project_id, version in rows.values_list("pk", "newest") if version}


def project_details(project: Project, access: Access, organization: dict[str, Any]) -> ProjectDetails:
    """One project with its settings; `organization` as it is to be shown."""
    options = options_of([project.pk])[project.pk]
    named = {name: _plain(options[name]) for name in _NAMED}
    details = {
        **project_summary(project, access),
        **named,
        "organization": organization,
        "options": {field: _shown(value) for field, value in options.items() if ":" in field},
        "processingIssues": 0,
        "symbolSources": "[]",
        "builtinSymbolSources": [],
        "plugins": [],
    }
    return cast("ProjectDetails", details)  # the checker does not see the keys of `named`; a test does


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _shown(value: Any) -> Any:
    """Lists in `options` are texts with a line for each."""
    return "\n".join(value) if isinstance(value, tuple) else value
