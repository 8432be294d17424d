"""Organizations."""

from collections.abc import Collection
from typing import Any, TypedDict

from django.conf import settings

from vedette.api.shapes.base import LETTERS, Avatar, Moment, picture
from vedette.api.shapes.projects import ProjectSummary
from vedette.api.shapes.roles import OrgRole, TeamRole, org_roles, team_roles
from vedette.api.shapes.teams import TeamShape
from vedette.core.clock import as_z
from vedette.orgs.access import Access
from vedette.orgs.avatars import idents_of
from vedette.orgs.models import (
    InviteStatus,
    Organization,
    OrganizationFlags,
    OrganizationMember,
    OrganizationStatus,
)
from vedette.orgs.options import options_of
from vedette.orgs.relays import TrustedRelay, relays_of
from vedette.orgs.roles import ROLES


class Status(TypedDict):
    """Where an organization stands in its life."""

    id: str
    name: str


class OrganizationLinks(TypedDict):
    """Where it is to be found."""

    organizationUrl: str
    regionUrl: str


class OrganizationSummary(TypedDict):
    """An organization, as lists show it."""

    id: str
    slug: str
    name: str
    dateCreated: Moment
    status: Status
    isEarlyAdopter: bool
    require2FA: bool
    requireEmailVerification: bool
    features: list[str]
    avatar: Avatar
    links: OrganizationLinks
    hasAuthProvider: bool
    allowMemberInvite: bool
    allowMemberProjectCreation: bool
    allowSuperuserAccess: bool
    orgRole: str | None


class Quota(TypedDict):
    """Limits of an organization."""

    maxRate: int | None
    maxRateInterval: int
    accountLimit: int
    projectLimit: int


class RoleName(TypedDict):
    """A role by name."""

    id: str
    name: str


class TrustedRelayShape(TypedDict):
    """A relay that the organization runs itself."""

    publicKey: str
    name: str
    description: str
    created: str
    lastModified: str


class OrganizationWithoutProjects(OrganizationSummary):
    """An organization with its settings."""

    access: list[str]
    role: str | None
    isDefault: bool
    quota: Quota
    defaultRole: str
    availableRoles: list[RoleName]
    orgRoleList: list[OrgRole]
    teamRoleList: list[TeamRole]
    openMembership: bool
    allowSharedIssues: bool
    enhancedPrivacy: bool
    codecovAccess: bool
    trustedRelays: list[TrustedRelayShape]
    apdexThreshold: int
    aiSuggestedSolution: bool
    githubPRBot: bool
    githubOpenPRBot: bool
    githubNudgeInvite: bool
    aggregatedDataConsent: bool
    genAIConsent: bool
    dataScrubber: bool
    dataScrubberDefaults: bool
    scrubIPAddresses: bool
    scrapeJavaScript: bool
    allowJoinRequests: bool
    eventsMemberAdmin: bool
    alertsMemberWrite: bool
    sensitiveFields: list[str]
    safeFields: list[str]
    storeCrashReports: int
    attachmentsRole: str
    debugFilesRole: str
    relayPiiConfig: str | None
    retentionDays: int | None
    attachmentRetentionDays: int | None
    stormEventsPerMinute: int | None
    errorLimit: int
    transactionLimit: int
    attachmentLimit: int
    attachmentBytesLimit: int
    sessionLimit: int
    feedbackLimit: int
    spikeProtection: bool
    pendingAccessRequests: int
    onboardingTasks: list[Any]


class OrganizationDetails(OrganizationWithoutProjects, total=False):
    """An organization with its settings, and its teams and projects unless `detailed=0`."""

    teams: list[TeamShape]
    projects: list[ProjectSummary]


def organization_summaries(
    organizations: Collection[Organization], roles: dict[int, str | None]
) -> list[OrganizationSummary]:
    """Organizations for a list; `roles` is the caller's role in each, by id. Two queries."""
    options = options_of([organization.pk for organization in organizations])
    pictures = idents_of([organization.pk for organization in organizations])
    return [_summary(one, roles.get(one.pk), options[one.pk], pictures.get(one.pk)) for one in organizations]


def organization_summary(organization: Organization, role: str | None) -> OrganizationSummary:
    """One organization as lists show it."""
    return organization_summaries([organization], {organization.pk: role})[0]


def _summary(
    organization: Organization, role: str | None, options: dict[str, Any], ident: str | None
) -> OrganizationSummary:
    return {
        "id": str(organization.pk),
        "slug": organization.slug,
        "name": organization.name,
        "dateCreated": as_z(organization.date_added),
        "status": _status(organization),
        "isEarlyAdopter": organization.has_flag(OrganizationFlags.EARLY_ADOPTER),
        "require2FA": organization.has_flag(OrganizationFlags.REQUIRE_2FA),
        "requireEmailVerification": organization.has_flag(OrganizationFlags.REQUIRE_EMAIL_VERIFICATION),
        "features": _features(organization),
        "avatar": picture("upload", ident, "organization-avatar") if ident else LETTERS,
        "links": {"organizationUrl": settings.VEDETTE.url, "regionUrl": settings.VEDETTE.url},
        "hasAuthProvider": False,
        "allowMemberInvite": options["allowMemberInvite"],
        "allowMemberProjectCreation": not organization.has_flag(OrganizationFlags.DISABLE_MEMBER_PROJECT_CREATION),
        "allowSuperuserAccess": True,
        "orgRole": role,
    }


def _status(organization: Organization) -> Status:
    word = OrganizationStatus(organization.status).name.lower()
    return {"id": word, "name": word.replace("_", " ")}


def _features(organization: Organization) -> list[str]:
    features = []
    if organization.has_flag(OrganizationFlags.ALLOW_JOINLEAVE):
        features.append("open-membership")
    if not organization.has_flag(OrganizationFlags.DISABLE_SHARED_ISSUES):
        features.append("shared-issues")
    if organization.has_flag(OrganizationFlags.EARLY_ADOPTER):
        features.append("early-adopter")
    return features


def organization_details(organization: Organization, access: Access) -> OrganizationWithoutProjects:
    """One organization with its settings, as `access` sees it."""
    options = options_of([organization.pk])[organization.pk]
    pending = organization.members.exclude(invite_status=InviteStatus.APPROVED).count()
    return {
        **_summary(organization, access.role, options, idents_of([organization.pk]).get(organization.pk)),
        "access": sorted(access.scopes),
        "role": access.role,
        "isDefault": False,
        "quota": {
            "maxRate": None,
            "maxRateInterval": 60,
            "accountLimit": options["accountRateLimit"],
            "projectLimit": options["projectRateLimit"],
        },
        "defaultRole": organization.default_role,
        "availableRoles": [{"id": role.id, "name": role.name} for role in ROLES],
        "orgRoleList": org_roles(access),
        "teamRoleList": team_roles(access.role),
        "openMembership": organization.has_flag(OrganizationFlags.ALLOW_JOINLEAVE),
        "allowSharedIssues": not organization.has_flag(OrganizationFlags.DISABLE_SHARED_ISSUES),
        "enhancedPrivacy": organization.has_flag(OrganizationFlags.ENHANCED_PRIVACY),
        "codecovAccess": organization.has_flag(OrganizationFlags.CODECOV_ACCESS),
        "trustedRelays": [_relay(relay) for relay in relays_of(organization)],
        "apdexThreshold": options["apdexThreshold"],
        "aiSuggestedSolution": options["aiSuggestedSolution"],
        "githubPRBot": options["githubPRBot"],
        "githubOpenPRBot": options["githubOpenPRBot"],
        "githubNudgeInvite": options["githubNudgeInvite"],
        "aggregatedDataConsent": options["aggregatedDataConsent"],
        "genAIConsent": options["genAIConsent"],
        "dataScrubber": options["dataScrubber"],
        "dataScrubberDefaults": options["dataScrubberDefaults"],
        "scrubIPAddresses": options["scrubIPAddresses"],
        "scrapeJavaScript": options["scrapeJavaScript"],
        "allowJoinRequests": options["allowJoinRequests"],
        "eventsMemberAdmin": options["eventsMemberAdmin"],
        "alertsMemberWrite": options["alertsMemberWrite"],
        "sensitiveFields": list(options["sensitiveFields"]),
        "safeFields": list(options["safeFields"]),
        "storeCrashReports": options["storeCrashReports"],
        "attachmentsRole": options["attachmentsRole"],
        "debugFilesRole": options["debugFilesRole"],
        "relayPiiConfig": options["relayPiiConfig"],
        "retentionDays": options["retentionDays"],
        "attachmentRetentionDays": options["attachmentRetentionDays"],
        "stormEventsPerMinute": options["stormEventsPerMinute"],
        "errorLimit": options["errorLimit"],
        "transactionLimit": options["transactionLimit"],
        "attachmentLimit": options["attachmentLimit"],
        "attachmentBytesLimit": options["attachmentBytesLimit"],
        "sessionLimit": options["sessionLimit"],
        "feedbackLimit": options["feedbackLimit"],
        "spikeProtection": options["spikeProtection"],
        "pendingAccessRequests": pending,
        "onboardingTasks": [],
    }


def _relay(relay: TrustedRelay) -> TrustedRelayShape:
    return {
        "publicKey": relay.public_key,
        "name": relay.name,
        "description": relay.description,
        "created": relay.created,
        "lastModified": relay.last_modified,
    }


def roles_in(organizations: Collection[Organization], user_id: int, *, superuser: bool) -> dict[int, str | None]:
    """The user's role in each organization, by its id; a superuser acts as owner everywhere."""
    if superuser:
        return {organization.pk: "owner" for organization in organizations}
    rows = OrganizationMember.objects.filter(organization__in=organizations, user_id=user_id)
    return dict(rows.values_list("organization_id", "role"))
