"""What metric alerts have found.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Generation, Relocation, Silo
from vedette.relocation.declared.scopes import GLOBAL, ORGANIZATION

DECLARED = (
    Relocation(
        "sentry.incident",
        Silo.REGION,
        GLOBAL,
        columns=(
            "date_added:d date_closed:d date_detected:d date_started:d detection_uuid:u identifier:n status:n "
            "status_method:n title:s type:n"
        ),
        keys=(
            "activation>alertruleactivations? alert_rule>alertrule organization>organization "
            "subscription>querysubscription?"
        ),
        uniques="{identifier,organization}",
        compared="uuid4: detection_uuid",
        sanitised="string: title",
        newer="subscription",
        older_scopes=ORGANIZATION,
    ),
    Relocation(
        "sentry.timeseriessnapshot",
        Silo.REGION,
        GLOBAL,
        columns="date_added:d end:d period:n start:d values:L",
        after="incident",
        sanitised="safe: values",
        older_scopes=ORGANIZATION,
    ),
    Relocation(
        "sentry.pendingincidentsnapshot",
        Silo.REGION,
        GLOBAL,
        columns="date_added:d target_run_date:d",
        keys="incident!>incident",
        uniques="{incident}",
        older_scopes=ORGANIZATION,
    ),
    Relocation(
        "sentry.incidenttrigger",
        Silo.REGION,
        GLOBAL,
        columns="date_added:d date_modified:d status:n",
        keys="alert_rule_trigger>alertruletrigger incident>incident",
        uniques="{alert_rule_trigger,incident}",
        compared="date-updated: date_modified",
        older_scopes=ORGANIZATION,
    ),
    Relocation(
        "sentry.incidentsubscription",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d",
        keys="incident>incident user_id~>user",
        uniques="{incident,user_id}",
        until=Generation.MID_2024,
    ),
    Relocation(
        "sentry.incidentsnapshot",
        Silo.REGION,
        GLOBAL,
        columns="date_added:d total_events:n unique_users:n",
        keys="event_stats_snapshot>timeseriessnapshot incident!>incident",
        uniques="{incident}",
        older_scopes=ORGANIZATION,
    ),
    Relocation(
        "sentry.incidentactivity",
        Silo.REGION,
        GLOBAL,
        columns="comment:s date_added:d notification_uuid:u previous_value:s type:n value:s",
        keys="incident>incident user_id~>user?",
        compared="uuid4: notification_uuid",
        sanitised="string: comment; safe: previous_value value",
        older_scopes=ORGANIZATION,
    ),
)
