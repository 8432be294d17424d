"""The models that do something of their own on their way in, by wire name. All others follow `Rule` itself."""

from vedette.relocation.importing.rules.base import Rule
from vedette.relocation.importing.rules.belongings import (
    Authenticators,
    Emails,
    OfNewUsers,
    UserEmails,
    UserIps,
    UserOptions,
)
from vedette.relocation.importing.rules.organizations import Members, Organizations, Teams
from vedette.relocation.importing.rules.preserved import (
    Granted,
    Incidents,
    Narrowed,
    NewUuid,
    NotificationActions,
    QuerySubscriptions,
    SavedSearches,
)
from vedette.relocation.importing.rules.projects import ProjectKeys, ProjectOptions, Projects
from vedette.relocation.importing.rules.tokens import ApiTokens, OrgAuthTokens
from vedette.relocation.importing.rules.users import Users

RULES: dict[str, Rule] = {
    "sentry.organization": Organizations(),
    "sentry.team": Teams(),
    "sentry.user": Users(),
    "sentry.userip": UserIps(),
    "sentry.userpermission": OfNewUsers(),
    "sentry.savedsearch": SavedSearches(),
    "sentry.project": Projects(),
    "sentry.orgauthtoken": OrgAuthTokens(),
    "sentry.organizationmember": Members(),
    "sentry.monitor": NewUuid("guid", always=True),
    "sentry.email": Emails(),
    "sentry.authenticator": Authenticators(),
    "workflow_engine.detector": Narrowed("organization", "project"),
    "sentry.useroption": UserOptions(),
    "sentry.useremail": UserEmails(),
    "sentry.querysubscription": QuerySubscriptions(),
    "sentry.projectoption": ProjectOptions(),
    "sentry.projectkey": ProjectKeys(),
    "sentry.projectbookmark": Narrowed("project"),
    "sentry.notificationaction": NotificationActions(),
    "sentry.apitoken": ApiTokens(),
    "sentry.apigrant": Granted(),
    "sentry.apiauthorization": Granted(),
    "sentry.alertrule": Narrowed("organization"),
    "workflow_engine.alertruleworkflow": Narrowed("alert_rule", "rule"),
    "workflow_engine.alertruledetector": Narrowed("alert_rule", "rule"),
    "sentry.rulesnooze": Narrowed("alert_rule", "rule", "user_id"),
    "sentry.servicehook": Narrowed("application_id", "installation_id", "organization_id", "project_id"),
    "sentry.incident": Incidents(),
    "sentry.incidentactivity": NewUuid("notification_uuid"),
}

_DEFAULT = Rule()


def rule_for(model: str) -> Rule:
    """The rule of a model (canonical wire name)."""
    return RULES.get(model, _DEFAULT)
