"""Which texts of a file stay, and why: the allow-list.

A field that is declared `safe` keeps a value only if the value looks as it is said here; any other value is replaced
like a text that nobody vouches for. Without an entry of its own a safe field keeps public words (see `vocabulary`).
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

_NUMBER = re.compile(r"-?\d{1,19}(\.\d{1,12})?")
_COLOUR = re.compile(r"#?[0-9a-fA-F]{6}")
_VERSION = re.compile(r"\d{1,4}(\.\d{1,4}){0,3}([.-]?(dev|rc|beta|alpha|post)\d{0,4})?")
_PERIOD = re.compile(r"\d{1,6}[smhdwy]?")

# What a value must look like to stay, where public words are not the right measure.
SHAPES: Mapping[tuple[str, str], re.Pattern[str]] = MappingProxyType(
    {
        ("sentry.project", "forced_color"): _COLOUR,
        ("sentry.relayusage", "version"): _VERSION,
        ("sentry.dashboardwidget", "interval"): _PERIOD,
        ("sentry.incidentactivity", "value"): _NUMBER,
        ("sentry.incidentactivity", "previous_value"): _NUMBER,
        ("sentry.notificationaction", "target_identifier"): _NUMBER,
        ("sentry.alertruletriggeraction", "target_identifier"): _NUMBER,
        ("workflow_engine.datasource", "source_id"): _NUMBER,
    }
)

# Why each text field that is declared safe may stay. A test holds this list against the declarations.
REASONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("sentry.alertruletrigger", "label"): "the severity, one of the words critical and warning",
        ("sentry.alertruletriggeraction", "target_identifier"): "the id of a user, a team or an app, as a number",
        ("sentry.apiauthorization", "scope_list"): "names of permissions",
        ("sentry.apigrant", "scope_list"): "names of permissions",
        ("sentry.apikey", "scope_list"): "names of permissions",
        ("sentry.apitoken", "scope_list"): "names of permissions",
        ("sentry.apitoken", "token_type"): "how the token is passed: bearer",
        ("sentry.controloption", "key"): "the name of a setting of the instance",
        ("sentry.controloption", "last_updated_by"): "which program wrote it: a word of the format",
        ("sentry.dashboardwidget", "interval"): "a period, such as 5m",
        ("sentry.dashboardwidgetquery", "aggregates"): "functions and columns that every instance has",
        ("sentry.dashboardwidgetquery", "columns"): "columns that every instance has",
        ("sentry.dashboardwidgetquery", "fields"): "functions and columns that every instance has",
        ("sentry.dashboardwidgetquery", "orderby"): "functions and columns that every instance has",
        ("sentry.dashboardwidgetqueryondemand", "extraction_state"): "a state, one of a few words",
        ("sentry.incidentactivity", "previous_value"): "the number of a status",
        ("sentry.incidentactivity", "value"): "the number of a status",
        ("sentry.notificationaction", "target_identifier"): "the id of a user, a team or an app, as a number",
        ("sentry.option", "key"): "the name of a setting of the instance",
        ("sentry.option", "last_updated_by"): "which program wrote it: a word of the format",
        ("sentry.organization", "default_role"): "a role, one of a few words",
        ("sentry.organizationmember", "role"): "a role, one of a few words",
        ("sentry.organizationmemberteam", "role"): "a role, one of a few words",
        ("sentry.organizationoption", "key"): "the name of a setting",
        ("sentry.orgauthtoken", "scope_list"): "names of permissions",
        ("sentry.project", "forced_color"): "a colour as six hexadecimal digits",
        ("sentry.project", "platform"): "the name of a language or a framework",
        ("sentry.projectkey", "use_case"): "what the key is for, one of a few words",
        ("sentry.projectoption", "key"): "the name of a setting",
        ("sentry.projecttemplateoption", "key"): "the name of a setting",
        ("sentry.querysubscription", "type"): "the kind of subscription, one of a few words",
        ("sentry.relayusage", "version"): "the version of a program",
        ("sentry.savedsearch", "sort"): "a sort order, one of a few words",
        ("sentry.savedsearch", "visibility"): "who sees it, one of a few words",
        ("sentry.groupsearchview", "query_sort"): "a sort order, one of a few words",
        ("sentry.sentryapp", "scope_list"): "names of permissions",
        ("sentry.snubaquery", "aggregate"): "a function of columns that every instance has",
        ("sentry.snubaquery", "dataset"): "one of the data sets that every instance has",
        ("sentry.timeseriessnapshot", "values"): "numbers",
        ("sentry.useroption", "key"): "the name of a setting",
        ("sentry.userpermission", "permission"): "the name of a permission",
        ("sentry.userrole", "permissions"): "names of permissions",
        ("workflow_engine.datasource", "source_id"): "the id of a row, as a number",
    }
)


def looks_safe(model: str, name: str, value: str) -> bool | None:
    """Whether a value has the shape that is asked of its safe field; None where public words are the measure."""
    shape = SHAPES.get((model, name))
    return None if shape is None else shape.fullmatch(value) is not None
