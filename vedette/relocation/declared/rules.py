"""Rules that act on issues, and who was told to be quiet about them.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Relocation, Silo
from vedette.relocation.declared.scopes import ORGANIZATION, ORGANIZATION_OR_GLOBAL

DECLARED = (
    Relocation(
        "sentry.rule",
        Silo.REGION,
        ORGANIZATION,
        columns="data:T date_added:d label:s source:n status:n",
        keys="environment_id#>environment? owner_team>team? owner_user_id~>user? project>project",
        sanitised="json-texts: data; string: label",
    ),
    Relocation(
        "sentry.neglectedrule",
        Silo.REGION,
        ORGANIZATION,
        columns="disable_date:d opted_out:b sent_final_email_date:d sent_initial_email_date:d",
        keys="organization>organization rule>rule",
    ),
    Relocation(
        "sentry.ruleactivity",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d type:n",
        keys="rule>rule user_id~>user?",
    ),
    Relocation(
        "sentry.rulesnooze",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d until:d",
        keys="alert_rule>alertrule? owner_id~>user? rule>rule? user_id~>user?",
        uniques="{alert_rule} {alert_rule,user_id} {rule} {rule,user_id}",
    ),
    Relocation(
        "sentry.notificationaction",
        Silo.REGION,
        ORGANIZATION_OR_GLOBAL,
        columns="target_display:s target_identifier:s target_type:n trigger_type:n type:n",
        keys="integration_id~>integration? organization>organization sentry_app_id~>sentryapp?",
        sanitised="string: target_display; safe: target_identifier",
    ),
    Relocation(
        "sentry.notificationactionproject",
        Silo.REGION,
        ORGANIZATION_OR_GLOBAL,
        keys="action>notificationaction project>project",
    ),
)
