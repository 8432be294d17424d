"""Where one can go, as data: the bar on top, the tabs of an organization's settings, the tabs of a project.

An entry stands only where its page would open: `scopes` are those of the page's own door.
"""

from dataclasses import dataclass

from vedette.orgs.access import Access


@dataclass(frozen=True, slots=True)
class Entry:
    """A link to the page `route`. `names` are further routes on which it counts as the current place."""

    label: str
    route: str
    names: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()

    def is_current(self, route: str) -> bool:
        """Whether the page behind `route` belongs to this entry."""
        return route == self.route or route in self.names

    def opens_for(self, access: Access | None) -> bool:
        """Whether its page would open for the visitor."""
        if not self.scopes:
            return True
        return access is not None and access.has_any_for_teams(frozenset(access.teams), *self.scopes)


SETTINGS = (
    Entry("General", "organization_settings", scopes=("org:write", "org:admin")),
    Entry("Members", "members", ("member",)),
    Entry("Teams", "teams", ("team",), scopes=("team:read", "team:write", "team:admin")),
    Entry("Organization tokens", "organization_tokens", scopes=("org:write", "org:admin")),
    Entry("Repositories", "repositories", ("repository",), scopes=("org:write", "org:admin", "org:integrations")),
    Entry("Webhooks", "webhooks", ("webhook",), scopes=("org:write", "org:admin", "org:integrations")),
    Entry("Limits", "organization_limits", scopes=("org:write", "org:admin")),
    Entry("Data scrubbing", "organization_scrubbing", scopes=("org:write", "org:admin")),
    Entry("Retention", "organization_keeping", ("delete_organization",), scopes=("org:write", "org:admin")),
    Entry("Export & import", "moves", ("move", "ask_export", "ask_import"), scopes=("org:admin",)),
    Entry("Audit log", "audit_log", scopes=("org:write", "org:admin")),
)
PROJECT = (
    Entry("Connect", "project"),
    Entry("Filters & limits", "project_filters", ("project_key_limit",)),
    Entry("Releases", "project_releases"),
    Entry("Data scrubbing", "project_scrubbing"),
    Entry("Issue grouping", "project_grouping"),
    Entry("New issues", "project_issues"),
    Entry("What is kept", "project_keeping", ("delete_project",)),
)
ORGANIZATION = (
    Entry("Issues", "stream", ("issue", "event", "event_grouping", "events", "tag", "assign", "resolve", "archive")),
    Entry("Releases", "releases", ("release", "release_health", "release_commits", "compare_releases")),
    Entry("Performance", "performance", ("transaction", "trace", "span")),
    Entry("Feedback", "feedback"),
    Entry("Projects", "projects", ("new_project", *(entry.route for entry in PROJECT))),
    Entry("Stats", "stats", scopes=("org:read", "org:write", "org:admin")),
    Entry("Settings", "members", tuple(name for entry in SETTINGS for name in (entry.route, *entry.names))),
)
PLACES = {"organization": ORGANIZATION, "settings": SETTINGS, "project": PROJECT}


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as one visitor sees it on one page."""

    label: str
    route: str
    is_current: bool


def links(place: str, route: str, access: Access | None) -> tuple[Link, ...]:
    """The entries of a place (`organization`, `settings`, `project`) that open for the visitor of the page `route`."""
    return tuple(
        Link(entry.label, f"web:{entry.route}", entry.is_current(route))
        for entry in PLACES[place]
        if entry.opens_for(access)
    )
