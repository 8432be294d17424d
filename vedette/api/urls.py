"""The routes of the API, below /api/0/."""

from django.urls import URLPattern, URLResolver, path, re_path

from vedette.api import (
    attachments,
    environments,
    events,
    feedback,
    issue_details,
    issues,
    keys,
    members,
    organizations,
    projects,
    releases,
    repositories,
    root,
    stats,
    tags,
    teams,
)

ORGANIZATION = "organizations/<organization_id_or_slug>"
PROJECT = "projects/<organization_id_or_slug>/<project_id_or_slug>"
TEAM = "teams/<organization_id_or_slug>/<team_id_or_slug>"

# An issue's routes exist in four spellings; the first is the documented one.
ISSUE_SPELLINGS = (
    f"{ORGANIZATION}/issues/<issue_id>/",
    f"{ORGANIZATION}/groups/<issue_id>/",
    "issues/<issue_id>/",
    "groups/<issue_id>/",
)
ISSUE = {
    "": issue_details.IssueItem,
    "activities/": issue_details.IssueActivities,
    "notes/": issue_details.IssueNotes,
    "comments/": issue_details.IssueNotes,
    "hashes/": issue_details.IssueHashes,
    "user-reports/": issue_details.IssueUserReports,
    "events/": events.IssueEvents,
    "events/<event_id>/": events.IssueEvent,
    "tags/": tags.IssueTags,
    "tags/<key>/": tags.IssueTag,
    "tags/<key>/values/": tags.IssueTagValues,
}


def issue_routes() -> list[URLPattern]:
    """Every route of one issue in every spelling."""
    return [
        path(
            f"{spelling}{rest}",
            view.as_view() if spelling == ISSUE_SPELLINGS[0] and rest != "comments/" else view.as_view(schema=None),
        )
        for spelling in ISSUE_SPELLINGS
        for rest, view in ISSUE.items()
    ]


urlpatterns: list[URLPattern | URLResolver] = [
    path("", root.RootEndpoint.as_view()),
    path("auth/", root.AuthEndpoint.as_view()),
    path("users/me/", root.MeEndpoint.as_view()),
    path("internal/health/", root.HealthEndpoint.as_view()),
    path("openapi.json", root.DocumentEndpoint.as_view()),
    path("schema/", root.DocumentEndpoint.as_view(schema=None)),
    path("organizations/", organizations.OrganizationList.as_view()),
    path(f"{ORGANIZATION}/", organizations.OrganizationItem.as_view()),
    path(f"{ORGANIZATION}/projects/", projects.OrganizationProjects.as_view()),
    path(f"{ORGANIZATION}/teams/", teams.TeamList.as_view()),
    path(f"{ORGANIZATION}/members/", members.MemberList.as_view()),
    path(f"{ORGANIZATION}/members/<member_id>/", members.MemberItem.as_view()),
    path(f"{ORGANIZATION}/project-keys/", keys.OrganizationKeys.as_view()),
    path(f"{ORGANIZATION}/environments/", environments.OrganizationEnvironments.as_view()),
    path(f"{ORGANIZATION}/issues/", issues.OrganizationIssues.as_view()),
    path(f"{ORGANIZATION}/shortids/<short_id>/", issue_details.ShortIdItem.as_view()),
    path(f"{ORGANIZATION}/eventids/<event_id>/", events.EventIdItem.as_view()),
    path(f"{ORGANIZATION}/tags/", tags.OrganizationTags.as_view()),
    path(f"{ORGANIZATION}/stats_v2/", stats.OrganizationStats.as_view()),
    path(f"{ORGANIZATION}/releases/", releases.ReleaseList.as_view()),
    path(f"{ORGANIZATION}/releases/<version>/", releases.ReleaseItem.as_view()),
    path(f"{ORGANIZATION}/repos/", repositories.RepositoryList.as_view()),
    path("projects/", projects.ProjectList.as_view()),
    path(f"{PROJECT}/", projects.ProjectItem.as_view()),
    path(f"{PROJECT}/teams/", projects.ProjectTeams.as_view()),
    path(f"{PROJECT}/keys/", keys.KeyList.as_view()),
    path(f"{PROJECT}/keys/<key_id>/", keys.KeyItem.as_view()),
    path(f"{PROJECT}/environments/", environments.ProjectEnvironments.as_view()),
    path(f"{PROJECT}/issues/", issues.ProjectIssues.as_view()),
    path(f"{PROJECT}/events/", events.ProjectEvents.as_view()),
    path(f"{PROJECT}/events/<event_id>/", events.ProjectEvent.as_view()),
    path(f"{PROJECT}/events/<event_id>/json/", events.ProjectEventJson.as_view()),
    path(f"{PROJECT}/events/<event_id>/attachments/", attachments.AttachmentList.as_view()),
    path(f"{PROJECT}/events/<event_id>/attachments/<attachment_id>/", attachments.AttachmentItem.as_view()),
    path(f"{PROJECT}/stats/", stats.ProjectStats.as_view()),
    path(f"{PROJECT}/user-feedback/", feedback.ProjectFeedback.as_view()),
    path(f"{TEAM}/", teams.TeamItem.as_view()),
    path(f"{TEAM}/projects/", teams.TeamProjects.as_view()),
    *issue_routes(),
    re_path(r"", root.Nowhere.as_view(schema=None)),
]
