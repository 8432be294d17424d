"""Rules that act on metrics, with their triggers and actions.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Generation, Relocation, Silo
from vedette.relocation.declared.scopes import GLOBAL, ORGANIZATION

DECLARED = (
    Relocation(
        "sentry.alertrule",
        Silo.REGION,
        ORGANIZATION,
        columns=(
            "comparison_delta:n date_added:d date_modified:d include_all_projects:b monitor_type:n name:s "
            "resolve_threshold:f status:n threshold_period:n threshold_type:n"
        ),
        keys="organization>organization? snuba_query>snubaquery? team>team? user_id~>user?",
        uniques="{snuba_query}",
        compared="date-updated: date_modified",
        sanitised="name: name",
    ),
    Relocation(
        "sentry.alertruleprojects",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d",
        keys="alert_rule>alertrule project>project",
        uniques="{alert_rule,project}",
    ),
    Relocation(
        "sentry.alertruleexcludedprojects",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d",
        keys="alert_rule>alertrule project>project",
        uniques="{alert_rule,project}",
        until=Generation.MID_2024,
    ),
    Relocation(
        "sentry.alertruleactivity",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d type:n",
        keys="alert_rule>alertrule previous_alert_rule>alertrule? user_id~>user?",
    ),
    Relocation(
        "sentry.alertruleactivationcondition",
        Silo.REGION,
        ORGANIZATION,
        columns="condition_type:n date_added:d label:s",
        keys="alert_rule>alertrule",
        uniques="{alert_rule,label}",
        sanitised="string: label",
    ),
    Relocation(
        "sentry.alertruletrigger",
        Silo.REGION,
        ORGANIZATION,
        columns="alert_threshold:f date_added:d label:s resolve_threshold:f threshold_type:n",
        keys="alert_rule>alertrule",
        uniques="{alert_rule,label}",
        sanitised="safe: label",
    ),
    Relocation(
        "sentry.alertruletriggerexclusion",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d",
        keys="alert_rule_trigger>alertruletrigger query_subscription>querysubscription",
        uniques="{alert_rule_trigger,query_subscription}",
        until=Generation.MID_2024,
    ),
    Relocation(
        "sentry.alertruletriggeraction",
        Silo.REGION,
        GLOBAL,
        columns="date_added:d sentry_app_config:J status:n target_display:s target_identifier:s target_type:n type:n",
        keys="alert_rule_trigger>alertruletrigger integration_id~>integration? sentry_app_id~>sentryapp?",
        sanitised="json-texts: sentry_app_config; string: target_display; safe: target_identifier",
    ),
)
